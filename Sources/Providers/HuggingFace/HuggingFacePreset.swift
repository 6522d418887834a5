// HuggingFace: the router of Hugging Face's inference providers.

import GatewayModel

extension ProviderPreset {
    static let huggingFace = compatible(
        "huggingface", "https://router.huggingface.co/v1", key: "HF_TOKEN", dialects: [.openAIChat], models: ["*"], prices: nil,
        traits: ProviderTraits(usesMaxTokens: true))
}
