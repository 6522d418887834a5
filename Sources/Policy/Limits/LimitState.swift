// LimitState: the state machine behind the ledger of limits: counters, and reservations that are charged to them. It knows neither
// clock nor lock; `LimitLedger` is what holds it.

import GatewayModel

/// What a turn needs of one counter, and holds of it from its admission on.
struct Hold {
    /// Nil is a counter that is not there yet.
    var account: Account.Place?
    /// Place of the rule in the reservation's book.
    var rule: UInt32
    var slot: UInt32
    /// Seconds since the epoch at which the calendar window began; 0 of other windows.
    var windowStart: Int64
    /// 0 of what is unpriced.
    var held: Int64
    /// The most that the turn can use.
    var whole: Int64
    /// What was used of the counter before this turn.
    var before: Int64 = 0
    /// By how much an elastic limit can be passed beyond what is held.
    var overshoot: Int64 = 0
    /// Of a rate: when this turn's own share has run out of the bucket.
    var emptyAt: Int64 = 0
    /// Of a rate: by how much the turn was extended last. That stands behind the shares of turns that came meanwhile, so that only so
    /// much of what is outstanding is surely its own. 0 is never: all that it holds stands together.
    var extended: Int64 = 0
    var kind: CounterKind
    var isPriced: Bool
    var fits = true

    /// Nil is unpriced.
    var need: Int64? { isPriced ? held : nil }
}

/// A reservation as the ledger keeps it. Its holds keep their room from one turn to the next.
struct LiveReservation {
    var generation: UInt32 = 0
    var admitted = Timestamp(nanoseconds: 0)
    /// Nil when it is not live.
    var book: LimitBook?
    var holds: [Hold] = []

    /// Takes over what an admitted turn holds, and gives an empty list for it.
    mutating func hold(_ holds: inout [Hold], under book: LimitBook, at now: Timestamp) {
        swap(&holds, &self.holds)
        admitted = now
        self.book = book
    }
}

/// What rules of one id and identity share, whichever book they stand in.
struct LimitSlot {
    var rule: String
    var identity: String
    /// As the newest book has it: a turn that began under an older one is held against what is in force now.
    var limit: Int64 = 0
    var serial: UInt64 = 0
    /// The calendar window that was asked for last, in seconds.
    var start: Int64 = 0
    var end: Int64 = .min
}

/// Counters and reservations.
struct LimitState: ~Copyable {
    var symbols: SymbolTable
    var accounts: AccountTable
    var slots: [LimitSlot] = []
    private var slotOf: [String: UInt32] = [:]
    /// The serial of the newest book that was published.
    private var publishedSerial: UInt64 = 0
    /// The slots of each book's rules; the newest last.
    var books: [(serial: UInt64, slots: [UInt32])] = []
    var rolling: [RollingBuckets] = []
    var rollingFree: [UInt32] = []
    var reservations: [LiveReservation] = []
    var reservationsFree: [UInt32] = []
    /// What the turn needs that is looked at.
    var probes: [Hold] = []
    /// Its values by dimension, and its groups by their place in the book; good for one look.
    var values: [TurnValue] = []
    var groups: [TurnGroup] = []
    var looks: UInt64 = 0
    var events: [LimitEvent] = []
    var figures = LimitFigures()
    var sweepPlace = 0
    let accountsMax: Int

    static let booksMax = 4
    static let eventsMax = 4096
    /// A value that counters are grouped by is cut here: it is a label, and bounded where labels are read.
    static let valueBytesMax = 512

    init(seed: UInt64, accountsMax: Int) {
        let hash = SeededHash(seed: seed)
        symbols = SymbolTable(hash: hash)
        accounts = AccountTable(hash: hash)
        self.accountsMax = accountsMax
    }

    // MARK: Books

    /// Makes a book known. Rules that count the same thing as in the newest book before it go on with their counters. One that was gone
    /// in between begins with none: its past is counted anew, and must not come on top.
    ///
    /// - Parameter isPublished: it holds the rules that there are, and not only some of them to be counted up.
    mutating func adopt(_ book: LimitBook, isPublished: Bool = false) {
        guard !books.contains(where: { $0.serial == book.serial }) else { return }
        var slotsOfRules: [UInt32] = []
        for limit in book.compiled {
            let name = "\(limit.rule.id)\u{0}\(limit.identity)"
            var known = slotOf[name]
            if isPublished, let number = known, book.serial > publishedSerial, slots[Int(number)].serial < publishedSerial { known = nil }
            let slot = known ?? UInt32(slots.count)
            slotOf[name] = slot
            slotsOfRules.append(slot)
            if Int(slot) == slots.count { slots.append(LimitSlot(rule: limit.rule.id, identity: limit.identity)) }
            if book.serial > slots[Int(slot)].serial {
                slots[Int(slot)].serial = book.serial
                slots[Int(slot)].limit = limit.core.limit
            }
        }
        if isPublished { publishedSerial = max(publishedSerial, book.serial) }
        books.append((book.serial, slotsOfRules))
        if books.count > Self.booksMax { books.removeFirst() }
    }

    func slot(rule: String, identity: String) -> UInt32? { slotOf["\(rule)\u{0}\(identity)"] }

    /// Where the book stands among those that are known.
    mutating func place(of book: LimitBook) -> Int {
        for place in books.indices.reversed() where books[place].serial == book.serial { return place }
        adopt(book)
        return books.count - 1
    }

    // MARK: Counters

    /// The counter of a probe, made if there is none.
    mutating func open(_ probe: Hold, _ facts: TurnFacts, _ book: LimitBook) -> Account.Place {
        if let account = probe.account { return account }
        var group = Account.Group(repeating: SymbolTable.none)
        for (index, dimension) in book.compiled[Int(probe.rule)].group.prefix(4).enumerated() {
            if let value = facts[book.dimensions[dimension]] { group[index] = symbols.retain(Self.cut(value)) }
        }
        return accounts.insert(Account(windowStart: probe.windowStart, slot: probe.slot, group: group))
    }

    /// The counter of these values, made if there is none and there is room.
    mutating func open(slot: UInt32, group values: [String], windowStart: Int64) -> Account.Place? {
        var group = Account.Group(repeating: SymbolTable.none)
        for (index, value) in values.prefix(4).enumerated() { group[index] = symbols.retain(Self.cut(value)) }
        let known = accounts.find(slot, GroupKey(group, accounts.hash), windowStart)
        if known != nil || accounts.count >= accountsMax {
            for index in 0..<4 { symbols.release(group[index]) }
            return known
        }
        return accounts.insert(Account(windowStart: windowStart, slot: slot, group: group))
    }

    mutating func close(_ number: UInt32) {
        let account = accounts.place(number).pointee
        if account.rolling != .max {
            rolling[Int(account.rolling)] = RollingBuckets()
            rollingFree.append(account.rolling)
        }
        accounts.remove(number)
        for index in 0..<4 { symbols.release(account.group[index]) }
    }

    func groupTexts(_ account: Account.Place, count: Int) -> [String] {
        let group = account.pointee.group
        return (0..<count).map { symbols.text(group[$0]) }
    }

    /// Posts to a counter as of a time.
    mutating func post(_ amount: Int64, to account: Account.Place, _ limit: LimitCore, at time: Timestamp) {
        if limit.kind == .rate { return postRate(amount, to: account, limit, at: time) }
        post(amount, to: account, limit, at: time.seconds)
    }

    /// Posts to a counter that is not a rate, as of a second.
    @inline(__always)
    mutating func post(_ amount: Int64, to account: Account.Place, _ limit: LimitCore, at seconds: Int64) {
        switch limit.kind {
        case .calendar, .lifetime: account.pointee.posted = account.pointee.posted.saturatingAdding(amount)
        case .rolling: postRolling(amount, to: account, Self.bucket(seconds, limit.seconds))
        case .rate, .concurrent: break
        }
    }

    func postRate(_ amount: Int64, to account: Account.Place, _ limit: LimitCore, at time: Timestamp) {
        account.pointee.posted = max(account.pointee.posted, time.nanoseconds).saturatingAdding(limit.refill(amount))
    }

    @inline(never)
    private mutating func postRolling(_ amount: Int64, to account: Account.Place, _ bucket: Int64) {
        if account.pointee.rolling == .max {
            if let reused = rollingFree.popLast() {
                account.pointee.rolling = reused
            } else {
                account.pointee.rolling = UInt32(rolling.count)
                rolling.append(RollingBuckets())
            }
        }
        rolling[Int(account.pointee.rolling)].add(amount, to: bucket)
    }
}

/// How the ledger is doing.
package struct LimitFigures: Sendable, Hashable {
    package var counters = 0
    package var symbols = 0
    package var reservations = 0
    package var admitted: Int64 = 0
    package var refused: Int64 = 0
    package var extended: Int64 = 0
    package var extensionsDenied: Int64 = 0
    /// Settlements that used more than they could have: each is a fault of a bound.
    package var overReservations: Int64 = 0
    /// Reservations that were dropped unsettled; each is a fault of the caller, and was posted whole.
    package var leaked: Int64 = 0
    /// Events that were not taken in time.
    package var eventsLost: Int64 = 0
}
