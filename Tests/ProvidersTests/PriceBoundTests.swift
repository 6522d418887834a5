// PriceBoundTests: whatever a provider makes of a request, it bills no more than the bound that was computed before it was sent.

import GatewayModel
import Providers
import Testing

@Suite struct PriceBoundTests {
    private func bound(
        _ provider: String, _ model: String, _ tiers: ReachableTiers = ReachableTiers(), inputMax: Int64 = 1000
    ) throws -> PriceBound? {
        catalogue.bound(provider: provider, model: model, tiers: tiers, at: try at("2026-11-24"), inputMax: inputMax)
    }

    @Test func noUsageOfAnyListedModelCostsMoreThanItsBoundInAnyTierThatTheRequestCanReach() throws {
        var random = SystemRandomNumberGenerator()
        let time = try at("2026-11-24")
        var compared = 0
        for model in Set(catalogue.rows.filter { !$0.model.hasSuffix("*") }.map { [$0.provider, $0.model] }) {
            let tiers = Set(
                catalogue.rows.filter { $0.provider == model[0] && $0.model == model[1] }.map {
                    UsageQualifiers(serviceTier: $0.serviceTier, speed: $0.speed, inferenceGeo: $0.geo)
                })
            for served in tiers {
                let input = Int64.random(in: 1...1_200_000, using: &random)
                let output = Int64.random(in: 0...200_000, using: &random)
                let sheet = catalogue.sheet(
                    provider: model[0], model: model[1], qualifiers: served, at: time, totalInput: input)
                var left = input
                /// A part of the input in a class that has a price.
                func take(_ meter: Meter) -> Int64 {
                    guard sheet?.price(of: meter) != nil else { return 0 }
                    let part = Int64.random(in: 0...left, using: &random)
                    left -= part
                    return part
                }
                let used = usage {
                    $0.cacheRead = take(.cacheRead)
                    $0.cacheWrite5m = take(.cacheWrite5m)
                    $0.cacheWrite1h = take(.cacheWrite1h)
                    $0.cacheWrite30m = take(.cacheWrite30m)
                    $0.cacheWriteUnknown = take(.cacheWrite5m)
                    $0.toolPrompt = take(.input)
                    $0.input = left
                    $0.audioInput = left / 2
                    $0.output = output
                    $0.audioOutput = output / 3
                }
                // Nothing asked for, or just the tier that served it.
                for asked in [ReachableTiers(speed: served.speed), ReachableTiers(served)] {
                    guard
                        let most = catalogue.bound(
                            provider: model[0], model: model[1], tiers: asked, at: time, inputMax: input)?.cost(
                                input: input, output: output),
                        case .priced(let cost, _) = catalogue.price(
                            usage: used, provider: model[0], model: model[1], qualifiers: served, at: time)
                    else { continue }
                    #expect(cost <= most, "\(model) \(served) \(input) \(output)")
                    compared += 1
                }
            }
        }
        #expect(compared > 200)
    }

    @Test func theStepOfContextCountsThatTheBodyCanReach() throws {
        let book = PriceBook(
            rows: [
                try row("p", "m", .input, "1"), try row("p", "m", .output, "2"), try row("p", "m", .input, "3", over: 272_000),
                try row("p", "m", .output, "5", over: 272_000),
            ], version: "1")
        func input(_ tokens: Int64) throws -> Int64? {
            book.bound(provider: "p", model: "m", tiers: ReachableTiers(), at: try at("2026-11-24"), inputMax: tokens)?.input
        }
        #expect(try input(272_000) == 1_000_000_000)
        #expect(try input(272_001) == 3_000_000_000)
    }

    @Test func aTierThatTheAccountMayChooseCountsUnlessTheRequestChoosesAnother() throws {
        let rows = [
            try row("p", "m", .input, "1"), try row("p", "m", .output, "2"), try row("p", "m", .input, "2", tier: "priority"),
            try row("p", "m", .output, "4", tier: "priority"), try row("p", "m", .input, "0.5", tier: "flex"),
            try row("p", "m", .output, "1", tier: "flex"),
        ]
        let book = PriceBook(rows: rows, version: "1")
        func output(_ tier: String?) throws -> Int64? {
            book.bound(
                provider: "p", model: "m", tiers: ReachableTiers(serviceTier: tier), at: try at("2026-11-24"), inputMax: 1)?.output
        }
        #expect(try output(nil) == 4_000_000_000 && output("auto") == 4_000_000_000)
        #expect(try output("default") == 2_000_000_000)
        #expect(try output("flex") == 2_000_000_000, "a provider may serve it in its standard tier")
        #expect(try output("priority") == 4_000_000_000)
    }

    @Test func aModelWithoutAPriceHasNoBound() throws {
        #expect(try bound("vllm", "llama-4") == nil)
        #expect(try bound("openai", "gpt-99") == nil, "a pattern knows its calls alone")
        let onlyInput = PriceBook(rows: [try row("p", "embed", .input, "1")], version: "1")
        let found = onlyInput.bound(provider: "p", model: "embed", tiers: ReachableTiers(), at: try at("2026-11-24"), inputMax: 10)
        #expect(found?.cost(input: 10, output: 0) == NanoUSD(10_000))
        #expect(found?.cost(input: 10, output: 1) == nil)
    }

    @Test func tokensBeyondAllReasonEndAtTheEndOfMoney() throws {
        let most = try #require(try bound("anthropic", "claude-sonnet-4-5")).cost(input: .max, output: .max)
        #expect(most == BillAmount.turnMax)
    }
}

extension ReachableTiers {
    init(_ qualifiers: UsageQualifiers) {
        self.init(serviceTier: qualifiers.serviceTier, speed: qualifiers.speed, inferenceGeo: qualifiers.inferenceGeo)
    }
}
