// LimitState+Probe: how each limit stands that holds for a turn, before anything is charged. Values, groups and windows are looked up
// once a turn, however many limits share them.

import GatewayModel

/// The symbol of a turn's value.
struct TurnValue {
    var symbol = SymbolTable.none
    /// For which look it was found.
    var look: UInt64 = 0
}

/// A group as a turn has it.
struct TurnGroup {
    var key: GroupKey
    /// False when one of its values is in no counter, so that the group has none.
    var isKnown = true
    var look: UInt64 = 0
}

extension LimitState {
    /// What a look at all limits of a turn came to.
    struct Outlook {
        /// Every enforced limit fits.
        var fits = true
        /// How many counters have yet to be made.
        var missing = 0
    }

    /// Fills `probes` with each limit that holds for the turn.
    @discardableResult
    mutating func probe(
        _ facts: TurnFacts, _ demand: LimitDemand, _ book: LimitBook, _ matches: [Int], at now: Timestamp
    ) -> Outlook {
        beginLook(book)
        let slotsOfRules = books[place(of: book)].slots
        let seconds = now.seconds
        var outlook = Outlook()
        for rule in matches {
            let limit = book.cores[rule]
            let slot = slotsOfRules[rule]
            let windowStart = limit.kind == .calendar ? windowStart(slot, rule, book, seconds, at: now) : 0
            let group = Int(limit.grouping)
            if groups[group].look != looks { readGroup(group, facts, book) }
            let account = groups[group].isKnown ? accounts.find(slot, groups[group].key, windowStart) : nil
            let need = limit.need(demand)
            var probe = Hold(
                account: account, rule: UInt32(truncatingIfNeeded: rule), slot: slot, windowStart: windowStart, held: need ?? 0,
                whole: need ?? 0, kind: limit.kind, isPriced: need != nil)
            if limit.isElastic {
                probe.whole = max(probe.held, limit.kind == .rate ? 0 : demand.whole.of(limit.unit) ?? 0)
                probe.overshoot = demand.overshoot.of(limit.unit) ?? 0
            }
            if limit.kind == .rate {
                measureRate(&probe, book.cores[rule], at: now)
            } else {
                var granted: Int64 = 0
                if let account {
                    probe.before = used(account, limit, at: seconds)
                    granted = account.pointee.granted
                }
                let (sum, overflow) = probe.before.addingReportingOverflow(probe.held)
                probe.fits = probe.isPriced && !overflow && sum <= most(slot, granted)
            }
            if account == nil { outlook.missing += 1 }
            if !probe.fits, limit.isEnforced { outlook.fits = false }
            probes.append(probe)
        }
        return outlook
    }

    /// Makes room for what the turn has, and forgets what the last one had.
    private mutating func beginLook(_ book: LimitBook) {
        looks &+= 1
        if !probes.isEmpty { probes.removeAll(keepingCapacity: true) }
        while values.count < book.dimensions.count { values.append(TurnValue()) }
        while groups.count < book.groupings.count { groups.append(TurnGroup(key: GroupKey(Account.Group(), accounts.hash))) }
    }

    @inline(never)
    private mutating func readGroup(_ number: Int, _ facts: TurnFacts, _ book: LimitBook) {
        let grouping = book.groupings[number]
        var group = Account.Group(repeating: SymbolTable.none)
        var isKnown = true
        for index in 0..<grouping.count {
            let symbol = symbol(Int(grouping.dimensions[index]), facts, book)
            group[index] = symbol
            if symbol == SymbolTable.unknown { isKnown = false }
        }
        groups[number] = TurnGroup(key: GroupKey(group, accounts.hash), isKnown: isKnown, look: looks)
    }

    private mutating func symbol(_ dimension: Int, _ facts: TurnFacts, _ book: LimitBook) -> UInt32 {
        if values[dimension].look == looks { return values[dimension].symbol }
        let symbol = facts.with(book.dimensions[dimension]) { known($0) }
        values[dimension] = TurnValue(symbol: symbol, look: looks)
        return symbol
    }

    @inline(never)
    private func known(_ value: String?) -> UInt32 {
        guard let value else { return SymbolTable.none }
        return value.utf8.count <= Self.valueBytesMax ? symbols.find(value) : symbols.find(Self.cut(value))
    }

    static func cut(_ value: String) -> String {
        value.utf8.count <= valueBytesMax ? value : String(decoding: value.utf8.prefix(valueBytesMax), as: UTF8.self)
    }

    /// Where the window of now began. It is nearly always the one that was asked for last.
    @inline(__always)
    private mutating func windowStart(_ slot: UInt32, _ rule: Int, _ book: LimitBook, _ seconds: Int64, at now: Timestamp) -> Int64 {
        let index = Int(slot)
        if seconds >= slots[index].start, seconds < slots[index].end { return slots[index].start }
        return book.compiled[rule].calendar.map { window(slot, $0, at: now).start } ?? 0
    }

    @inline(never)
    mutating func window(_ slot: UInt32, _ calendar: WindowCalendar, at now: Timestamp) -> (start: Int64, end: Int64) {
        let index = Int(slot)
        let seconds = now.seconds
        if seconds < slots[index].start || seconds >= slots[index].end {
            (slots[index].start, slots[index].end) = calendar.period(at: now)
        }
        return (slots[index].start, slots[index].end)
    }

    /// How a rate's bucket stands and whether the need fits.
    @inline(never)
    private func measureRate(_ probe: inout Hold, _ limit: LimitCore, at now: Timestamp) {
        let (posted, granted) = probe.account.map { ($0.pointee.posted, $0.pointee.granted) } ?? (now.nanoseconds, 0)
        let room = limit.refill(limit.burst.addingReportingOverflow(granted).partialValue)
        let empty = min(max(posted, now.nanoseconds), latestEmpty(limit, granted == 0 ? room : limit.refill(limit.burst), now))
        let (end, overflow) = empty.addingReportingOverflow(limit.refill(probe.held))
        probe.emptyAt = overflow ? .max : end
        probe.before = limit.amount(refilledIn: empty - now.nanoseconds)
        probe.fits = probe.held == 0 || limit.limit > 0 && !overflow && end - now.nanoseconds <= room
    }

    /// A clock that went back must not close a rate for longer than two whole buckets take.
    private func latestEmpty(_ limit: LimitCore, _ burst: Int64, _ now: Timestamp) -> Int64 {
        let room = max(burst, limit.seconds * 1_000_000_000)
        let (twice, tooMuch) = room.multipliedReportingOverflow(by: 2)
        let (latest, overflow) = now.nanoseconds.addingReportingOverflow(tooMuch ? .max / 2 : twice)
        return overflow ? .max : latest
    }

    /// What a counter may reach: both are at most a quarter of what fits into the integer.
    func most(_ slot: UInt32, _ granted: Int64) -> Int64 { slots[Int(slot)].limit &+ granted }

    func most(_ account: Account.Place) -> Int64 { most(account.pointee.slot, account.pointee.granted) }

    /// Posted and pending of a counter that is not a rate.
    @inline(__always)
    mutating func used(_ account: Account.Place, _ limit: LimitCore, at seconds: Int64) -> Int64 {
        posted(account, limit, at: seconds).saturatingAdding(account.pointee.pending)
    }

    @inline(__always)
    mutating func posted(_ account: Account.Place, _ limit: LimitCore, at seconds: Int64) -> Int64 {
        limit.kind == .rolling ? rolled(account, to: Self.bucket(seconds, limit.seconds)) : account.pointee.posted
    }

    @inline(never)
    private mutating func rolled(_ account: Account.Place, to bucket: Int64) -> Int64 {
        if account.pointee.rolling == .max { return 0 }
        let place = Int(account.pointee.rolling)
        rolling[place].advance(to: bucket)
        return rolling[place].total
    }

    /// The bucket of a rolling window that holds an instant.
    static func bucket(_ seconds: Int64, _ length: Int64) -> Int64 {
        let (quotient, rest) = seconds.quotientAndRemainder(dividingBy: length)
        return rest < 0 ? quotient - 1 : quotient
    }
}
