// Qwen: Alibaba Cloud's Model Studio in its OpenAI-compatible mode.

import GatewayModel

extension ProviderPreset {
    static let qwen = compatible(
        "qwen", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1", key: "DASHSCOPE_API_KEY",
        dialects: [.openAIChat, .openAIEmbeddings], models: ["qwen*", "qwq-*"], prices: "qwen",
        traits: ProviderTraits(usesMaxTokens: true))
}
