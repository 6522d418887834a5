// Anthropic: api.anthropic.com. Its input count is exact from the first event, so a hang-up is estimated on output alone.

import GatewayModel

extension ProviderPreset {
    static let anthropic = ProviderPreset(
        kind: "anthropic", baseURL: "https://api.anthropic.com", credentialHeader: .apiKey,
        credentialEnvironment: "ANTHROPIC_API_KEY", baseURLEnvironment: "ANTHROPIC_BASE_URL", dialects: [.anthropicMessages],
        models: ["claude-*"], priceProvider: "anthropic", allowsPrivateAddresses: false, hangUp: .cancel)
}
