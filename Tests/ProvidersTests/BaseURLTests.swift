// BaseURLTests: a base URL decides where a credential goes, so it is read strictly.

import GatewayModel
import Providers
import Testing

@Suite struct BaseURLTests {
    @Test(arguments: [
        ("https://api.openai.com/v1", "https", "api.openai.com", 443, "/v1"),
        ("https://API.OpenAI.com/v1/", "https", "api.openai.com", 443, "/v1"),
        ("HTTPS://h", "https", "h", 443, ""), ("https://h/", "https", "h", 443, ""), ("http://h", "http", "h", 80, ""),
        ("http://127.0.0.1:11434/v1", "http", "127.0.0.1", 11434, "/v1"),
        ("http://[::1]:8000/v1", "http", "::1", 8000, "/v1"),
        ("https://[2001:DB8::1]", "https", "2001:db8::1", 443, ""),
        ("https://h:65535/a/b", "https", "h", 65535, "/a/b"),
        ("https://my_host-1.example/x///", "https", "my_host-1.example", 443, "/x"),
    ])
    func aBaseURLIsTakenApart(_ text: String, _ scheme: String, _ host: String, _ port: Int, _ path: String) throws {
        let (origin, base) = try parseBaseURL(text)
        #expect(origin == Origin(scheme: scheme, host: host, port: port))
        #expect(base == path)
    }

    @Test(arguments: [
        "", "h", "//h", "ftp://h", "https:/h", "https:h", "javascript:alert(1)", "https://", "https:///path",
        "https://:443",
        "https://user@h", "https://user:pass@h/v1", "https://h?x=1", "https://h#httpbin.org", "https://h/v1?x",
        "https://h/a#b",
        "https://h/%2e%2e", "https://h%00", "https://h\\evil", "https://h/a b", "https://h/\u{7f}",
        "https://h/a\r\nHost: x",
        "https://h\t", "https://hé", "https://h/é", "https://h/a//b", "https://h/./a", "https://h/../a",
        "https://h/a/..",
        "https://h:0", "https://h:65536", "https://h:", "https://h:x", "https://h:+80", "https://h:-1",
        "https://h:80:80",
        "https://[::1", "https://[::1]x", "https://[::1]:", "https://[::1]:+80", "https://[]", "https://[localhost]",
        "https://[evil.example]", "https://a,b", "https://a;b", "https://(h)", "https://h$",
    ])
    func aBaseURLThatCouldLeadElsewhereIsRefused(_ text: String) {
        let error = #expect(throws: ProviderError.self) { try parseBaseURL(text) }
        #expect(error?.setting == "base_url")
    }

    @Test func aHostNameOfOverlongLengthIsRefused() {
        #expect(throws: ProviderError.self) { try parseBaseURL("https://" + String(repeating: "a", count: 254)) }
    }

    @Test func theMessageOfALongURLIsShort() {
        let error = #expect(throws: ProviderError.self) {
            try parseBaseURL("ftp://" + String(repeating: "a", count: 9000))
        }
        #expect((error?.message.count ?? .max) < 200)
    }

    // MARK: Providers

    private func specification(_ kind: ProviderKind, _ change: (inout ProviderSpecification) -> Void = { _ in })
        -> ProviderSpecification
    {
        var specification = ProviderSpecification(name: "p", kind: kind)
        change(&specification)
        return specification
    }

    @Test func aProviderTakesItsKindsDefaults() throws {
        let openAI = try makeProvider(specification(.openAI) { $0.credential = "sk-canary" })
        #expect(openAI.origin == Origin(scheme: "https", host: "api.openai.com", port: 443))
        #expect(
            openAI.credentialHeader == .bearer && openAI.priceProvider == "openai" && !openAI.allowsPrivateAddresses)
        #expect(!openAI.description.contains("sk-canary") && !"\(openAI)".contains("sk-canary"))
        #expect(try makeProvider(specification(.ollama)).allowsPrivateAddresses)
        #expect(try makeProvider(specification(.openAI)).credentialHeader == .none)
    }

    @Test(arguments: ["", "A", "a b", "a/b", "é", "a.b", String(repeating: "a", count: 64)])
    func aNameThatCouldNotStandBeforeASlashIsRefused(_ name: String) {
        let error = #expect(throws: ProviderError.self) {
            try makeProvider(ProviderSpecification(name: name, kind: .openAI))
        }
        #expect(error?.setting == "name")
    }

    @Test func aCredentialIsNotSentInClearToAStranger() {
        let error = #expect(throws: ProviderError.self) {
            try makeProvider(specification(.openAI) { $0.baseURL = "http://example.com/v1" })
        }
        #expect(error?.message.contains("allow_private_addresses") == true)
    }

    @Test(arguments: ["a b", "a\nb", "a\r\nX: y", "é", "\u{0}"])
    func aCredentialThatWouldBreakAHeaderIsRefused(_ credential: String) {
        let error = #expect(throws: ProviderError.self) {
            try makeProvider(specification(.openAI) { $0.credential = credential })
        }
        #expect(error?.setting == "api_key")
        #expect(error?.message.contains(credential) == false)
    }

    @Test func aKindWithoutAnAddressOfItsOwnNeedsOne() {
        for kind in ProviderKind.allCases where kind.preset.baseURL == nil && kind.preset.traits.layout != .vertex {
            let error = #expect(throws: ProviderError.self) { try makeProvider(specification(kind)) }
            #expect(error?.setting == "base_url")
        }
        let empty = #expect(throws: ProviderError.self) { try makeProvider(specification(.openAI) { $0.models = [] }) }
        #expect(empty?.setting == "models")
    }

    @Test func everyKindIsRegisteredOnce() {
        #expect(
            providerRegistry.map(\.kind).sorted { $0.rawValue < $1.rawValue }
                == ProviderKind.allCases.sorted { $0.rawValue < $1.rawValue })
    }

    @Test func theUsualEnvironmentVariablesMakeProviders() throws {
        #expect(try providersFromEnvironment([:]).isEmpty)
        #expect(try providersFromEnvironment(["OPENAI_API_KEY": "", "OLLAMA_HOST": ""]).isEmpty)
        let found = try providersFromEnvironment([
            "OPENAI_API_KEY": "sk-1", "ANTHROPIC_API_KEY": "sk-2", "OLLAMA_HOST": "127.0.0.1:11434",
            "VLLM_BASE_URL": "http://10.0.0.7:8000/v1",
        ])
        #expect(found.map(\.name) == ["openai", "anthropic", "ollama", "vllm"])
        #expect(found[2].origin.port == 11434 && found[2].basePath == "/v1")
        #expect(
            try providersFromEnvironment(["OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "https://gw.example/v1"]).first?
                .origin.host == "gw.example")
        #expect(throws: ProviderError.self) {
            try providersFromEnvironment(["OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "gw"])
        }
    }

    @Test func pathsUpstreamFollowTheBaseURLsShape() throws {
        let openAI = try makeProvider(specification(.openAI))
        #expect(upstreamPath(.chatCompletions, provider: openAI, id: nil) == "/v1/chat/completions")
        #expect(upstreamPath(.responsesCancel, provider: openAI, id: "resp_1") == "/v1/responses/resp_1/cancel")
        let anthropic = try makeProvider(specification(.anthropic))
        #expect(upstreamPath(.messages, provider: anthropic, id: nil) == "/v1/messages")
        #expect(upstreamPath(.countTokens, provider: anthropic, id: nil) == "/v1/messages/count_tokens")
        let versioned = try makeProvider(specification(.anthropicCompatible) { $0.baseURL = "https://gw.example/v1" })
        #expect(upstreamPath(.messages, provider: versioned, id: nil) == "/v1/messages")
        let router = try makeProvider(specification(.openRouter))
        #expect(upstreamPath(.chatCompletions, provider: router, id: nil) == "/api/v1/chat/completions")
    }
}
