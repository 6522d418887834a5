// SessionStandingCoding: a session that is paused, or let go on, as an `entity.changed` record, and back. The last record of a session
// says how it stands.

package import GatewayModel
package import WireFormat

extension Journal {
    /// Journals how a session stands from now on.
    package func sessionChanged(_ standing: SessionStanding, before: SessionStanding? = nil) throws(JournalError) -> JournalPosition {
        try append(.entityChanged, at: standing.at) { writer in
            writer.field("entity", "session")
            writer.field("id", "\(standing.key)/\(standing.session)")
            if let before {
                writer.beginObject("before")
                writer.standing(before)
                writer.endObject()
            }
            writer.beginObject("after")
            writer.standing(standing)
            writer.endObject()
        }
    }
}

extension JSONWriter {
    package mutating func standing(_ standing: SessionStanding) {
        field("key", standing.key)
        field("session", standing.session)
        field("developer", standing.developer)
        field("state", standing.state.rawValue)
        field("rule", standing.rule)
        field("text", standing.text)
        if let turns = standing.turnsMax { field("turns_max", turns) }
        if let cost = standing.costMax { field("cost_nano_usd_max", cost) }
        if let until = standing.until { field("until", until.rfc3339) }
        field("by", standing.by)
        field("reason", standing.reason)
        field("at", standing.at.rfc3339)
    }
}

/// What an `entity.changed` record says of a session; nil for the changes of other entities.
package func decodeSessionChange(_ record: UnsafeRawBufferPointer) -> SessionStanding? {
    var isSession = false
    var standing: SessionStanding?
    visitJSONMembers(record) { member in
        if member.isNamed("entity") { isSession = member.isString("session") }
        if member.isNamed("after"), isSession { standing = decodeStanding(member.value) }
    }
    return standing
}

/// A standing from its own members.
package func decodeStanding(_ json: UnsafeRawBufferPointer) -> SessionStanding? {
    var standing = SessionStanding(
        key: "", session: "", developer: "", state: .paused, rule: "", text: "", at: Timestamp(nanoseconds: 0))
    var state: SessionStanding.State?
    visitJSONMembers(json) { member in
        if member.isNamed("key") { standing.key = member.string ?? "" }
        if member.isNamed("session") { standing.session = member.string ?? "" }
        if member.isNamed("developer") { standing.developer = member.string ?? "" }
        if member.isNamed("state") { state = member.string.flatMap(SessionStanding.State.init(rawValue:)) }
        if member.isNamed("rule") { standing.rule = member.string ?? "" }
        if member.isNamed("text") { standing.text = member.string ?? "" }
        if member.isNamed("turns_max") { standing.turnsMax = member.integer }
        if member.isNamed("cost_nano_usd_max") { standing.costMax = member.integer }
        if member.isNamed("until") { standing.until = member.string.flatMap(Timestamp.init(rfc3339:)) }
        if member.isNamed("by") { standing.by = member.string }
        if member.isNamed("reason") { standing.reason = member.string }
        if member.isNamed("at") { standing.at = member.string.flatMap(Timestamp.init(rfc3339:)) ?? standing.at }
    }
    guard let state, !standing.session.isEmpty else { return nil }
    standing.state = state
    return standing
}
