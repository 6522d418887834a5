// LimitState+Admission: all limits of a turn together, all or none.

import GatewayModel

extension LimitState {
    enum Decision {
        case granted(place: UInt32, generation: UInt32)
        case refused(LimitRefusal)
        case wait(until: Timestamp, LimitRefusal)
    }

    mutating func admit(
        _ facts: TurnFacts, _ demand: LimitDemand, _ book: LimitBook, _ matches: [Int], at now: Timestamp
    ) -> Decision {
        let outlook = probe(facts, demand, book, matches, at: now)
        guard outlook.fits else { return refuse(book, facts, at: now) }
        guard accounts.count + outlook.missing <= accountsMax else {
            figures.refused += 1
            return .refused(LimitRefusal(reason: .tooManyCounters))
        }
        return commit(facts, book, at: now)
    }

    private mutating func commit(_ facts: TurnFacts, _ book: LimitBook, at now: Timestamp) -> Decision {
        let place = reservationsFree.popLast() ?? UInt32(reservations.count)
        if Int(place) == reservations.count { reservations.append(LiveReservation()) }
        let seconds = UInt32(clamping: now.seconds)
        // What was looked at becomes what is held. Taken out, so that nothing else names it meanwhile and it stays where it is.
        var holds: [Hold] = []
        swap(&holds, &probes)
        for index in holds.indices {
            let account = holds[index].account ?? open(holds[index], facts, book)
            if holds[index].account == nil { holds[index].account = account }
            account.pointee.lastUsed = max(account.pointee.lastUsed, seconds)
            account.pointee.live += 1
            if holds[index].kind == .rate {
                account.pointee.posted = holds[index].emptyAt
            } else {
                account.pointee.pending = account.pointee.pending.saturatingAdding(holds[index].held)
            }
            // Only a limit that is not enforced lets such a turn come here.
            if !holds[index].fits {
                tell(.wouldRefuse, account, book.compiled[Int(holds[index].rule)], used: holds[index].before, at: now)
            }
        }
        // The next look gets the room that the reservation had for its holds.
        reservations[Int(place)].hold(&holds, under: book, at: now)
        swap(&holds, &probes)
        figures.admitted += 1
        figures.reservations += 1
        return .granted(place: place, generation: reservations[Int(place)].generation)
    }

    private mutating func refuse(_ book: LimitBook, _ facts: TurnFacts, at now: Timestamp) -> Decision {
        var refusal = LimitRefusal(reason: .exceeded)
        var until = now
        var mayWait = true
        for probe in probes where !probe.fits {
            let limit = book.compiled[Int(probe.rule)]
            guard limit.core.isEnforced else { continue }
            let verdict = verdict(probe, limit, facts, book, at: now)
            refusal.failures.append(verdict)
            if let account = probe.account { tellOfReservations(probe, account, limit, at: now) }
            let latest = Timestamp(nanoseconds: now.nanoseconds.addingReportingOverflow(limit.waitNanosecondsMax).partialValue)
            if limit.waitNanosecondsMax == 0 {
                mayWait = false
            } else if limit.core.kind == .concurrent {
                until = max(until, latest)
            } else if let at = verdict.fitsAt, at <= latest {
                until = max(until, at)
            } else {
                mayWait = false
            }
        }
        if mayWait { return .wait(until: until, refusal) }
        figures.refused += 1
        return .refused(refusal)
    }

    /// A budget that is full of reservations is a fault of its mode or of what is asked for, and not of what is spent.
    private mutating func tellOfReservations(_ probe: Hold, _ account: Account.Place, _ limit: CompiledLimit, at now: Timestamp) {
        let kind = limit.core.kind
        guard kind == .calendar || kind == .lifetime || kind == .rolling else { return }
        let reserved = account.pointee.pending
        let used = probe.before.subtractingReportingOverflow(reserved).partialValue
        let half = most(account) / 2
        if reserved > half, used < half { tell(.reservedUnused(reserved: reserved), account, limit, used: used, at: now) }
    }

    // MARK: Explaining

    /// Each limit that holds for a turn as it stands; nothing is changed.
    mutating func explain(
        _ facts: TurnFacts, _ demand: LimitDemand, _ book: LimitBook, _ matches: [Int], at now: Timestamp
    ) -> [LimitVerdict] {
        probe(facts, demand, book, matches, at: now)
        let all = probes
        return all.map { verdict($0, book.compiled[Int($0.rule)], facts, book, at: now) }
    }

    private mutating func verdict(
        _ probe: Hold, _ limit: CompiledLimit, _ facts: TurnFacts, _ book: LimitBook, at now: Timestamp
    ) -> LimitVerdict {
        let granted = probe.account?.pointee.granted ?? 0
        let group = limit.group.map { facts[book.dimensions[$0]].map(Self.cut) ?? "" }
        var verdict = verdict(limit, group: group, slot: probe.slot, granted: granted, before: probe.before, amount: probe.need)
        verdict.fits = probe.fits
        verdict.resetsAt = resetsAt(limit, slot: probe.slot, windowStart: probe.windowStart, at: now)
        verdict.fitsAt = probe.fits ? now : fitsAt(probe, limit, granted: granted, at: now)
        return verdict
    }

    func verdict(
        _ limit: CompiledLimit, group: [String], slot: UInt32, granted: Int64, before: Int64, amount: Int64?
    ) -> LimitVerdict {
        LimitVerdict(
            rule: limit.rule.id, name: limit.rule.name, unit: limit.core.unit, window: limit.rule.window, mode: limit.rule.mode,
            action: limit.rule.onExceed, group: group, limit: limit.core.kind == .rate ? limit.core.burst &+ granted : most(slot, granted),
            before: before,
            amount: amount, after: before.addingReportingOverflow(amount ?? 0).partialValue, fits: true, resetsAt: nil, fitsAt: nil,
            contact: limit.rule.contact)
    }

    mutating func resetsAt(_ limit: CompiledLimit, slot: UInt32, windowStart: Int64, at now: Timestamp) -> Timestamp? {
        switch limit.core.kind {
        case .calendar:
            guard let calendar = limit.calendar else { return nil }
            return Timestamp(seconds: calendar.period(at: Timestamp(seconds: windowStart)).end)
        case .rolling: return now.adding(seconds: limit.core.seconds * RollingBuckets.count)
        case .rate: return now.adding(seconds: limit.core.seconds)
        case .lifetime, .concurrent: return nil
        }
    }

    /// When the need fits if nothing else comes; nil is never, or when somebody lets go.
    private mutating func fitsAt(_ probe: Hold, _ limit: CompiledLimit, granted: Int64, at now: Timestamp) -> Timestamp? {
        guard let need = probe.need else { return nil }
        switch limit.core.kind {
        case .lifetime, .concurrent: return nil
        case .calendar:
            guard need <= slots[Int(probe.slot)].limit else { return nil }
            return resetsAt(limit, slot: probe.slot, windowStart: probe.windowStart, at: now)
        case .rate:
            let burst = limit.core.burst &+ granted
            guard need <= burst, limit.core.limit > 0 else { return nil }
            return Timestamp(nanoseconds: probe.emptyAt - limit.core.refill(burst))
        case .rolling:
            guard let account = probe.account?.pointee, account.rolling != .max else { return nil }
            var room = most(probe.slot, granted) - need - account.pending
            let buckets = rolling[Int(account.rolling)].list
            var first = buckets.count
            while first > 0, room >= buckets[first - 1].amount {
                room -= buckets[first - 1].amount
                first -= 1
            }
            guard first > 0, room >= 0 else { return nil }
            return Timestamp(seconds: (buckets[first - 1].number + RollingBuckets.count + 1) * limit.core.seconds)
        }
    }
}
