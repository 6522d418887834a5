// CatalogueRuleTests: the rules that stand below the price list: long contexts, service tiers, geography, dates and hours.

import GatewayModel
import Providers
import Testing

@Suite struct CatalogueRuleTests {
    // MARK: Long contexts

    @Test(arguments: [
        ("gpt-6-astra", "20", "2", "25", "50", "75"), ("gpt-6.1-sol", "4", "0.2", "5", "10", "15"),
        ("gpt-5.6-terra", "4", "0.4", "5", "10", "18"), ("gpt-5.5", "10", "1", "10", "10", "45"),
        ("gpt-5.4", "5", "0.5", "5", "5", "22.5"),
    ])
    func over272kInputIsTwiceAndOutputOneAndAHalfTimes(
        _ model: String, _ input: String, _ read: String, _ write: String, _ long: String, _ output: String
    ) throws {
        for (meter, figure) in zip(
            [Meter.input, .cacheRead, .cacheWrite30m, .cacheWrite12h, .output], [input, read, write, long, output])
        {
            #expect(try catalogue.unitPrice(meter, "openai", model, totalInput: 272_001) == nanoUSD(figure))
        }
    }

    @Test func theThresholdItselfIsStillTheBasePrice() throws {
        #expect(try catalogue.unitPrice(.input, "openai", "gpt-6.1-sol", totalInput: 272_000) == nanoUSD("2"))
        #expect(try catalogue.unitPrice(.input, "google", "gemini-2.5-pro", totalInput: 200_000) == nanoUSD("1.25"))
        #expect(try catalogue.unitPrice(.input, "google", "gemini-2.5-pro", totalInput: 200_001) == nanoUSD("2.5"))
        #expect(
            try catalogue.unitPrice(.cacheRead, "google", "gemini-3.1-pro-preview", totalInput: 200_001)
                == nanoUSD("0.4"))
        #expect(
            try catalogue.unitPrice(.output, "google", "gemini-3.1-pro-preview", totalInput: 200_001) == nanoUSD("18"))
        #expect(try catalogue.unitPrice(.input, "minimax", "MiniMax-M3", totalInput: 512_000) == nanoUSD("0.3"))
        #expect(try catalogue.unitPrice(.output, "minimax", "MiniMax-M3", totalInput: 512_001) == nanoUSD("2.4"))
    }

    @Test func xAICountsTheThresholdItselfAsLong() throws {
        #expect(try catalogue.unitPrice(.input, "xai", "grok-4.7", totalInput: 199_999) == nanoUSD("2"))
        #expect(try catalogue.unitPrice(.input, "xai", "grok-4.7", totalInput: 200_000) == nanoUSD("4"))
        #expect(try catalogue.unitPrice(.output, "xai", "grok-4.7", totalInput: 200_000) == nanoUSD("12"))
    }

    @Test func haikuOver100kHasAListOfItsOwn() throws {
        for (meter, figure) in zip(
            [Meter.input, .cacheRead, .cacheWrite5m, .cacheWrite1h, .output], ["0.5", "0.05", "0.625", "1", "2.5"])
        {
            #expect(
                try catalogue.unitPrice(meter, "anthropic", "claude-haiku-5-5", totalInput: 100_001) == nanoUSD(figure))
        }
    }

    @Test func modelsWithoutATierStayFlat() throws {
        for (provider, model) in [("openai", "gpt-5.4-mini"), ("anthropic", "claude-opus-5-5"), ("openai", "gpt-5.2")] {
            let base = try catalogue.unitPrice(.input, provider, model)
            #expect(try catalogue.unitPrice(.input, provider, model, totalInput: 900_000) == base)
        }
    }

    // MARK: Tiers

    @Test(arguments: ["flex", "batch"])
    func flexAndBatchAreHalf(_ tier: String) throws {
        for (meter, figure) in zip(
            [Meter.input, .cacheRead, .cacheWrite30m, .cacheWrite12h, .output], ["1", "0.05", "1.25", "2.5", "5"])
        {
            #expect(try catalogue.unitPrice(meter, "openai", "gpt-6.1-sol", tier: tier) == nanoUSD(figure))
        }
        #expect(
            try catalogue.unitPrice(.output, "openai", "gpt-6.1-sol", tier: tier, totalInput: 300_000) == nanoUSD("7.5")
        )
        #expect(try catalogue.unitPrice(.output, "google", "gemini-4-argon", tier: tier) == nanoUSD("5"))
    }

    @Test func priorityIsTwiceAndForOneModelTwoAndAHalfTimes() throws {
        for tier in ["priority", "fast"] {
            #expect(try catalogue.unitPrice(.input, "openai", "gpt-6.1-sol", tier: tier) == nanoUSD("4"))
            #expect(
                try catalogue.unitPrice(.output, "openai", "gpt-6.1-sol", tier: tier, totalInput: 300_000)
                    == nanoUSD("30"))
            #expect(try catalogue.unitPrice(.input, "openai", "gpt-5.5", tier: tier) == nanoUSD("12.5"))
            #expect(try catalogue.unitPrice(.output, "openai", "gpt-5.5", tier: tier) == nanoUSD("75"))
        }
        #expect(try catalogue.unitPrice(.output, "openai", "gpt-6.1-sol", tier: "ultrafast") == nanoUSD("60"))
        #expect(try catalogue.unitPrice(.input, "google", "gemini-4-argon", tier: "priority") == nanoUSD("3.6"))
    }

    @Test(arguments: [nil, "", "default", "auto", "standard", "standard_only", "on_demand"])
    func whatProvidersCallTheirStandardTierIsTheBasePrice(_ tier: String?) throws {
        #expect(try catalogue.unitPrice(.input, "openai", "gpt-6.1-sol", tier: tier) == nanoUSD("2"))
    }

    @Test func aTierThatIsNotListedHasNoPrice() throws {
        #expect(try catalogue.unitPrice(.input, "openai", "gpt-6.1-sol", tier: "scale") == nil)
        #expect(try catalogue.unitPrice(.input, "openai", "gpt-5.3-codex", tier: "flex") == nil)
        #expect(try catalogue.unitPrice(.input, "anthropic", "claude-sonnet-5-5", speed: "fast") == nil)
    }

    @Test func anthropicBatchIsHalfAndStacksWithTheCache() throws {
        for (meter, figure) in zip(
            [Meter.input, .cacheRead, .cacheWrite5m, .cacheWrite1h, .output], ["2", "0.1", "2.5", "4", "10"])
        {
            #expect(try catalogue.unitPrice(meter, "anthropic", "claude-opus-5-5", tier: "batch") == nanoUSD(figure))
        }
    }

    @Test func anthropicFastIsTwice() throws {
        #expect(try catalogue.unitPrice(.input, "anthropic", "claude-opus-5-5", speed: "fast") == nanoUSD("8"))
        #expect(try catalogue.unitPrice(.cacheRead, "anthropic", "claude-opus-5-5", speed: "fast") == nanoUSD("0.4"))
        #expect(try catalogue.unitPrice(.output, "anthropic", "claude-opus-4-8", speed: "fast") == nanoUSD("50"))
        #expect(try catalogue.unitPrice(.input, "anthropic", "claude-opus-5-5", speed: "standard") == nanoUSD("4"))
    }

    @Test func inferenceInOneCountryCostsATenthMore() throws {
        #expect(try catalogue.unitPrice(.input, "anthropic", "claude-opus-5-5", geo: "us") == nanoUSD("4.4"))
        #expect(try catalogue.unitPrice(.cacheRead, "anthropic", "claude-haiku-5-5", geo: "us") == nanoUSD("0.011"))
        #expect(
            try catalogue.unitPrice(.input, "anthropic", "claude-opus-5-5", speed: "fast", geo: "us") == nanoUSD("8.8"))
        #expect(
            try catalogue.unitPrice(.output, "anthropic", "claude-opus-5-5", tier: "batch", geo: "us") == nanoUSD("11"))
        for geo in ["global", "not_available", ""] {
            #expect(try catalogue.unitPrice(.input, "anthropic", "claude-opus-5-5", geo: geo) == nanoUSD("4"))
        }
        // A geography that nobody lists is not taken for the standard one.
        #expect(try catalogue.unitPrice(.input, "anthropic", "claude-opus-5-5", geo: "mars") == nil)
    }

    // MARK: Calls

    @Test func aWebSearchCostsByTheThousand() throws {
        #expect(try catalogue.unitPrice(.webSearch, "anthropic", "claude-opus-5-5") == nanoUSD("10"))
        #expect(
            try catalogue.unitPrice(.webSearch, "anthropic", "claude-opus-5-5", tier: "batch", geo: "us")
                == nanoUSD("10"))
        #expect(try catalogue.unitPrice(.webSearch, "openai", "gpt-6.1-sol") == nanoUSD("10"))
        #expect(try catalogue.unitPrice(.webSearch, "openai", "gpt-4.1") == nanoUSD("25"))
        #expect(try catalogue.unitPrice(.webSearch, "google", "gemini-3.5-flash") == nanoUSD("14"))
        #expect(try catalogue.unitPrice(.webSearch, "google", "gemini-2.5-flash") == nanoUSD("35"))
        let three = usage { $0.webSearches = 3 }
        #expect(
            try catalogue.cost(three, "anthropic", "claude-opus-5-5")
                == .priced(cost: NanoUSD(30_000_000), version: Catalogue.version))
    }

    @Test func audioLeavesTheInputOnlyWhereItHasAPrice() throws {
        let spoken = usage {
            $0.input = 1000; $0.audioInput = 400
        }
        #expect(
            try catalogue.cost(spoken, "google", "gemini-2.5-flash")
                == .priced(cost: NanoUSD(600 * 300 + 400 * 1000), version: Catalogue.version))
        #expect(
            try catalogue.cost(spoken, "google", "gemini-2.5-pro")
                == .priced(cost: NanoUSD(1000 * 1250), version: Catalogue.version))
    }

    // MARK: Dates and hours

    @Test(arguments: [
        ("openai", "gpt-5.6-sol", Meter.input, "2026-08-20T23:59:59Z", "5"),
        ("openai", "gpt-5.6-sol", .output, "2026-08-20T23:59:59Z", "30"),
        ("openai", "gpt-5.6-sol", .input, "2026-08-21T00:00:00Z", "4"),
        ("openai", "gpt-5.6-sol", .output, "2026-08-21T00:00:00Z", "20"),
        ("anthropic", "claude-sonnet-5-5", .cacheRead, "2026-10-06T23:59:59Z", "0.2"),
        ("anthropic", "claude-sonnet-5-5", .cacheRead, "2026-10-07T00:00:00Z", "0.1"),
        ("google", "gemini-4-argon", .input, "2026-11-30T23:59:59Z", "2"),
        ("google", "gemini-4-argon", .input, "2026-12-01T00:00:00Z", "4"),
        ("google", "gemini-4-argon", .output, "2026-12-01T00:00:00Z", "20"),
        ("google", "gemini-3.8-flash", .output, "2026-12-31T23:59:59Z", "3.75"),
        ("google", "gemini-3.8-flash", .output, "2027-01-01T00:00:00Z", "7.5"),
    ])
    func aPriceThatChangedOnADayIsTakenByTheDayOfTheTurn(
        _ provider: String, _ model: String, _ meter: Meter, _ time: String, _ figure: String
    ) throws {
        #expect(try catalogue.unitPrice(meter, provider, model, at: time) == nanoUSD(figure))
    }

    @Test(arguments: [
        ("2026-11-24T00:59:59Z", "0.66"), ("2026-11-24T01:00:00Z", "1.32"), ("2026-11-24T03:59:59Z", "1.32"),
        ("2026-11-24T04:00:00Z", "0.66"), ("2026-11-24T06:00:00Z", "1.32"), ("2026-11-24T10:00:00Z", "0.66"),
        ("2026-11-24T23:00:00Z", "0.66"),
    ])
    func deepSeekIsHalfPriceOutsideItsPeakHours(_ time: String, _ figure: String) throws {
        #expect(try catalogue.unitPrice(.input, "deepseek", "deepseek-v4-pro", at: time) == nanoUSD(figure))
    }

    @Test func deepSeekFlashHasNoPeakAtTheWeekend() throws {
        #expect(
            try catalogue.unitPrice(.output, "deepseek", "deepseek-flash", at: "2026-11-27T02:00:00Z") == nanoUSD("1.2")
        )
        #expect(
            try catalogue.unitPrice(.output, "deepseek", "deepseek-flash", at: "2026-11-28T02:00:00Z") == nanoUSD("0.6")
        )
    }
}
