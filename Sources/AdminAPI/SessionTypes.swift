// SessionTypes: the admin API's bodies about letting a session go on.

package import GatewayModel

/// What a session is given more: each amount on top of what it has used. Without any, a paused session just goes on.
package struct SessionGrantRequest: Sendable, Codable {
    /// The key that the session belongs to; every key with such a session without it.
    package var key: String?
    package var turns: Int64?
    package var nanoUSD: Int64?
    package var tokens: Int64?
    /// RFC 3339; without it until the windows of its limits end.
    package var expires: String?
    package var by: String
    package var reason: String?

    package init(
        key: String? = nil, turns: Int64? = nil, nanoUSD: Int64? = nil, tokens: Int64? = nil, expires: String? = nil, by: String,
        reason: String? = nil
    ) {
        self.key = key
        self.turns = turns
        self.nanoUSD = nanoUSD
        self.tokens = tokens
        self.expires = expires
        self.by = by
        self.reason = reason
    }

    enum CodingKeys: String, CodingKey, CaseIterable {
        case key, turns
        case nanoUSD = "nano_usd"
        case tokens, expires, by, reason
    }

    package static let members = CodingKeys.allCases.map(\.rawValue)
}

/// What came of it.
package struct SessionGrantView: Sendable, Codable {
    /// Raised counters of budgets and limits.
    package var grants: [LimitGrantRecord]
    /// How the session stands now, one for each key; empty where nothing watches it.
    package var standings: [SessionStanding]

    package init(grants: [LimitGrantRecord], standings: [SessionStanding]) {
        self.grants = grants
        self.standings = standings
    }
}
