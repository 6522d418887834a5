// TurnBound: the most that a turn can use, and what it will probably use: what budgets and limits reserve before anything is sent.

import Dialects
package import GatewayModel
import NIOCore
package import Policy
package import Providers

/// Tokens and money of one request, bounded from above.
package struct TurnBound: Sendable {
    /// No more tokens than this are read. Byte-level tokenizers make at most one of a byte; what a provider adds around messages and
    /// tools is a constant.
    var inputTokens: Int64
    /// No more tokens than this are written, over all choices.
    var outputTokens: Int64
    /// The output that one choice may have, when the client set none and the model's maximum is not known: it must be asked for.
    var capToSplice: Int64?
    /// Nil where the model has no price.
    var price: PriceBound?

    /// What providers add around the messages and the tools of a request.
    package static let framingTokens: Int64 = 1024
    /// The first piece of output that an elastic limit reserves, and each further one.
    package static let pieceTokens: Int64 = 2048
    /// What a provider may still write between being cut off and stopping. Measured with the simulated provider and taken fourfold;
    /// a provider's own figure is not promised.
    package static let overshootTokens: Int64 = 512
    /// What a model writes at most when neither the request nor the catalogue says it; then this is asked for.
    package static let outputTokensUnlessKnown: Int64 = 32_768

    /// - Parameter isContinued: the provider reads what it keeps of earlier turns again, which is not in this body.
    package static func ofRequest(
        bytes: Int64, maxOutputTokens: Int64?, choices: Int64 = 1, isContinued: Bool = false, isGenerating: Bool = true, model: String,
        tiers: ReachableTiers = ReachableTiers(), priceProvider: String, prices: PriceBook, at time: Timestamp
    ) -> TurnBound {
        var input = bytes + framingTokens
        if isContinued { input += max(0, Catalogue.limits(of: model).context) }
        let cap = maxOutputTokens ?? Catalogue.outputMaximum(of: model)
        let each = isGenerating ? max(0, cap ?? outputTokensUnlessKnown) : 0
        let (output, overflow) = each.multipliedReportingOverflow(by: max(1, choices))
        return TurnBound(
            inputTokens: input, outputTokens: overflow ? .max / 4 : output, capToSplice: isGenerating && cap == nil ? each : nil,
            price: prices.bound(provider: priceProvider, model: model, tiers: tiers, at: time, inputMax: input))
    }

    func amounts(output: Int64, input: Int64? = nil) -> LimitAmounts {
        let output = min(output, outputTokens)
        return LimitAmounts(
            cost: price?.cost(input: input ?? inputTokens, output: output)?.value, inputTokens: input ?? inputTokens, outputTokens: output)
    }

    package func demand(estimatedInput: Int64) -> LimitDemand {
        LimitDemand(
            whole: amounts(output: outputTokens), first: amounts(output: Self.pieceTokens),
            estimate: amounts(output: 1024, input: min(estimatedInput, inputTokens)),
            overshoot: amounts(output: Self.overshootTokens, input: 0))
    }
}

extension Exchange {
    /// Bounds the request as it is about to go to this provider.
    func bound(_ request: RequestHead, _ provider: ProviderRuntime, model: String) -> TurnBound {
        TurnBound.ofRequest(
            bytes: Int64(body.readableBytes), maxOutputTokens: request.maxOutputTokens, choices: request.choiceCount,
            isContinued: request.previousResponseID != nil, isGenerating: target.endpoint != .embeddings, model: model,
            tiers: ReachableTiers(serviceTier: request.serviceTier, speed: request.speed, inferenceGeo: request.inferenceGeo),
            priceProvider: provider.provider.priceProvider(of: model), prices: snapshot.prices, at: received)
    }

    /// The most that this turn can cost: every byte of the body a token (byte-level BPE makes no more), and all the output
    /// that was asked for.
    func worstCost(_ request: RequestHead, provider: ProviderRuntime, model: String) -> NanoUSD {
        var usage = TokenUsage()
        usage.input = Int64(body.readableBytes)
        let (output, overflow) = (request.maxOutputTokens ?? Self.outputTokensUnlessSaid)
            .multipliedReportingOverflow(by: max(1, request.choiceCount))
        usage.output = overflow ? .max / 4 : max(0, output)
        var qualifiers = UsageQualifiers()
        qualifiers.serviceTier = request.serviceTier == "auto" || request.serviceTier == "default" ? nil : request.serviceTier
        let result = loop.price(usage, provider, model: model, qualifiers, at: received, snapshot)
        if case .priced(let cost, _) = result { return cost }
        return .zero
    }

    /// What a model may write when the request sets no limit.
    private static var outputTokensUnlessSaid: Int64 { 32_768 }
}
