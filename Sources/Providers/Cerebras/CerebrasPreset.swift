// Cerebras: api.cerebras.ai.

import GatewayModel

extension ProviderPreset {
    static let cerebras = compatible(
        "cerebras", "https://api.cerebras.ai/v1", key: "CEREBRAS_API_KEY", dialects: [.openAIChat, .openAICompletions], models: ["*"],
        prices: "cerebras")
}
