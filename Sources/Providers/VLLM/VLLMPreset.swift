// VLLM: a vLLM server. Aborting is free and stops its work at once.

import GatewayModel

extension ProviderPreset {
    static let vllm = ProviderPreset(
        kind: "vllm", baseURL: nil, credentialHeader: .bearer, credentialEnvironment: "VLLM_API_KEY",
        baseURLEnvironment: "VLLM_BASE_URL", dialects: openAIDialects, models: ["*"], priceProvider: nil,
        allowsPrivateAddresses: true, hangUp: .cancel, traits: unlikeOpenAI)
}
