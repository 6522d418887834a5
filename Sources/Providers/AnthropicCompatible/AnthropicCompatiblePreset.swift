// AnthropicCompatible: any server that speaks Anthropic's Messages, by base URL.

import GatewayModel

extension ProviderPreset {
    static let anthropicCompatible = ProviderPreset(
        kind: "anthropic-compatible", baseURL: nil, credentialHeader: .apiKey, credentialEnvironment: nil,
        baseURLEnvironment: nil, dialects: [.anthropicMessages], models: [], priceProvider: nil,
        allowsPrivateAddresses: false, hangUp: .cancel)
}
