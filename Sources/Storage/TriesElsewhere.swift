// TriesElsewhere: what a turn's lost tries used at other deployments than the one that served it. It stands under the labels of those
// deployments, where their providers bill it and their limits count it, and where a price for it is missing; the turn itself stands where
// it was served.

import GatewayModel

/// What was used at one deployment that did not serve the turn.
struct UseElsewhere: Hashable {
    /// `provider/model`.
    var deployment: String
    var cost: NanoUSD
    var inputTokens: Int64
    var outputTokens: Int64

    /// As measures: no turn, for the turn is counted where it was served.
    var sums: UsageSums {
        var sums = UsageSums()
        sums.values[UsageSums.costIndex] = cost.value
        sums.values[UsageSums.triedInputIndex] = inputTokens
        sums.values[UsageSums.triedOutputIndex] = outputTokens
        return sums
    }
}

extension TurnRecord {
    /// Empty for all but few turns. Turns of versions that counted the tokens of such tries nowhere have none: they stand as they were
    /// counted.
    var usedElsewhere: [UseElsewhere] {
        guard flags.contains(.spentTries) else { return [] }
        let own = deployment
        return tries.compactMap { one in
            let use = UseElsewhere(
                deployment: one.deployment, cost: one.cost, inputTokens: one.inputTokens ?? 0, outputTokens: one.outputTokens ?? 0)
            let isNothing = use.cost == .zero && use.inputTokens == 0 && use.outputTokens == 0
            return isNothing || use.deployment == own ? nil : use
        }
    }

    /// The deployments whose use has no price, each once: those of lost tries, and the turn's own where that used something and has no
    /// price either.
    var unpricedDeployments: [String] {
        guard flags.contains(.unpriced) else { return [] }
        var found = usedElsewhere.filter { $0.cost == .zero }.map(\.deployment)
        if found.isEmpty || priceVersion == nil && !usage.isZero { found.append(deployment) }
        return found.count > 1 ? Array(Set(found)) : found
    }
}
