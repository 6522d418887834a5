// SaturatingArithmetic: sums of what others say. An overflow must not be a trap, and a sum that large is already wrong.

extension Int64 {
    /// The sum, held at the ends.
    @inlinable
    public func saturatingAdding(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other > 0 ? .max : .min) : sum
    }

    /// The difference, held at the ends.
    @inlinable
    public func saturatingSubtracting(_ other: Int64) -> Int64 {
        let (difference, overflow) = subtractingReportingOverflow(other)
        return overflow ? (other > 0 ? .min : .max) : difference
    }

    /// Becomes the sum, held at the ends.
    @inlinable
    public mutating func addSaturating(_ other: Int64) { self = saturatingAdding(other) }

    /// Becomes the difference, held at the ends.
    @inlinable
    public mutating func subtractSaturating(_ other: Int64) { self = saturatingSubtracting(other) }

    /// This part of a whole in per mille, rounded down; nil of nothing.
    package func perMille(of whole: Int64) -> Int64? {
        whole > 0 ? Int64(clamping: Int128(self) * 1000 / Int128(whole)) : nil
    }
}
