// Together: api.together.xyz; its model ids contain a slash.

import GatewayModel

extension ProviderPreset {
    static let together = compatible(
        "together", "https://api.together.xyz/v1", key: "TOGETHER_API_KEY",
        dialects: [.openAIChat, .openAICompletions, .openAIEmbeddings], models: ["*"], prices: nil,
        traits: ProviderTraits(usesMaxTokens: true))
}
