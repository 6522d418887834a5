// ProviderPreset: what is known of a kind of provider before anybody configures one. Each kind is a value in its own folder;
// the registry is the one list that everything else is derived from.

package import GatewayModel

/// The defaults of a kind of provider.
package struct ProviderPreset: Sendable {
    package var kind: ProviderKind
    /// Nil when every server of this kind has an address of its own.
    package var baseURL: String?
    package var credentialHeader: CredentialHeader
    /// The environment variable that SDKs take the credential from.
    package var credentialEnvironment: String?
    /// The environment variable that names the base URL.
    package var baseURLEnvironment: String?
    package var dialects: Set<Dialect>
    /// Model ids, or patterns with a trailing `*`.
    package var models: [String]
    package var priceProvider: String?
    package var allowsPrivateAddresses: Bool
    package var hangUp: HangUpPolicy
    package var traits = ProviderTraits()
    /// The service's name in AWS signatures; nil where nothing is signed. Then `{region}` in the base URL is the region.
    package var awsService: String?
}

extension ProviderPreset {
    /// A vendor whose API is OpenAI's: an address, a key, and what departs from the original.
    static func compatible(
        _ kind: ProviderKind, _ baseURL: String, key: String, dialects: Set<Dialect> = [.openAIChat], models: [String],
        prices: String?, traits: ProviderTraits = ProviderTraits()
    ) -> ProviderPreset {
        var traits = traits
        traits.refusedMembers.formUnion(unlikeOpenAI.refusedMembers)
        return ProviderPreset(
            kind: kind, baseURL: baseURL, credentialHeader: .bearer, credentialEnvironment: key, baseURLEnvironment: nil,
            dialects: dialects, models: models, priceProvider: prices, allowsPrivateAddresses: false, hangUp: .cancel, traits: traits)
    }

    /// What departs from OpenAI's own server in every other one: cache marks are known to OpenAI's models alone, and strict servers
    /// refuse a request that has them.
    static let unlikeOpenAI = ProviderTraits(refusedMembers: ["prompt_cache_breakpoint"])

    /// OpenAI's dialects.
    static let openAIDialects: Set<Dialect> = [.openAIChat, .openAICompletions, .openAIEmbeddings, .openAIResponses]
}

/// Every kind of provider, one line each.
package let providerRegistry: [ProviderPreset] = [
    .openAI,
    .anthropic,
    .gemini,
    .azureOpenAI,
    .azureAnthropic,
    .bedrock,
    .bedrockMantle,
    .vertex,
    .openAICompatible,
    .anthropicCompatible,
    .ollama,
    .vllm,
    .openRouter,
    .cerebras,
    .deepInfra,
    .deepSeek,
    .fireworks,
    .groq,
    .huggingFace,
    .miniMax,
    .mistral,
    .moonshot,
    .nebius,
    .perplexity,
    .qwen,
    .sambaNova,
    .together,
    .xAI,
    .zAI,
    .simulated,
]

extension ProviderKind: CaseIterable {
    /// Every kind that this build knows.
    package static var allCases: [ProviderKind] { providerRegistry.map(\.kind) }

    /// The defaults of this kind.
    package var preset: ProviderPreset {
        providerRegistry.first { $0.kind == self } ?? .openAICompatible
    }
}
