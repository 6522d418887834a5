// MiniMax: api.minimax.io. Its models think between calls and want their thoughts back.

import GatewayModel

extension ProviderPreset {
    static let miniMax = compatible(
        "minimax", "https://api.minimax.io/v1", key: "MINIMAX_API_KEY", dialects: [.openAIChat], models: ["MiniMax-*"],
        prices: "minimax", traits: ProviderTraits(usesMaxTokens: true, echoesReasoning: ["MiniMax-*"]))
}
