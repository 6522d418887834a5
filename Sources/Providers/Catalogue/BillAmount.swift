// BillAmount: a sum of quantities times prices, exact in millionths of a nano-USD, rounded once, up.

package import GatewayModel

/// An exact amount of money. Prices are nano-USD per million tokens (per thousand calls), so a product is in millionths of a
/// nano-USD. What exceeds Int128 stays at its end: an overflow must not be a trap.
package struct BillAmount: Sendable, Hashable {
    package private(set) var millionths: Int128 = 0

    package init() {}

    package init(quantity: Int64, price: Int64, isPerCall: Bool) {
        let product = Int128(max(0, quantity)) * Int128(max(0, price))
        let (scaled, overflow) = product.multipliedReportingOverflow(by: isPerCall ? 1000 : 1)
        millionths = overflow ? .max : scaled
    }

    package static func += (left: inout BillAmount, right: BillAmount) {
        let (sum, overflow) = left.millionths.addingReportingOverflow(right.millionths)
        left.millionths = overflow ? .max : sum
    }

    /// The most that one turn is said to cost: a million dollars. No provider bills that; it comes of a usage that nobody used, and nine
    /// thousand of them still add up within Int64.
    package static let turnMax = NanoUSD(1_000_000_000_000_000)

    /// Whole nano-USD, rounded up, at most `turnMax`.
    package var roundedUp: NanoUSD {
        let (whole, rest) = millionths.quotientAndRemainder(dividingBy: 1_000_000)
        return whole >= Int128(Self.turnMax.value) ? Self.turnMax : NanoUSD(Int64(whole) + (rest > 0 ? 1 : 0))
    }

    /// Exact decimal nano-USD: `37.5`, `1200`.
    package var exactNanoUSD: String {
        let (whole, rest) = millionths.quotientAndRemainder(dividingBy: 1_000_000)
        guard rest != 0 else { return String(whole) }
        var digits = String(rest)
        digits = String(repeating: "0", count: 6 - digits.count) + digits
        while digits.last == "0" { digits.removeLast() }
        return "\(whole).\(digits)"
    }
}
