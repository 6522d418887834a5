// TierRule: small turns to a small model, large ones to a large one, without going to and fro, and with the price of a cold cache in
// the decision. Pure.

/// Where the sizes of turns part.
package struct TierRule: Sendable, Hashable {
    /// Input tokens of a small turn, at most; a middle one's.
    package var smallTokensMax: Int64 = 8_000
    package var middleTokensMax: Int64 = 60_000
    /// Tool rounds since a person wrote, at most; nil does not look at them.
    package var smallToolDepthMax: Int64?
    package var middleToolDepthMax: Int64?
    /// A session comes down only when it is below the boundary by this share of it, in per cent.
    package var hysteresisPercent: Int64 = 33
    /// Over how many later turns the price of a cold cache must have been earned.
    package var horizonTurns: Int64 = 8

    package init() {}

    /// What a turn's size alone says.
    package func size(_ facts: RouteFacts) -> RouteTier {
        if facts.inputTokens <= smallTokensMax, facts.toolDepth <= smallToolDepthMax ?? .max { return .small }
        return facts.inputTokens <= middleTokensMax && facts.toolDepth <= middleToolDepthMax ?? .max ? .middle : .large
    }

    /// The tier of a turn, and why.
    /// - Parameters:
    ///   - last: the tier of the session's last turn.
    ///   - pays: whether going down to this tier is cheaper than staying, over the horizon.
    package func tier(
        _ facts: RouteFacts, last: RouteTier?, pays: (RouteTier) -> Bool
    ) -> (tier: RouteTier, reason: String) {
        let wanted = size(facts)
        guard let last, wanted != last else { return (wanted, "tier") }
        if facts.isInToolCall { return (last, "tier_in_tool_call") }
        if wanted.rank > last.rank { return (wanted, "tier_up") }
        let boundary = wanted == .small ? smallTokensMax : middleTokensMax
        guard facts.inputTokens <= boundary / 100 * (100 - hysteresisPercent) else { return (last, "tier_hysteresis") }
        return pays(wanted) ? (wanted, "tier_down") : (last, "tier_cold_cache")
    }
}
