// Simulated: `weir simulate`, which speaks every native dialect; its models are named and priced like real ones.

import GatewayModel

extension ProviderPreset {
    static let simulated = ProviderPreset(
        kind: .simulated, baseURL: nil, credentialHeader: .bearer, credentialEnvironment: nil, baseURLEnvironment: nil,
        dialects: openAIDialects.union([.anthropicMessages, .bedrockConverse, .bedrockInvoke]),
        models: Catalogue.models(of: "openai") + Catalogue.models(of: "anthropic"), priceProvider: "catalogue",
        allowsPrivateAddresses: true, hangUp: .cancel)
}
