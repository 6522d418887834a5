// CacheTypes: the exact response cache as the admin API shows it.

/// What the cache of this node holds, and what it did since the start.
package struct CacheView: Sendable, Codable {
    package var entries: Int
    package var bytes: Int
    package var bytesMax: Int
    package var hits: Int64
    package var misses: Int64
    /// Hits of all that were looked for, in per cent; absent before the first.
    package var hitPercent: Double?
    package var stored: Int64
    /// Given up for want of room, before their time was over.
    package var evictions: Int64
    /// What the hits would have cost at their providers.
    package var savedNanoUSD: Int64

    package init(
        entries: Int, bytes: Int, bytesMax: Int, hits: Int64, misses: Int64, stored: Int64, evictions: Int64, savedNanoUSD: Int64
    ) {
        self.entries = entries
        self.bytes = bytes
        self.bytesMax = bytesMax
        self.hits = hits
        self.misses = misses
        hitPercent = hits + misses > 0 ? Double(hits * 1000 / (hits + misses)) / 10 : nil
        self.stored = stored
        self.evictions = evictions
        self.savedNanoUSD = savedNanoUSD
    }

    enum CodingKeys: String, CodingKey {
        case entries, bytes
        case bytesMax = "bytes_max"
        case hits, misses
        case hitPercent = "hit_percent"
        case stored, evictions
        case savedNanoUSD = "saved_nano_usd"
    }
}

/// What is to be forgotten: everything, or what a route, a key or a workspace left.
package struct CachePurgeRequest: Sendable, Codable {
    package var route: String?
    package var key: String?
    package var workspace: String?

    package init() {}

    /// The members that a request may have.
    package static let members = ["route", "key", "workspace"]
}

/// How many answers were forgotten.
package struct CachePurgeView: Sendable, Codable {
    package var forgotten: Int

    package init(forgotten: Int) { self.forgotten = forgotten }
}
