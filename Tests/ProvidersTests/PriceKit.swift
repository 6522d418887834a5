// PriceKit: how the tests of this folder ask for prices, and read figures as a person writes them.

import Foundation
import GatewayModel
import Providers
import Testing

/// An instant written out.
func at(_ text: String) throws -> Timestamp { try #require(Timestamp(rfc3339: text)) }

/// USD with decimals to nano-USD, by another arithmetic than the catalogue's.
func nanoUSD(_ usd: String) throws -> Int64 {
    let decimal = try #require(Decimal(string: usd)) * Decimal(1_000_000_000)
    return try #require(Int64(decimal.description), "\(usd) is finer than a nano-USD")
}

let catalogue = PriceBook(rows: Catalogue.rows, version: Catalogue.version)

extension PriceBook {
    /// One unit price, as a turn would meet it.
    func unitPrice(
        _ meter: Meter, _ provider: String, _ model: String, tier: String? = nil, speed: String? = nil,
        geo: String? = nil,
        at time: String = "2026-11-24", totalInput: Int64 = 1000
    ) throws -> Int64? {
        sheet(
            provider: provider, model: model,
            qualifiers: UsageQualifiers(serviceTier: tier, speed: speed, inferenceGeo: geo), at: try at(time),
            totalInput: totalInput)?.price(of: meter)
    }

    /// The whole cost, or the meters without a price.
    func cost(
        _ usage: TokenUsage, _ provider: String, _ model: String, tier: String? = nil, at time: String = "2026-11-24"
    ) throws -> PriceResult {
        price(
            usage: usage, provider: provider, model: model, qualifiers: UsageQualifiers(serviceTier: tier),
            at: try at(time))
    }
}

/// A row of a price list that a test makes up.
func row(
    _ provider: String, _ model: String, _ meter: Meter, _ usd: String, over: Int64? = nil, tier: String? = nil,
    source: String = "list"
) throws -> PriceRow {
    PriceRow(
        provider: provider, model: model, meter: meter, price: try nanoUSD(usd), contextOver: over, serviceTier: tier,
        source: source)
}

func usage(_ fill: (inout TokenUsage) -> Void) -> TokenUsage {
    var usage = TokenUsage()
    fill(&usage)
    return usage
}
