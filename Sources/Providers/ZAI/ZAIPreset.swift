// ZAI: GLM at api.z.ai. Its thinking models want their reasoning back with the calls that followed it.

import GatewayModel

extension ProviderPreset {
    static let zAI = compatible(
        "zai", "https://api.z.ai/api/paas/v4", key: "ZAI_API_KEY", dialects: [.openAIChat], models: ["glm-*"], prices: "zai",
        traits: ProviderTraits(usesMaxTokens: true, echoesReasoning: ["glm-*"]))
}
