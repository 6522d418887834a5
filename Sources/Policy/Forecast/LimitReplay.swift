// LimitReplay: what would have been refused if other limits had been in force: the turns of the past once more through the ledger itself,
// in the order in which they came and ended.

package import GatewayModel

/// A turn of the past.
package struct PastTurn: Sendable, Hashable {
    package var facts: TurnFacts
    package var received: Timestamp
    package var ended: Timestamp
    /// What it reserved then; where that is not known, what it used.
    package var reserved: LimitAmounts
    package var used: LimitAmounts

    package init(facts: TurnFacts, received: Timestamp, ended: Timestamp, reserved: LimitAmounts, used: LimitAmounts) {
        self.facts = facts
        self.received = received
        self.ended = ended
        self.reserved = reserved
        self.used = used
    }
}

/// What one rule would have done to one of its counters.
package struct CounterReplay: Sendable, Hashable {
    /// Turns that it held for.
    package var matched = 0
    /// Turns that it was the first to refuse, or would have as an alert; what those cost, in nano-USD; and when it began.
    package var refused = 0
    package var refusedCost: Int64 = 0
    package var firstRefused: Timestamp?
    /// How much was used at most.
    package var mostUsed: Int64 = 0

    mutating func match(_ verdict: LimitVerdict) {
        matched += 1
        mostUsed = max(mostUsed, verdict.before)
    }

    mutating func refuse(_ cost: Int64, _ at: Timestamp) {
        refused += 1
        refusedCost.addSaturating(cost)
        firstRefused = firstRefused ?? at
    }
}

/// What one rule would have done.
package struct RuleReplay: Sendable, Hashable {
    package var rule: String
    package var all = CounterReplay()
    /// By the values of its group, as many as are kept.
    package var counters: [[String]: CounterReplay] = [:]
    /// The values of its fullest counter.
    package var fullest: [String] = []

    static let countersMax = 100_000

    init(rule: String) { self.rule = rule }

    mutating func match(_ verdict: LimitVerdict) {
        all.matched += 1
        if verdict.before > all.mostUsed { (all.mostUsed, fullest) = (verdict.before, verdict.group) }
        guard counters.count < Self.countersMax || counters[verdict.group] != nil else { return }
        counters[verdict.group, default: CounterReplay()].match(verdict)
    }

    mutating func refuse(_ group: [String], _ cost: Int64, _ at: Timestamp) {
        all.refuse(cost, at)
        counters[group]?.refuse(cost, at)
    }
}

/// What all of them would have done together.
package struct LimitReplayReport: Sendable, Hashable {
    package var turns = 0
    package var cost: Int64 = 0
    package var refused = 0
    package var refusedCost: Int64 = 0
    package var rules: [RuleReplay] = []

    init() {}
}

/// Replays turns under limits. A refused turn uses nothing, and what followed it is replayed all the same: the figure is what would have
/// been refused of what came, not what people would have done instead.
package struct LimitReplay: ~Copyable {
    private let book: LimitBook
    private let ledger: LimitLedger
    private var report = LimitReplayReport()
    private var places: [String: Int] = [:]
    /// Running turns as a heap, the first to end at its top.
    private var running: [Running] = []

    /// Keeps a reservation in an array.
    private final class Running {
        let ended: Timestamp
        let used: LimitAmounts
        var reservation: Reservation?

        init(_ turn: PastTurn, _ reservation: consuming Reservation) {
            ended = max(turn.ended, turn.received)
            used = turn.used
            self.reservation = consume reservation
        }
    }

    package init(under book: LimitBook, seed: UInt64) {
        self.book = book
        ledger = LimitLedger(seed: seed)
        report.rules = book.rules.map { RuleReplay(rule: $0.id) }
        for (place, rule) in book.rules.enumerated() { places[rule.id] = place }
    }

    /// Takes the next turn, in the order in which they were received.
    package mutating func take(_ turn: PastTurn) {
        end(before: turn.received)
        report.turns += 1
        let cost = turn.used.cost ?? 0
        report.cost.addSaturating(cost)
        let demand = LimitDemand(whole: turn.reserved, first: turn.used, estimate: turn.used, overshoot: turn.reserved)
        for verdict in ledger.explain(turn.facts, demand, under: book, at: turn.received) {
            guard let place = places[verdict.rule] else { continue }
            report.rules[place].match(verdict)
            if verdict.mode == .alert || verdict.action == .alert, !verdict.fits {
                report.rules[place].refuse(verdict.group, cost, turn.received)
            }
        }
        switch ledger.admit(turn.facts, demand, under: book, at: turn.received) {
        case .granted(let reservation): push(Running(turn, reservation))
        case .refused(let refusal): refuse(refusal, cost, turn.received)
        case .wait(_, let refusal): refuse(refusal, cost, turn.received)
        }
    }

    private mutating func refuse(_ refusal: LimitRefusal, _ cost: Int64, _ at: Timestamp) {
        report.refused += 1
        report.refusedCost.addSaturating(cost)
        guard let first = refusal.failures.first, let place = places[first.rule] else { return }
        report.rules[place].refuse(first.group, cost, at)
    }

    /// Ends what is still running and gives the report.
    package consuming func finish() -> LimitReplayReport {
        end(before: Timestamp(nanoseconds: .max))
        return report
    }

    // MARK: Running turns

    private mutating func end(before time: Timestamp) {
        while let first = running.first, first.ended <= time {
            pop()
            _ = first.reservation.take()?.settle(first.used, at: first.ended)
        }
    }

    private mutating func push(_ turn: Running) {
        running.append(turn)
        var place = running.count - 1
        while place > 0, running[place].ended < running[(place - 1) / 2].ended {
            running.swapAt(place, (place - 1) / 2)
            place = (place - 1) / 2
        }
    }

    private mutating func pop() {
        running.swapAt(0, running.count - 1)
        running.removeLast()
        var place = 0
        while true {
            var least = place
            for child in [2 * place + 1, 2 * place + 2] where child < running.count && running[child].ended < running[least].ended {
                least = child
            }
            if least == place { return }
            running.swapAt(least, place)
            place = least
        }
    }
}
