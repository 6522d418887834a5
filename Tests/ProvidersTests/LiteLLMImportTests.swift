// LiteLLMImportTests: `weir price import litellm` takes over what LiteLLM's file says, and nothing that it does not say.

import GatewayModel
import Providers
import Testing

@Suite struct LiteLLMImportTests {
    private let read: PriceImport
    private let book: PriceBook

    init() throws {
        read = try imported(.litellm, "litellm")
        book = read.book
    }

    @Test func dollarsPerTokenBecomeExactPrices() throws {
        for (meter, usd) in zip(
            [Meter.input, .cacheRead, .cacheWrite30m, .cacheWrite12h, .output], ["2", "0.1", "2.5", "5", "10"])
        {
            #expect(try book.unitPrice(meter, "openai", "gpt-6.1-sol") == nanoUSD(usd))
        }
        for (meter, usd) in zip(
            [Meter.input, .cacheRead, .cacheWrite5m, .cacheWrite1h, .output], ["4", "0.2", "5", "8", "20"])
        {
            #expect(try book.unitPrice(meter, "anthropic", "claude-opus-5-5") == nanoUSD(usd))
        }
        #expect(try book.unitPrice(.input, "openai", "text-embedding-3-small") == nanoUSD("0.02"))
        #expect(try book.unitPrice(.output, "openai", "text-embedding-3-small") == 0)
        #expect(read.rows.allSatisfy { $0.source == "litellm" && $0.validFrom == nil && $0.validTo == nil })
    }

    @Test func theNoiseOfABinaryFloatIsRoundedAwayAndAnInexactPriceIsLeftOut() throws {
        #expect(try book.unitPrice(.input, "scaleway", "noisy") == nanoUSD("1.375"))
        #expect(try book.unitPrice(.output, "scaleway", "noisy") == nil)
        #expect(read.reason("noisy")?.contains("output_cost_per_token") == true)
    }

    @Test func suffixesCompose() throws {
        #expect(try book.unitPrice(.input, "openai", "gpt-6.1-sol", totalInput: 272_001) == nanoUSD("4"))
        #expect(try book.unitPrice(.input, "openai", "gpt-6.1-sol", totalInput: 272_000) == nanoUSD("2"))
        #expect(try book.unitPrice(.cacheWrite30m, "openai", "gpt-6.1-sol", totalInput: 272_001) == nanoUSD("5"))
        #expect(
            try book.unitPrice(.cacheWrite12h, "openai", "gpt-6.1-sol", tier: "batch", totalInput: 300_000)
                == nanoUSD("5"))
        #expect(try book.unitPrice(.cacheRead, "openai", "gpt-6.1-sol", tier: "flex") == nanoUSD("0.05"))
        #expect(try book.unitPrice(.input, "openai", "gpt-6.1-sol", tier: "batch") == nanoUSD("1"))
        #expect(try book.unitPrice(.input, "openai", "gpt-6.1-sol", tier: "priority") == nanoUSD("4"))
        #expect(try book.unitPrice(.input, "openai", "gpt-6.1-sol", tier: "fast") == nanoUSD("4"))
        #expect(try book.unitPrice(.input, "openai", "gpt-6.1-sol", tier: "ultrafast") == nanoUSD("12"))
        #expect(read.reason("gpt-6.1-sol") == "without input_cost_per_token_decisions")
    }

    @Test func fastAndUSOnlyAreFactorsOnEverything() throws {
        #expect(try book.unitPrice(.cacheRead, "anthropic", "claude-opus-5-5", speed: "fast") == nanoUSD("0.4"))
        #expect(try book.unitPrice(.cacheWrite1h, "anthropic", "claude-opus-5-5", geo: "us") == nanoUSD("8.8"))
        #expect(try book.unitPrice(.output, "anthropic", "claude-opus-5-5", speed: "fast", geo: "us") == nanoUSD("44"))
        #expect(try book.unitPrice(.input, "anthropic", "claude-opus-5-5", tier: "batch", geo: "us") == nanoUSD("2.2"))
        #expect(try book.unitPrice(.input, "anthropic", "claude-opus-5-5", tier: "batch", speed: "fast") == nil)
    }

    @Test func providersAndModelsHaveOurNames() throws {
        #expect(try book.unitPrice(.input, "groq", "openai/gpt-oss-120b") == nanoUSD("0.15"))
        #expect(try book.unitPrice(.audioInput, "google", "gemini-2.5-flash") == nanoUSD("1"))
        #expect(try book.unitPrice(.input, "vertex", "claude-opus-5-5") == nanoUSD("4"))
        #expect(try book.unitPrice(.input, "azure", "claude-opus-5-5") == nanoUSD("4"))
        #expect(read.reason("gemini/gemini-2.5-flash") == "without google_maps_grounding_cost_per_query")
    }

    @Test func ofTwoEntriesForOneModelTheOneWithTheProvidersOwnNameIsTaken() throws {
        #expect(try book.unitPrice(.input, "azure", "gpt-5.4") == nanoUSD("2.5"))
        #expect(read.reason("azure_ai/gpt-5.4")?.contains("another entry") == true)
    }

    @Test func xAIsThresholdIncludesItself() throws {
        #expect(try book.unitPrice(.output, "xai", "grok-4.7", totalInput: 199_999) == nanoUSD("6"))
        #expect(try book.unitPrice(.output, "xai", "grok-4.7", totalInput: 200_000) == nanoUSD("12"))
    }

    @Test(arguments: [
        ("2026-11-24T00:30:00Z", "0.66"), ("2026-11-24T02:00:00Z", "1.32"), ("2026-11-24T05:00:00Z", "0.66"),
        ("2026-11-24T09:59:59Z", "1.32"), ("2026-11-24T10:00:00Z", "0.66"), ("2026-11-24T23:59:59Z", "0.66"),
        ("2026-11-28T02:00:00Z", "0.66"), ("2026-11-29T23:59:00Z", "0.66"),
    ])
    func offPeakHoursAreHours(_ time: String, _ usd: String) throws {
        #expect(try book.unitPrice(.input, "deepseek", "deepseek-v4-pro", at: time) == nanoUSD(usd))
        // What the hours do not name keeps its price.
        #expect(try book.unitPrice(.cacheRead, "deepseek", "deepseek-v4-pro", at: time) == nanoUSD("0.044"))
        #expect(try book.unitPrice(.cacheWrite5m, "deepseek", "deepseek-v4-pro", at: time) == 0)
    }

    @Test func rangesAreContextTiers() throws {
        #expect(try book.unitPrice(.input, "qwen", "qwen-flash", totalInput: 256_000) == nanoUSD("0.05"))
        #expect(try book.unitPrice(.output, "qwen", "qwen-flash", totalInput: 256_001) == nanoUSD("2"))
    }

    @Test func aPriceThatReasoningDiffersFromIsNotTaken() throws {
        #expect(try book.unitPrice(.input, "qwen", "qwen-turbo") == nanoUSD("0.05"))
        #expect(try book.unitPrice(.output, "qwen", "qwen-turbo") == nil)
        #expect(read.reason("dashscope/qwen-turbo")?.contains("reasoning") == true)
    }

    @Test func aSearchHasOnePriceOrNone() throws {
        #expect(try book.unitPrice(.webSearch, "openai", "gpt-6.1-sol") == nanoUSD("10"))
        #expect(try book.unitPrice(.webSearch, "perplexity", "sonar") == nil)
        #expect(read.reason("perplexity/sonar")?.contains("search") == true)
    }

    @Test func whatCannotBeSaidIsNamedAndZeroIsNoPrice() throws {
        #expect(try book.unitPrice(.input, "github_copilot", "gpt-5.4") == nil)
        #expect(read.reason("github_copilot/gpt-5.4")?.contains("0") == true)
        #expect(read.reason("dall-e-3")?.contains("image_generation") == true)
        #expect(read.reason("parlour/tip")?.contains("per request") == true)
        #expect(read.reason("ownerless")?.contains("litellm_provider") == true)
        #expect(read.reason("sample_spec") == nil)
        #expect(!read.rows.contains { $0.model == "sample_spec" || $0.model == "tip" })
    }

    @Test func pricesHoldFromTheDayThatIsGiven() throws {
        let read = try imported(.litellm, "litellm", asOf: "2026-11-20")
        let book = PriceBook(rows: read.rows + Catalogue.rows, version: "1")
        let model = "claude-opus-5-5"
        #expect(read.rows.allSatisfy { $0.validFrom?.date.text == "2026-11-20" })
        #expect(try book.unitPrice(.input, "anthropic", model, at: "2026-11-19T23:59:59Z") == nanoUSD("4"))
        #expect(try read.book.unitPrice(.input, "anthropic", model, at: "2026-11-19T23:59:59Z") == nil)
        #expect(try read.book.unitPrice(.input, "anthropic", model, at: "2026-11-20T00:00:00Z") == nanoUSD("4"))
    }
}
