// LimitTraceCoding: the `limits` member of a turn's record: `[{"rule":…,"unit":…,"limit":…,"before":…,"reserved":…,"used":…}]`.

import GatewayModel
import WireFormat

extension JSONWriter {
    mutating func limits(_ traces: [LimitTrace]) {
        beginArray("limits")
        for trace in traces.prefix(LimitTrace.countMax) {
            beginObject()
            field("rule", trace.rule)
            if !trace.group.isEmpty {
                beginArray("group")
                for value in trace.group { element(value) }
                endArray()
            }
            field("unit", trace.unit)
            field("limit", trace.limit)
            field("before", trace.before)
            if let reserved = trace.reserved { field("reserved", reserved) }
            if let used = trace.used { field("used", used) }
            if trace.decided { field("decided", true) }
            endObject()
        }
        endArray()
    }
}

func decodeLimits(_ bytes: UnsafeRawBufferPointer) -> [LimitTrace] {
    var traces: [LimitTrace] = []
    visitJSONElements(bytes) { _, value in
        var trace = LimitTrace(rule: "", unit: "", limit: 0, before: 0, reserved: nil)
        visitJSONMembers(value) { member in
            switch member.key {
            case "rule": trace.rule = member.string ?? ""
            case "group":
                visitJSONElements(member.value) { kind, text in
                    guard kind == .string else { return true }
                    trace.group.append(decodeJSONString(UnsafeRawBufferPointer(rebasing: text[1..<text.count - 1])))
                    return true
                }
            case "unit": trace.unit = member.string ?? ""
            case "limit": trace.limit = member.integer ?? 0
            case "before": trace.before = member.integer ?? 0
            case "reserved": trace.reserved = member.integer
            case "used": trace.used = member.integer
            case "decided": trace.decided = member.boolean ?? false
            default: break
            }
        }
        traces.append(trace)
        return traces.count < LimitTrace.countMax
    }
    return traces
}
