// OpenAI: api.openai.com. A hang-up stops generation as far as is documented; output is then estimated.

import GatewayModel

extension ProviderPreset {
    static let openAI = ProviderPreset(
        kind: .openAI, baseURL: "https://api.openai.com/v1", credentialHeader: .bearer,
        credentialEnvironment: "OPENAI_API_KEY", baseURLEnvironment: "OPENAI_BASE_URL", dialects: openAIDialects,
        models: ["gpt-*", "chatgpt-*", "codex-*", "o1*", "o3*", "o4*", "text-embedding-*"], priceProvider: "openai",
        allowsPrivateAddresses: false, hangUp: .cancel, traits: ProviderTraits(servesOpenAIModels: true))
}
