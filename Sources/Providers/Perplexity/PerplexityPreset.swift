// Perplexity: api.perplexity.ai.

import GatewayModel

extension ProviderPreset {
    static let perplexity = compatible(
        "perplexity", "https://api.perplexity.ai", key: "PERPLEXITY_API_KEY", dialects: [.openAIChat], models: ["sonar*"], prices: nil,
        traits: ProviderTraits(usesMaxTokens: true))
}
