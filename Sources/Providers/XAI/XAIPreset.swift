// XAI: Grok at api.x.ai, by chat completions and Responses.

import GatewayModel

extension ProviderPreset {
    static let xAI = compatible(
        "xai", "https://api.x.ai/v1", key: "XAI_API_KEY", dialects: [.openAIChat, .openAIResponses], models: ["grok-*"], prices: "xai")
}
