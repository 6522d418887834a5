// ModelTableTests: from the name that a client asks for to the one provider that serves it.

import GatewayModel
import Providers
import Testing

@Suite struct ModelTableTests {
    private func provider(
        _ name: String, _ kind: ProviderKind = .openAICompatible, models: [String]? = nil,
        aliases: [String: String] = [:]
    ) throws -> Provider {
        var specification = ProviderSpecification(name: name, kind: kind)
        specification.baseURL = "https://\(name).example/v1"
        specification.models = models
        specification.aliases = aliases
        return try makeProvider(specification)
    }

    private func resolve(_ asked: String, _ providers: [Provider], _ dialect: Dialect = .openAIChat) throws -> String {
        let found = try ModelTable(providers).resolve(asked, dialect: dialect)
        return "\(providers[found.providerIndex].name)/\(found.model)"
    }

    @Test func aBareNameGoesToTheOneProviderThatHasIt() throws {
        let providers = [try provider("openai", .openAI), try provider("anthropic", .anthropic)]
        #expect(try resolve("gpt-6.1-sol", providers) == "openai/gpt-6.1-sol")
        #expect(try resolve("claude-opus-5-5", providers, .anthropicMessages) == "anthropic/claude-opus-5-5")
    }

    @Test func aPrefixedNameGoesToThatProviderWithoutItsPrefix() throws {
        let providers = [
            try provider("openai", .openAI), try provider("azure", models: ["gpt-*"]),
            try provider("router", models: ["*"]),
        ]
        #expect(try resolve("azure/gpt-6.1-sol", providers) == "azure/gpt-6.1-sol")
        // Only the provider's own name is cut off: the rest may hold slashes.
        #expect(try resolve("router/meta/llama-4", providers) == "router/meta/llama-4")
        // A first part that is no provider is a part of the model's name.
        #expect(try resolve("meta/llama-4", providers) == "router/meta/llama-4")
    }

    @Test func anExactIdGoesBeforeAPatternAndAPatternBeforeEverything() throws {
        let providers = [
            try provider("all", models: ["*"]), try provider("some", models: ["llama-*"]),
            try provider("one", models: ["llama-4"]),
        ]
        #expect(try resolve("llama-4", providers) == "one/llama-4")
        #expect(try resolve("llama-3", providers) == "some/llama-3")
        #expect(try resolve("qwen", providers) == "all/qwen")
    }

    @Test func anAliasIsReplacedByTheUpstreamsName() throws {
        let providers = [
            try provider("gpu", models: ["llama-4"], aliases: ["fast": "llama-4"]), try provider("all", models: ["*"]),
        ]
        #expect(try resolve("fast", providers) == "gpu/llama-4")
        #expect(try resolve("gpu/fast", providers) == "gpu/llama-4")
    }

    @Test func aNameThatTwoProvidersHaveAlikeIsAmbiguousAndBothAreNamed() throws {
        let providers = [try provider("a", models: ["llama-4"]), try provider("b", models: ["llama-4"])]
        #expect(throws: GatewayError.ambiguousModel(model: "llama-4", providers: ["a", "b"])) {
            try resolve("llama-4", providers)
        }
        #expect(try resolve("b/llama-4", providers) == "b/llama-4")
    }

    @Test func aModelOfAnotherDialectIsSaidToBeThat() throws {
        let providers = [try provider("openai", .openAI), try provider("anthropic", .anthropic)]
        #expect(throws: GatewayError.dialectNotServed(provider: "anthropic", dialect: .openAIChat)) {
            try resolve("claude-opus-5-5", providers)
        }
        #expect(throws: GatewayError.dialectNotServed(provider: "openai", dialect: .anthropicMessages)) {
            try resolve("openai/gpt-6.1-sol", providers, .anthropicMessages)
        }
    }

    @Test func twoProvidersOfOneModelAreToldApartByDialect() throws {
        let providers = [
            try provider("chat", models: ["m"]), try provider("messages", .anthropicCompatible, models: ["m"]),
        ]
        #expect(try resolve("m", providers) == "chat/m")
        #expect(try resolve("m", providers, .anthropicMessages) == "messages/m")
    }

    @Test func anUnknownModelIsAnsweredWithTheNearestNames() throws {
        let providers = [try provider("openai", .openAI)]
        #expect(throws: GatewayError.unknownModel(model: "gtp-6.1-sol", suggestions: ["gpt-6.1-sol"])) {
            try resolve("gtp-6.1-sol", providers)
        }
        let wrong = #expect(throws: GatewayError.self) { try resolve("zzz", providers) }
        #expect(wrong == .unknownModel(model: "zzz", suggestions: []))
        #expect(throws: GatewayError.unknownModel(model: "openai/", suggestions: [])) {
            try resolve("openai/", providers)
        }
    }

    @Test func withoutAProviderThatIsSaid() throws {
        #expect(throws: GatewayError.noProvider) { try resolve("gpt-6.1-sol", []) }
    }

    @Test func theListHoldsEachModelOfAProviderOnceAndNoPatterns() throws {
        let openAI = try provider("openai", .openAI, aliases: ["best": "gpt-6-astra"])
        let gpu = try provider("gpu", models: ["llama-4", "llama-*"])
        let listed = ModelTable([openAI, gpu]).listedModels().map { "\($0.provider)/\($0.id)" }
        #expect(listed.first == "openai/best")
        #expect(listed.contains("openai/gpt-6.1-sol"))
        #expect(listed.filter { $0.hasPrefix("gpu/") } == ["gpu/llama-4"])
        #expect(Set(listed).count == listed.count)
        #expect(!listed.contains { $0.hasSuffix("*") })
    }

    @Test func distanceCountsEdits() {
        #expect(editDistance("", "") == 0)
        #expect(editDistance("abc", "") == 3)
        #expect(editDistance("kitten", "sitting") == 3)
        #expect(editDistance("gpt", "gtp") == 2)
        #expect(editDistance(String(repeating: "a", count: 9000), String(repeating: "b", count: 9000)) == 64)
    }
}
