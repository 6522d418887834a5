// RollingBuckets: what was posted within the last stretch of time, in 60 buckets and the one that is being filled. The oldest
// counts whole, so that the sum is never less than the truth.

/// The buckets of one rolling counter. Only those that hold something take room.
struct RollingBuckets: Sendable {
    static let count: Int64 = 60
    private static let ring: Int64 = count + 1

    /// The newest bucket's number since the epoch.
    private var newest: Int64 = .min
    /// Which places of the ring hold something.
    private var filled: UInt64 = 0
    /// Their amounts, by place in the ring.
    private var amounts: [Int64] = []
    private(set) var total: Int64 = 0

    private static func place(_ number: Int64) -> Int { Int((number % ring + ring) % ring) }

    private func rank(_ place: Int) -> Int { (filled & ((1 << UInt64(place)) - 1)).nonzeroBitCount }

    /// Forgets what is older than the window that ends with this bucket. Time that goes back brings nothing back.
    mutating func advance(to number: Int64) {
        guard number > newest else { return }
        if newest == .min || number - newest >= Self.ring {
            filled = 0
            amounts.removeAll(keepingCapacity: true)
            total = 0
        } else if filled != 0 {
            for passed in newest + 1...number { clear(Self.place(passed)) }
        }
        newest = number
    }

    private mutating func clear(_ place: Int) {
        guard filled >> UInt64(place) & 1 == 1 else { return }
        total -= amounts.remove(at: rank(place))
        filled &= ~(1 << UInt64(place))
    }

    /// Posts into the bucket of a time, unless that has passed out of the window.
    mutating func add(_ amount: Int64, to number: Int64) {
        if number > newest { advance(to: number) }
        guard amount > 0, number > newest - Self.ring else { return }
        let place = Self.place(number)
        let rank = rank(place)
        if filled >> UInt64(place) & 1 == 0 {
            amounts.insert(0, at: rank)
            filled |= 1 << UInt64(place)
        }
        // 61 buckets of at most a 128th: no sum overflows.
        let added = min(amount, .max / 128 - amounts[rank])
        amounts[rank] += added
        total += added
    }

    /// The filled buckets, the oldest first.
    var list: [LimitCounter.Bucket] {
        guard filled != 0 else { return [] }
        return (newest - Self.count...newest).compactMap { number in
            let place = Self.place(number)
            return filled >> UInt64(place) & 1 == 1 ? .init(number: number, amount: amounts[rank(place)]) : nil
        }
    }
}
