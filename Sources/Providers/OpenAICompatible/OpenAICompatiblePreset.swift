// OpenAICompatible: any server that speaks OpenAI's chat completions, by base URL. Its models are listed by the operator.

import GatewayModel

extension ProviderPreset {
    static let openAICompatible = ProviderPreset(
        kind: .openAICompatible, baseURL: nil, credentialHeader: .bearer, credentialEnvironment: nil,
        baseURLEnvironment: nil, dialects: openAIDialects, models: [], priceProvider: nil, allowsPrivateAddresses: false,
        hangUp: .cancel, traits: unlikeOpenAI)
}
