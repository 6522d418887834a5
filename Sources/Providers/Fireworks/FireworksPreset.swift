// Fireworks: api.fireworks.ai; its model ids are paths, asked for as `fireworks/accounts/fireworks/models/…`.

import GatewayModel

extension ProviderPreset {
    static let fireworks = compatible(
        "fireworks", "https://api.fireworks.ai/inference/v1", key: "FIREWORKS_API_KEY",
        dialects: [.openAIChat, .openAICompletions, .openAIEmbeddings], models: ["*"], prices: nil,
        traits: ProviderTraits(usesMaxTokens: true))
}
