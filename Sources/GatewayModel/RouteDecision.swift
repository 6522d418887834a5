// RouteDecision: which deployments were weighed for a turn, with which numbers, and why one of them was asked first. It is a part of
// the turn's record, so that a decision can be explained, and judged against others, for as long as the turn is kept.

/// One deployment that was weighed.
package struct RouteCandidate: Sendable, Hashable, Codable {
    /// `provider/model`.
    package var deployment: String
    /// `ready`, or why it was passed over: `condition`, `key`, `dialect`, `open`, `resting`, `pinned`, `reserve`, `price`.
    package var state: String
    /// How likely it was to be asked first, in millionths. All candidates together have a million.
    package var probabilityPPM: Int64
    package var weight: Int64?
    /// The smoothed time to the first byte; nil when it is not known of late.
    package var latencyMicroseconds: Int64?
    package var inFlight: Int64?
    /// What the turn was expected to cost there, the price of a cold cache included.
    package var costNanoUSD: Int64?
    /// The size of turn that it is for.
    package var tier: String?

    package init(deployment: String, state: String, probabilityPPM: Int64 = 0) {
        self.deployment = deployment
        self.state = state
        self.probabilityPPM = probabilityPPM
    }

    enum CodingKeys: String, CodingKey {
        case deployment, state
        case probabilityPPM = "probability_ppm"
        case weight
        case latencyMicroseconds = "latency_us"
        case inFlight = "in_flight"
        case costNanoUSD = "cost_nano_usd"
        case tier
    }
}

/// What a route decided for a turn, before its first try.
package struct RouteDecision: Sendable, Hashable, Codable {
    package var route: String
    /// How the route picks: `order`, `weight`, `least_latency`, …
    package var pick: String
    /// Why the first one came first: `order`, `weight`, `only`, `warm_cache`, `signed`, `response`, `tier`, …
    package var reason: String
    /// What bound the turn, so that there was no choice: such decisions say nothing of what another would have been worth.
    package var isForced: Bool
    /// Input tokens as estimated from the body's bytes.
    package var inputTokens: Int64
    package var toolCount: Int64?
    package var toolDepth: Int64?
    package var turnDepth: Int64?
    package var candidates: [RouteCandidate]

    package init(
        route: String, pick: String, reason: String, isForced: Bool, inputTokens: Int64, candidates: [RouteCandidate]
    ) {
        self.route = route
        self.pick = pick
        self.reason = reason
        self.isForced = isForced
        self.inputTokens = inputTokens
        self.candidates = candidates
    }

    enum CodingKeys: String, CodingKey {
        case route, pick, reason
        case isForced = "forced"
        case inputTokens = "input_tokens"
        case toolCount = "tools"
        case toolDepth = "tool_depth"
        case turnDepth = "turn_depth"
        case candidates
    }
}
