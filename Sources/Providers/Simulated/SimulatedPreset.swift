// Simulated: `weir simulate`, which speaks every native dialect; its models are named and priced like real ones.

import GatewayModel

extension ProviderPreset {
    static let simulated = ProviderPreset(
        kind: .simulated, baseURL: nil, credentialHeader: .bearer, credentialEnvironment: nil, baseURLEnvironment: nil,
        dialects: openAIDialects.union([.anthropicMessages, .bedrockConverse, .bedrockInvoke, .gemini, .ollama]),
        models: ["openai", "anthropic", "google"].flatMap(Catalogue.models(of:)), priceProvider: "catalogue",
        allowsPrivateAddresses: true, hangUp: .cancel)
}
