// ExactDecimal: prices are written as decimals (`0.0375`, `1.25e-06`) and kept as integers; no binary float lies between.

/// A ratio by which a rule multiplies a price.
struct Ratio: Sendable, Hashable {
    var numerator: Int64
    var denominator: Int64

    init(_ numerator: Int64, _ denominator: Int64 = 1) {
        self.numerator = numerator
        self.denominator = denominator
    }

    static let one = Ratio(1)
    static let half = Ratio(1, 2)

    static func * (left: Ratio, right: Ratio) -> Ratio {
        Ratio(left.numerator &* right.numerator, left.denominator &* right.denominator)
    }

    /// The price times this ratio; nil when that is no whole number or overflows.
    func exactly(times price: Int64) -> Int64? {
        let (product, overflow) = price.multipliedReportingOverflow(by: numerator)
        guard !overflow, denominator > 0, product % denominator == 0 else { return nil }
        return product / denominator
    }
}

/// The most that a price may be, in nano-USD per million tokens or thousand calls: 10,000 USD, some twenty times the dearest model's.
/// More is a slip of the unit.
package let listPriceMax: Int64 = 10_000_000_000_000

/// Decimal text in USD (per million tokens, or per thousand calls) to integer nano-USD. Nil when it is no number, is
/// negative, or is finer than a nano-USD. Exponents are understood: catalogues write `1.25e-06`.
package func nanoUSDPerMillion(_ text: String) -> Int64? { scaledDecimal(text, digits: 9) }

/// Decimal text times ten to the `digits`, exactly; nil when that is no whole number, negative or too large.
package func scaledDecimal(_ text: String, digits: Int) -> Int64? {
    guard let decimal = parseDecimal(text) else { return nil }
    return shifted(decimal.mantissa, by: decimal.exponent + digits)
}

/// As `scaledDecimal`, for numbers that a program printed from a binary float: digits behind the fifteenth significant one
/// are the float's noise (`1.3750000000000002e-06`) and are rounded away, but only where they stand in the way.
func scaledFloatText(_ text: String, digits: Int) -> Int64? {
    guard var decimal = parseDecimal(text) else { return nil }
    if let exact = shifted(decimal.mantissa, by: decimal.exponent + digits) { return exact }
    while decimal.mantissa >= 10_000_000_000_000_000 {
        decimal.mantissa /= 10
        decimal.exponent += 1
    }
    guard decimal.mantissa >= 1_000_000_000_000_000 else { return nil }
    return shifted((decimal.mantissa + 5) / 10, by: decimal.exponent + 1 + digits)
}

/// A decimal number as a ratio: `1.1` is 11/10.
func ratio(of text: String) -> Ratio? {
    guard let decimal = parseDecimal(text), decimal.exponent > -10 else { return nil }
    if decimal.exponent >= 0 { return shifted(decimal.mantissa, by: decimal.exponent).map { Ratio($0) } }
    return shifted(1, by: -decimal.exponent).map { Ratio(decimal.mantissa, $0) }
}

/// Trailing zeros are taken out of the mantissa, so that long texts of small numbers fit.
private func parseDecimal(_ text: String) -> (mantissa: Int64, exponent: Int)? {
    let parts = text.split(separator: "e", maxSplits: 1, omittingEmptySubsequences: false).flatMap {
        $0.split(separator: "E", maxSplits: 1, omittingEmptySubsequences: false)
    }
    guard let digits = parts.first, parts.count <= 2 else { return nil }
    var exponent = 0
    if parts.count == 2 {
        guard let given = Int(parts[1]), (-99...99).contains(given) else { return nil }
        exponent = given
    }
    var mantissa: Int64 = 0
    var zeros = 0
    var sawPoint = false
    var sawDigit = false
    for byte in digits.utf8 {
        if byte == 46, !sawPoint {
            sawPoint = true
            continue
        }
        guard byte >= 48, byte <= 57 else { return nil }
        sawDigit = true
        if sawPoint { exponent -= 1 }
        if byte == 48 {
            zeros += 1
            continue
        }
        guard let wide = mantissa == 0 ? 0 : shifted(mantissa, by: zeros + 1) else { return nil }
        let (sum, overflow) = wide.addingReportingOverflow(Int64(byte - 48))
        guard !overflow else { return nil }
        mantissa = sum
        zeros = 0
    }
    guard sawDigit else { return nil }
    return (mantissa, mantissa == 0 ? 0 : exponent + zeros)
}

private func shifted(_ value: Int64, by exponent: Int) -> Int64? {
    guard value != 0 else { return 0 }
    var value = value
    for _ in 0..<max(0, min(exponent, 40)) {
        let (product, overflow) = value.multipliedReportingOverflow(by: 10)
        guard !overflow else { return nil }
        value = product
    }
    for _ in 0..<max(0, min(-exponent, 200)) {
        guard value % 10 == 0 else { return nil }
        value /= 10
    }
    return value
}
