// RoutingCoding: what a route decided, as a member of its turn's record, and back. Short names, and nothing that is not known.

import GatewayModel
import WireFormat

extension JSONWriter {
    mutating func routing(_ decisions: [RouteDecision]) {
        beginArray("routing")
        for one in decisions {
            beginObject()
            field("route", one.route)
            field("pick", one.pick)
            field("why", one.reason)
            if one.isForced { field("forced", true) }
            field("in", one.inputTokens)
            optional("tools", one.toolCount)
            optional("depth", one.toolDepth)
            optional("turns", one.turnDepth)
            beginArray("of")
            for candidate in one.candidates {
                beginObject()
                field("d", candidate.deployment)
                field("s", candidate.state)
                if candidate.probabilityPPM > 0 { field("p", candidate.probabilityPPM) }
                optional("w", candidate.weight)
                optional("us", candidate.latencyMicroseconds)
                optional("n", candidate.inFlight)
                optional("c", candidate.costNanoUSD)
                field("t", candidate.tier)
                endObject()
            }
            endArray()
            endObject()
        }
        endArray()
    }

    private mutating func optional(_ name: StaticString, _ value: Int64?) {
        if let value { field(name, value) }
    }
}

/// Reads decisions.
func decodeRouting(_ bytes: UnsafeRawBufferPointer) -> [RouteDecision] {
    var decisions: [RouteDecision] = []
    visitJSONElements(bytes) { _, value in
        var one = RouteDecision(route: "", pick: "", reason: "", isForced: false, inputTokens: 0, candidates: [])
        visitJSONMembers(value) { member in
            if member.isNamed("route") { one.route = member.string ?? "" }
            if member.isNamed("pick") { one.pick = member.string ?? "" }
            if member.isNamed("why") { one.reason = member.string ?? "" }
            if member.isNamed("forced") { one.isForced = member.boolean ?? false }
            if member.isNamed("in") { one.inputTokens = member.integer ?? 0 }
            if member.isNamed("tools") { one.toolCount = member.integer }
            if member.isNamed("depth") { one.toolDepth = member.integer }
            if member.isNamed("turns") { one.turnDepth = member.integer }
            if member.isNamed("of") { one.candidates = decodeCandidates(member.value) }
        }
        decisions.append(one)
        return true
    }
    return decisions
}

private func decodeCandidates(_ bytes: UnsafeRawBufferPointer) -> [RouteCandidate] {
    var candidates: [RouteCandidate] = []
    visitJSONElements(bytes) { _, value in
        var one = RouteCandidate(deployment: "", state: "")
        visitJSONMembers(value) { member in
            if member.isNamed("d") { one.deployment = member.string ?? "" }
            if member.isNamed("s") { one.state = member.string ?? "" }
            if member.isNamed("p") { one.probabilityPPM = member.integer ?? 0 }
            if member.isNamed("w") { one.weight = member.integer }
            if member.isNamed("us") { one.latencyMicroseconds = member.integer }
            if member.isNamed("n") { one.inFlight = member.integer }
            if member.isNamed("c") { one.costNanoUSD = member.integer }
            if member.isNamed("t") { one.tier = member.string }
        }
        candidates.append(one)
        return true
    }
    return candidates
}
