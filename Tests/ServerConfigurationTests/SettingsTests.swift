// SettingsTests: what a configuration sets, in which order, and where secrets come from.

import Foundation
import GatewayModel
import Providers
import ServerConfiguration
import Testing

@Suite struct SettingsTests {
    @Test func withoutAnythingTheDefaultsHold() throws {
        let none = try settings("")
        #expect(none.listen == "127.0.0.1:8787" && none.providers.isEmpty && none.prices.isEmpty)
        #expect(none.limits == Limits())
        #expect(none.limits.requestBodyBytesMax == 32 << 20 && none.limits.upstreamConnectionsPerLoopMax == 256)
    }

    @Test func environmentStandsOverTheFileAndThatOverDefaults() throws {
        let file = "listen: 0.0.0.0:1\nlimits:\n  json_depth_max: 64\nrequire_labels: [repository]\n"
        #expect(try settings(file).listen == "0.0.0.0:1")
        let both = try settings(
            file,
            [
                "WEIR_LISTEN": "0.0.0.0:2", "WEIR_REQUIRE_LABELS": "session, branch",
                "WEIR_LIMITS_REQUEST_BODY_BYTES_MAX": "1_048_576",
            ])
        #expect(both.listen == "0.0.0.0:2" && both.limits.jsonDepthMax == 64)
        #expect(both.requiredLabels == ["session", "branch"] && both.limits.requestBodyBytesMax == 1 << 20)
    }

    @Test(arguments: [
        ("127.0.0.1:8787", "127.0.0.1", 8787), ("[::1]:80", "::1", 80), ("localhost:0", "localhost", 0),
    ])
    func anAddressToListenOnIsTakenApart(_ text: String, _ host: String, _ port: Int) throws {
        let address = try #require(try settings("listen: \"\(text)\"\n").listenAddress)
        #expect(address.host == host && address.port == port)
    }

    @Test(arguments: ["8787", ":8787", "h:65536", "h:-1", "h:", "h:x"])
    func whatIsNoAddressToListenOnIsAFault(_ text: String) {
        #expect(faults("listen: \"\(text)\"\n").count == 1)
    }

    // MARK: What a file declares

    @Test func declaredProvidersReplaceThoseOfTheEnvironment() throws {
        let environment = ["OPENAI_API_KEY": "sk-environment", "MY_KEY": "sk-mine"]
        #expect(try settings("", environment).providers.map(\.name) == ["openai"])
        let text = """
            providers:
              - name: acme
                kind: openai-compatible
                base_url: https://models.acme.example/v1
                api_key: ${MY_KEY}
                models: [llama-4, "qwen-*"]
                aliases: {fast: llama-4}
                price_provider: groq
                hang_up: drain
                dialects: [openai_chat]
            """
        let acme = try #require(try settings(text, environment).providers.first)
        #expect(try settings(text, environment).providers.count == 1)
        #expect(acme.name == "acme" && acme.credential == "sk-mine" && acme.credentialHeader == .bearer)
        #expect(acme.models == ["llama-4", "qwen-*"] && acme.aliases == ["fast": "llama-4"])
        #expect(acme.priceProvider == "groq" && acme.hangUp == .drain && acme.dialects == [.openAIChat])
        #expect(
            acme.origin == Origin(scheme: "https", host: "models.acme.example", port: 443) && acme.basePath == "/v1")
    }

    @Test func declaredPricesAreExactAndKeepTheirConditions() throws {
        let text = """
            prices:
              - provider: openai
                model: gpt-6.1-sol
                input: 1.8
                cache_read: "0.09"
                web_search: 8
                context_over: 272_000
                service_tier: flex
                geo: us
                speed: fast
                valid_from: 2026-11-01
                valid_to: 2026-12-01T00:00:00Z
              - {provider: vllm, model: "llama-*", input: 0.2, output: 0.8}
            """
        let prices = try settings(text).prices
        #expect(prices.map(\.meter) == [.input, .cacheRead, .webSearch, .input, .output])
        #expect(prices.map(\.price) == [1_800_000_000, 90_000_000, 8_000_000_000, 200_000_000, 800_000_000])
        #expect(prices.allSatisfy { $0.source == "config" })
        let first = try #require(prices.first)
        #expect(
            first.contextOver == 272_000 && first.serviceTier == "flex" && first.geo == "us" && first.speed == "fast")
        #expect(first.validFrom?.date.text == "2026-11-01" && first.validTo?.date.text == "2026-12-01")
        #expect(prices.last?.contextOver == nil && prices.last?.serviceTier == nil && prices.last?.model == "llama-*")
    }

    // MARK: Secrets

    @Test func aSecretComesFromAFileOfItsOwn() throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("weir-secret-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data("sk-from-file\n".utf8).write(to: file)
        #expect(try settings(provider("api_key: file:\(file.path)")).providers.first?.credential == "sk-from-file")
        try Data("\n".utf8).write(to: file)
        #expect(faults(provider("api_key: file:\(file.path)")).first?.message.contains("empty") == true)
    }

    @Test func noSecretIsShownByWhatPrintsTheConfiguration() throws {
        let shown = try settings(provider("api_key: ${KEY}", "base_url: https://h.example/v1"), ["KEY": "sk-canary-1"])
        let text = ConfigurationReference.inForce(shown)
        #expect(!text.contains("sk-canary-1") && text.contains("api_key: set"))
        #expect(!"\(shown.providers)".contains("sk-canary-1"))
        // What is printed can be read again, but for the secrets.
        #expect(text.contains("listen: 127.0.0.1:8787") && text.contains("base_url: https://h.example:443/v1"))
    }
}
