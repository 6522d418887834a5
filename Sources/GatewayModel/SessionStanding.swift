// SessionStanding: where a session stands that was found to run away: it waits for a person, or somebody let it go on and up to where.
// It is journaled with each change, so that a start and a kill change nothing.

/// A paused session, or one that somebody let go on. It belongs to its key.
package struct SessionStanding: Sendable, Hashable, Codable {
    /// Whether its turns are refused.
    package enum State: String, Sendable, Codable {
        case paused, granted
    }

    package var key: String
    package var session: String
    package var developer: String
    package var state: State
    /// What was noticed: `repeated_calls`, …; empty where somebody granted before anything was.
    package var rule: String
    /// The same in words, with its numbers.
    package var text: String
    /// How many turns it may take in all; nil is what the configuration says. The same of cost, in nano-USD, and of time.
    package var turnsMax: Int64?
    package var costMax: Int64?
    package var until: Timestamp?
    /// Who let it go on, and why.
    package var by: String?
    package var reason: String?
    package var at: Timestamp

    package init(
        key: String, session: String, developer: String, state: State, rule: String, text: String, turnsMax: Int64? = nil,
        costMax: Int64? = nil, until: Timestamp? = nil, by: String? = nil, reason: String? = nil, at: Timestamp
    ) {
        self.key = key
        self.session = session
        self.developer = developer
        self.state = state
        self.rule = rule
        self.text = text
        self.turnsMax = turnsMax
        self.costMax = costMax
        self.until = until
        self.by = by
        self.reason = reason
        self.at = at
    }

    enum CodingKeys: String, CodingKey {
        case key, session, developer, state, rule, text
        case turnsMax = "turns_max"
        case costMax = "cost_nano_usd_max"
        case until, by, reason, at
    }
}
