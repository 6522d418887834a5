// OpenAIPrices: OpenAI's list prices as of 2026-11, with its rules: over 272,000 input tokens every token of the turn costs 2x
// on the input side and 1.5x on the output side; flex and batch 0.5x; priority (also called fast) 2x; ultrafast 6x. Where a
// list prints a tier's own figure, that figure stands here; a tier that a model is not listed with has no price. Residency in
// one region (1.1x) is not told apart in an answer and comes by configuration.

import GatewayModel

enum OpenAIPrices {
    /// One model and the tiers that it is listed with.
    private struct Listing {
        var prices: ModelPrices
        var isTieredByContext = false
        var flex: Ratio?
        var batch: Ratio?
        /// The cached price's own ratio or figure in flex and batch, where it is not the tier's.
        var batchCacheRead: Ratio?
        var discountedCacheRead: (base: String, over: String)?
        var priority: Ratio?
        var priorityListed: ModelPrices?
        var ultrafast: Ratio?
    }

    private static let long: Int64 = 272_000

    /// The gpt-6 families: every tier.
    private static let six = [
        ModelPrices("gpt-6-astra", input: "10", read: "1", write: "12.5", long: "25", output: "50"),
        ModelPrices("gpt-6.1-sol", input: "2", read: "0.1", write: "2.5", long: "5", output: "10"),
        ModelPrices("gpt-6-sol", input: "2", read: "0.2", write: "2.5", long: "5", output: "10"),
        ModelPrices("gpt-6.1-terra", input: "1", read: "0.05", write: "1.25", long: "2.5", output: "5"),
        ModelPrices("gpt-6-luna", input: "0.1", read: "0.01", write: "0.125", long: "0.25", output: "0.5"),
    ].map {
        Listing(
            prices: $0, isTieredByContext: true, flex: .half, batch: .half, priority: Ratio(2), ultrafast: Ratio(6))
    }

    private static let fiveSix = [
        ModelPrices("gpt-5.6-sol", input: "5", read: "0.5", write: "6.25", long: "12.5", output: "30", to: "2026-08-21"),
        ModelPrices("gpt-5.6-sol", input: "4", read: "0.4", write: "5", long: "10", output: "20", from: "2026-08-21"),
        ModelPrices("gpt-5.6-terra", input: "2.5", read: "0.25", write: "3.125", long: "6.25", output: "15", to: "2026-07-30"),
        ModelPrices("gpt-5.6-terra", input: "2", read: "0.2", write: "2.5", long: "5", output: "12", from: "2026-07-30"),
        ModelPrices("gpt-5.6-luna", input: "1", read: "0.1", write: "1.25", long: "2.5", output: "6", to: "2026-07-30"),
        ModelPrices("gpt-5.6-luna", input: "0.2", read: "0.02", write: "0.25", long: "0.5", output: "1.2", from: "2026-07-30"),
    ].map { Listing(prices: $0, isTieredByContext: true, flex: .half, batch: .half, priority: Ratio(2)) }

    /// Before gpt-5.6, writing to the cache is free: a written token costs what it costs as input, and nothing more. Usage
    /// counts it in a class of its own, so it needs the price here.
    private static func free(_ model: String, _ input: String, read: String, output: String) -> ModelPrices {
        ModelPrices(model, input: input, read: read, write: input, long: input, output: output)
    }

    private static let older: [Listing] = [
        Listing(
            prices: free("gpt-5.5", "5", read: "0.5", output: "30"), isTieredByContext: true, flex: .half, batch: .half,
            priority: Ratio(5, 2)),
        // The list rounds the cached price of flex and batch to cents.
        Listing(
            prices: free("gpt-5.4", "2.5", read: "0.25", output: "15"), isTieredByContext: true, flex: .half, batch: .half,
            discountedCacheRead: (base: "0.13", over: "0.25"), priority: Ratio(2)),
        Listing(
            prices: free("gpt-5.4-mini", "0.75", read: "0.075", output: "4.5"), flex: .half, batch: .half, priority: Ratio(2)),
        Listing(prices: free("gpt-5.4-nano", "0.2", read: "0.02", output: "1.25"), flex: .half, batch: .half),
        Listing(prices: free("gpt-5.3-codex", "1.75", read: "0.175", output: "14"), priority: Ratio(2)),
        Listing(prices: free("gpt-5.2", "1.75", read: "0.175", output: "14"), flex: .half, batch: .half, priority: Ratio(2)),
        Listing(
            prices: free("gpt-5-mini", "0.25", read: "0.025", output: "2"), flex: .half, batch: .half,
            priorityListed: free("gpt-5-mini", "0.45", read: "0.045", output: "3.6")),
        // The batch list of these three prints no cached price: cached input keeps its standard price.
        Listing(
            prices: free("gpt-4.1", "2", read: "0.5", output: "8"), batch: .half, batchCacheRead: .one,
            priorityListed: free("gpt-4.1", "3.5", read: "0.875", output: "14")),
        Listing(
            prices: free("o3", "2", read: "0.5", output: "8"), flex: .half, batch: .half, batchCacheRead: .one,
            priorityListed: free("o3", "3.5", read: "0.875", output: "14")),
        Listing(
            prices: free("gpt-4o-mini", "0.15", read: "0.075", output: "0.6"), batch: .half, batchCacheRead: .one,
            priorityListed: free("gpt-4o-mini", "0.25", read: "0.125", output: "1")),
        // Models that agents still name.
        Listing(prices: free("gpt-5.1", "1.25", read: "0.125", output: "10"), flex: .half, batch: .half, priority: Ratio(2)),
        Listing(prices: free("gpt-5.1-codex", "1.25", read: "0.125", output: "10"), flex: .half, batch: .half, priority: Ratio(2)),
        Listing(prices: free("gpt-5", "1.25", read: "0.125", output: "10"), flex: .half, batch: .half, priority: Ratio(2)),
        Listing(prices: free("gpt-5-nano", "0.05", read: "0.005", output: "0.4"), flex: .half, batch: .half),
        // An embedding has no output.
        Listing(prices: ModelPrices("text-embedding-3-small", input: "0.02", output: "0"), batch: .half),
        Listing(prices: ModelPrices("text-embedding-3-large", input: "0.13", output: "0"), batch: .half),
    ]

    static let rows: [PriceRow] = {
        var table = PriceTable("openai", short: .cacheWrite30m, long: .cacheWrite12h)
        for listing in six + fiveSix + older {
            add(listing, tier: nil, prices: listing.prices, times: .one, to: &table)
            if let flex = listing.flex { addDiscounted(listing, tier: "flex", times: flex, cacheRead: nil, to: &table) }
            if let batch = listing.batch {
                addDiscounted(listing, tier: "batch", times: batch, cacheRead: listing.batchCacheRead, to: &table)
            }
            for tier in ["priority", "fast"] {
                if let listed = listing.priorityListed {
                    add(listing, tier: tier, prices: listed, times: .one, to: &table)
                } else if let priority = listing.priority {
                    add(listing, tier: tier, prices: listing.prices, times: priority, to: &table)
                }
            }
            if let ultrafast = listing.ultrafast {
                add(listing, tier: "ultrafast", prices: listing.prices, times: ultrafast, to: &table)
            }
        }
        table.add(.webSearch, of: "*", usdPerThousandCalls: "10")
        table.add(.webSearch, of: "gpt-4*", usdPerThousandCalls: "25")
        return table.rows
    }()

    /// One tier: the base prices, and those of long contexts where the model has them.
    private static func add(
        _ listing: Listing, tier: String?, prices: ModelPrices, times: Ratio, cacheRead: Ratio? = nil,
        to table: inout PriceTable
    ) {
        table.add(prices, PriceScope(serviceTier: tier), times: times, cacheRead: cacheRead)
        guard listing.isTieredByContext else { return }
        table.add(
            prices, PriceScope(contextOver: long, serviceTier: tier), times: times * Ratio(2), output: times * Ratio(3, 2))
    }

    private static func addDiscounted(
        _ listing: Listing, tier: String, times: Ratio, cacheRead: Ratio?, to table: inout PriceTable
    ) {
        guard let listed = listing.discountedCacheRead else {
            add(listing, tier: tier, prices: listing.prices, times: times, cacheRead: cacheRead, to: &table)
            return
        }
        var base = listing.prices
        base.cacheRead = listed.base
        table.add(base, PriceScope(serviceTier: tier), times: times, cacheRead: .one)
        base.cacheRead = listed.over
        table.add(
            base, PriceScope(contextOver: long, serviceTier: tier), times: times * Ratio(2), output: times * Ratio(3, 2),
            cacheRead: .one)
    }
}
