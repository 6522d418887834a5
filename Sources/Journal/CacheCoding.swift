// CacheCoding: where a cached answer came from, as a member of its turn's record, and back.

import GatewayModel
import WireFormat

extension JSONWriter {
    mutating func cached(_ answers: [CachedAnswer]) {
        beginArray("cached")
        for one in answers {
            beginObject()
            one.from.withUTF8 { field("from", utf8: $0) }
            field("age", one.ageSeconds)
            if let saved = one.saved { field("saved", saved.value) }
            endObject()
        }
        endArray()
    }
}

/// Reads them.
func decodeCached(_ bytes: UnsafeRawBufferPointer) -> [CachedAnswer] {
    var answers: [CachedAnswer] = []
    visitJSONElements(bytes) { _, value in
        var one = CachedAnswer(from: RequestID(high: 0, low: 0), ageSeconds: 0, saved: nil)
        visitJSONMembers(value) { member in
            if member.isNamed("from") { one.from = member.string.flatMap(RequestID.init) ?? one.from }
            if member.isNamed("age") { one.ageSeconds = member.integer ?? 0 }
            if member.isNamed("saved") { one.saved = member.integer.map(NanoUSD.init) }
        }
        answers.append(one)
        return true
    }
    return answers
}
