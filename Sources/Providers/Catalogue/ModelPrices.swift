// ModelPrices: list prices as a person reads them, USD per million tokens, turned into exact rows.

import GatewayModel

/// The list prices of one model from one day on. Amounts are decimal text in USD per million tokens, so nothing is rounded.
struct ModelPrices {
    var models: [String]
    var input: String
    var cacheRead: String?
    /// The shorter-lived cache write: 5 minutes at Anthropic, 30 minutes at OpenAI.
    var cacheWrite: String?
    /// The longer-lived one: 1 hour at Anthropic, 12 hours at OpenAI.
    var cacheWriteLong: String?
    var output: String
    var from: String?
    var to: String?

    init(
        _ models: String..., input: String, read: String? = nil, write: String? = nil, long: String? = nil, output: String,
        from: String? = nil, to: String? = nil
    ) {
        self.models = models
        self.input = input
        cacheRead = read
        cacheWrite = write
        cacheWriteLong = long
        self.output = output
        self.from = from
        self.to = to
    }

    /// Rows of one tier. `times` multiplies input-side and output-side prices by exact ratios.
    func rows(
        provider: String, short: Meter, long: Meter, inputTimes: (Int64, Int64) = (1, 1), outputTimes: (Int64, Int64) = (1, 1),
        contextOver: Int64? = nil, serviceTier: String? = nil, speed: String? = nil, geo: String? = nil
    ) -> [PriceRow] {
        let amounts: [(Meter, String?, (Int64, Int64))] = [
            (.input, input, inputTimes), (.cacheRead, cacheRead, inputTimes), (short, cacheWrite, inputTimes),
            (long, cacheWriteLong, inputTimes), (.output, output, outputTimes),
        ]
        return models.flatMap { model in
            amounts.compactMap { meter, amount, times in
                guard let price = amount.flatMap(nanoUSDPerMillion) else { return nil }
                return PriceRow(
                    provider: provider, model: model, meter: meter, price: price * times.0 / times.1,
                    contextOver: contextOver, serviceTier: serviceTier, speed: speed, geo: geo,
                    validFrom: from.flatMap(Timestamp.init(rfc3339:)), validTo: to.flatMap(Timestamp.init(rfc3339:)),
                    source: "list")
            }
        }
    }
}

/// Decimal text in USD (per million tokens, or per thousand calls) to integer nano-USD. Nil when it is no number, is
/// negative, or is finer than a nano-USD. Exponents are understood: catalogues write `1.25e-06`.
package func nanoUSDPerMillion(_ text: String) -> Int64? { scaledDecimal(text, digits: 9) }

/// Decimal text times ten to the `digits`, exactly.
package func scaledDecimal(_ text: String, digits: Int) -> Int64? {
    let parts = text.lowercased().split(separator: "e", maxSplits: 1, omittingEmptySubsequences: false)
    guard let mantissa = parts.first, parts.count == 1 || Int(parts[1]) != nil else { return nil }
    var exponent = digits + (parts.count == 2 ? Int(parts[1]) ?? 0 : 0)
    var value: Int64 = 0
    var sawPoint = false
    var sawDigit = false
    for byte in mantissa.utf8 {
        if byte == 46, !sawPoint {
            sawPoint = true
            continue
        }
        guard byte >= 48, byte <= 57 else { return nil }
        sawDigit = true
        let (shifted, overflow) = value.multipliedReportingOverflow(by: 10)
        let (sum, carried) = shifted.addingReportingOverflow(Int64(byte - 48))
        guard !overflow, !carried else { return nil }
        value = sum
        if sawPoint { exponent -= 1 }
    }
    guard sawDigit, abs(exponent) < 40 else { return nil }
    while exponent > 0 {
        let (shifted, overflow) = value.multipliedReportingOverflow(by: 10)
        guard !overflow else { return nil }
        value = shifted
        exponent -= 1
    }
    while exponent < 0 {
        guard value % 10 == 0 else { return nil }
        value /= 10
        exponent += 1
    }
    return value
}
