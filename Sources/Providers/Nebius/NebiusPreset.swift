// Nebius: api.studio.nebius.com.

import GatewayModel

extension ProviderPreset {
    static let nebius = compatible(
        "nebius", "https://api.studio.nebius.com/v1", key: "NEBIUS_API_KEY",
        dialects: [.openAIChat, .openAICompletions, .openAIEmbeddings], models: ["*"], prices: nil,
        traits: ProviderTraits(usesMaxTokens: true))
}
