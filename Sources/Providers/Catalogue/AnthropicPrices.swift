// AnthropicPrices: Anthropic's list prices (anthropic.com/pricing, as of 2026-11), with its rules: batch 0.5x, US-only
// inference 1.1x, fast mode 2x on the models that offer it, web search $10 per thousand.

import GatewayModel

enum AnthropicPrices {
    private static let models: [ModelPrices] = [
        ModelPrices("claude-fable-5-2", input: "8", read: "0.2", write: "10", long: "16", output: "40"),
        ModelPrices("claude-fable-5-1", "claude-mythos-5-1", input: "10", read: "0.25", write: "12.5", long: "20", output: "50"),
        ModelPrices("claude-opus-5-5", input: "4", read: "0.2", write: "5", long: "8", output: "20"),
        ModelPrices("claude-opus-5", "claude-opus-4-8", input: "5", read: "0.5", write: "6.25", long: "10", output: "25"),
        ModelPrices("claude-sonnet-5-5", input: "2", read: "0.2", write: "2.5", long: "4", output: "10", to: "2026-10-07"),
        ModelPrices("claude-sonnet-5-5", input: "2", read: "0.1", write: "2.5", long: "4", output: "10", from: "2026-10-07"),
        ModelPrices("claude-sonnet-5", input: "2", read: "0.2", write: "2.5", long: "4", output: "10"),
        ModelPrices(
            "claude-sonnet-4-6", "claude-sonnet-4-5", input: "3", read: "0.3", write: "3.75", long: "6", output: "15"),
        ModelPrices("claude-haiku-5-5", input: "0.1", read: "0.01", write: "0.125", long: "0.2", output: "0.5"),
        ModelPrices("claude-haiku-4-5", input: "1", read: "0.1", write: "1.25", long: "2", output: "5"),
    ]

    /// Every token of a turn over 100,000 input tokens.
    private static let haikuLong = ModelPrices(
        "claude-haiku-5-5", input: "0.5", read: "0.05", write: "0.625", long: "1", output: "2.5")

    private static let fastModels: Set<String> = ["claude-opus-4-8", "claude-opus-5", "claude-opus-5-5"]

    static let rows: [PriceRow] = {
        var rows: [PriceRow] = []
        func add(_ prices: ModelPrices, contextOver: Int64? = nil) {
            for (tier, half) in [(String?.none, Int64(1)), ("batch", 2)] {
                for (geo, times) in [(String?.none, (Int64(1), Int64(1))), ("us", (11, 10))] {
                    rows += prices.rows(
                        provider: "anthropic", short: .cacheWrite5m, long: .cacheWrite1h,
                        inputTimes: (times.0, times.1 * half), outputTimes: (times.0, times.1 * half),
                        contextOver: contextOver, serviceTier: tier, geo: geo)
                    guard tier == nil, prices.models.contains(where: fastModels.contains) else { continue }
                    rows += prices.rows(
                        provider: "anthropic", short: .cacheWrite5m, long: .cacheWrite1h,
                        inputTimes: (times.0 * 2, times.1), outputTimes: (times.0 * 2, times.1), contextOver: contextOver,
                        speed: "fast", geo: geo)
                }
            }
        }
        for prices in models { add(prices) }
        add(haikuLong, contextOver: 100_000)
        rows.append(PriceRow(provider: "anthropic", model: "*", meter: .webSearch, price: 10_000_000_000, source: "list"))
        return rows
    }()
}
