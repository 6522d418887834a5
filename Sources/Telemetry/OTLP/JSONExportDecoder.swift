// JSONExportDecoder: OTLP export requests in their JSON form: camelCase names, unknown members ignored, trace and span ids in hex,
// 64-bit integers as text or as numbers (opentelemetry.io/docs/specs/otlp, "JSON Protobuf Encoding"). One pass, no tree.

import WireFormat

/// Decodes one request.
struct JSONExportDecoder {
    var scanner: JSONScanner
    var budget: ValueBudget
    let bytes: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer, _ limits: TelemetryLimits) {
        self.bytes = bytes
        scanner = JSONScanner(bytes)
        budget = ValueBudget(limits)
    }

    mutating func logs() throws(TelemetryError) -> [TelemetryGroup<TelemetryLog>] {
        try groups("resourceLogs", "scopeLogs", "logRecords") { decoder, items throws(TelemetryError) in
            items.append(try decoder.log())
        }
    }

    mutating func traces() throws(TelemetryError) -> [TelemetryGroup<TelemetrySpan>] {
        try groups("resourceSpans", "scopeSpans", "spans") { decoder, items throws(TelemetryError) in
            items.append(try decoder.span())
        }
    }

    mutating func metrics() throws(TelemetryError) -> [TelemetryGroup<TelemetryPoint>] {
        try groups("resourceMetrics", "scopeMetrics", "metrics") { decoder, items throws(TelemetryError) in
            try decoder.metric(&items)
        }
    }

    // MARK: The frame that the three requests share

    private mutating func groups<Item>(
        _ outer: String, _ inner: String, _ name: String, _ read: (inout Self, inout [Item]) throws(TelemetryError) -> Void
    ) throws(TelemetryError) -> [TelemetryGroup<Item>] {
        var groups: [TelemetryGroup<Item>] = []
        try members { decoder, key throws(TelemetryError) in
            guard key == outer else { return try decoder.skip() }
            try decoder.elements { decoder throws(TelemetryError) in
                try decoder.budget.take()
                var resource: [TelemetryAttribute] = []
                let first = groups.count
                try decoder.members { decoder, key throws(TelemetryError) in
                    switch key {
                    case "resource": try decoder.attributes(in: "attributes", &resource)
                    case inner:
                        try decoder.elements { decoder throws(TelemetryError) in
                            groups.append(try decoder.scopeGroup(name, read))
                        }
                    default: try decoder.skip()
                    }
                }
                for index in first..<groups.count { groups[index].resource = resource }
            }
        }
        do throws(JSONError) { try scanner.finish() } catch { throw telemetryError(error) }
        return groups
    }

    private mutating func scopeGroup<Item>(
        _ name: String, _ read: (inout Self, inout [Item]) throws(TelemetryError) -> Void
    ) throws(TelemetryError) -> TelemetryGroup<Item> {
        try budget.take()
        var group = TelemetryGroup<Item>()
        try members { decoder, key throws(TelemetryError) in
            switch key {
            case "scope": try decoder.scope(&group.scope)
            case name: try decoder.elements { decoder throws(TelemetryError) in try read(&decoder, &group.items) }
            default: try decoder.skip()
            }
        }
        return group
    }

    private mutating func scope(_ scope: inout TelemetryScope) throws(TelemetryError) {
        try members { decoder, key throws(TelemetryError) in
            switch key {
            case "name": scope.name = try decoder.string() ?? ""
            case "version": scope.version = try decoder.string() ?? ""
            case "attributes": try decoder.attributes(&scope.attributes, depth: 1)
            default: try decoder.skip()
            }
        }
    }

    // MARK: Records and spans

    private mutating func log() throws(TelemetryError) -> TelemetryLog {
        try budget.take()
        var log = TelemetryLog()
        try members { decoder, key throws(TelemetryError) in
            switch key {
            case "timeUnixNano": log.timeNanoseconds = try decoder.unsigned() ?? 0
            case "observedTimeUnixNano": log.observedNanoseconds = try decoder.unsigned() ?? 0
            case "severityNumber": log.severity = try decoder.int32() ?? 0
            case "severityText": log.severityText = try decoder.string() ?? ""
            case "eventName": log.eventName = try decoder.string() ?? ""
            case "body": log.body = try decoder.value(depth: 1)
            case "attributes": try decoder.attributes(&log.attributes, depth: 1)
            case "traceId": log.traceID = try decoder.hex()
            case "spanId": log.spanID = try decoder.hex()
            default: try decoder.skip()
            }
        }
        return log
    }

    private mutating func span() throws(TelemetryError) -> TelemetrySpan {
        try budget.take()
        var span = TelemetrySpan()
        try members { decoder, key throws(TelemetryError) in
            switch key {
            case "traceId": span.traceID = try decoder.hex()
            case "spanId": span.spanID = try decoder.hex()
            case "parentSpanId": span.parentSpanID = try decoder.hex()
            case "name": span.name = try decoder.string() ?? ""
            case "kind": span.kind = try decoder.int32() ?? 0
            case "startTimeUnixNano": span.startNanoseconds = try decoder.unsigned() ?? 0
            case "endTimeUnixNano": span.endNanoseconds = try decoder.unsigned() ?? 0
            case "attributes": try decoder.attributes(&span.attributes, depth: 1)
            case "status":
                try decoder.members { decoder, key throws(TelemetryError) in
                    switch key {
                    case "message": span.statusMessage = try decoder.string() ?? ""
                    case "code": span.statusCode = try decoder.int32() ?? 0
                    default: try decoder.skip()
                    }
                }
            default: try decoder.skip()
            }
        }
        return span
    }

    // MARK: Attributes

    /// The attributes that the object here holds under a name.
    private mutating func attributes(in name: String, _ found: inout [TelemetryAttribute]) throws(TelemetryError) {
        try members { decoder, key throws(TelemetryError) in
            if key == name { try decoder.attributes(&found, depth: 1) } else { try decoder.skip() }
        }
    }

    mutating func attributes(_ found: inout [TelemetryAttribute], depth: Int) throws(TelemetryError) {
        try elements { decoder throws(TelemetryError) in
            try decoder.budget.take()
            var attribute = TelemetryAttribute()
            try decoder.members { decoder, key throws(TelemetryError) in
                switch key {
                case "key": attribute.key = try decoder.string() ?? ""
                case "value": attribute.value = try decoder.value(depth: depth)
                default: try decoder.skip()
                }
            }
            found.append(attribute)
        }
    }

    /// AnyValue: an object of which one member says the kind.
    private mutating func value(depth: Int) throws(TelemetryError) -> TelemetryValue {
        try budget.check(depth: depth)
        var value = TelemetryValue.empty
        try members { decoder, key throws(TelemetryError) in
            switch key {
            case "stringValue": if let text = try decoder.string() { value = .string(text) }
            case "boolValue": if let flag = try decoder.bool() { value = .bool(flag) }
            case "intValue": if let number = try decoder.signed() { value = .int(number) }
            case "doubleValue": if let number = try decoder.double() { value = .double(number) }
            case "bytesValue": if let text = try decoder.string() { value = .bytes(try decodeBase64(text)) }
            case "arrayValue":
                var values: [TelemetryValue] = []
                try decoder.members { decoder, key throws(TelemetryError) in
                    guard key == "values" else { return try decoder.skip() }
                    try decoder.elements { decoder throws(TelemetryError) in
                        try decoder.budget.take()
                        values.append(try decoder.value(depth: depth + 1))
                    }
                }
                value = .array(values)
            case "kvlistValue":
                var found: [TelemetryAttribute] = []
                try decoder.members { decoder, key throws(TelemetryError) in
                    guard key == "values" else { return try decoder.skip() }
                    try decoder.attributes(&found, depth: depth + 1)
                }
                value = .map(found)
            default: try decoder.skip()
            }
        }
        return value
    }
}
