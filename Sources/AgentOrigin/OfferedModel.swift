// OfferedModel: a model as an agent's configuration needs it: by which name to ask for it, in which dialect, how large it is and what
// it costs. Only models that a coding agent can talk to are offered.

import GatewayModel
import Policy
import Providers
import Proxy

/// One model that a key may use.
struct OfferedModel: Sendable {
    /// The name to ask Weir for; `provider/model` where several providers have it.
    var id: String
    var provider: String
    /// The id that goes upstream.
    var upstream: String
    var isAnthropic: Bool
    var limits: ModelLimits
    /// nano-USD per million tokens, by meter; what has no price is missing.
    var prices: [Meter: Int64]
}

/// The models for a key, or for everybody when it is nil, in the order of the configuration.
func offeredModels(_ snapshot: GatewaySnapshot, key: VirtualKey?, at now: Timestamp) -> [OfferedModel] {
    let routed = snapshot.routedModels(for: key)
    let names = Set(routed.map(\.id))
    // A route's name is asked for in the place of the providers' own.
    let listed = snapshot.models.listedModels().filter { !names.contains($0.id) }
    let providers = Dictionary(snapshot.configuredProviders.map { ($0.name, $0) }) { first, _ in first }
    var counts: [String: Int] = [:]
    for model in listed { counts[model.id, default: 0] += 1 }
    let first = routed.compactMap { model -> OfferedModel? in
        guard let isAnthropic = speaksAnthropic(model.provider, model.upstream), isConversational(model.upstream) else { return nil }
        return offered(model.id, at: model.provider, model.upstream, isAnthropic: isAnthropic, snapshot, now)
    }
    return first
        + listed.compactMap { model in
            guard let provider = providers[model.provider], let isAnthropic = speaksAnthropic(provider, model.id),
                isConversational(model.id)
            else { return nil }
            let upstream = provider.aliases[model.id] ?? model.id
            // What counts is the model behind an alias.
            if let key, !KeyAccess.allowsModel(key, asked: model.id, provider: provider.name, model: upstream) { return nil }
            let id = counts[model.id] == 1 ? model.id : "\(provider.name)/\(model.id)"
            return offered(id, at: provider, upstream, isAnthropic: isAnthropic, snapshot, now)
        }
}

private func offered(
    _ id: String, at provider: Provider, _ upstream: String, isAnthropic: Bool, _ snapshot: GatewaySnapshot, _ now: Timestamp
) -> OfferedModel {
    let priced = provider.priceModel(of: upstream)
    let sheet = snapshot.prices.sheet(
        provider: provider.priceProvider(of: priced), model: priced, qualifiers: UsageQualifiers(), at: now, totalInput: 1)
    var prices: [Meter: Int64] = [:]
    for meter in [Meter.input, .output, .cacheRead, .cacheWrite5m, .cacheWrite30m] { prices[meter] = sheet?.price(of: meter) }
    return OfferedModel(
        id: id, provider: provider.name, upstream: upstream, isAnthropic: isAnthropic, limits: Catalogue.limits(of: upstream),
        prices: prices)
}

/// Nil when the provider speaks no dialect of a conversation. One that speaks both gets each maker's own.
private func speaksAnthropic(_ provider: Provider, _ model: String) -> Bool? {
    let isAnthropic = provider.dialects.contains(.anthropicMessages)
    guard provider.dialects.contains(.openAIChat) else { return isAnthropic ? true : nil }
    return isAnthropic && (provider.aliases[model] ?? model).hasPrefix("claude")
}

/// Catalogues hold models that embed, draw or speak.
private func isConversational(_ model: String) -> Bool {
    let others = [
        "embedding", "image", "tts", "whisper", "transcribe", "realtime", "audio", "moderation", "dall-e", "sora", "imagen", "veo",
        "computer-use", "live", "rerank", "ocr", "search-preview", "instruct", "davinci", "babbage",
    ]
    return !others.contains { model.contains($0) }
}

/// `1.25` for 1,250,000,000 nano-USD: USD as clients' configurations write them, exactly.
package func dollars(_ nanoUSD: Int64) -> String {
    let fraction = String(1_000_000_000 + nanoUSD % 1_000_000_000).dropFirst()
    var digits = Substring(fraction)
    while digits.last == "0" { digits = digits.dropLast() }
    return digits.isEmpty ? String(nanoUSD / 1_000_000_000) : "\(nanoUSD / 1_000_000_000).\(digits)"
}
