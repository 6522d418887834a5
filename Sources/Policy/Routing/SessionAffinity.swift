// SessionAffinity: where each session was served last, so that it stays where its cache is warm and its signed blocks can be read. A
// bounded table; each entry belongs to one key, so nothing is shared between tenants. Pure.

package import GatewayModel

/// How long a session stays where it was served.
package struct AffinityRule: Sendable, Hashable {
    /// Whether sessions stay at all. What is signed stays in any case.
    package var keepsSessions = true
    /// Idle for longer, its cache is taken for cold.
    package var warmSeconds = 300

    package init() {}

    /// Idle for longer, a session is forgotten.
    package static var secondsMax: Int64 { 86_400 }
}

/// A session on a route.
package struct AffinityKey: Sendable, Hashable {
    package var keyID: String
    package var session: String
    package var route: String

    package init(keyID: String, session: String, route: String) {
        self.keyID = keyID
        self.session = session
        self.route = route
    }
}

/// Where a session was served last.
package struct AffinityEntry: Sendable, Hashable {
    package var deployment: String
    package var time: Timestamp
    /// Input and output of that turn: what a warm cache may hold.
    package var contextTokens: Int64
    package var tier: RouteTier?

    package init(deployment: String, time: Timestamp, contextTokens: Int64, tier: RouteTier?) {
        self.deployment = deployment
        self.time = time
        self.contextTokens = contextTokens
        self.tier = tier
    }
}

/// Sessions by key, in two generations: when the younger is full, the older is forgotten.
package struct SessionAffinity: Sendable {
    private var young: [AffinityKey: AffinityEntry] = [:]
    private var old: [AffinityKey: AffinityEntry] = [:]
    private let countMax: Int

    package init(countMax: Int = 50_000) { self.countMax = countMax }

    package var count: Int { young.count + old.count }

    package mutating func remember(_ key: AffinityKey, _ entry: AffinityEntry) {
        if young.count >= countMax / 2, young[key] == nil {
            old = young
            young = [:]
        }
        young[key] = entry
        old[key] = nil
    }

    package func find(_ key: AffinityKey, at now: Timestamp) -> AffinityEntry? {
        guard let entry = young[key] ?? old[key], now < entry.time.adding(seconds: AffinityRule.secondsMax) else { return nil }
        return entry
    }
}
