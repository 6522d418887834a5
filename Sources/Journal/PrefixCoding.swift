// PrefixCoding: what a turn's prompt cache lost, as a member of its record, and back.

import GatewayModel
import WireFormat

extension JSONWriter {
    mutating func prefix(_ breaks: [PrefixBreak]) {
        beginArray("prefix")
        for one in breaks {
            beginObject()
            field("why", one.cause.rawValue)
            if let message = one.message { field("message", message) }
            one.after.withUTF8 { field("after", utf8: $0) }
            field("idle", one.idleSeconds)
            field("expected", one.expectedTokens)
            field("read", one.readTokens)
            endObject()
        }
        endArray()
    }
}

/// Reads them; a cause that this Weir does not know is left out.
func decodePrefix(_ bytes: UnsafeRawBufferPointer) -> [PrefixBreak] {
    var breaks: [PrefixBreak] = []
    visitJSONElements(bytes) { _, value in
        var cause: PrefixBreak.Cause?
        var one = PrefixBreak(
            cause: .provider, after: RequestID(high: 0, low: 0), idleSeconds: 0, expectedTokens: 0, readTokens: 0)
        visitJSONMembers(value) { member in
            if member.isNamed("why") { cause = member.string.flatMap(PrefixBreak.Cause.init) }
            if member.isNamed("message") { one.message = member.integer.flatMap { Int(exactly: $0) } }
            if member.isNamed("after") { one.after = member.string.flatMap(RequestID.init) ?? one.after }
            if member.isNamed("idle") { one.idleSeconds = member.integer ?? 0 }
            if member.isNamed("expected") { one.expectedTokens = member.integer ?? 0 }
            if member.isNamed("read") { one.readTokens = member.integer ?? 0 }
        }
        if let cause {
            one.cause = cause
            breaks.append(one)
        }
        return true
    }
    return breaks
}
