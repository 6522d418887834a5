// LimitState+Restore: counters made again after a start: set to what was stored, then brought up by the journal's later records,
// each counted once however often it is delivered.

import GatewayModel

extension LimitState {
    /// Sets counters to what was stored. Those of rules that now count something else are given back.
    mutating func restore(_ counters: [LimitCounter], _ book: LimitBook) -> [LimitCounter] {
        adopt(book)
        var limits: [UInt32: CompiledLimit] = [:]
        for limit in book.compiled {
            if let slot = slot(rule: limit.rule.id, identity: limit.identity) { limits[slot] = limit }
        }
        return counters.filter { counter in
            guard let slot = slot(rule: counter.rule, identity: counter.identity), let limit = limits[slot],
                counter.group.count == limit.group.count,
                let account = open(slot: slot, group: counter.group, windowStart: counter.windowStart)
            else { return true }
            guard counter.version >= account.pointee.version else { return false }
            set(account, limit.core, counter)
            return false
        }
    }

    private mutating func set(_ account: Account.Place, _ limit: LimitCore, _ counter: LimitCounter) {
        account.pointee.version = counter.version
        account.pointee.granted = counter.granted
        let newest = counter.buckets.last.map { $0.number * limit.seconds } ?? 0
        let lastUsed = max(counter.lastUsed, newest, counter.windowStart, counter.emptyAt / 1_000_000_000)
        account.pointee.lastUsed = max(account.pointee.lastUsed, UInt32(clamping: lastUsed))
        switch limit.kind {
        case .calendar, .lifetime: account.pointee.posted = counter.posted
        case .rate: account.pointee.posted = counter.emptyAt
        case .rolling:
            if account.pointee.rolling != .max { rolling[Int(account.pointee.rolling)] = RollingBuckets() }
            for bucket in counter.buckets {
                post(bucket.amount, to: account, limit, at: Timestamp(seconds: bucket.number * limit.seconds))
            }
        case .concurrent: break
        }
    }

    /// Posts a turn of the journal, if it is newer than what is in its counters.
    mutating func replay(
        _ facts: TurnFacts, _ actual: LimitAmounts, admitted: Timestamp, version: UInt64, _ book: LimitBook, _ matches: [Int],
        at now: Timestamp, turns: Int64 = 1
    ) {
        let demand = LimitDemand(whole: actual, first: actual, estimate: actual, overshoot: .zero)
        probe(facts, demand, book, matches, at: admitted)
        for probe in probes {
            let limit = book.compiled[Int(probe.rule)]
            if let calendar = limit.calendar {
                let end = calendar.period(at: Timestamp(seconds: probe.windowStart)).end
                if end.addingReportingOverflow(Self.graceSeconds).partialValue <= now.seconds { continue }
            }
            if probe.account == nil, accounts.count >= accountsMax { continue }
            let account = open(probe, facts, book)
            guard version > account.pointee.version else { continue }
            account.pointee.version = version
            account.pointee.lastUsed = max(account.pointee.lastUsed, UInt32(clamping: admitted.seconds))
            post(limit.core.unit == .requests ? turns : actual.of(limit.core.unit) ?? 0, to: account, limit.core, at: admitted)
        }
    }

    /// Sets what is granted on top of a limit for one counter in the window of now; false when there is no such rule, or no room.
    mutating func grant(
        rule: String, group: [String], total: Int64, _ book: LimitBook, at now: Timestamp
    ) -> Bool {
        adopt(book)
        guard let limit = book.compiled.first(where: { $0.rule.id == rule }), group.count == limit.group.count,
            let slot = slot(rule: rule, identity: limit.identity)
        else { return false }
        let windowStart = limit.calendar.map { window(slot, $0, at: now).start } ?? 0
        guard let account = open(slot: slot, group: group, windowStart: windowStart) else { return false }
        account.pointee.granted = min(max(0, total), LimitRule.limitMax)
        account.pointee.lastUsed = max(account.pointee.lastUsed, UInt32(clamping: now.seconds))
        return true
    }

    // MARK: Reading

    /// Counters of a rule, or of all, from a place on; at most so many. The place to go on from is nil at the end.
    mutating func counters(
        rule: String?, _ book: LimitBook, from place: Int, max count: Int, at now: Timestamp
    ) -> (counters: [LimitCounter], next: Int?) {
        adopt(book)
        var limits: [UInt32: CompiledLimit] = [:]
        for limit in book.compiled where rule == nil || limit.rule.id == rule {
            if let slot = slot(rule: limit.rule.id, identity: limit.identity) { limits[slot] = limit }
        }
        var found: [LimitCounter] = []
        var number = place
        let last = accounts.places
        while number < last, found.count < count {
            let account = accounts.place(UInt32(number))
            if account.pointee.isUsed, let limit = limits[account.pointee.slot] { found.append(counter(account, limit, at: now)) }
            number += 1
        }
        return (found, number < last ? number : nil)
    }

    mutating func counter(_ place: Account.Place, _ limit: CompiledLimit, at now: Timestamp) -> LimitCounter {
        let account = place.pointee
        var counter = LimitCounter(
            rule: limit.rule.id, identity: limit.identity, group: groupTexts(place, count: limit.group.count),
            windowStart: account.windowStart, posted: account.posted, pending: account.pending, version: account.version)
        counter.granted = account.granted
        counter.lastUsed = Int64(account.lastUsed)
        if limit.core.kind == .rate {
            counter.emptyAt = account.posted
            counter.posted = limit.core.amount(refilledIn: max(0, account.posted - now.nanoseconds))
        } else if limit.core.kind == .rolling {
            counter.posted = posted(place, limit.core, at: now.seconds)
            if account.rolling != .max { counter.buckets = rolling[Int(account.rolling)].list }
        }
        return counter
    }

    // MARK: Forgetting

    /// Windows that are over stay so long: clocks go back, and reports ask.
    static var graceSeconds: Int64 { 86_400 }

    /// Looks at some counters and forgets those that can never be charged again. A counter that was used of late stays whatever
    /// the clock says now.
    mutating func sweep(_ book: LimitBook, at now: Timestamp, count: Int) {
        adopt(book)
        var limits: [UInt32: CompiledLimit] = [:]
        for limit in book.compiled {
            if let slot = slot(rule: limit.rule.id, identity: limit.identity) { limits[slot] = limit }
        }
        for _ in 0..<min(count, accounts.places) {
            if sweepPlace >= accounts.places { sweepPlace = 0 }
            let number = UInt32(sweepPlace)
            sweepPlace += 1
            let account = accounts.place(number).pointee
            guard account.isUsed, account.live == 0 else { continue }
            let idle = now.seconds - Int64(account.lastUsed)
            guard idle > Self.graceSeconds else { continue }
            guard let limit = limits[account.slot] else {
                // Its rule is gone or counts something else now.
                close(number)
                continue
            }
            if isOver(account, limit, idle: idle, at: now) { close(number) }
        }
    }

    private func isOver(_ account: Account, _ limit: CompiledLimit, idle: Int64, at now: Timestamp) -> Bool {
        switch limit.core.kind {
        case .calendar:
            guard let calendar = limit.calendar else { return false }
            return calendar.period(at: Timestamp(seconds: account.windowStart)).end + Self.graceSeconds < now.seconds
        case .rolling: return account.granted == 0 && idle > limit.core.seconds * (RollingBuckets.count + 1)
        case .rate: return account.granted == 0 && account.posted < now.nanoseconds
        case .concurrent: return account.granted == 0
        case .lifetime:
            // One that was never charged stands for nothing: turns that were not sent leave those.
            if account.posted == 0, account.granted == 0 { return true }
            return limit.rule.idleSecondsMax.map { idle > $0 } ?? false
        }
    }
}
