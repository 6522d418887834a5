// ExportReply: the bodies of OTLP/HTTP answers, in the encoding of the request: an export response with its partial success, or a
// `google.rpc.Status`.

import WireFormat

/// Writes answers.
package enum ExportReply {
    /// The whole export was taken, or all but `rejected` items, for `reason`.
    package static func taken(
        _ signal: TelemetrySignal, _ encoding: TelemetryEncoding, rejected: Int = 0, reason: String = ""
    ) -> [UInt8] {
        guard rejected > 0 else { return encoding == .json ? [123, 125] : [] }
        switch encoding {
        case .protobuf:
            // Response { partial_success = 1 { rejected = 1, error_message = 2 } }.
            return bytesField(1, varintField(1, UInt64(rejected)) + bytesField(2, Array(reason.utf8)))
        case .json:
            var writer = JSONWriter()
            writer.beginObject()
            writer.beginObject("partialSuccess")
            // A 64-bit integer is text in protobuf's JSON.
            switch signal {
            case .logs: writer.field("rejectedLogRecords", String(rejected))
            case .traces: writer.field("rejectedSpans", String(rejected))
            case .metrics: writer.field("rejectedDataPoints", String(rejected))
            }
            writer.field("errorMessage", reason)
            writer.endObject()
            writer.endObject()
            return writer.bytes
        }
    }

    /// `google.rpc.Status { code = 1, message = 2 }`.
    package static func status(_ code: StatusCode, _ message: String, _ encoding: TelemetryEncoding) -> [UInt8] {
        switch encoding {
        case .protobuf: return varintField(1, UInt64(code.rawValue)) + bytesField(2, Array(message.utf8))
        case .json:
            var writer = JSONWriter()
            writer.beginObject()
            writer.field("code", code.rawValue)
            writer.field("message", message)
            writer.endObject()
            return writer.bytes
        }
    }

    /// The codes of `google.rpc.Code` that are answered.
    package enum StatusCode: Int, Sendable {
        case invalidArgument = 3
        case permissionDenied = 7
        case resourceExhausted = 8
        case unavailable = 14
        case unauthenticated = 16
    }

    private static func varintField(_ number: UInt8, _ value: UInt64) -> [UInt8] { [number << 3] + varint(value) }

    private static func bytesField(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] {
        [number << 3 | 2] + varint(UInt64(bytes.count)) + bytes
    }

    private static func varint(_ value: UInt64) -> [UInt8] {
        var rest = value
        var bytes: [UInt8] = []
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(truncatingIfNeeded: rest)]
    }
}
