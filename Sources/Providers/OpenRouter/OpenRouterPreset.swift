// OpenRouter: openrouter.ai; its model ids contain a slash, so they are asked for as `openrouter/vendor/model`.

import GatewayModel

extension ProviderPreset {
    static let openRouter = ProviderPreset(
        kind: "openrouter", baseURL: "https://openrouter.ai/api/v1", credentialHeader: .bearer,
        credentialEnvironment: "OPENROUTER_API_KEY", baseURLEnvironment: nil,
        dialects: [.openAIChat, .openAICompletions], models: ["*"], priceProvider: nil, allowsPrivateAddresses: false,
        hangUp: .cancel, traits: unlikeOpenAI)
}
