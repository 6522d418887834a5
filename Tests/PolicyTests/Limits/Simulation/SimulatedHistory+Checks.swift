// SimulatedHistory+Checks: the invariants, held against the naive recount.

import GatewayModel
import Policy

extension SimulatedHistory {
    private func most(_ place: Int, _ key: Int) -> Int64 { rules[place].limit + (recount.granted[key] ?? 0) }

    /// Whether the limit is one whose sums the recount knows exactly.
    private func isExact(_ rule: LimitRule) -> Bool { !NaiveRecount.isRate(rule) && !NaiveRecount.isRolling(rule) }

    // MARK: Decisions

    /// I1: what was let in fits, under every limit that holds for it.
    func checkGranted(_ turn: SimulatedTurn) throws(BrokenInvariant) {
        for (place, rule) in rules.enumerated() where NaiveRecount.isEnforced(rule) {
            guard let key = turn.keys[place] else { continue }
            guard let need = NaiveRecount.held(rule, turn) else { throw fault("\(rule.id) let an unpriced turn in") }
            if isExact(rule) {
                let sums = recount.sums(key, rule, turns)
                if sums.posted + sums.pending + need > most(place, key) { throw fault("I1: \(rule.id) let in \(need) over \(sums)") }
            } else if case .rolling(let seconds) = rule.window, !hasJumps {
                let posted = recount.posted(key, rule, turns, from: now.seconds - seconds + 1)
                let pending = recount.sums(key, rule, turns).pending
                if posted + pending + need > most(place, key) { throw fault("I1: \(rule.id) let in \(need) over \(posted) and \(pending)") }
            } else if case .rate(let seconds) = rule.window, !hasJumps {
                try checkRate(rule, seconds, key, turn, need)
            }
        }
    }

    /// However one cuts time, no more came through a rate than its burst and what it refills.
    private func checkRate(_ rule: LimitRule, _ seconds: Int64, _ key: Int, _ turn: SimulatedTurn, _ need: Int64) throws(BrokenInvariant) {
        let place = recount.keys[key].rule
        var sum = need
        var count: Int64 = 1
        for other in turns.reversed() where other.keys[place] == key && other.boot == boot {
            switch other.phase {
            case .reserved, .sent: sum += need0(rule, other)
            case .settled(let amounts): sum += min(need0(rule, other), NaiveRecount.amount(rule.unit, amounts) ?? need0(rule, other))
            case .void: continue
            }
            count += 1
            let refilled = Double(rule.limit) * Double(now.nanoseconds - other.admitted.nanoseconds) / (Double(seconds) * 1e9)
            if Double(sum) > Double(rule.burst ?? rule.limit) + refilled + Double(count) * 1e-3 {
                throw fault("\(rule.id) let \(sum) through in \(now.seconds - other.admitted.seconds) s")
            }
        }
    }

    private func need0(_ rule: LimitRule, _ turn: SimulatedTurn) -> Int64 { NaiveRecount.held(rule, turn) ?? 0 }

    /// No false refusal: every limit that a refusal names is really in the way, and none that is in the way is left out.
    func checkRefused(_ turn: SimulatedTurn, _ refusal: LimitRefusal) throws(BrokenInvariant) {
        let named = refusal.failures.map(\.rule)
        if named.isEmpty { throw fault("a refusal without a reason") }
        if named != rules.map(\.id).filter(named.contains) { throw fault("a refusal out of order: \(named)") }
        for (place, rule) in rules.enumerated() where NaiveRecount.isEnforced(rule) {
            let isNamed = named.contains(rule.id)
            guard let key = turn.keys[place] else {
                if isNamed { throw fault("\(rule.id) does not hold for the turn") }
                continue
            }
            guard let need = NaiveRecount.held(rule, turn) else {
                if !isNamed { throw fault("\(rule.id) does not name an unpriced turn") }
                continue
            }
            let sums = recount.sums(key, rule, turns)
            if isExact(rule) {
                let fits = sums.posted + sums.pending + need <= most(place, key)
                if fits == isNamed { throw fault("false refusal: \(rule.id) names \(need) over \(sums), limit \(most(place, key))") }
            } else if isNamed, case .rolling(let seconds) = rule.window {
                let bucket = (seconds + 59) / 60
                let posted = recount.posted(key, rule, turns, from: (now.seconds / bucket - 60) * bucket)
                if posted + sums.pending + need <= most(place, key) {
                    throw fault("false refusal: \(rule.id) at \(posted) and \(sums.pending)")
                }
            } else if isNamed, case .rate(let seconds) = rule.window, !hasJumps {
                try checkRateRefusal(rule, seconds, key, need)
            }
        }
    }

    /// Only what came within the time that a whole burst refills in can be in a rate's way; and what runs over is a debt from before.
    private func checkRateRefusal(_ rule: LimitRule, _ seconds: Int64, _ key: Int, _ need: Int64) throws(BrokenInvariant) {
        let place = recount.keys[key].rule
        var sum = need
        for other in turns where other.keys[place] == key {
            // An extension is charged beyond the estimate, and comes back only as far as it has not run out.
            var asked = need0(rule, other)
            if other.heldOutput > other.heldOutput0 {
                asked = max(asked, NaiveRecount.amount(rule.unit, other.amounts(other.heldOutput)) ?? 0)
            }
            if case .settled(let amounts) = other.phase { asked = max(asked, NaiveRecount.amount(rule.unit, amounts) ?? 0) }
            sum += asked
        }
        if sum <= rule.burst ?? rule.limit { throw fault("false refusal: \(rule.id), with \(sum) ever asked of it") }
    }

    func checkExtended(_ turn: SimulatedTurn, from: Int64, to: Int64) throws(BrokenInvariant) {
        for (place, rule) in rules.enumerated() where NaiveRecount.isEnforced(rule) && isExact(rule) {
            guard rule.mode == .elastic, rule.elastic != .finishTurn, let key = turn.keys[place], let held = NaiveRecount.held(rule, turn),
                let wanted = NaiveRecount.amount(rule.unit, turn.amounts(to)), wanted > held
            else { continue }
            let sums = recount.sums(key, rule, turns)
            if sums.posted + sums.pending + wanted - held > most(place, key) { throw fault("I1: \(rule.id) extended over \(sums)") }
        }
    }

    func checkDenied(_ turn: SimulatedTurn, to: Int64, _ refusal: LimitRefusal) throws(BrokenInvariant) {
        for (place, rule) in rules.enumerated() where refusal.failures.contains(where: { $0.rule == rule.id }) && isExact(rule) {
            guard let key = turn.keys[place], let held = NaiveRecount.held(rule, turn),
                let wanted = NaiveRecount.amount(rule.unit, turn.amounts(to))
            else { throw fault("\(rule.id) denies what it does not hold for") }
            let sums = recount.sums(key, rule, turns)
            if sums.posted + sums.pending + wanted - held <= most(place, key) { throw fault("false denial: \(rule.id) at \(sums)") }
        }
        if refusal.failures.isEmpty { throw fault("a denial without a reason") }
    }

    // MARK: After each step

    /// I1 and I4 for every counter: what providers really billed is within the limit, and within the bound in elastic mode.
    mutating func check() throws(BrokenInvariant) {
        for (key, what) in recount.keys.enumerated() {
            let rule = rules[what.rule]
            guard NaiveRecount.isEnforced(rule), isExact(rule), rule.unit != .concurrent else { continue }
            var billed: Int64 = 0
            var excess: [Int64] = []
            for turn in turns where turn.keys[what.rule] == key && turn.phase != .void {
                let used = NaiveRecount.amount(rule.unit, turn.used) ?? 0
                if turn.didReachProvider { billed += used }
                if case .settled(let amounts) = turn.phase, NaiveRecount.amount(rule.unit, amounts) ?? 0 < used {
                    throw fault("I4: \(rule.id) posted less than was billed")
                }
                if rule.mode == .elastic { excess.append(try elasticExcess(rule, turn, used)) }
            }
            // The bound: what each of the turns at once can use beyond what it holds.
            let bound = excess.sorted(by: >).prefix(mostAtOnce).reduce(0, +)
            let most = limitMost[what.rule] + grantedMost[what.rule]
            if billed > most + bound { throw fault("I1: \(rule.id) was billed \(billed), limit \(most), bound \(bound)") }
            if billed * 20 > rule.limit * 19 { counts.atTheLimit += 1 }
        }
    }

    /// By how much a turn can pass an elastic limit: to its end where it is to be finished, else what its provider makes after the cut.
    private func elasticExcess(_ rule: LimitRule, _ turn: SimulatedTurn, _ used: Int64) throws(BrokenInvariant) -> Int64 {
        func amount(_ output: Int64) -> Int64 { NaiveRecount.amount(rule.unit, turn.amounts(output)) ?? 0 }
        if rule.elastic == .finishTurn { return amount(turn.outputBound) - amount(turn.heldOutput0) }
        let overshoot = NaiveRecount.amount(rule.unit, turn.demand.overshoot) ?? 0
        let excess = max(0, used - amount(turn.heldOutput))
        if excess > overshoot { throw fault("I1: \(rule.id) was passed by \(excess), its bound for a turn is \(overshoot)") }
        return excess
    }

    // MARK: State

    /// I2, I3 and I6: each counter of the ledger is what the recount says, in every window, and nothing else is there.
    func compare() throws(BrokenInvariant) {
        var found: [NaiveRecount.Key: LimitCounter] = [:]
        for counter in allCounters(of: ledger) {
            guard let place = rules.firstIndex(where: { $0.id == counter.rule }) else { throw fault("a counter of no rule") }
            let key = NaiveRecount.Key(rule: place, group: counter.group, windowStart: counter.windowStart)
            if found.updateValue(counter, forKey: key) != nil { throw fault("I6: two counters of \(key)") }
        }
        for (number, key) in recount.keys.enumerated() {
            let rule = rules[key.rule]
            let sums = recount.sums(number, rule, turns)
            let counter = found.removeValue(forKey: key)
            if NaiveRecount.isRate(rule) { continue }
            if let counter {
                if counter.pending != sums.pending { throw fault("I3: \(key) has \(counter.pending) pending, must be \(sums.pending)") }
                if counter.granted != recount.granted[number] ?? 0 { throw fault("\(key): granted \(counter.granted)") }
                if isExact(rule), counter.posted != sums.posted, !isLongOver(rule, key) {
                    throw fault("I2: \(key) has posted \(counter.posted), must be \(sums.posted)")
                }
                if case .rolling(let seconds) = rule.window, !hasJumps { try checkRolling(counter, number, rule, seconds) }
            } else if sums.pending != 0 || sums.posted != 0, isExact(rule), !isLongOver(rule, key) {
                throw fault("I6: \(key) is lost, must be \(sums)")
            }
        }
        if let extra = found.first(where: { $0.value.posted != 0 || $0.value.pending != 0 }) { throw fault("nobody used \(extra)") }
        let live = turns.count { $0.isLive && $0.keys.contains { $0 != nil } }
        if ledger.figures.reservations != live { throw fault("I3: \(ledger.figures.reservations) reservations of \(live) turns") }
        if ledger.figures.leaked != 0 { throw fault("I3: a reservation leaked") }
    }

    private func checkRolling(_ counter: LimitCounter, _ key: Int, _ rule: LimitRule, _ seconds: Int64) throws(BrokenInvariant) {
        let bucket = (seconds + 59) / 60
        let least = recount.posted(key, rule, turns, from: now.seconds - seconds + 1)
        let most = recount.posted(key, rule, turns, from: (now.seconds / bucket - 60) * bucket)
        if counter.posted < least || counter.posted > most { throw fault("I6: rolling \(counter.posted), must be \(least) to \(most)") }
    }

    /// Windows that ended more than a day ago may be forgotten.
    private func isLongOver(_ rule: LimitRule, _ key: NaiveRecount.Key) -> Bool {
        guard rule.window.isCalendar else { return false }
        let days: Int64 = rule.window == .day ? 1 : rule.window == .week ? 7 : rule.window == .month ? 28 : 89
        return key.windowStart + days * 86_400 + (hasJumps ? 0 : 82_800) < now.seconds
    }

    /// I5: when all turns are over, nothing is pending.
    func checkEnd() throws(BrokenInvariant) {
        for counter in allCounters(of: ledger) where counter.pending != 0 { throw fault("I5: \(counter) stays pending") }
        if ledger.figures.reservations != 0 { throw fault("I5: a reservation stays") }
    }
}
