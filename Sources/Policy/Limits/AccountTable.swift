// AccountTable: the live counters, dense: 80 bytes each in pages that never move, found through one table of numbers.

/// One counter: a rule, the values of its group, and a calendar window.
struct Account {
    /// Seconds since the epoch at which the calendar window began; 0 of other windows.
    var windowStart: Int64
    /// Of a rate: when the bucket is empty again, in nanoseconds. Of a rolling window: not used.
    var posted: Int64 = 0
    var pending: Int64 = 0
    var granted: Int64 = 0
    var version: UInt64 = 0
    var slot: UInt32
    var group: Group
    /// Seconds since the epoch; good until 2106.
    var lastUsed: UInt32 = 0
    /// Reservations that name it.
    var live: UInt32 = 0
    /// Place of its rolling buckets; `max` has none.
    var rolling: UInt32 = .max
    /// Which thresholds have been told, by their place in the rule.
    var thresholds: UInt8 = 0
    var isUsed = true

    /// Symbols of the group's values.
    typealias Group = SIMD4<UInt32>

    /// Where a counter stands, so that it is looked up once a turn. This is safe: a page is neither moved nor freed before its table
    /// goes, and holds go with it; a counter that is named by a live reservation is never removed (`LimitState.sweep` looks at
    /// `live`), and what a probe found is forgotten before the next call of the ledger.
    typealias Place = UnsafeMutablePointer<Account>
}

/// The symbols of a group with their hash, which is shared by all counters of the group.
struct GroupKey {
    let values: Account.Group
    let hash: UInt64

    @inline(__always)
    init(_ values: Account.Group, _ hash: SeededHash) {
        self.values = values
        self.hash = hash.of(UInt64(values.x) << 32 | UInt64(values.y), UInt64(values.z) << 32 | UInt64(values.w))
    }
}

/// All counters.
struct AccountTable: ~Copyable {
    private static let pageSize = 4096

    private var pages: [UnsafeMutablePointer<Account>] = []
    /// How many places have ever been used.
    private(set) var places = 0
    private var free: [UInt32] = []
    private(set) var count = 0
    /// Account numbers plus one by hash, linear probing; 0 is empty.
    private var index: [UInt32]
    private var mask: Int
    let hash: SeededHash

    init(hash: SeededHash) {
        self.hash = hash
        index = Array(repeating: 0, count: 64)
        mask = 63
    }

    deinit { for page in pages { page.deallocate() } }

    /// Where the counter of a number stands.
    func place(_ number: UInt32) -> Account.Place {
        let number = Int(number)
        return pages[number / Self.pageSize] + number % Self.pageSize
    }

    @inline(__always)
    private func home(_ slot: UInt32, _ key: GroupKey, _ windowStart: Int64) -> Int {
        Int(truncatingIfNeeded: hash.of(key.hash ^ UInt64(bitPattern: windowStart), UInt64(slot) + 1)) & mask
    }

    private func home(_ account: Account) -> Int { home(account.slot, GroupKey(account.group, hash), account.windowStart) }

    /// Inlined: a call would be handed a copy of the table.
    @inline(__always)
    func find(_ slot: UInt32, _ key: GroupKey, _ windowStart: Int64) -> Account.Place? {
        var home = home(slot, key, windowStart)
        while index[home] != 0 {
            let account = place(index[home] - 1)
            if account.pointee.slot == slot, account.pointee.windowStart == windowStart, account.pointee.group == key.values {
                return account
            }
            home = (home + 1) & mask
        }
        return nil
    }

    /// A new counter. The caller has looked that there is none.
    mutating func insert(_ account: Account) -> Account.Place {
        if (count + 1) * 4 > index.count * 3 { grow() }
        let number: UInt32
        if let reused = free.popLast() {
            number = reused
        } else {
            if places == pages.count * Self.pageSize { pages.append(.allocate(capacity: Self.pageSize)) }
            number = UInt32(places)
            places += 1
        }
        let place = place(number)
        place.initialize(to: account)
        put(number)
        count += 1
        return place
    }

    mutating func remove(_ number: UInt32) {
        var place = home(self.place(number).pointee)
        while index[place] != number + 1 { place = (place + 1) & mask }
        var gap = place
        place = (place + 1) & mask
        while index[place] != 0 {
            if (place - home(self.place(index[place] - 1).pointee)) & mask >= (place - gap) & mask {
                index[gap] = index[place]
                gap = place
            }
            place = (place + 1) & mask
        }
        index[gap] = 0
        self.place(number).pointee.isUsed = false
        free.append(number)
        count -= 1
    }

    private mutating func put(_ number: UInt32) {
        var place = home(self.place(number).pointee)
        while index[place] != 0 { place = (place + 1) & mask }
        index[place] = number + 1
    }

    private mutating func grow() {
        let old = index
        index = Array(repeating: 0, count: old.count * 2)
        mask = index.count - 1
        for entry in old where entry != 0 { put(entry - 1) }
    }
}
