// Ollama: a local server that speaks OpenAI's dialects besides its own.

import GatewayModel

extension ProviderPreset {
    static let ollama = ProviderPreset(
        kind: "ollama", baseURL: "http://127.0.0.1:11434/v1", credentialHeader: .none, credentialEnvironment: nil,
        baseURLEnvironment: "OLLAMA_HOST", dialects: openAIDialects.union([.ollama]), models: ["*"], priceProvider: nil,
        allowsPrivateAddresses: true, hangUp: .cancel, traits: unlikeOpenAI)
}
