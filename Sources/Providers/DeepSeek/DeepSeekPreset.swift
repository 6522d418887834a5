// DeepSeek: api.deepseek.com. Its thinking models refuse a tool loop whose calls come back without their reasoning.

import GatewayModel

extension ProviderPreset {
    static let deepSeek = compatible(
        "deepseek", "https://api.deepseek.com/v1", key: "DEEPSEEK_API_KEY", dialects: [.openAIChat], models: ["deepseek-*"],
        prices: "deepseek", traits: ProviderTraits(usesMaxTokens: true, echoesReasoning: ["deepseek-*"]))
}
