// LimitState: the state machine behind the ledger of limits: counters, and reservations that are charged to them. It knows neither
// clock nor lock; `LimitLedger` is what holds it.

import GatewayModel

/// What one reservation holds of one counter.
struct Hold {
    var account: UInt32
    /// Place of the rule in the reservation's book.
    var rule: UInt32
    var held: Int64
    /// The most that the turn can use.
    var whole: Int64
    /// What was used of the counter before this turn.
    var before: Int64
    /// By how much an elastic limit can be passed beyond what is held.
    var overshoot: Int64
    /// Of a rate: when this turn's own share has run out of the bucket.
    var emptyAt: Int64
    /// Of a rate: by how much the turn was extended last. That stands behind the shares of turns that came meanwhile, so that only so
    /// much of what is outstanding is surely its own. 0 is never: all that it holds stands together.
    var extended: Int64 = 0
}

/// A reservation as the ledger keeps it. Its holds keep their room from one turn to the next.
struct LiveReservation {
    var generation: UInt32 = 0
    var isLive = false
    var admitted = Timestamp(nanoseconds: 0)
    var book = LimitBook.empty
    var holds: [Hold] = []
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

/// One rule looked at for a turn that is not admitted yet.
struct Probe {
    var rule: Int
    var slot: UInt32
    var windowStart: Int64
    var group: Account.Group
    var account: UInt32
    /// Nil is unpriced.
    var need: Int64?
    var before: Int64
    var fits: Bool
    var emptyAt: Int64 = 0
}

/// Counters and reservations.
struct LimitState: ~Copyable {
    var symbols: SymbolTable
    var accounts: AccountTable
    var slots: [LimitSlot] = []
    private var slotOf: [String: UInt32] = [:]
    /// The slots of each book's rules; the newest last.
    private var books: [(serial: UInt64, slots: [UInt32])] = []
    var rolling: [RollingBuckets] = []
    var rollingFree: [UInt32] = []
    var reservations: [LiveReservation] = []
    var reservationsFree: [UInt32] = []
    var probes: [Probe] = []
    /// Symbols of the turn's values, by dimension.
    private var found: [UInt32] = []
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

    /// Makes a book known. Rules that count the same thing as before go on with their counters.
    mutating func adopt(_ book: LimitBook) {
        guard !books.contains(where: { $0.serial == book.serial }) else { return }
        var slotsOfRules: [UInt32] = []
        for limit in book.compiled {
            let name = "\(limit.rule.id)\u{0}\(limit.identity)"
            let slot = slotOf[name] ?? UInt32(slots.count)
            slotOf[name] = slot
            slotsOfRules.append(slot)
            if Int(slot) == slots.count { slots.append(LimitSlot(rule: limit.rule.id, identity: limit.identity)) }
            if book.serial > slots[Int(slot)].serial {
                slots[Int(slot)].serial = book.serial
                slots[Int(slot)].limit = limit.core.limit
            }
        }
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

    // MARK: Looking

    /// Fills `probes` with each limit that holds for the turn.
    mutating func probe(_ facts: TurnFacts, _ demand: LimitDemand, _ book: LimitBook, _ matches: [Int], at now: Timestamp) {
        probes.removeAll(keepingCapacity: true)
        found.removeAll(keepingCapacity: true)
        for _ in 0..<book.dimensions.count { found.append(SymbolTable.unknown - 1) }
        let slotsOfRules = books[place(of: book)].slots
        let seconds = now.seconds
        for rule in matches {
            let limit = book.cores[rule]
            let slot = slotsOfRules[rule]
            let windowStart = limit.kind == .calendar ? windowStart(slot, rule, book, seconds, at: now) : 0
            var group = Account.Group(repeating: SymbolTable.none)
            var isKnown = true
            for index in 0..<limit.groupCount {
                let symbol = symbol(Int(limit.group[index]), facts, book)
                group[index] = symbol
                if symbol == SymbolTable.unknown { isKnown = false }
            }
            let account = isKnown ? accounts.find(slot, group, windowStart) : AccountTable.none
            var probe = Probe(
                rule: rule, slot: slot, windowStart: windowStart, group: group, account: account, need: limit.need(demand), before: 0,
                fits: true)
            measure(&probe, limit, at: now)
            probes.append(probe)
        }
    }

    private mutating func symbol(_ dimension: Int, _ facts: TurnFacts, _ book: LimitBook) -> UInt32 {
        if found[dimension] != SymbolTable.unknown - 1 { return found[dimension] }
        var symbol = SymbolTable.none
        if let value = facts[book.dimensions[dimension]] {
            symbol = value.utf8.count <= Self.valueBytesMax ? symbols.find(value) : symbols.find(Self.cut(value))
        }
        found[dimension] = symbol
        return symbol
    }

    static func cut(_ value: String) -> String {
        value.utf8.count <= valueBytesMax ? value : String(decoding: value.utf8.prefix(valueBytesMax), as: UTF8.self)
    }

    /// Where the window of now began. It is nearly always the one that was asked for last.
    private mutating func windowStart(_ slot: UInt32, _ rule: Int, _ book: LimitBook, _ seconds: Int64, at now: Timestamp) -> Int64 {
        let index = Int(slot)
        if seconds >= slots[index].start, seconds < slots[index].end { return slots[index].start }
        return book.compiled[rule].calendar.map { window(slot, $0, at: now).start } ?? 0
    }

    mutating func window(_ slot: UInt32, _ calendar: WindowCalendar, at now: Timestamp) -> (start: Int64, end: Int64) {
        let index = Int(slot)
        let seconds = now.seconds
        if seconds < slots[index].start || seconds >= slots[index].end {
            (slots[index].start, slots[index].end) = calendar.period(at: now)
        }
        return (slots[index].start, slots[index].end)
    }

    /// How the counter stands and whether the need fits.
    private mutating func measure(_ probe: inout Probe, _ limit: LimitCore, at now: Timestamp) {
        let has = probe.account != AccountTable.none
        let granted = has ? accounts[probe.account].granted : 0
        let need = probe.need ?? 0
        if limit.kind == .rate {
            let empty = has ? min(max(accounts[probe.account].posted, now.nanoseconds), latestEmpty(limit, now)) : now.nanoseconds
            let cost = limit.refill(need)
            let (end, overflow) = empty.addingReportingOverflow(cost)
            probe.emptyAt = overflow ? .max : end
            probe.before = limit.amount(refilledIn: empty - now.nanoseconds)
            let room = limit.refill(limit.burst.addingReportingOverflow(granted).partialValue)
            probe.fits = need == 0 || limit.limit > 0 && !overflow && end - now.nanoseconds <= room
            return
        }
        if has { probe.before = used(probe.account, limit, at: now) }
        let (sum, overflow) = probe.before.addingReportingOverflow(need)
        probe.fits = probe.need != nil && !overflow && sum <= most(probe.slot, granted)
    }

    /// What a counter may reach: both are at most a quarter of what fits into the integer.
    func most(_ slot: UInt32, _ granted: Int64) -> Int64 { slots[Int(slot)].limit &+ granted }

    func most(_ account: UInt32) -> Int64 { most(accounts[account].slot, accounts[account].granted) }

    /// A clock that went back must not close a rate for longer than two whole buckets take.
    func latestEmpty(_ limit: LimitCore, _ now: Timestamp) -> Int64 {
        let room = max(limit.refill(limit.burst), limit.seconds * 1_000_000_000)
        let (twice, tooMuch) = room.multipliedReportingOverflow(by: 2)
        let (latest, overflow) = now.nanoseconds.addingReportingOverflow(tooMuch ? .max / 2 : twice)
        return overflow ? .max : latest
    }

    /// Posted and pending of a counter that is not a rate.
    mutating func used(_ account: UInt32, _ limit: LimitCore, at now: Timestamp) -> Int64 {
        var posted = accounts[account].posted
        if limit.kind == .rolling {
            let place = accounts[account].rolling
            if place == .max {
                posted = 0
            } else {
                rolling[Int(place)].advance(to: Self.bucket(now, limit))
                posted = rolling[Int(place)].total
            }
        }
        let (sum, overflow) = posted.addingReportingOverflow(accounts[account].pending)
        return overflow ? .max : sum
    }

    static func bucket(_ time: Timestamp, _ limit: LimitCore) -> Int64 {
        let (quotient, rest) = time.seconds.quotientAndRemainder(dividingBy: limit.seconds)
        return rest < 0 ? quotient - 1 : quotient
    }

    // MARK: Counters

    /// The counter of a probe, made if there is none.
    mutating func open(_ probe: Probe, _ limit: LimitCore, _ facts: TurnFacts, _ book: LimitBook) -> UInt32 {
        if probe.account != AccountTable.none { return probe.account }
        var group = Account.Group(repeating: SymbolTable.none)
        for index in 0..<limit.groupCount {
            if let value = facts[book.dimensions[Int(limit.group[index])]] { group[index] = symbols.retain(Self.cut(value)) }
        }
        return accounts.insert(Account(windowStart: probe.windowStart, slot: probe.slot, group: group))
    }

    /// The counter of these values, made if there is none and there is room.
    mutating func open(slot: UInt32, group values: [String], windowStart: Int64) -> UInt32? {
        var group = Account.Group(repeating: SymbolTable.none)
        for (index, value) in values.prefix(4).enumerated() { group[index] = symbols.retain(Self.cut(value)) }
        let known = accounts.find(slot, group, windowStart)
        if known != AccountTable.none || accounts.count >= accountsMax {
            for index in 0..<4 { symbols.release(group[index]) }
            return known != AccountTable.none ? known : nil
        }
        return accounts.insert(Account(windowStart: windowStart, slot: slot, group: group))
    }

    mutating func close(_ number: UInt32) {
        let account = accounts[number]
        if account.rolling != .max {
            rolling[Int(account.rolling)] = RollingBuckets()
            rollingFree.append(account.rolling)
        }
        accounts.remove(number)
        for index in 0..<4 { symbols.release(account.group[index]) }
    }

    func groupTexts(_ account: UInt32, count: Int) -> [String] {
        let group = accounts[account].group
        return (0..<count).map { symbols.text(group[$0]) }
    }

    /// Posts to a counter as of a time.
    mutating func post(_ amount: Int64, to number: UInt32, _ limit: LimitCore, at time: Timestamp) {
        switch limit.kind {
        case .calendar, .lifetime:
            let (sum, overflow) = accounts[number].posted.addingReportingOverflow(amount)
            accounts[number].posted = overflow ? .max : sum
        case .rolling:
            if accounts[number].rolling == .max {
                if let reused = rollingFree.popLast() {
                    accounts[number].rolling = reused
                } else {
                    accounts[number].rolling = UInt32(rolling.count)
                    rolling.append(RollingBuckets())
                }
            }
            rolling[Int(accounts[number].rolling)].add(amount, to: Self.bucket(time, limit))
        case .rate:
            let empty = max(accounts[number].posted, time.nanoseconds)
            let (sum, overflow) = empty.addingReportingOverflow(limit.refill(amount))
            accounts[number].posted = overflow ? .max : sum
        case .concurrent: break
        }
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
