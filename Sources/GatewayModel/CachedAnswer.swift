// CachedAnswer: what is known of a turn that no provider answered, because an earlier one had asked exactly the same.

/// The earlier turn, and what asking again would have cost.
package struct CachedAnswer: Sendable, Hashable, Codable {
    /// The turn whose answer it is.
    package var from: RequestID
    package var ageSeconds: Int64
    /// What the answer's tokens cost now; nil without a price.
    package var saved: NanoUSD?

    package init(from: RequestID, ageSeconds: Int64, saved: NanoUSD?) {
        self.from = from
        self.ageSeconds = ageSeconds
        self.saved = saved
    }

    enum CodingKeys: String, CodingKey {
        case from
        case ageSeconds = "age_seconds"
        case saved = "saved_nano_usd"
    }
}
