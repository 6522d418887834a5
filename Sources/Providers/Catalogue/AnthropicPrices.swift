// AnthropicPrices: Anthropic's list prices as of 2026-11, with its rules: batch 0.5x (it stacks with the cache prices), US-only
// inference 1.1x, fast mode 2x on the models that offer it, web search $10 per thousand, web fetch free.

import GatewayModel

enum AnthropicPrices {
    private static let models: [ModelPrices] = [
        ModelPrices("claude-fable-5-2", input: "8", read: "0.2", write: "10", long: "16", output: "40"),
        ModelPrices("claude-fable-5-1", input: "10", read: "0.25", write: "12.5", long: "20", output: "50"),
        ModelPrices("claude-mythos-5-1", input: "10", read: "0.25", write: "12.5", long: "20", output: "50"),
        ModelPrices("claude-opus-5-5", input: "4", read: "0.2", write: "5", long: "8", output: "20"),
        ModelPrices("claude-opus-5", input: "5", read: "0.5", write: "6.25", long: "10", output: "25"),
        ModelPrices("claude-opus-4-8", input: "5", read: "0.5", write: "6.25", long: "10", output: "25"),
        ModelPrices("claude-opus-4-7", input: "5", read: "0.5", write: "6.25", long: "10", output: "25"),
        ModelPrices("claude-opus-4-6", input: "5", read: "0.5", write: "6.25", long: "10", output: "25"),
        ModelPrices("claude-opus-4-5", input: "5", read: "0.5", write: "6.25", long: "10", output: "25"),
        ModelPrices("claude-sonnet-5-5", input: "2", read: "0.2", write: "2.5", long: "4", output: "10", to: "2026-10-07"),
        ModelPrices("claude-sonnet-5-5", input: "2", read: "0.1", write: "2.5", long: "4", output: "10", from: "2026-10-07"),
        ModelPrices("claude-sonnet-5", input: "2", read: "0.2", write: "2.5", long: "4", output: "10"),
        ModelPrices("claude-sonnet-4-6", input: "3", read: "0.3", write: "3.75", long: "6", output: "15"),
        ModelPrices("claude-sonnet-4-5", input: "3", read: "0.3", write: "3.75", long: "6", output: "15"),
        ModelPrices("claude-haiku-5-5", input: "0.1", read: "0.01", write: "0.125", long: "0.2", output: "0.5"),
        ModelPrices("claude-haiku-4-5", input: "1", read: "0.1", write: "1.25", long: "2", output: "5"),
    ]

    /// Every token of a turn over 100,000 input tokens.
    private static let over100k = [
        ModelPrices("claude-haiku-5-5", input: "0.5", read: "0.05", write: "0.625", long: "1", output: "2.5")
    ]

    private static let fastModels: Set<String> = ["claude-opus-4-8", "claude-opus-5", "claude-opus-5-5", "claude-fable-5-2"]

    static let rows: [PriceRow] = {
        var table = PriceTable("anthropic")
        for (list, over) in [(models, Int64?.none), (over100k, 100_000)] {
            for prices in list {
                for (geo, uplift) in [(String?.none, Ratio.one), ("us", Ratio(11, 10))] {
                    table.add(prices, PriceScope(contextOver: over, geo: geo), times: uplift)
                    table.add(prices, PriceScope(contextOver: over, serviceTier: "batch", geo: geo), times: uplift * .half)
                    guard prices.models.contains(where: fastModels.contains) else { continue }
                    table.add(prices, PriceScope(contextOver: over, speed: "fast", geo: geo), times: uplift * Ratio(2))
                }
            }
        }
        table.add(.webSearch, of: "*", usdPerThousandCalls: "10")
        table.add(.webFetch, of: "*", usdPerThousandCalls: "0")
        return table.rows
    }()
}
