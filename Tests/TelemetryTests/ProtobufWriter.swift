// ProtobufWriter: OTLP messages in protobuf, written from the value that decoding must give back.

import Telemetry

/// Writes fields in the order in which they are asked for.
struct ProtobufWriter {
    var bytes: [UInt8] = []

    mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    mutating func number(_ field: UInt64, _ value: UInt64) {
        varint(field << 3)
        varint(value)
    }

    mutating func fixed64(_ field: UInt64, _ value: UInt64) {
        varint(field << 3 | 1)
        for index in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * index))) }
    }

    mutating func fixed32(_ field: UInt64, _ value: UInt32) {
        varint(field << 3 | 5)
        for index in 0..<4 { bytes.append(UInt8(truncatingIfNeeded: value >> UInt32(8 * index))) }
    }

    mutating func data(_ field: UInt64, _ value: [UInt8]) {
        varint(field << 3 | 2)
        varint(UInt64(value.count))
        bytes += value
    }

    mutating func text(_ field: UInt64, _ value: String) { data(field, Array(value.utf8)) }

    mutating func message(_ field: UInt64, _ body: (inout ProtobufWriter) -> Void) {
        var inner = ProtobufWriter()
        body(&inner)
        data(field, inner.bytes)
    }
}

extension ProtobufWriter {
    /// A whole request.
    static func write(_ export: TelemetryExport) -> [UInt8] {
        var writer = ProtobufWriter()
        switch export {
        case .logs(let groups): for group in groups { writer.group(group) { $0.log($1) } }
        case .traces(let groups): for group in groups { writer.group(group) { $0.span($1) } }
        case .metrics(let groups): for group in groups { writer.group(group) { $0.metric($1) } }
        }
        return writer.bytes
    }

    private mutating func group<Item>(_ group: TelemetryGroup<Item>, _ item: (inout ProtobufWriter, Item) -> Void) {
        message(1) { resource in
            resource.message(1) { $0.attributes(1, group.resource) }
            resource.message(2) { scope in
                scope.message(1) { inner in
                    inner.text(1, group.scope.name)
                    inner.text(2, group.scope.version)
                    inner.attributes(3, group.scope.attributes)
                }
                for one in group.items { scope.message(2) { item(&$0, one) } }
                scope.text(3, "https://schema.example")
            }
        }
    }

    private mutating func log(_ log: TelemetryLog) {
        fixed64(1, log.timeNanoseconds)
        fixed64(11, log.observedNanoseconds)
        number(2, UInt64(bitPattern: Int64(log.severity)))
        text(3, log.severityText)
        if log.body != .empty { message(5) { $0.value(log.body) } }
        attributes(6, log.attributes)
        number(7, 3)
        fixed32(8, 1)
        data(9, log.traceID)
        data(10, log.spanID)
        text(12, log.eventName)
    }

    private mutating func span(_ span: TelemetrySpan) {
        data(1, span.traceID)
        data(2, span.spanID)
        text(3, "state=1")
        data(4, span.parentSpanID)
        text(5, span.name)
        number(6, UInt64(bitPattern: Int64(span.kind)))
        fixed64(7, span.startNanoseconds)
        fixed64(8, span.endNanoseconds)
        attributes(9, span.attributes)
        message(11) { $0.text(2, "an event") }
        message(15) { status in
            status.text(2, span.statusMessage)
            status.number(3, UInt64(bitPattern: Int64(span.statusCode)))
        }
    }

    private mutating func metric(_ point: TelemetryPoint) {
        text(1, point.name)
        text(2, "what it measures")
        text(3, point.unit)
        let isDistribution = if case .distribution = point.value { true } else { false }
        message(isDistribution ? 9 : 7) { data in
            data.message(1) { inner in
                inner.attributes(isDistribution ? 9 : 7, point.attributes)
                inner.fixed64(2, point.startNanoseconds)
                inner.fixed64(3, point.timeNanoseconds)
                switch point.value {
                case .none: break
                case .double(let value): inner.fixed64(4, value.bitPattern)
                case .int(let value): inner.fixed64(6, UInt64(bitPattern: value))
                case .distribution(let count, let sum):
                    inner.fixed64(4, count)
                    if let sum { inner.fixed64(5, sum.bitPattern) }
                    // Packed buckets.
                    inner.data(6, [UInt8](repeating: 1, count: 16))
                }
            }
            data.number(2, 1)
        }
    }

    mutating func attributes(_ field: UInt64, _ attributes: [TelemetryAttribute]) {
        for one in attributes {
            message(field) { inner in
                inner.text(1, one.key)
                inner.message(2) { $0.value(one.value) }
            }
        }
    }

    mutating func value(_ value: TelemetryValue) {
        switch value {
        case .empty: break
        case .string(let value): text(1, value)
        case .bool(let value): number(2, value ? 1 : 0)
        case .int(let value): number(3, UInt64(bitPattern: value))
        case .double(let value): fixed64(4, value.bitPattern)
        case .array(let values): message(5) { inner in for one in values { inner.message(1) { $0.value(one) } } }
        case .map(let members): message(6) { $0.attributes(1, members) }
        case .bytes(let value): data(7, value)
        }
    }
}
