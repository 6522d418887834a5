// PriceBookTests: which row prices a turn, what is unpriced, and that money is rounded once.

import GatewayModel
import Providers
import Testing

@Suite struct PriceBookTests {
    // MARK: Unpriced, never free

    @Test func anUnknownModelIsUnpricedAndNeverZero() throws {
        let used = usage {
            $0.input = 10; $0.output = 2; $0.webSearches = 1
        }
        #expect(try catalogue.cost(used, "vllm", "llama-4") == .unpriced(missing: [.input, .output, .webSearch]))
        #expect(
            try catalogue.cost(used, "mistral", "mistral-enormous")
                == .unpriced(missing: [.input, .output, .webSearch]))
    }

    @Test func aModelThatOnlyAPatternKnowsByItsCallsIsUnpricedForItsTokens() throws {
        let used = usage {
            $0.input = 10; $0.output = 2; $0.webSearches = 1
        }
        #expect(try catalogue.cost(used, "openai", "gpt-99") == .unpriced(missing: [.input, .output]))
    }

    @Test func oneClassWithoutAPriceMakesTheWholeTurnUnpriced() throws {
        let book = PriceBook(rows: [try row("vllm", "llama", .input, "0.2")], version: "1")
        #expect(try book.cost(usage { $0.input = 10 }, "vllm", "llama") == .priced(cost: NanoUSD(2000), version: "1"))
        #expect(
            try book.cost(
                usage {
                    $0.input = 10; $0.output = 1
                }, "vllm", "llama") == .unpriced(missing: [.output]))
    }

    @Test func aListedPriceOfZeroIsAPrice() throws {
        let book = PriceBook(rows: [try row("vllm", "llama", .input, "0")], version: "1")
        #expect(try book.cost(usage { $0.input = 10 }, "vllm", "llama") == .priced(cost: .zero, version: "1"))
    }

    @Test func aTurnThatUsedNothingCostsNothingEvenWithoutAPrice() throws {
        #expect(try catalogue.cost(TokenUsage(), "vllm", "llama") == .priced(cost: .zero, version: Catalogue.version))
    }

    // MARK: Amounts

    @Test func everyClassIsPricedByItsOwnMeter() throws {
        let used = usage {
            $0.input = 1
            $0.cacheRead = 10
            $0.cacheWrite5m = 100
            $0.cacheWrite1h = 1000
            $0.output = 10_000
            $0.reasoning = 9_000
        }
        // claude-sonnet-4-5: 3, 0.3, 3.75, 6, 15 USD per million. Reasoning is a part of output and is not charged again.
        let nano: Int64 = 3_000 + 10 * 300 + 100 * 3_750 + 1000 * 6_000 + 10_000 * 15_000
        #expect(
            try catalogue.cost(used, "anthropic", "claude-sonnet-4-5")
                == .priced(cost: NanoUSD(nano), version: Catalogue.version))
    }

    @Test func aCacheWriteOfUnknownLifetimeIsPricedAsTheShortest() throws {
        let used = usage { $0.cacheWriteUnknown = 1000 }
        #expect(
            try catalogue.cost(used, "anthropic", "claude-sonnet-4-5")
                == .priced(cost: NanoUSD(3_750_000), version: Catalogue.version))
        #expect(
            try catalogue.cost(used, "openai", "gpt-6.1-sol")
                == .priced(cost: NanoUSD(2_500_000), version: Catalogue.version))
    }

    @Test func aToolPromptIsPricedAsInput() throws {
        let used = usage {
            $0.input = 100; $0.toolPrompt = 900
        }
        #expect(
            try catalogue.cost(used, "google", "gemini-3.5-flash")
                == .priced(cost: NanoUSD(1_500_000), version: Catalogue.version))
    }

    @Test func aTurnIsRoundedOnceAndUp() throws {
        // 0.0000003 USD per million is 300 nano-USD per million: a token costs 0.0003 nano-USD.
        let rows = [
            try row("p", "m", .input, "0.0000003"), try row("p", "m", .cacheRead, "0.0000003"),
            try row("p", "m", .output, "0.0000003"),
        ]
        let book = PriceBook(rows: rows, version: "1")
        let one = usage {
            $0.input = 1; $0.cacheRead = 1; $0.output = 1
        }
        #expect(try book.cost(one, "p", "m") == .priced(cost: NanoUSD(1), version: "1"))
        let exact = usage {
            $0.input = 10_000; $0.output = 10_000
        }
        #expect(try book.cost(exact, "p", "m") == .priced(cost: NanoUSD(6), version: "1"))
        let over = usage {
            $0.input = 10_001; $0.output = 10_000
        }
        #expect(try book.cost(over, "p", "m") == .priced(cost: NanoUSD(7), version: "1"))
    }

    @Test func countsBeyondReasonNeitherTrapNorBecomeNegative() throws {
        let absurd = usage {
            $0.input = .max; $0.cacheRead = .max; $0.output = .max; $0.webSearches = .max; $0.audioInput = .max
        }
        #expect(
            try catalogue.cost(absurd, "google", "gemini-2.5-flash")
                == .priced(cost: BillAmount.turnMax, version: Catalogue.version))
        let negative = usage {
            $0.input = .min; $0.output = -5
        }
        #expect(try catalogue.cost(negative, "openai", "gpt-5.2") == .priced(cost: .zero, version: Catalogue.version))
    }

    @Test func theContextThresholdIsComparedWithTheWholeInput() throws {
        let parts = usage {
            $0.input = 2_001
            $0.cacheRead = 200_000
            $0.cacheWrite30m = 70_000
        }
        // 272,001 tokens were read, though only 2,001 of them are new: everything takes the long price, output too.
        #expect(
            try catalogue.cost(parts, "openai", "gpt-6.1-sol")
                == .priced(
                    cost: NanoUSD(2_001 * 4_000 + 200_000 * 200 + 70_000 * 5_000), version: Catalogue.version))
        let less = usage {
            $0.input = 2_000; $0.cacheRead = 200_000; $0.cacheWrite30m = 70_000; $0.output = 500_000
        }
        #expect(
            try catalogue.cost(less, "openai", "gpt-6.1-sol")
                == .priced(
                    cost: NanoUSD(2_000 * 2_000 + 200_000 * 100 + 70_000 * 2_500 + 500_000 * 10_000),
                    version: Catalogue.version))
    }

    // MARK: Precedence

    @Test func configurationGoesBeforeImportsAndThoseBeforeTheCatalogue() throws {
        let model = "gpt-6.1-sol"
        let imported = try row("openai", model, .input, "1.9", source: "litellm")
        let configured = try row("openai", model, .input, "1.5", source: "config")
        let both = PriceBook(rows: [configured, imported] + Catalogue.rows, version: "1")
        #expect(try both.unitPrice(.input, "openai", model) == nanoUSD("1.5"))
        let one = PriceBook(rows: [imported] + Catalogue.rows, version: "1")
        #expect(try one.unitPrice(.input, "openai", model) == nanoUSD("1.9"))
        // What an override does not name stays as it was.
        #expect(try both.unitPrice(.output, "openai", model) == nanoUSD("10"))
        #expect(try both.unitPrice(.input, "openai", model, tier: "flex") == nanoUSD("1"))
    }

    @Test func aConfiguredPriceIsNotUndoneByTheListsContextTier() throws {
        let configured = try row("openai", "gpt-6.1-sol", .input, "1.5", source: "config")
        let book = PriceBook(rows: [configured] + Catalogue.rows, version: "1")
        #expect(try book.unitPrice(.input, "openai", "gpt-6.1-sol", totalInput: 300_000) == nanoUSD("1.5"))
        #expect(try book.unitPrice(.output, "openai", "gpt-6.1-sol", totalInput: 300_000) == nanoUSD("15"))
        let tiered = PriceBook(
            rows: [configured, try row("openai", "gpt-6.1-sol", .input, "2.5", over: 272_000, source: "config")]
                + Catalogue.rows,
            version: "1")
        #expect(try tiered.unitPrice(.input, "openai", "gpt-6.1-sol", totalInput: 300_000) == nanoUSD("2.5"))
    }

    @Test func aConfiguredPriceIsNotUndoneByTheListsHours() throws {
        let configured = try row("deepseek", "deepseek-v4-pro", .input, "0.9", source: "config")
        let book = PriceBook(rows: [configured] + Catalogue.rows, version: "1")
        for time in ["2026-11-24T02:00:00Z", "2026-11-24T12:00:00Z"] {
            #expect(try book.unitPrice(.input, "deepseek", "deepseek-v4-pro", at: time) == nanoUSD("0.9"))
        }
    }

    @Test func aConfiguredPriceHoldsForTheDatedIdsOfItsModelThoughAnImportListsThem() throws {
        let dated = "claude-sonnet-4-5-20250929"
        let book = PriceBook(
            rows: [
                try row("anthropic", "claude-sonnet-4-5", .input, "2.4", source: "config"),
                try row("anthropic", dated, .input, "3.1", source: "litellm"),
                try row("anthropic", dated, .output, "16", source: "litellm"),
            ] + Catalogue.rows, version: "1")
        #expect(try book.unitPrice(.input, "anthropic", dated) == nanoUSD("2.4"))
        #expect(try book.unitPrice(.output, "anthropic", dated) == nanoUSD("16"))
        // And what the import does not list of the dated id comes from the model's own rows.
        #expect(try book.unitPrice(.cacheRead, "anthropic", dated) == nanoUSD("0.3"))
        #expect(try book.unitPrice(.input, "anthropic", dated, tier: "batch") == nanoUSD("1.5"))
    }

    @Test func anExactIdGoesBeforeAPatternAndALongerPatternBeforeAShorter() throws {
        let book = PriceBook(
            rows: [
                try row("vllm", "*", .input, "1", source: "config"),
                try row("vllm", "llama-*", .input, "2", source: "config"),
                try row("vllm", "llama-4-*", .input, "3", source: "config"),
                try row("vllm", "llama-4-max", .input, "4"),
                try row("vllm", "*", .output, "9", source: "config"),
            ], version: "1")
        #expect(try book.unitPrice(.input, "vllm", "qwen") == nanoUSD("1"))
        #expect(try book.unitPrice(.input, "vllm", "llama-3") == nanoUSD("2"))
        #expect(try book.unitPrice(.input, "vllm", "llama-4-mini") == nanoUSD("3"))
        #expect(try book.unitPrice(.input, "vllm", "llama-4-max") == nanoUSD("4"))
        // Each meter looks for itself.
        #expect(try book.unitPrice(.output, "vllm", "llama-4-max") == nanoUSD("9"))
        #expect(try book.unitPrice(.input, "other", "llama-4-max") == nil)
    }

    @Test(
        arguments: [
            ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5"), ("gpt-5.4-2026-03-05", "gpt-5.4"),
            ("claude-sonnet-4-5-20251399", nil), ("gpt-5.4-mini", nil), ("gpt-5.4-2026-3-5", nil), ("20250929", nil),
            ("claude-20250929-1", nil), ("m-18991231", nil), ("é-20250929", "é"),
        ] as [(String, String?)])
    func onlyADateIsCutOffAModelsId(_ model: String, _ family: String?) {
        #expect(PriceBook.family(model) == family)
    }

    @Test func aDatedIdIsPricedAsItsModel() throws {
        #expect(try catalogue.unitPrice(.input, "anthropic", "claude-sonnet-4-5-20250929") == nanoUSD("3"))
        #expect(try catalogue.unitPrice(.input, "anthropic", "claude-sonnet-4-5-preview") == nil)
    }

    @Test func aSheetKnowsHowLongItHolds() throws {
        let time = try at("2026-11-24T02:00:00Z")
        let sheet = try #require(
            catalogue.sheet(
                provider: "deepseek", model: "deepseek-v4-pro", qualifiers: UsageQualifiers(), at: time, totalInput: 10)
        )
        #expect(sheet.holds(at: time, totalInput: 9_000_000))
        #expect(!sheet.holds(at: try at("2026-11-24T05:00:00Z"), totalInput: 10))
        let long = try #require(
            catalogue.sheet(
                provider: "openai", model: "gpt-6.1-sol", qualifiers: UsageQualifiers(), at: time, totalInput: 272_001))
        #expect(long.holds(at: time, totalInput: 999_999))
        #expect(!long.holds(at: time, totalInput: 272_000))
    }

    @Test func aSimulatedProviderIsPricedAsTheMakerOfThePlayedModel() throws {
        var specification = ProviderSpecification(name: "sim", kind: .simulated)
        specification.baseURL = "http://127.0.0.1:9"
        let simulated = try makeProvider(specification)
        #expect(simulated.priceProvider(of: "claude-opus-5-5") == "anthropic")
        #expect(simulated.priceProvider(of: "gpt-6.1-sol") == "openai")
        specification = ProviderSpecification(name: "gpu", kind: .vllm)
        specification.baseURL = "http://127.0.0.1:9"
        #expect(try makeProvider(specification).priceProvider(of: "llama") == "gpu")
        specification.priceProvider = "groq"
        #expect(try makeProvider(specification).priceProvider(of: "llama") == "groq")
    }
}
