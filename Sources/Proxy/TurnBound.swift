// TurnBound: the most that a turn can use, and what it will probably use: what budgets and limits reserve before anything is sent.

package import Dialects
package import GatewayModel
import NIOCore
package import Policy
package import Providers

/// What bounds one request, beside the prices.
package struct RequestSize: Sendable {
    /// Of the body. Byte-level tokenizers make at most one token of a byte.
    package var bytes: Int64
    /// What the client set; nil where it set none.
    package var maxOutputTokens: Int64?
    package var choices: Int64 = 1
    package var isGenerating = true
    /// A cap cannot be asked for: how it is said depends on the model's vendor.
    package var asksInVendorsWords = false
    package var hidden = HiddenUse.none
    package var tiers = ReachableTiers()

    package init(bytes: Int64, maxOutputTokens: Int64?) {
        self.bytes = bytes
        self.maxOutputTokens = maxOutputTokens
    }
}

/// Tokens and money of one request, bounded from above.
package struct TurnBound: Sendable {
    /// No more tokens than this are read, by all the calls that the provider makes for the turn.
    var inputTokens: Int64
    /// No more tokens than this are written, over all choices and calls.
    var outputTokens: Int64
    /// The output that one choice may have, when the client set none and the model's maximum is not known: it must be asked for.
    var capToSplice: Int64?
    /// How many calls of hosted tools the provider may make, when the client set no number: it must be asked for.
    var callsToSplice: Int64?
    /// Nil where the model has no price.
    var price: PriceBound?
    /// Searches and fetches that are billed by the call.
    var searches: Int64 = 0
    var fetches: Int64 = 0
    /// What of the request nothing bounds.
    var unbounded: HiddenUse.Parameter?

    /// What providers add around the messages and the tools of a request.
    package static let framingTokens: Int64 = 1024
    /// The first piece of output that an elastic limit reserves, and each further one.
    package static let pieceTokens: Int64 = 2048
    /// What a provider may still write between being cut off and stopping. Measured with the simulated provider and taken fourfold;
    /// a provider's own figure is not promised.
    package static let overshootTokens: Int64 = 512
    /// What a model writes at most when neither the request nor the catalogue says it; then this is asked for.
    package static let outputTokensUnlessKnown: Int64 = 32_768
    /// More than any model writes in one answer, whatever is asked for.
    package static let outputTokensMax: Int64 = 1_000_000
    /// How many hosted tools a Responses request may call that says no number; then this is asked for. Codex says none, and each call
    /// can read all that fits into the context.
    package static let hostedCallsUnlessSaid: Int64 = 1

    package static func ofRequest(
        _ size: RequestSize, model: String, priceProvider: String, prices: PriceBook, at time: Timestamp
    ) -> TurnBound {
        let hidden = size.hidden
        var unbounded = hidden.unbounded
        let context = Catalogue.contextMaximum(of: model)
        var input = max(0, size.bytes.saturatingSubtracting(hidden.mediaBytes))
        input.addClamped(framingTokens)
        input.addClamped(hidden.toolTokens)
        let pictures = hidden.images.clampedTimes(Catalogue.imageTokensMaximum(of: model))
        input.addClamped(min(pictures, context ?? .max))
        if let part = hidden.fillsContext {
            input.addClamped(context ?? 0)
            if context == nil { unbounded = unbounded ?? .init(part, mend: unknownContext(model)) }
        }
        if hidden.furtherCalls > 0 {
            input.addClamped(hidden.furtherCalls.clampedTimes(context ?? 0))
            if context == nil { unbounded = unbounded ?? .init("tools", mend: unknownContext(model)) }
        }
        let cap = size.maxOutputTokens.map { min($0, outputTokensMax) } ?? Catalogue.outputMaximum(of: model)
        if size.isGenerating, cap == nil, size.asksInVendorsWords {
            unbounded = unbounded ?? .init("max_tokens", mend: "say how much may be written")
        }
        let each = size.isGenerating ? max(0, cap ?? outputTokensUnlessKnown) : 0
        var output = each.clampedTimes(max(1, size.choices)).clampedTimes(1 + hidden.furtherOutputs)
        output.addClamped(hidden.rejectedOutput)
        let price = prices.bound(provider: priceProvider, model: model, tiers: size.tiers, at: time, inputMax: input)
        if let price, hidden.searches > 0 && price.webSearch == nil || hidden.fetches > 0 && price.webFetch == nil {
            unbounded = unbounded ?? .init("tools", mend: "a call of its hosted tools has no price; an operator can set one: prices")
        }
        return TurnBound(
            inputTokens: input, outputTokens: output, capToSplice: size.isGenerating && cap == nil ? each : nil,
            callsToSplice: hidden.needsCallCap ? hostedCallsUnlessSaid : nil, price: price, searches: hidden.searches,
            fetches: hidden.fetches, unbounded: unbounded)
    }

    /// Whether the provider has to be asked for what was reserved.
    var needsSplice: Bool { capToSplice != nil || callsToSplice != nil }

    private static func unknownContext(_ model: String) -> String { "the size of the context of \(model.prefix(40)) is not known" }

    func amounts(output: Int64, input: Int64? = nil) -> LimitAmounts {
        let output = min(output, outputTokens)
        let isWhole = input == nil
        let cost = price?.cost(
            input: input ?? inputTokens, output: output, webSearches: isWhole && unbounded == nil ? searches : 0,
            webFetches: isWhole && unbounded == nil ? fetches : 0)
        return LimitAmounts(cost: cost?.value, inputTokens: input ?? inputTokens, outputTokens: output)
    }

    package func demand(estimatedInput: Int64) -> LimitDemand {
        var demand = LimitDemand(
            whole: amounts(output: outputTokens), first: amounts(output: Self.pieceTokens),
            estimate: amounts(output: 1024, input: min(estimatedInput, inputTokens)),
            overshoot: amounts(output: Self.overshootTokens, input: 0))
        demand.isUnbounded = unbounded != nil
        return demand
    }
}

extension Int64 {
    /// The most tokens that a bound is said as: a trillion, which no provider serves, so that the sums of all that runs at once do not
    /// overflow.
    private static var boundMax: Int64 { 1_000_000_000_000 }

    fileprivate func clampedTimes(_ factor: Int64) -> Int64 {
        let (product, overflow) = multipliedReportingOverflow(by: factor)
        return overflow ? Self.boundMax : Swift.min(product, Self.boundMax)
    }

    fileprivate mutating func addClamped(_ other: Int64) {
        let (sum, overflow) = addingReportingOverflow(other)
        self = overflow ? Self.boundMax : Swift.min(sum, Self.boundMax)
    }
}

extension Exchange {
    /// What is asked of the provider: in its own words where the request was translated.
    var upstreamEndpoint: Endpoint? { translation?.endpoint ?? target.endpoint }

    /// Bounds the request as it is about to go to this provider.
    func bound(_ request: RequestHead, _ provider: ProviderRuntime, model: String) -> TurnBound {
        var size = RequestSize(bytes: Int64(body.readableBytes), maxOutputTokens: request.maxOutputTokens)
        size.choices = request.choiceCount
        size.isGenerating = target.endpoint != .embeddings
        size.tiers = ReachableTiers(serviceTier: request.serviceTier, speed: request.speed, inferenceGeo: request.inferenceGeo)
        if snapshot.limitBook.boundsAmounts, let endpoint = upstreamEndpoint {
            let hidden = body.withUnsafeReadableBytes {
                HiddenUse(endpoint, body: $0, callsUnlessCapped: TurnBound.hostedCallsUnlessSaid)
            }
            size.hidden = hidden
            // As the provider will read it: a translation may have asked for another number.
            (size.maxOutputTokens, size.choices) = (hidden.outputCap, hidden.choices)
            if endpoint.dialect == .bedrockInvoke { size.asksInVendorsWords = true }
        }
        return TurnBound.ofRequest(
            size, model: model, priceProvider: provider.provider.priceProvider(of: model), prices: snapshot.prices, at: received)
    }

    /// The most that this turn can cost: every byte of the body a token (byte-level BPE makes no more), and all the output
    /// that was asked for.
    func worstCost(_ request: RequestHead, provider: ProviderRuntime, model: String) -> NanoUSD {
        var usage = TokenUsage()
        usage.input = Int64(body.readableBytes)
        var output = max(0, request.maxOutputTokens ?? Self.outputTokensUnlessSaid)
        // Who asks for more than the model can write gets no more, or an error.
        if output > Self.outputTokensUnlessSaid { output = min(output, Catalogue.outputMaximum(of: model) ?? TurnBound.outputTokensMax) }
        usage.output = output.clampedTimes(max(1, request.choiceCount))
        var qualifiers = UsageQualifiers()
        qualifiers.serviceTier = request.serviceTier == "auto" || request.serviceTier == "default" ? nil : request.serviceTier
        let result = loop.price(usage, provider, model: model, qualifiers, at: received, snapshot)
        if case .priced(let cost, _) = result { return cost }
        return .zero
    }

    /// What a model may write when the request sets no limit.
    private static var outputTokensUnlessSaid: Int64 { 32_768 }
}
