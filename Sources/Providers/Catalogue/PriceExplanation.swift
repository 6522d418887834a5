// PriceExplanation: a priced usage, line by line, for people and for oracles.

package import GatewayModel

/// What `weir price explain` shows. All amounts are integers or exact decimals.
package struct PriceExplanation: Sendable, Encodable {
    /// One class of tokens or calls with its price.
    package struct Line: Sendable, Encodable {
        /// `input`, `cache_write_5m`, `web_searches`, …
        package var usageClass: String
        /// Tokens, or calls.
        package var quantity: Int64
        /// nano-USD per million tokens, or per thousand calls; nil when there is no price.
        package var unitPriceNanoUSD: Int64?
        /// `million_tokens` or `thousand_calls`.
        package var unit: String
        package var row: PriceRow?
        /// The exact amount in nano-USD before the turn's one rounding: `37.5`.
        package var amountNanoUSD: String?
    }

    package var schema = "weir.price.explain/1"
    package var provider: String
    package var model: String
    package var qualifiers: UsageQualifiers
    package var time: String
    package var catalogueVersion: String
    package var totalInputTokens: Int64
    package var lines: [Line]
    /// The one rounding, up. Nil while a used class has no price.
    package var totalNanoUSD: Int64?
    /// The classes that were used and have no price.
    package var unpriced: [String]
}

extension PriceBook {
    /// Prices a usage and shows each line.
    package func explain(
        usage: TokenUsage, provider: String, model: String, qualifiers: UsageQualifiers, at time: Timestamp
    ) -> PriceExplanation {
        let sheet = sheet(
            provider: provider, model: model, qualifiers: qualifiers, at: time, totalInput: usage.billedInput)
        var total = BillAmount()
        var unpriced: [String] = []
        var lines: [PriceExplanation.Line] = []
        forEachBilledUse(of: usage, hasPrice: { sheet?.price(of: $0) != nil }) { use in
            let price = sheet?.price(of: use.meter)
            let amount = price.map { BillAmount(quantity: use.quantity, price: $0, isPerCall: use.meter.isPerCall) }
            if let amount { total += amount } else { unpriced.append(use.usageClass.rawValue) }
            lines.append(
                PriceExplanation.Line(
                    usageClass: use.usageClass.rawValue, quantity: use.quantity, unitPriceNanoUSD: price,
                    unit: use.meter.isPerCall ? "thousand_calls" : "million_tokens",
                    row: sheet.flatMap { row($0.rowNumbers[use.meter.index]) }, amountNanoUSD: amount?.exactNanoUSD))
        }
        return PriceExplanation(
            provider: provider, model: model, qualifiers: qualifiers, time: time.rfc3339, catalogueVersion: version,
            totalInputTokens: usage.billedInput, lines: lines, totalNanoUSD: unpriced.isEmpty ? total.roundedUp.value : nil,
            unpriced: unpriced)
    }

    private func row(_ number: Int32) -> PriceRow? {
        rows.indices.contains(Int(number)) ? rows[Int(number)] : nil
    }
}

// MARK: JSON

extension PriceExplanation {
    private enum Key: String, CodingKey {
        case schema, provider, model, time, lines, unpriced
        case serviceTier = "service_tier"
        case speed
        case inferenceGeo = "inference_geo"
        case catalogueVersion = "catalogue_version"
        case totalInputTokens = "total_input_tokens"
        case totalNanoUSD = "total_nano_usd"
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(schema, forKey: .schema)
        try container.encode(provider, forKey: .provider)
        try container.encode(model, forKey: .model)
        try container.encodeIfPresent(qualifiers.serviceTier, forKey: .serviceTier)
        try container.encodeIfPresent(qualifiers.speed, forKey: .speed)
        try container.encodeIfPresent(qualifiers.inferenceGeo, forKey: .inferenceGeo)
        try container.encode(time, forKey: .time)
        try container.encode(catalogueVersion, forKey: .catalogueVersion)
        try container.encode(totalInputTokens, forKey: .totalInputTokens)
        try container.encode(lines, forKey: .lines)
        // Null says that there is no total; a missing member would say nothing.
        try container.encode(totalNanoUSD, forKey: .totalNanoUSD)
        try container.encode(unpriced, forKey: .unpriced)
    }
}

extension PriceExplanation.Line {
    private enum Key: String, CodingKey {
        case usageClass = "class"
        case tokens, calls, row
        case unitPricePerMillion = "unit_price_nano_usd_per_million"
        case unitPricePerThousand = "unit_price_nano_usd_per_thousand"
        case amountNano = "amount_nano"
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        let isPerCall = unit == "thousand_calls"
        try container.encode(usageClass, forKey: .usageClass)
        try container.encode(quantity, forKey: isPerCall ? .calls : .tokens)
        try container.encode(unitPriceNanoUSD, forKey: isPerCall ? .unitPricePerThousand : .unitPricePerMillion)
        try container.encode(row.map(RowDocument.init), forKey: .row)
        try container.encode(amountNanoUSD, forKey: .amountNano)
    }
}

/// A price row as documents show it.
private struct RowDocument: Encodable {
    var row: PriceRow

    private enum Key: String, CodingKey {
        case provider, model, meter, speed, source
        case contextOver = "context_over"
        case serviceTier = "service_tier"
        case inferenceGeo = "inference_geo"
        case hoursUTC = "hours_utc"
        case validFrom = "valid_from"
        case validTo = "valid_to"
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(row.provider, forKey: .provider)
        try container.encode(row.model, forKey: .model)
        try container.encode(row.meter, forKey: .meter)
        try container.encode(row.contextOver, forKey: .contextOver)
        try container.encode(row.serviceTier, forKey: .serviceTier)
        try container.encode(row.speed, forKey: .speed)
        try container.encode(row.geo, forKey: .inferenceGeo)
        try container.encodeIfPresent(row.hours, forKey: .hoursUTC)
        try container.encode(row.validFrom, forKey: .validFrom)
        try container.encode(row.validTo, forKey: .validTo)
        try container.encode(row.source, forKey: .source)
    }
}
