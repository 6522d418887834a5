// LimitTrace: what one budget or limit said of one turn, kept with the turn, so that anybody can see later why it passed or did not.

/// One budget or limit that held for a turn.
package struct LimitTrace: Sendable, Hashable, Codable {
    package var rule: String
    /// The values that its counter is for; empty when there is one counter.
    package var group: [String]
    /// `nano_usd`, `requests`, …
    package var unit: String
    /// With what was granted on top.
    package var limit: Int64
    /// Posted and pending before this turn.
    package var before: Int64
    /// What the turn reserved or, refused, asked for; nil is unpriced.
    package var reserved: Int64?
    /// What was posted for it; nil of a turn that was refused.
    package var used: Int64?
    /// It refused the turn, stopped its answer, or sent it to another model.
    package var decided: Bool

    package init(
        rule: String, group: [String] = [], unit: String, limit: Int64, before: Int64, reserved: Int64?, used: Int64? = nil,
        decided: Bool = false
    ) {
        self.rule = rule
        self.group = group
        self.unit = unit
        self.limit = limit
        self.before = before
        self.reserved = reserved
        self.used = used
        self.decided = decided
    }

    /// As many as one turn keeps.
    package static let countMax = 32
}
