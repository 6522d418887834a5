// CatalogueImportTests: models.dev's and genai-prices' files, and files that are neither.

import GatewayModel
import Providers
import Testing

@Suite struct ModelsDevImportTests {
    private let read: PriceImport
    private let book: PriceBook

    init() throws {
        read = try imported(.modelsDev, "models_dev")
        book = read.book
    }

    @Test func dollarsPerMillionBecomeExactPrices() throws {
        for (meter, usd) in zip([Meter.input, .cacheRead, .cacheWrite30m, .output], ["2", "0.1", "2.5", "10"]) {
            #expect(try book.unitPrice(meter, "openai", "gpt-6.1-sol") == nanoUSD(usd))
        }
        #expect(try book.unitPrice(.cacheWrite5m, "anthropic", "claude-opus-5-5") == nanoUSD("5"))
        #expect(try book.unitPrice(.input, "bedrock", "listener") == nanoUSD("0.2"))
        #expect(try book.unitPrice(.audioOutput, "bedrock", "listener") == nanoUSD("2"))
        #expect(read.reason("amazon-bedrock/listener") == "without input_video")
        #expect(try book.unitPrice(.input, "openrouter", "meta/llama-4") == nanoUSD("0.2"))
    }

    @Test func tiersGoByTheirOwnSizeAndTheOlderWayIsReadWhereThereIsNoOther() throws {
        #expect(try book.unitPrice(.input, "openai", "gpt-6.1-sol", totalInput: 272_000) == nanoUSD("2"))
        #expect(try book.unitPrice(.cacheWrite30m, "openai", "gpt-6.1-sol", totalInput: 272_001) == nanoUSD("5"))
        #expect(try book.unitPrice(.input, "xai", "grok-4.7", totalInput: 199_999) == nanoUSD("2"))
        #expect(try book.unitPrice(.output, "xai", "grok-4.7", totalInput: 200_000) == nanoUSD("12"))
    }

    @Test func aModeIsThePriceOfWhatItAsksTheProviderFor() throws {
        #expect(try book.unitPrice(.output, "openai", "gpt-6.1-sol", tier: "priority") == nanoUSD("20"))
        #expect(try book.unitPrice(.output, "openai", "gpt-6.1-sol", tier: "fast") == nanoUSD("20"))
        #expect(try book.unitPrice(.output, "anthropic", "claude-opus-5-5", speed: "fast") == nanoUSD("40"))
        #expect(read.reason("openai/gpt-6.1-sol") == "without mode odd")
    }

    @Test func whatCannotBeSaidIsNamed() throws {
        #expect(read.reason("openai/gpt-image") == "it has no cost")
        #expect(read.reason("openrouter/meta/llama-4:free")?.contains("0") == true)
        #expect(read.reason("openrouter/auto")?.contains("input") == true)
        #expect(try book.unitPrice(.output, "bedrock", "thinker") == nil)
        #expect(read.reason("amazon-bedrock/thinker")?.contains("reasoning") == true)
    }
}

@Suite struct GenAIPricesImportTests {
    private let read: PriceImport
    private let book: PriceBook

    init() throws {
        read = try imported(.genAIPrices, "genai_prices")
        book = read.book
    }

    @Test func everyIdThatAClauseSpellsOutIsPriced() throws {
        for model in ["gpt-5.6-sol", "gpt-5.6", "gpt-5-6-sol", "gpt-5.6-sol-2026-08-30"] {
            #expect(try book.unitPrice(.input, "openai", model) == nanoUSD("4"), "\(model)")
        }
        for model in ["gpt-5.6-sol-mini", "gpt-5.6-sol-", "my-5.6-sol", "gpt-5.6-solar"] {
            #expect(try book.unitPrice(.input, "openai", model) == nil, "\(model)")
        }
    }

    @Test func aDatedPriceHoldsFromItsDay() throws {
        #expect(try book.unitPrice(.output, "openai", "gpt-5.6-sol", at: "2026-08-20T23:59:59Z") == nanoUSD("30"))
        #expect(try book.unitPrice(.output, "openai", "gpt-5.6-sol", at: "2026-08-21T00:00:00Z") == nanoUSD("20"))
        #expect(
            try book.unitPrice(.input, "openai", "gpt-5.6-sol", at: "2026-08-01T00:00:00Z", totalInput: 272_001)
                == nanoUSD("10"))
        let later = try imported(.genAIPrices, "genai_prices", asOf: "2026-09-01").book
        #expect(try later.unitPrice(.output, "openai", "gpt-5.6-sol", at: "2026-08-31T00:00:00Z") == nil)
        #expect(try later.unitPrice(.output, "openai", "gpt-5.6-sol", at: "2026-09-01T00:00:00Z") == nanoUSD("20"))
    }

    @Test func aVariantChangesWhatItNamesAndKeepsTheRest() throws {
        #expect(try book.unitPrice(.input, "openai", "gpt-5.6-sol", tier: "flex") == nanoUSD("2"))
        // It is flat where the standard price is not.
        #expect(try book.unitPrice(.input, "openai", "gpt-5.6-sol", tier: "flex", totalInput: 300_000) == nanoUSD("2"))
        #expect(try book.unitPrice(.cacheWrite30m, "openai", "gpt-5.6-sol", tier: "flex") == nanoUSD("5"))
        #expect(try book.unitPrice(.input, "openai", "gpt-5.6-sol", tier: "flex", at: "2026-10-11") == nil)
        #expect(try book.unitPrice(.cacheRead, "openai", "gpt-5.6-sol", tier: "batch") == nanoUSD("0.2"))
        #expect(try book.unitPrice(.webSearch, "openai", "gpt-5.6-sol", tier: "batch") == nanoUSD("10"))
        #expect(try book.unitPrice(.output, "anthropic", "claude-opus-5-5", speed: "fast") == nanoUSD("40"))
        #expect(try book.unitPrice(.cacheWrite1h, "anthropic", "claude-opus-5-5", speed: "fast") == nanoUSD("8"))
        #expect(read.reason("openai/gpt-5.6-sol") == "without the prices for search_type web")
    }

    @Test(arguments: [
        ("2026-08-16T12:00:00Z", "0.435"), ("2026-11-24T12:00:00Z", "0.66"), ("2026-11-24T01:00:00Z", "1.32"),
        ("2026-11-24T04:00:00Z", "0.66"), ("2026-11-24T23:45:00Z", "0.1"), ("2026-11-24T00:15:00Z", "0.1"),
        ("2026-11-24T00:30:00Z", "0.66"), ("2026-08-16T01:00:00Z", "1.32"),
    ])
    func theLastConditionThatIsMetWins(_ time: String, _ usd: String) throws {
        #expect(try book.unitPrice(.input, "deepseek", "deepseek-v4-pro", at: time) == nanoUSD(usd))
    }

    @Test func whatCannotBeSaidIsNamed() throws {
        #expect(read.reason("deepseek/deepseek-v4-pro")?.contains("not understood") == true)
        #expect(read.reason("openai/tts-1")?.contains("input_mchars") == true)
        #expect(read.reason("openai/gpt-free")?.contains("0") == true)
        #expect(read.reason("perplexity/sonar")?.contains("per request") == true)
        #expect(try book.unitPrice(.output, "perplexity", "sonar-deep") == nil)
        #expect(try book.unitPrice(.input, "perplexity", "sonar-deep") == nanoUSD("2"))
    }

    @Test func tiersStartWhereTheFileSaysTheyDo() throws {
        #expect(try book.unitPrice(.input, "xai", "grok-4.7", totalInput: 199_999) == nanoUSD("2"))
        #expect(try book.unitPrice(.input, "xai", "grok-4.7", totalInput: 200_000) == nanoUSD("4"))
    }
}

@Suite struct ForeignFileTests {
    @Test(
        arguments: PriceFileFormat.allCases,
        ["", "{", "[1,", "nope", "{\"a\":01}", "{} {}", String(repeating: "[", count: 500)])
    func whatIsNoJSONIsSaidToBeNone(_ format: PriceFileFormat, _ text: String) {
        let error = #expect(throws: PriceImportError.self) { try imported(format, json: text) }
        #expect(error?.description.contains("no JSON") == true)
    }

    @Test(arguments: PriceFileFormat.allCases, ["{}", "[]", "3", "null", "\"x\"", "{\"a\":{\"b\":1}}", "[{\"a\":1}]"])
    func anotherFileIsSaidToBeAnother(_ format: PriceFileFormat, _ text: String) {
        let error = #expect(throws: PriceImportError.self) { try imported(format, json: text) }
        #expect(error?.description.contains(format.rawValue) == true)
    }

    @Test func oneCataloguesFileIsNotReadAsAnothers() throws {
        #expect(throws: PriceImportError.self) { try imported(.modelsDev, "litellm") }
        #expect(throws: PriceImportError.self) { try imported(.litellm, "genai_prices") }
        #expect(throws: PriceImportError.self) { try imported(.genAIPrices, "models_dev") }
    }

    @Test func formatsAreCalledAsTheCommandCallsThem() {
        #expect(PriceFileFormat.allCases.map(\.rawValue) == ["litellm", "models.dev", "genai-prices"])
    }

    @Test func oddValuesInAFileOfTheRightShapeAreNamedAndDoNotTrap() throws {
        let read = try imported(
            .litellm,
            json: """
                {"a":{"litellm_provider":"p","mode":"chat","input_cost_per_token":"1e-6","output_cost_per_token":1e300,
                "output_cost_per_token_above_99999999999k_tokens":1e-6,"off_peak_pricing":{"windows":[{"hours_utc":"25:00-x",
                "weekdays":[9]},{"hours_utc":"9-5"}]},"tiered_pricing":[{"range":[1e30]},7]},"b":[],"c":{"litellm_provider":7}}
                """)
        #expect(try read.book.unitPrice(.input, "p", "a") == nanoUSD("1"))
        #expect(read.reason("a") != nil && read.reason("b") != nil && read.reason("c") != nil)
        let twisted = try imported(
            .genAIPrices,
            json: """
                [{"id":"p","models":[{"id":"m","match":{"or":[{"or":[]},{"equals":7}]},"prices":[{"prices":{"input_mtok":
                {"base":1,"tiers":[{"price":2},{"start":-5,"price":3},{"start":"x","price":1}]},"output_mtok":null,"odd":true}},
                {"constraint":{"start_date":"2026-99-99"}},{"constraint":{"start_time":"1:00","end_time":"99:99"}}]},{"prices":{}}]}]
                """)
        #expect(try twisted.book.unitPrice(.input, "p", "m") == nanoUSD("1"))
    }
}
