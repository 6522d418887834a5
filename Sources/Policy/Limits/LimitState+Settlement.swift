// LimitState+Settlement: a reservation grows, and ends: posted with what was used, or void. Settlement never fails.

import GatewayModel

extension LimitState {
    /// Whether a reservation's number still stands for that reservation.
    func isLive(_ place: UInt32, _ generation: UInt32) -> Bool {
        Int(place) < reservations.count && reservations[Int(place)].isLive && reservations[Int(place)].generation == generation
    }

    /// More for a turn: its whole use so far and what it wants to go on with. All limits or none.
    mutating func extend(_ place: UInt32, to total: LimitAmounts, at now: Timestamp) -> LimitExtension {
        let index = Int(place)
        let book = reservations[index].book
        var failures: [LimitVerdict] = []
        var policy = ElasticPolicy.finishBlock
        for number in 0..<reservations[index].holds.count {
            let hold = reservations[index].holds[number]
            let limit = book.cores[Int(hold.rule)]
            guard let more = need(hold, limit, total), limit.isEnforced, limit.kind != .rate else { continue }
            let used = used(hold.account, limit, at: now)
            let (sum, overflow) = used.addingReportingOverflow(more)
            if !overflow, sum <= most(hold.account) { continue }
            // Such a turn is never cut: it goes on holding what it uses, and those that come after it are refused.
            if limit.isElastic, limit.elastic == .finishTurn { continue }
            policy = max(policy, limit.isElastic ? limit.elastic : .stopNow)
            failures.append(verdict(hold, book.compiled[Int(hold.rule)], before: used, amount: more, fits: false, at: now))
        }
        guard failures.isEmpty else {
            figures.extensionsDenied += 1
            return .denied(policy, LimitRefusal(reason: .exceeded, failures: failures))
        }
        for number in 0..<reservations[index].holds.count {
            let hold = reservations[index].holds[number]
            let limit = book.cores[Int(hold.rule)]
            guard let more = need(hold, limit, total) else { continue }
            reservations[index].holds[number].held += more
            reservations[index].holds[number].whole = max(hold.whole, hold.held + more)
            if limit.kind == .rate {
                post(more, to: hold.account, limit, at: now)
                reservations[index].holds[number].emptyAt = accounts[hold.account].posted
                reservations[index].holds[number].extended = more
            } else {
                let (sum, overflow) = accounts[hold.account].pending.addingReportingOverflow(more)
                accounts[hold.account].pending = overflow ? .max : sum
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
        let index = Int(place)
        let book = reservations[index].book
        var settlement = LimitSettlement()
        for number in 0..<reservations[index].holds.count {
            let hold = reservations[index].holds[number]
            let limit = book.cores[Int(hold.rule)]
            // What stays unpriced to the end counts as what was held for it.
            let amount = actual.of(limit.unit, turns: turns) ?? hold.held
            if limit.kind == .rate {
                correctRate(hold, limit, amount, at: now)
            } else {
                accounts[hold.account].pending -= hold.held
                if limit.kind == .concurrent {
                    settlement.freesPlace = true
                } else {
                    post(amount, to: hold.account, limit, at: reservations[index].admitted)
                    if limit.isEnforced, amount > hold.held, exceeds(hold, limit, amount) {
                        settlement.isOverReserved = true
                        tell(
                            .overReservation(excess: amount - hold.held), hold.account, book.compiled[Int(hold.rule)], used: amount, at: now
                        )
                    }
                    if limit.hasThresholds { checkThresholds(hold, limit, book, at: now) }
                }
            }
            release(hold, at: now)
        }
        if settlement.isOverReserved { figures.overReservations += 1 }
        end(index)
        return settlement
    }

    /// Whether it used more than what it could have.
    private func exceeds(_ hold: Hold, _ limit: LimitCore, _ amount: Int64) -> Bool {
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
        let index = Int(place)
        let book = reservations[index].book
        var settlement = LimitSettlement()
        for number in 0..<reservations[index].holds.count {
            let hold = reservations[index].holds[number]
            let limit = book.cores[Int(hold.rule)]
            if limit.kind == .rate {
                correctRate(hold, limit, 0, at: now)
            } else {
                accounts[hold.account].pending -= hold.held
                if limit.kind == .concurrent { settlement.freesPlace = true }
            }
            release(hold, at: now)
        }
        end(index)
        return settlement
    }

    /// Posts all that was held, for a reservation that its owner lost.
    mutating func abandon(_ place: UInt32, at now: Timestamp) {
        let index = Int(place)
        let book = reservations[index].book
        for number in 0..<reservations[index].holds.count {
            let hold = reservations[index].holds[number]
            let limit = book.cores[Int(hold.rule)]
            if limit.kind != .rate {
                accounts[hold.account].pending -= hold.held
                post(hold.whole, to: hold.account, limit, at: reservations[index].admitted)
            }
            if number == 0 { tell(.leaked, hold.account, book.compiled[Int(hold.rule)], used: hold.held, at: now) }
            release(hold, at: now)
        }
        figures.leaked += 1
        end(index)
    }

    /// What a rate was charged too much comes back as far as it has not run out by itself; too little is a debt.
    private mutating func correctRate(_ hold: Hold, _ limit: LimitCore, _ amount: Int64, at now: Timestamp) {
        if amount > hold.held {
            post(amount - hold.held, to: hold.account, limit, at: now)
        } else if amount < hold.held {
            let outstanding = max(0, hold.emptyAt - now.nanoseconds)
            let own = hold.extended == 0 ? hold.held : hold.extended
            accounts[hold.account].posted -= min(limit.refill(min(hold.held - amount, own)), outstanding)
        }
    }

    private func release(_ hold: Hold, at now: Timestamp) {
        accounts[hold.account].live -= 1
        accounts[hold.account].lastUsed = max(accounts[hold.account].lastUsed, UInt32(clamping: now.seconds))
    }

    private mutating func end(_ index: Int) {
        reservations[index].holds.removeAll(keepingCapacity: true)
        reservations[index].isLive = false
        reservations[index].generation &+= 1
        reservations[index].book = .empty
        reservationsFree.append(UInt32(index))
        figures.reservations -= 1
    }

    // MARK: Telling

    mutating func tell(_ kind: LimitEvent.Kind, _ account: UInt32, _ limit: CompiledLimit, used: Int64, at now: Timestamp) {
        guard events.count < Self.eventsMax else {
            figures.eventsLost += 1
            return
        }
        events.append(
            LimitEvent(
                kind: kind, rule: limit.rule.id, group: groupTexts(account, count: limit.group.count), limit: most(account), used: used,
                windowStart: accounts[account].windowStart, at: now))
    }

    /// Tells each share of the limit once when it is passed; of a rolling window again after a tenth of the limit has come back.
    private mutating func checkThresholds(_ hold: Hold, _ limit: LimitCore, _ book: LimitBook, at now: Timestamp) {
        let account = hold.account
        let used = used(account, limit, at: now) - accounts[account].pending
        if accounts[account].thresholds == 0 {
            // Nearly always: far below the first one. What overflows is looked at in full.
            let (scaled, isLarge) = used.multipliedReportingOverflow(by: 100)
            let (first, isLarger) = most(account).multipliedReportingOverflow(by: limit.thresholdMin)
            if !isLarge, !isLarger, scaled < first { return }
        }
        checkEachThreshold(account, book.compiled[Int(hold.rule)], used: used, at: now)
    }

    @inline(never)
    private mutating func checkEachThreshold(_ account: UInt32, _ limit: CompiledLimit, used: Int64, at now: Timestamp) {
        let most = Int128(most(account))
        for (place, percent) in limit.rule.thresholds.enumerated() {
            let bit = UInt8(1) << UInt8(place)
            let isPassed = Int128(used) * 100 >= most * Int128(percent)
            if isPassed, accounts[account].thresholds & bit == 0 {
                accounts[account].thresholds |= bit
                tell(.threshold(percent: percent), account, limit, used: used, at: now)
            } else if Int128(used) * 100 < most * Int128(percent - 10) {
                accounts[account].thresholds &= ~bit
            }
        }
    }

    /// Each hold of a reservation as it stood when it was made.
    mutating func verdicts(_ place: UInt32, at now: Timestamp) -> [LimitVerdict] {
        let book = reservations[Int(place)].book
        let holds = reservations[Int(place)].holds
        return holds.map { hold in
            verdict(hold, book.compiled[Int(hold.rule)], before: hold.before, amount: hold.held, fits: true, at: now)
        }
    }

    private mutating func verdict(
        _ hold: Hold, _ limit: CompiledLimit, before: Int64, amount: Int64, fits: Bool, at now: Timestamp
    ) -> LimitVerdict {
        let account = accounts[hold.account]
        var verdict = verdict(
            limit, group: groupTexts(hold.account, count: limit.group.count), slot: account.slot, granted: account.granted, before: before,
            amount: amount)
        verdict.fits = fits
        verdict.resetsAt = resetsAt(limit, slot: account.slot, windowStart: account.windowStart, at: now)
        return verdict
    }
}
