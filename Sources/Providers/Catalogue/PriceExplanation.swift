// PriceExplanation: a priced usage, line by line, for people and for oracles.

package import GatewayModel

/// What `weir price explain` shows. All amounts are integers.
package struct PriceExplanation: Sendable, Codable {
    package struct Line: Sendable, Codable {
        package var usageClass: String
        package var quantity: Int64
        /// nano-USD per million tokens, or per thousand calls.
        package var unitPriceNanoUSD: Int64?
        /// `million_tokens` or `thousand_calls`.
        package var unit: String
        package var row: PriceRow?
        /// The exact amount in millionths of a nano-USD, before the turn's one rounding.
        package var amountMicroNanoUSD: String

        enum CodingKeys: String, CodingKey {
            case usageClass = "class"
            case quantity
            case unitPriceNanoUSD = "unit_price_nano_usd"
            case unit
            case row
            case amountMicroNanoUSD = "amount_micro_nano_usd"
        }
    }

    package var schema = "weir.price.explain/1"
    package var provider: String
    package var model: String
    package var time: String
    package var catalogueVersion: String
    package var lines: [Line]
    /// Nil while a used class has no price.
    package var totalNanoUSD: Int64?
    package var unpriced: [String]

    enum CodingKeys: String, CodingKey {
        case schema, provider, model, time
        case catalogueVersion = "catalogue_version"
        case lines
        case totalNanoUSD = "total_nano_usd"
        case unpriced
    }
}

extension PriceBook {
    /// Prices a usage and shows each line.
    package func explain(
        usage: TokenUsage, provider: String, model: String, qualifiers: UsageQualifiers, at time: Timestamp
    ) -> PriceExplanation {
        var total: Int128 = 0
        var unpriced: [String] = []
        let lines = lines(usage: usage, provider: provider, model: model, qualifiers: qualifiers, at: time).map { line in
            let amount = line.row.map { Self.amount(quantity: line.quantity, row: $0) } ?? 0
            total += amount
            if line.row == nil { unpriced.append(line.usageClass) }
            return PriceExplanation.Line(
                usageClass: line.usageClass, quantity: line.quantity, unitPriceNanoUSD: line.row?.price,
                unit: line.meter.isPerCall ? "thousand_calls" : "million_tokens", row: line.row,
                amountMicroNanoUSD: String(amount))
        }
        return PriceExplanation(
            provider: provider, model: model, time: time.rfc3339, catalogueVersion: version, lines: lines,
            totalNanoUSD: unpriced.isEmpty ? Self.roundedUp(total).value : nil, unpriced: unpriced)
    }
}
