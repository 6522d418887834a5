// GooglePrices: Gemini's list prices as of 2026-11: flex and batch 0.5x, priority 1.8x; some introductory prices end on a date.
// Grounding with search is $14 per thousand, $35 on the 2.5 models.

import GatewayModel

enum GooglePrices {
    /// How batch prices a cached token: half like the rest, as the standard tier does, or at a figure of its own.
    private enum BatchCache {
        case half
        case standard
        case listed(String)
    }

    private static let models: [(ModelPrices, over200k: ModelPrices?, BatchCache)] = [
        (ModelPrices("gemini-4-argon", input: "2", read: "0.1", output: "10", to: "2026-12-01"), nil, .half),
        (ModelPrices("gemini-4-argon", input: "4", read: "0.2", output: "20", from: "2026-12-01"), nil, .half),
        (
            ModelPrices("gemini-3.1-pro-preview", input: "2", read: "0.2", output: "12"),
            ModelPrices("gemini-3.1-pro-preview", input: "4", read: "0.4", output: "18"), .standard
        ),
        (ModelPrices("gemini-3.8-flash", input: "0.75", read: "0.075", output: "3.75", to: "2027-01-01"), nil, .half),
        (ModelPrices("gemini-3.8-flash", input: "1.5", read: "0.15", output: "7.5", from: "2027-01-01"), nil, .half),
        (ModelPrices("gemini-3.5-flash", input: "1.5", read: "0.15", output: "9"), nil, .half),
        (ModelPrices("gemini-3.5-flash-lite", input: "0.3", read: "0.03", output: "2.5"), nil, .listed("0.02")),
        (
            ModelPrices("gemini-2.5-pro", input: "1.25", read: "0.125", output: "10"),
            ModelPrices("gemini-2.5-pro", input: "2.5", read: "0.25", output: "15"), .standard
        ),
        (ModelPrices("gemini-2.5-flash", input: "0.3", read: "0.03", audio: "1", output: "2.5"), nil, .standard),
    ]

    static let rows: [PriceRow] = {
        var table = PriceTable("google")
        for (base, over200k, batchCache) in models {
            for (prices, over) in [(base, Int64?.none), (over200k ?? base, 200_000)] where over == nil || over200k != nil {
                table.add(prices, PriceScope(contextOver: over))
                table.add(prices, PriceScope(contextOver: over, serviceTier: "flex"), times: .half)
                table.add(prices, PriceScope(contextOver: over, serviceTier: "priority"), times: Ratio(9, 5))
                var batch = prices
                let cacheRead: Ratio
                switch batchCache {
                case .half: cacheRead = .half
                case .standard: cacheRead = .one
                case .listed(let figure):
                    batch.cacheRead = figure
                    cacheRead = .one
                }
                table.add(batch, PriceScope(contextOver: over, serviceTier: "batch"), times: .half, cacheRead: cacheRead)
            }
        }
        table.add(.webSearch, of: "gemini-*", usdPerThousandCalls: "14")
        table.add(.webSearch, of: "gemini-2.5-*", usdPerThousandCalls: "35")
        return table.rows
    }()
}
