// LimitState+Settlement: a reservation grows, and ends: posted with what was used, or void. Settlement never fails.

import GatewayModel

extension LimitState {
    /// Whether a reservation's number still stands for that reservation.
    func isLive(_ place: UInt32, _ generation: UInt32) -> Bool {
        Int(place) < reservations.count && reservations[Int(place)].generation == generation && reservations[Int(place)].book != nil
    }

    /// A reservation taken out of the table, so that nothing else names its holds while they are gone through; `put` puts it back.
    private mutating func take(_ place: UInt32) -> LiveReservation {
        var taken = LiveReservation()
        swap(&taken, &reservations[Int(place)])
        return taken
    }

    private mutating func put(_ reservation: consuming LiveReservation, at place: UInt32) { reservations[Int(place)] = reservation }

    /// Puts back one whose holds are released.
    private mutating func end(_ reservation: consuming LiveReservation, at place: UInt32) {
        reservation.holds.removeAll(keepingCapacity: true)
        reservation.generation &+= 1
        reservation.book = nil
        put(reservation, at: place)
        reservationsFree.append(place)
        figures.reservations -= 1
    }

    /// More for a turn: its whole use so far and what it wants to go on with. All limits or none.
    mutating func extend(_ place: UInt32, to total: LimitAmounts, at now: Timestamp) -> LimitExtension {
        guard let book = reservations[Int(place)].book else { return .granted }
        var reservation = take(place)
        defer { put(reservation, at: place) }
        let seconds = now.seconds
        var failures: [LimitVerdict] = []
        var policy = ElasticPolicy.finishBlock
        for hold in reservation.holds {
            let limit = book.cores[Int(hold.rule)]
            guard let account = hold.account, let more = need(hold, limit, total), limit.isEnforced, limit.kind != .rate else { continue }
            let used = used(account, limit, at: seconds)
            let (sum, overflow) = used.addingReportingOverflow(more)
            if !overflow, sum <= most(account) { continue }
            // Such a turn is never cut: it goes on holding what it uses, and those that come after it are refused.
            if limit.isElastic, limit.elastic == .finishTurn { continue }
            policy = max(policy, limit.isElastic ? limit.elastic : .stopNow)
            failures.append(verdict(account, book.compiled[Int(hold.rule)], before: used, amount: more, fits: false, at: now))
        }
        guard failures.isEmpty else {
            figures.extensionsDenied += 1
            return .denied(policy, LimitRefusal(reason: .exceeded, failures: failures))
        }
        for number in reservation.holds.indices {
            let hold = reservation.holds[number]
            let limit = book.cores[Int(hold.rule)]
            guard let account = hold.account, let more = need(hold, limit, total) else { continue }
            reservation.holds[number].held += more
            reservation.holds[number].whole = max(hold.whole, hold.held + more)
            if limit.kind == .rate {
                postRate(more, to: account, limit, at: now)
                reservation.holds[number].emptyAt = account.pointee.posted
                reservation.holds[number].extended = more
            } else {
                account.pointee.pending = account.pointee.pending.saturatingAdding(more)
            }
        }
        figures.extended += 1
        return .granted
    }

    private func need(_ hold: Hold, _ limit: LimitCore, _ total: LimitAmounts) -> Int64? {
        guard let amount = total.of(limit.unit), amount > hold.held else { return nil }
        return amount - hold.held
    }

    /// Posts what was used.
    mutating func settle(_ place: UInt32, _ actual: LimitAmounts, turns: Int64 = 1, at now: Timestamp) -> LimitSettlement {
        var settlement = LimitSettlement()
        guard let book = reservations[Int(place)].book else { return settlement }
        let reservation = take(place)
        let seconds = now.seconds
        let (admitted, lastUsed) = (reservation.admitted.seconds, UInt32(clamping: seconds))
        let amounts = UnitAmounts(actual, turns: turns)
        for number in reservation.holds.indices {
            guard let account = reservation.holds[number].account else { continue }
            let held = reservation.holds[number].held
            let rule = Int(reservation.holds[number].rule)
            let limit = book.cores[rule]
            // What stays unpriced to the end counts as what was held for it.
            let amount = limit.unit == .nanoUSD && !amounts.isPriced ? held : amounts[limit.unit]
            if limit.kind == .rate {
                if amount != held { correctRate(reservation.holds[number], account, book, amount, at: now) }
            } else {
                letGo(of: held, account)
                if limit.kind == .concurrent {
                    settlement.freesPlace = true
                } else {
                    post(amount, to: account, limit, at: admitted)
                    if limit.isEnforced, amount > held, exceeds(reservation.holds[number], book, amount) {
                        settlement.isOverReserved = true
                        tell(.overReservation(excess: amount - held), account, book.compiled[rule], used: amount, at: now)
                    }
                    if limit.hasThresholds {
                        let posted = posted(account, limit, at: seconds)
                        // Nearly always: far below the first one.
                        if !isQuiet(account, limit, posted) { checkThresholds(account, book.compiled[rule], posted, at: now) }
                    }
                }
            }
            release(account, lastUsed)
        }
        if settlement.isOverReserved { figures.overReservations += 1 }
        end(reservation, at: place)
        return settlement
    }

    /// Whether it used more than what it could have.
    @inline(never)
    private mutating func exceeds(_ hold: Hold, _ book: LimitBook, _ amount: Int64) -> Bool {
        let limit = book.cores[Int(hold.rule)]
        guard limit.isElastic else { return true }
        return amount - hold.held > exposure(hold, limit)
    }

    /// By how much an elastic turn can end over what it holds.
    func exposure(_ hold: Hold, _ limit: LimitCore) -> Int64 {
        guard limit.isElastic, limit.isEnforced else { return 0 }
        let rest = hold.whole - hold.held
        return limit.elastic == .finishTurn ? rest : min(rest, hold.overshoot)
    }

    /// Gives everything back: the turn was never sent.
    mutating func void(_ place: UInt32, at now: Timestamp) -> LimitSettlement {
        var settlement = LimitSettlement()
        guard let book = reservations[Int(place)].book else { return settlement }
        let reservation = take(place)
        let lastUsed = UInt32(clamping: now.seconds)
        for hold in reservation.holds {
            guard let account = hold.account else { continue }
            if hold.kind == .rate {
                correctRate(hold, account, book, 0, at: now)
            } else {
                letGo(of: hold.held, account)
                if hold.kind == .concurrent { settlement.freesPlace = true }
            }
            release(account, lastUsed)
        }
        end(reservation, at: place)
        return settlement
    }

    /// Posts all that was held, for a reservation that its owner lost.
    mutating func abandon(_ place: UInt32, at now: Timestamp) {
        guard let book = reservations[Int(place)].book else { return }
        let reservation = take(place)
        let (admitted, lastUsed) = (reservation.admitted.seconds, UInt32(clamping: now.seconds))
        for (number, hold) in reservation.holds.enumerated() {
            guard let account = hold.account else { continue }
            if hold.kind != .rate {
                letGo(of: hold.held, account)
                post(hold.whole, to: account, book.cores[Int(hold.rule)], at: admitted)
            }
            if number == 0 { tell(.leaked, account, book.compiled[Int(hold.rule)], used: hold.held, at: now) }
            release(account, lastUsed)
        }
        figures.leaked += 1
        end(reservation, at: place)
    }

    /// What a rate was charged too much comes back as far as it has not run out by itself; too little is a debt.
    @inline(never)
    private mutating func correctRate(_ hold: Hold, _ account: Account.Place, _ book: LimitBook, _ amount: Int64, at now: Timestamp) {
        let limit = book.cores[Int(hold.rule)]
        if amount > hold.held {
            postRate(amount - hold.held, to: account, limit, at: now)
        } else if amount < hold.held {
            let outstanding = max(0, hold.emptyAt - now.nanoseconds)
            let own = hold.extended == 0 ? hold.held : hold.extended
            account.pointee.posted -= min(limit.refill(min(hold.held - amount, own)), outstanding)
        }
    }

    /// What is pending beside a limit that only watches has no bound, and stays at the end of the integer when it gets there.
    @inline(__always)
    private func letGo(of held: Int64, _ account: Account.Place) {
        account.pointee.pending = max(0, account.pointee.pending.saturatingSubtracting(held))
    }

    @inline(__always)
    private func release(_ account: Account.Place, _ lastUsed: UInt32) {
        account.pointee.live -= 1
        account.pointee.lastUsed = max(account.pointee.lastUsed, lastUsed)
    }

    // MARK: Telling

    @inline(never)
    mutating func tell(_ kind: LimitEvent.Kind, _ account: Account.Place, _ limit: CompiledLimit, used: Int64, at now: Timestamp) {
        guard events.count < Self.eventsMax else {
            figures.eventsLost += 1
            return
        }
        events.append(
            LimitEvent(
                kind: kind, rule: limit.rule.id, group: groupTexts(account, count: limit.group.count), limit: most(account), used: used,
                windowStart: account.pointee.windowStart, at: now))
    }

    /// Whether no threshold can have been passed, or passed back. What overflows is looked at in full.
    @inline(__always)
    private func isQuiet(_ account: Account.Place, _ limit: LimitCore, _ posted: Int64) -> Bool {
        let (scaled, isLarge) = posted.multipliedReportingOverflow(by: 100)
        let (first, isLarger) = most(account).multipliedReportingOverflow(by: limit.thresholdMin)
        return account.pointee.thresholds == 0 && !isLarge && !isLarger && scaled < first
    }

    /// Tells each share of the limit once when it is passed; of a rolling window again after a tenth of the limit has come back.
    @inline(never)
    private mutating func checkThresholds(_ account: Account.Place, _ limit: CompiledLimit, _ posted: Int64, at now: Timestamp) {
        let most = Int128(most(account))
        for (place, percent) in limit.rule.thresholds.enumerated() {
            let bit = UInt8(1) << UInt8(place)
            let isPassed = Int128(posted) * 100 >= most * Int128(percent)
            if isPassed, account.pointee.thresholds & bit == 0 {
                account.pointee.thresholds |= bit
                tell(.threshold(percent: percent), account, limit, used: posted, at: now)
            } else if Int128(posted) * 100 < most * Int128(percent - 10) {
                account.pointee.thresholds &= ~bit
            }
        }
    }

    /// Each hold of a reservation as it stood when it was made.
    mutating func verdicts(_ place: UInt32, at now: Timestamp) -> [LimitVerdict] {
        guard let book = reservations[Int(place)].book else { return [] }
        let holds = reservations[Int(place)].holds
        return holds.compactMap { hold in
            guard let account = hold.account else { return nil }
            return verdict(account, book.compiled[Int(hold.rule)], before: hold.before, amount: hold.held, fits: true, at: now)
        }
    }

    private mutating func verdict(
        _ account: Account.Place, _ limit: CompiledLimit, before: Int64, amount: Int64, fits: Bool, at now: Timestamp
    ) -> LimitVerdict {
        let (slot, granted, start) = (account.pointee.slot, account.pointee.granted, account.pointee.windowStart)
        let group = groupTexts(account, count: limit.group.count)
        var verdict = verdict(limit, group: group, slot: slot, granted: granted, before: before, amount: amount)
        verdict.fits = fits
        verdict.resetsAt = resetsAt(limit, slot: slot, windowStart: start, at: now)
        return verdict
    }
}
