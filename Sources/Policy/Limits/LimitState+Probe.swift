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

    /// What a turn asks of one limit.
    private struct Asked {
        /// 0 of what is unpriced.
        var need: Int64 = 0
        var whole: Int64 = 0
        var overshoot: Int64 = 0
        var isPriced = true
    }

    /// How one counter stands.
    private struct Standing {
        var before: Int64 = 0
        var fits = true
        var emptyAt: Int64 = 0
    }

    /// Fills `probes` with each limit that holds for the turn.
    @discardableResult
    mutating func probe(
        _ facts: TurnFacts, _ demand: LimitDemand, _ book: LimitBook, _ matches: [Int], at now: Timestamp
    ) -> Outlook {
        beginLook(book)
        let slotsOfRules = books[place(of: book)].slots
        let seconds = now.seconds
        let wholes = UnitAmounts(demand.whole)
        let isPlain = wholes.isPriced && !demand.isUnbounded
        var outlook = Outlook()
        // Taken out and put back: appending looks once, and not each time, that nothing else names the list.
        var found: [Hold] = []
        swap(&found, &probes)
        found.append(addingCapacity: matches.count) { found in
            for rule in matches {
                let limit = book.cores[rule]
                let slot = slotsOfRules[rule]
                let windowStart = limit.kind == .calendar ? windowStart(slot, rule, book, seconds, at: now) : 0
                let group = group(Int(limit.grouping), facts, book)
                let account = group.isKnown ? accounts.find(slot, group.key, windowStart) : nil
                var asked = Asked()
                if isPlain, limit.isPlain {
                    asked.need = wholes[limit.unit]
                    asked.whole = asked.need
                } else {
                    asked = ask(demand, book.cores[rule])
                }
                var standing = Standing()
                if limit.kind == .rate {
                    standing = measureRate(account, asked.need, book.cores[rule], at: now)
                } else {
                    var granted: Int64 = 0
                    if let account {
                        standing.before = used(account, limit, at: seconds)
                        granted = account.pointee.granted
                    }
                    let (sum, overflow) = standing.before.addingReportingOverflow(asked.need)
                    standing.fits = asked.isPriced && !overflow && sum <= most(slot, granted)
                }
                if account == nil { outlook.missing += 1 }
                if !standing.fits, limit.isEnforced { outlook.fits = false }
                found.append(
                    Hold(
                        account: account, rule: UInt32(truncatingIfNeeded: rule), slot: slot, windowStart: windowStart, held: asked.need,
                        whole: asked.whole, before: standing.before, overshoot: asked.overshoot, emptyAt: standing.emptyAt,
                        kind: limit.kind, isPriced: asked.isPriced, fits: standing.fits))
            }
        }
        swap(&found, &probes)
        return outlook
    }

    /// What a turn asks of a limit that does not simply reserve the whole.
    @inline(never)
    private mutating func ask(_ demand: LimitDemand, _ limit: LimitCore) -> Asked {
        let need = limit.need(demand)
        var asked = Asked(need: need ?? 0, isPriced: need != nil)
        asked.whole = limit.kind == .rate ? asked.need : max(asked.need, demand.whole.of(limit.unit) ?? 0)
        if limit.isElastic { asked.overshoot = demand.overshoot.of(limit.unit) ?? 0 }
        return asked
    }

    /// Makes room for what the turn has, and forgets what the last one had.
    private mutating func beginLook(_ book: LimitBook) {
        looks &+= 1
        if !probes.isEmpty { probes.removeAll(keepingCapacity: true) }
        while values.count < book.dimensions.count { values.append(TurnValue()) }
        while groups.count < book.groupings.count { groups.append(TurnGroup(key: GroupKey(Account.Group(), accounts.hash))) }
    }

    @inline(__always)
    private mutating func group(_ number: Int, _ facts: TurnFacts, _ book: LimitBook) -> TurnGroup {
        groups[number].look == looks ? groups[number] : readGroup(number, facts, book)
    }

    @inline(never)
    private mutating func readGroup(_ number: Int, _ facts: TurnFacts, _ book: LimitBook) -> TurnGroup {
        let grouping = book.groupings[number]
        var group = Account.Group(repeating: SymbolTable.none)
        var isKnown = true
        for index in 0..<grouping.count {
            let symbol = symbol(Int(grouping.dimensions[index]), facts, book)
            group[index] = symbol
            if symbol == SymbolTable.unknown { isKnown = false }
        }
        let read = TurnGroup(key: GroupKey(group, accounts.hash), isKnown: isKnown, look: looks)
        groups[number] = read
        return read
    }

    private mutating func symbol(_ dimension: Int, _ facts: TurnFacts, _ book: LimitBook) -> UInt32 {
        if values[dimension].look == looks { return values[dimension].symbol }
        let symbol = facts.with(book.dimensions[dimension]) { known($0) }
        values[dimension] = TurnValue(symbol: symbol, look: looks)
        return symbol
    }

    /// Not inlined for each dimension. That it is `mutating` has it handed the state itself: a call that is not is handed a copy.
    @inline(never)
    private mutating func known(_ value: String?) -> UInt32 {
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
    private mutating func measureRate(_ account: Account.Place?, _ need: Int64, _ limit: LimitCore, at now: Timestamp) -> Standing {
        let (posted, granted) = account.map { ($0.pointee.posted, $0.pointee.granted) } ?? (now.nanoseconds, 0)
        let room = limit.refill(limit.burst.addingReportingOverflow(granted).partialValue)
        let latest = Self.latestEmpty(limit, room, now)
        // Written down, or a clock that went back would meet the same time again until it is there.
        if posted > latest { account?.pointee.posted = latest }
        let empty = min(max(posted, now.nanoseconds), latest)
        let (end, overflow) = empty.addingReportingOverflow(limit.refill(need))
        let fits = need == 0 || limit.limit > 0 && !overflow && end - now.nanoseconds <= room
        return Standing(before: limit.amount(refilledIn: empty - now.nanoseconds), fits: fits, emptyAt: overflow ? .max : end)
    }

    /// A clock that went back must not close a rate for longer than two whole buckets take, with what was granted on top: less would
    /// forget what a grant has let through.
    private static func latestEmpty(_ limit: LimitCore, _ room: Int64, _ now: Timestamp) -> Int64 {
        let room = max(room, limit.seconds * 1_000_000_000)
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
