// Moonshot: Kimi at api.moonshot.ai. Its thinking models want their reasoning back with the calls that followed it.

import GatewayModel

extension ProviderPreset {
    static let moonshot = compatible(
        "moonshot", "https://api.moonshot.ai/v1", key: "MOONSHOT_API_KEY", dialects: [.openAIChat], models: ["kimi-*", "moonshot-*"],
        prices: "moonshot", traits: ProviderTraits(usesMaxTokens: true, echoesReasoning: ["kimi-k*", "kimi-thinking*"]))
}
