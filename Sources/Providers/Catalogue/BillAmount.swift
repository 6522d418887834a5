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

    /// Whole nano-USD, rounded up; an amount beyond Int64 stays at its end.
    package var roundedUp: NanoUSD {
        let (whole, rest) = millionths.quotientAndRemainder(dividingBy: 1_000_000)
        return NanoUSD(whole >= Int128(Int64.max) ? .max : Int64(whole) + (rest > 0 ? 1 : 0))
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
