// Groq: api.groq.com.

import GatewayModel

extension ProviderPreset {
    static let groq = compatible(
        "groq", "https://api.groq.com/openai/v1", key: "GROQ_API_KEY", dialects: [.openAIChat, .openAIResponses], models: ["*"],
        prices: "groq")
}
