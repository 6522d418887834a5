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
}

/// All counters.
struct AccountTable: ~Copyable {
    private static let pageSize = 4096
    static let none: UInt32 = .max

    private var pages: [UnsafeMutablePointer<Account>] = []
    /// How many places have ever been used.
    private(set) var places = 0
    private var free: [UInt32] = []
    private(set) var count = 0
    /// Account numbers plus one by hash, linear probing; 0 is empty.
    private var index: [UInt32]
    private var mask: Int
    private let hash: SeededHash

    init(hash: SeededHash) {
        self.hash = hash
        index = Array(repeating: 0, count: 64)
        mask = 63
    }

    deinit { for page in pages { page.deallocate() } }

    subscript(_ number: UInt32) -> Account {
        _read { yield pages[Int(number) / Self.pageSize][Int(number) % Self.pageSize] }
        nonmutating _modify { yield &pages[Int(number) / Self.pageSize][Int(number) % Self.pageSize] }
    }

    private func home(_ slot: UInt32, _ group: Account.Group, _ windowStart: Int64) -> Int {
        let hash = hash.of(
            UInt64(slot), UInt64(group.x) << 32 | UInt64(group.y), UInt64(group.z) << 32 | UInt64(group.w),
            UInt64(bitPattern: windowStart))
        return Int(truncatingIfNeeded: hash) & mask
    }

    func find(_ slot: UInt32, _ group: Account.Group, _ windowStart: Int64) -> UInt32 {
        var place = home(slot, group, windowStart)
        while index[place] != 0 {
            let number = index[place] - 1
            let account = pages[Int(number) / Self.pageSize] + Int(number) % Self.pageSize
            if account.pointee.slot == slot, account.pointee.group == group, account.pointee.windowStart == windowStart {
                return number
            }
            place = (place + 1) & mask
        }
        return Self.none
    }

    /// A new counter. The caller has looked that there is none.
    mutating func insert(_ account: Account) -> UInt32 {
        if (count + 1) * 4 > index.count * 3 { grow() }
        let number: UInt32
        if let reused = free.popLast() {
            number = reused
        } else {
            if places == pages.count * Self.pageSize { pages.append(.allocate(capacity: Self.pageSize)) }
            number = UInt32(places)
            places += 1
        }
        (pages[Int(number) / Self.pageSize] + Int(number) % Self.pageSize).initialize(to: account)
        put(number)
        count += 1
        return number
    }

    mutating func remove(_ number: UInt32) {
        var place = home(number)
        while index[place] != number + 1 { place = (place + 1) & mask }
        var gap = place
        place = (place + 1) & mask
        while index[place] != 0 {
            if (place - home(index[place] - 1)) & mask >= (place - gap) & mask {
                index[gap] = index[place]
                gap = place
            }
            place = (place + 1) & mask
        }
        index[gap] = 0
        self[number].isUsed = false
        free.append(number)
        count -= 1
    }

    private func home(_ number: UInt32) -> Int {
        let account = pages[Int(number) / Self.pageSize] + Int(number) % Self.pageSize
        return home(account.pointee.slot, account.pointee.group, account.pointee.windowStart)
    }

    private mutating func put(_ number: UInt32) {
        var place = home(number)
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
