// LimitGrantRecord: what somebody with the right granted on top of a budget or a limit, for how long, and who it was.

/// A temporary raise of one counter.
package struct LimitGrantRecord: Sendable, Hashable, Codable {
    package var id: String
    package var rule: String
    /// The values of the counter that it raises; empty is the one counter of a rule without groups.
    package var group: [String]
    /// In the rule's unit.
    package var amount: Int64
    /// Nil holds until the window ends, or for good where there is none.
    package var expires: Timestamp?
    package var by: String
    package var reason: String
    package var created: Timestamp

    package init(
        id: String, rule: String, group: [String], amount: Int64, expires: Timestamp?, by: String, reason: String, created: Timestamp
    ) {
        self.id = id
        self.rule = rule
        self.group = group
        self.amount = amount
        self.expires = expires
        self.by = by
        self.reason = reason
        self.created = created
    }
}
