// Money: an integer count of nano-USD. Int64 reaches 9.2 billion dollars; no float ever holds an amount.

/// An amount of money in nano-USD (1 USD = 1,000,000,000).
package struct NanoUSD: Sendable, Hashable, Comparable, Codable {
    /// The amount in nano-USD. Negative only in corrections.
    package var value: Int64

    package init(_ value: Int64) { self.value = value }

    package init(from decoder: any Decoder) throws {
        value = try decoder.singleValueContainer().decode(Int64.self)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(value)
    }

    package static let zero = NanoUSD(0)

    package static func < (left: NanoUSD, right: NanoUSD) -> Bool { left.value < right.value }

    /// The sum, held at the ends of Int64: an overflow must not be a trap, and a sum that large is already wrong.
    package static func + (left: NanoUSD, right: NanoUSD) -> NanoUSD {
        let (sum, overflow) = left.value.addingReportingOverflow(right.value)
        return NanoUSD(overflow ? (right.value > 0 ? .max : .min) : sum)
    }

    package static func += (left: inout NanoUSD, right: NanoUSD) { left = left + right }

    /// Exact decimal dollars without trailing zeros beyond cents: `0.004`, `412.10`, `0.000000001`.
    package var dollars: String {
        let magnitude = value.magnitude
        let whole = magnitude / 1_000_000_000
        var fraction = String(magnitude % 1_000_000_000)
        fraction = String(repeating: "0", count: 9 - fraction.count) + fraction
        while fraction.count > 2, fraction.last == "0" { fraction.removeLast() }
        return "\(value < 0 ? "-" : "")\(whole).\(fraction)"
    }
}
