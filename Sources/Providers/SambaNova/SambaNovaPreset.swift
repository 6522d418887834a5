// SambaNova: api.sambanova.ai.

import GatewayModel

extension ProviderPreset {
    static let sambaNova = compatible(
        "sambanova", "https://api.sambanova.ai/v1", key: "SAMBANOVA_API_KEY", dialects: [.openAIChat, .openAIEmbeddings], models: ["*"],
        prices: nil, traits: ProviderTraits(usesMaxTokens: true))
}
