// TelemetryExport: reads what OpenTelemetry exporters send (OTLP/HTTP logs, spans and metrics, as protobuf or as JSON) and takes
// out of it what a client says of its model and tool calls. This file holds the one value that both encodings decode to.

/// One attribute's value.
package indirect enum TelemetryValue: Sendable, Hashable {
    case empty
    case string(String)
    case bool(Bool)
    case int(Int64)
    case double(Double)
    case bytes([UInt8])
    case array([TelemetryValue])
    case map([TelemetryAttribute])
}

/// A name and a value.
package struct TelemetryAttribute: Sendable, Hashable {
    package var key: String
    package var value: TelemetryValue

    package init(_ key: String = "", _ value: TelemetryValue = .empty) {
        self.key = key
        self.value = value
    }
}

/// The code that made records: a library and its version.
package struct TelemetryScope: Sendable, Hashable {
    package var name = ""
    package var version = ""
    package var attributes: [TelemetryAttribute] = []

    package init() {}
}

/// A log record or an event.
package struct TelemetryLog: Sendable, Hashable {
    package var timeNanoseconds: UInt64 = 0
    package var observedNanoseconds: UInt64 = 0
    package var severity: Int32 = 0
    package var severityText = ""
    package var eventName = ""
    package var body = TelemetryValue.empty
    package var attributes: [TelemetryAttribute] = []
    package var traceID: [UInt8] = []
    package var spanID: [UInt8] = []

    package init() {}
}

/// A span. Its events and links are not kept.
package struct TelemetrySpan: Sendable, Hashable {
    package var traceID: [UInt8] = []
    package var spanID: [UInt8] = []
    package var parentSpanID: [UInt8] = []
    package var name = ""
    package var kind: Int32 = 0
    package var startNanoseconds: UInt64 = 0
    package var endNanoseconds: UInt64 = 0
    package var attributes: [TelemetryAttribute] = []
    /// 0 unset, 1 ok, 2 error.
    package var statusCode: Int32 = 0
    package var statusMessage = ""

    package init() {}
}

/// One point of a metric.
package struct TelemetryPoint: Sendable, Hashable {
    /// What a point measured.
    package enum Value: Sendable, Hashable {
        case none
        case int(Int64)
        case double(Double)
        /// A histogram's or a summary's count and sum.
        case distribution(count: UInt64, sum: Double?)
    }

    package var name = ""
    package var unit = ""
    package var attributes: [TelemetryAttribute] = []
    package var startNanoseconds: UInt64 = 0
    package var timeNanoseconds: UInt64 = 0
    package var value = Value.none

    package init() {}
}

/// What one resource's one scope sent.
package struct TelemetryGroup<Item: Sendable & Hashable>: Sendable, Hashable {
    package var resource: [TelemetryAttribute] = []
    package var scope = TelemetryScope()
    package var items: [Item] = []

    package init() {}
}

/// The three kinds of telemetry, each with a path of its own.
package enum TelemetrySignal: String, Sendable, CaseIterable {
    case logs, traces, metrics

    /// `/v1/logs`.
    package var path: String { "/v1/\(rawValue)" }
}

/// One export request, whole.
package enum TelemetryExport: Sendable, Hashable {
    case logs([TelemetryGroup<TelemetryLog>])
    case traces([TelemetryGroup<TelemetrySpan>])
    case metrics([TelemetryGroup<TelemetryPoint>])

    /// How many records, spans or points it holds.
    package var count: Int {
        switch self {
        case .logs(let groups): groups.reduce(0) { $0 + $1.items.count }
        case .traces(let groups): groups.reduce(0) { $0 + $1.items.count }
        case .metrics(let groups): groups.reduce(0) { $0 + $1.items.count }
        }
    }
}

/// The two encodings of OTLP/HTTP.
package enum TelemetryEncoding: Sendable, Hashable, CaseIterable {
    case protobuf, json

    /// By the media type of a request; nil for any other.
    package init?(contentType: String) {
        switch contentType.prefix(while: { $0 != ";" }).lowercased().filter({ $0 != " " && $0 != "\t" }) {
        case "application/x-protobuf": self = .protobuf
        case "application/json": self = .json
        default: return nil
        }
    }

    package var contentType: String { self == .json ? "application/json" : "application/x-protobuf" }
}

/// Why a request is not read.
package enum TelemetryError: Error, Sendable, Hashable {
    case malformed(String)
    /// Nested deeper than the limit.
    case tooDeep(max: Int)
    /// More values than the limit: they would take many times the memory of their bytes.
    case tooManyValues(max: Int)
    /// Inflates to more than the limit.
    case tooLarge(maxBytes: Int)
    /// Compressed in a way that is not read.
    case unsupportedEncoding
}

/// What one request may hold.
package struct TelemetryLimits: Sendable, Hashable {
    /// Of the body as it came, and again of what it inflates to.
    package var bodyBytesMax = 8 << 20
    /// Messages, attributes and array elements.
    package var valuesMax = 500_000
    package var depthMax = 32

    package init() {}
}

/// Decodes a request's body, inflated.
package func decodeTelemetry(
    _ signal: TelemetrySignal, _ encoding: TelemetryEncoding, _ body: UnsafeRawBufferPointer,
    limits: TelemetryLimits = TelemetryLimits()
) throws(TelemetryError) -> TelemetryExport {
    switch encoding {
    case .protobuf:
        var decoder = ProtobufExportDecoder(limits)
        switch signal {
        case .logs: return .logs(try decoder.logs(body))
        case .traces: return .traces(try decoder.traces(body))
        case .metrics: return .metrics(try decoder.metrics(body))
        }
    case .json:
        var decoder = JSONExportDecoder(body, limits)
        switch signal {
        case .logs: return .logs(try decoder.logs())
        case .traces: return .traces(try decoder.traces())
        case .metrics: return .metrics(try decoder.metrics())
        }
    }
}
