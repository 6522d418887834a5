// PriceBound: the dearest prices that one request can meet, whatever the provider makes of it: which tier it serves it in, how much
// of the input it writes to a cache, which step of context it counts it to. What a budget reserves is computed with it.

package import GatewayModel

/// What of a request narrows down the tiers in which it can be served.
package struct ReachableTiers: Sendable, Hashable {
    /// As the request says it. A provider may serve a tier that was asked for in its standard one; where none is asked for, an
    /// account's own setting decides.
    package var serviceTier: String?
    /// `fast` is served only where it is asked for.
    package var speed: String?
    package var inferenceGeo: String?

    package init(serviceTier: String? = nil, speed: String? = nil, inferenceGeo: String? = nil) {
        self.serviceTier = serviceTier
        self.speed = speed
        self.inferenceGeo = inferenceGeo
    }

    fileprivate func canReach(_ tier: PricedTier) -> Bool {
        let asked = PricedTier(UsageQualifiers(serviceTier: serviceTier, speed: speed, inferenceGeo: inferenceGeo))
        if let own = tier.speed, own != asked.speed { return false }
        if let own = tier.geo, let wanted = asked.geo, own != wanted { return false }
        switch serviceTier {
        case nil, "", "auto": return true
        default: return tier.serviceTier == nil || tier.serviceTier == asked.serviceTier
        }
    }
}

/// The dearest prices of one model that a request can meet.
package struct PriceBound: Sendable, Hashable {
    /// nano-USD per million tokens, the dearest of what input can be billed as.
    package private(set) var input: Int64
    /// The dearest of what output can be billed as; nil where no output has a price, as of embeddings.
    package private(set) var output: Int64?
    /// nano-USD per thousand calls of the provider's own search; nil when it has no price.
    package private(set) var webSearch: Int64?
    /// The same of pages that it fetches.
    package private(set) var webFetch: Int64?

    /// The most that so many tokens can cost, rounded once, up. Nil when a part of it has no price.
    package func cost(
        input tokens: Int64, output outputTokens: Int64, webSearches: Int64 = 0, webFetches: Int64 = 0
    ) -> NanoUSD? {
        if outputTokens > 0, output == nil { return nil }
        if webSearches > 0, webSearch == nil { return nil }
        if webFetches > 0, webFetch == nil { return nil }
        var amount = BillAmount(quantity: tokens, price: input, isPerCall: false)
        amount += BillAmount(quantity: outputTokens, price: output ?? 0, isPerCall: false)
        amount += BillAmount(quantity: webSearches, price: webSearch ?? 0, isPerCall: true)
        amount += BillAmount(quantity: webFetches, price: webFetch ?? 0, isPerCall: true)
        return amount.roundedUp
    }

    fileprivate init?(_ sheet: PriceSheet) {
        guard let input = sheet.price(of: .input) else { return nil }
        let inputs: [Meter] = [.cacheRead, .cacheWrite5m, .cacheWrite30m, .cacheWrite1h, .cacheWrite12h, .audioInput, .imageInput]
        self.input = inputs.reduce(input) { max($0, sheet.price(of: $1) ?? 0) }
        output = [.output, .audioOutput, .imageOutput].compactMap { sheet.price(of: $0) }.max()
        webSearch = sheet.price(of: .webSearch)
        webFetch = sheet.price(of: .webFetch)
    }

    fileprivate mutating func widen(_ other: PriceBound) {
        input = max(input, other.input)
        output = other.output.map { max(output ?? 0, $0) } ?? output
        webSearch = other.webSearch.map { max(webSearch ?? 0, $0) } ?? webSearch
        webFetch = other.webFetch.map { max(webFetch ?? 0, $0) } ?? webFetch
    }
}

extension PriceBook {
    /// The dearest prices that a request of at most so many input tokens can meet at a provider. Nil when the model has no price in
    /// its standard tier: then no amount bounds it.
    package func bound(
        provider: String, model: String, tiers: ReachableTiers, at time: Timestamp, inputMax: Int64
    ) -> PriceBound? {
        guard let models = sheets(provider: provider, model: model) else { return nil }
        var found: PriceBound?
        var isPriced = false
        for (tier, sheets) in models.tiers where tiers.canReach(tier) {
            for sheet in sheets where sheet.inputOver < max(1, inputMax) && sheet.isInForce(at: time) {
                guard let bound = PriceBound(sheet) else { continue }
                if tier == .standard { isPriced = true }
                if found == nil { found = bound } else { found?.widen(bound) }
            }
        }
        return isPriced ? found : nil
    }
}
