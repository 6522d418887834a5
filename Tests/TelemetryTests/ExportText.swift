// ExportText: OTLP messages in JSON, written by Foundation from the value that decoding must give back.

import Foundation
import FuzzOracles
import Telemetry

/// Writes a whole request; `seed` chooses among the forms that the mapping allows.
func exportText(_ export: TelemetryExport, seed: UInt64) throws -> [UInt8] {
    var text = ExportText(random: Seeded(seed))
    let document: [String: Any] =
        switch export {
        case .logs(let groups): ["resourceLogs": groups.map { text.group($0, "scopeLogs", "logRecords") { $0.log($1) } }]
        case .traces(let groups): ["resourceSpans": groups.map { text.group($0, "scopeSpans", "spans") { $0.span($1) } }]
        case .metrics(let groups):
            ["resourceMetrics": groups.map { text.group($0, "scopeMetrics", "metrics") { $0.metric($1) } }]
        }
    return Array(try JSONSerialization.data(withJSONObject: document, options: text.random.chance(2) ? [.prettyPrinted] : []))
}

private struct ExportText {
    var random: Seeded

    /// A 64-bit integer is text, or a number where a number is exact.
    mutating func integer(_ value: Int64) -> Any { abs(value) < 1 << 50 && random.chance(2) ? value as Any : String(value) }

    mutating func unsigned(_ value: UInt64) -> Any { value < 1 << 50 && random.chance(2) ? value as Any : String(value) }

    func hex(_ bytes: [UInt8], upper: Bool) -> String { bytes.map { String(format: upper ? "%02X" : "%02x", $0) }.joined() }

    mutating func group<Item>(
        _ group: TelemetryGroup<Item>, _ inner: String, _ name: String, _ item: (inout ExportText, Item) -> Any
    ) -> Any {
        var items: [Any] = []
        for one in group.items { items.append(item(&self, one)) }
        let scope: [String: Any] = [
            "name": group.scope.name, "version": group.scope.version, "attributes": attributes(group.scope.attributes),
        ]
        return [
            "resource": ["attributes": attributes(group.resource), "droppedAttributesCount": 0] as [String: Any],
            inner: [["scope": scope, name: items, "schemaUrl": "https://schema.example"] as [String: Any]],
            "unknown": ["a": [1, "x", NSNull()] as [Any]],
        ] as [String: Any]
    }

    mutating func log(_ log: TelemetryLog) -> Any {
        [
            "timeUnixNano": unsigned(log.timeNanoseconds), "observedTimeUnixNano": unsigned(log.observedNanoseconds),
            "severityNumber": Int(log.severity), "severityText": log.severityText, "eventName": log.eventName,
            "body": log.body == .empty ? NSNull() : value(log.body), "attributes": attributes(log.attributes),
            "traceId": hex(log.traceID, upper: random.chance(2)), "spanId": hex(log.spanID, upper: false), "flags": 1,
        ] as [String: Any]
    }

    mutating func span(_ span: TelemetrySpan) -> Any {
        [
            "traceId": hex(span.traceID, upper: random.chance(2)), "spanId": hex(span.spanID, upper: false),
            "parentSpanId": hex(span.parentSpanID, upper: false), "name": span.name, "kind": Int(span.kind),
            "startTimeUnixNano": unsigned(span.startNanoseconds), "endTimeUnixNano": unsigned(span.endNanoseconds),
            "attributes": attributes(span.attributes), "events": [["name": "an event"]],
            "status": ["message": span.statusMessage, "code": Int(span.statusCode)] as [String: Any],
        ] as [String: Any]
    }

    mutating func metric(_ point: TelemetryPoint) -> Any {
        var data: [String: Any] = [
            "attributes": attributes(point.attributes), "startTimeUnixNano": unsigned(point.startNanoseconds),
            "timeUnixNano": unsigned(point.timeNanoseconds),
        ]
        var kind = "sum"
        switch point.value {
        case .none: break
        case .int(let value): data["asInt"] = integer(value)
        case .double(let value): data["asDouble"] = double(value)
        case .distribution(let count, let sum):
            kind = "histogram"
            data["count"] = unsigned(count)
            data["bucketCounts"] = ["1", "2"]
            if let sum { data["sum"] = double(sum) }
        }
        return ["name": point.name, "unit": point.unit, kind: ["dataPoints": [data], "isMonotonic": true] as [String: Any]]
            as [String: Any]
    }

    mutating func attributes(_ attributes: [TelemetryAttribute]) -> [Any] {
        var found: [Any] = []
        for one in attributes { found.append(["key": one.key, "value": value(one.value)] as [String: Any]) }
        return found
    }

    func double(_ value: Double) -> Any {
        value.isFinite ? value as Any : value.isNaN ? "NaN" : value > 0 ? "Infinity" : "-Infinity"
    }

    mutating func value(_ value: TelemetryValue) -> Any {
        switch value {
        case .empty: return [String: Any]()
        case .string(let text): return ["stringValue": text]
        case .bool(let flag): return ["boolValue": flag]
        case .int(let number): return ["intValue": integer(number)]
        case .double(let number): return ["doubleValue": double(number)]
        case .bytes(let bytes): return ["bytesValue": Data(bytes).base64EncodedString()]
        case .array(let values):
            var found: [Any] = []
            for one in values { found.append(self.value(one)) }
            return ["arrayValue": ["values": found]]
        case .map(let members): return ["kvlistValue": ["values": attributes(members)]]
        }
    }
}
