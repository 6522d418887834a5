// DeepInfra: api.deepinfra.com.

import GatewayModel

extension ProviderPreset {
    static let deepInfra = compatible(
        "deepinfra", "https://api.deepinfra.com/v1/openai", key: "DEEPINFRA_API_KEY",
        dialects: [.openAIChat, .openAICompletions, .openAIEmbeddings], models: ["*"], prices: nil,
        traits: ProviderTraits(usesMaxTokens: true))
}
