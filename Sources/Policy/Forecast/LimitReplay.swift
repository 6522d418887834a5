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

/// What one rule would have done.
package struct RuleReplay: Sendable, Hashable, Codable {
    package var rule: String
    /// Turns that it held for.
    package var matched = 0
    /// Turns that it was the first to refuse, or would have as an alert.
    package var refused = 0
    /// What those cost, in nano-USD.
    package var refusedCost: Int64 = 0
    package var firstRefused: Timestamp?
    /// Its fullest counter: the values of the group, and how much was posted at most.
    package var fullest: [String] = []
    package var mostUsed: Int64 = 0

    init(rule: String) { self.rule = rule }

    enum CodingKeys: String, CodingKey {
        case rule, matched, refused
        case refusedCost = "refused_cost"
        case firstRefused = "first_refused"
        case fullest
        case mostUsed = "most_used"
    }
}

/// What all of them would have done together.
package struct LimitReplayReport: Sendable, Hashable, Codable {
    package var turns = 0
    package var cost: Int64 = 0
    package var refused = 0
    package var refusedCost: Int64 = 0
    package var rules: [RuleReplay] = []

    init() {}

    enum CodingKeys: String, CodingKey {
        case turns, cost, refused
        case refusedCost = "refused_cost"
        case rules
    }
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
        report.cost = report.cost.addingReportingOverflow(cost).overflow ? .max : report.cost + cost
        let demand = LimitDemand(whole: turn.reserved, first: turn.used, estimate: turn.used, overshoot: turn.reserved)
        for verdict in ledger.explain(turn.facts, demand, under: book, at: turn.received) {
            guard let place = places[verdict.rule] else { continue }
            report.rules[place].matched += 1
            if verdict.mode == .alert || verdict.action == .alert, !verdict.fits { refuse(place, cost, turn.received) }
            if verdict.before > report.rules[place].mostUsed {
                report.rules[place].mostUsed = verdict.before
                report.rules[place].fullest = verdict.group
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
        report.refusedCost += cost
        if let place = refusal.failures.first.flatMap({ places[$0.rule] }) { refuse(place, cost, at) }
    }

    private mutating func refuse(_ place: Int, _ cost: Int64, _ at: Timestamp) {
        report.rules[place].refused += 1
        report.rules[place].refusedCost += cost
        report.rules[place].firstRefused = report.rules[place].firstRefused ?? at
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
