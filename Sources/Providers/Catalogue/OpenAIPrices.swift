// OpenAIPrices: OpenAI's list prices (openai.com/api/pricing, as of 2026-11), with its rules: over 272,000 input tokens every
// token of the turn costs 2x on the input side and 1.5x on the output side; flex and batch 0.5x; priority 2x; ultrafast 6x;
// residency in the US or EU 1.1x is a contract's and comes by configuration.

import GatewayModel

enum OpenAIPrices {
    /// Models with the long-context tier.
    private static let tiered: [ModelPrices] = [
        ModelPrices("gpt-6-astra", input: "10", read: "1", write: "12.5", long: "25", output: "50"),
        ModelPrices("gpt-6.1-sol", input: "2", read: "0.1", write: "2.5", long: "5", output: "10"),
        ModelPrices("gpt-6-sol", input: "2", read: "0.2", write: "2.5", long: "5", output: "10"),
        ModelPrices("gpt-6.1-terra", input: "1", read: "0.05", write: "1.25", long: "2.5", output: "5"),
        ModelPrices("gpt-6-luna", input: "0.1", read: "0.01", write: "0.125", long: "0.25", output: "0.5"),
        ModelPrices("gpt-5.6-sol", input: "5", read: "0.5", write: "6.25", long: "12.5", output: "30", to: "2026-08-21"),
        ModelPrices("gpt-5.6-sol", input: "4", read: "0.4", write: "5", long: "10", output: "20", from: "2026-08-21"),
        ModelPrices("gpt-5.6-terra", input: "2", read: "0.2", write: "2.5", long: "5", output: "12"),
        ModelPrices("gpt-5.6-luna", input: "0.2", read: "0.02", write: "0.25", long: "0.5", output: "1.2"),
    ]

    /// Models before gpt-5.6 write their cache free.
    private static let tieredWithoutWrites: [ModelPrices] = [
        ModelPrices("gpt-5.5", input: "5", read: "0.5", write: "0", output: "30"),
        ModelPrices("gpt-5.4", input: "2.5", read: "0.25", write: "0", output: "15"),
    ]

    private static let flat: [ModelPrices] = [
        ModelPrices("gpt-5.4-mini", input: "0.75", read: "0.075", write: "0", output: "4.5"),
        ModelPrices("gpt-5.4-nano", input: "0.2", read: "0.02", write: "0", output: "1.25"),
        ModelPrices("gpt-5.3-codex", "gpt-5.2", input: "1.75", read: "0.175", write: "0", output: "14"),
        ModelPrices("gpt-5-mini", input: "0.25", read: "0.025", write: "0", output: "2"),
        ModelPrices("gpt-4.1", "o3", input: "2", read: "0.5", write: "0", output: "8"),
        ModelPrices("gpt-4o-mini", input: "0.15", read: "0.075", write: "0", output: "0.6"),
        ModelPrices("text-embedding-3-small", input: "0.02", output: "0"),
        ModelPrices("text-embedding-3-large", input: "0.13", output: "0"),
    ]

    static let rows: [PriceRow] = {
        var rows: [PriceRow] = []
        for prices in tiered + tieredWithoutWrites + flat {
            let isTiered = !flat.contains { $0.models == prices.models }
            // gpt-5.5's priority tier is listed at 2.5x.
            let priority: (Int64, Int64) = prices.models == ["gpt-5.5"] ? (5, 2) : (2, 1)
            let tiers: [(String?, (Int64, Int64))] =
                prices.models[0].hasPrefix("text-embedding")
                ? [(nil, (1, 1)), ("batch", (1, 2))]
                : [
                    (nil, (1, 1)), ("flex", (1, 2)), ("batch", (1, 2)), ("priority", priority), ("fast", priority),
                    ("ultrafast", (6, 1)),
                ]
            for (tier, times) in tiers {
                rows += prices.rows(
                    provider: "openai", short: .cacheWrite30m, long: .cacheWrite12h, inputTimes: times, outputTimes: times,
                    serviceTier: tier)
                guard isTiered else { continue }
                rows += prices.rows(
                    provider: "openai", short: .cacheWrite30m, long: .cacheWrite12h,
                    inputTimes: (times.0 * 2, times.1), outputTimes: (times.0 * 3, times.1 * 2), contextOver: 272_000,
                    serviceTier: tier)
            }
        }
        // Web search is billed per call: $10 per thousand, $25 on gpt-4.x.
        rows.append(PriceRow(provider: "openai", model: "*", meter: .webSearch, price: 10_000_000_000, source: "list"))
        rows.append(PriceRow(provider: "openai", model: "gpt-4*", meter: .webSearch, price: 25_000_000_000, source: "list"))
        return rows
    }()
}
