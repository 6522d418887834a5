// PriceValidityTests: of the prices that hold at a time, the one that began last.

import GatewayModel
import Providers
import Testing

@Suite struct PriceValidityTests {
    private func priced(
        _ usd: String, from: String? = nil, to: String? = nil, meter: Meter = .input, over: Int64? = nil, tier: String? = nil,
        source: String = "config"
    ) throws -> PriceRow {
        var made = try row("vllm", "llama", meter, usd, over: over, tier: tier, source: source)
        made.validFrom = try from.map { try at($0) }
        made.validTo = try to.map { try at($0) }
        return made
    }

    private func price(
        _ rows: [PriceRow], _ time: String, _ meter: Meter = .input, tier: String? = nil, totalInput: Int64 = 1000
    ) throws -> Int64? {
        try PriceBook(rows: rows, version: "1").unitPrice(meter, "vllm", "llama", tier: tier, at: time, totalInput: totalInput)
    }

    @Test func aNewPriceEndsTheOldOneInWhicheverOrderTheyStand() throws {
        let rows = [try priced("3", from: "2026-01-01"), try priced("2", from: "2026-06-01")]
        for order in [rows, Array(rows.reversed())] {
            #expect(try price(order, "2025-12-31T23:59:59Z") == nil)
            #expect(try price(order, "2026-01-01") == nanoUSD("3"))
            #expect(try price(order, "2026-05-31T23:59:59Z") == nanoUSD("3"))
            #expect(try price(order, "2026-06-01") == nanoUSD("2"))
            #expect(try price(order, "2027-01-01") == nanoUSD("2"))
        }
    }

    @Test func aPriceWithoutAFirstDayIsTheEarliestAndHoldsAgainWhenALaterOneEnds() throws {
        let rows = [try priced("3"), try priced("1", from: "2026-06-01", to: "2026-07-01")]
        for order in [rows, Array(rows.reversed())] {
            #expect(try price(order, "2026-05-31") == nanoUSD("3"))
            #expect(try price(order, "2026-06-15") == nanoUSD("1"))
            #expect(try price(order, "2026-07-01") == nanoUSD("3"))
        }
    }

    @Test func ofTwoFromTheSameDayTheEarlierRowHolds() throws {
        #expect(try price([priced("3", from: "2026-01-01"), priced("2", from: "2026-01-01")], "2026-06-01") == nanoUSD("3"))
        #expect(try price([priced("3"), priced("2")], "2026-06-01") == nanoUSD("3"))
    }

    @Test func aLaterDayUndoesNeitherAnotherSourceNorANarrowerCondition() throws {
        let rows = [
            try priced("3", from: "2026-01-01"), try priced("6", from: "2026-01-01", over: 200_000),
            try priced("2", from: "2026-06-01"), try priced("9", from: "2026-07-01", source: "litellm"),
        ]
        #expect(try price(rows, "2026-08-01") == nanoUSD("2"))
        #expect(try price(rows, "2026-08-01", totalInput: 300_000) == nanoUSD("6"))
    }

    @Test func aLaterPriceOfEveryCallDoesNotUndoATiersOwn() throws {
        let rows = [
            try priced("1", from: "2026-01-01", tier: "batch"), try priced("5", from: "2026-01-01", meter: .webSearch, tier: "batch"),
            try priced("10", from: "2026-06-01", meter: .webSearch),
        ]
        #expect(try price(rows, "2026-08-01", .webSearch, tier: "batch") == nanoUSD("5"))
        #expect(try price(rows, "2026-08-01", .webSearch) == nanoUSD("10"))
    }
}
