// Gemini: the Gemini API with an API key. Its counts are cumulative on each chunk, so a hang-up is billed by the last one.

import GatewayModel

extension ProviderPreset {
    static let gemini = ProviderPreset(
        kind: "gemini", baseURL: "https://generativelanguage.googleapis.com", credentialHeader: .googleAPIKey,
        credentialEnvironment: "GEMINI_API_KEY", baseURLEnvironment: "GOOGLE_GEMINI_BASE_URL", dialects: [.gemini],
        models: ["gemini-*", "gemma-*"], priceProvider: "google", allowsPrivateAddresses: false, hangUp: .cancel)
}
