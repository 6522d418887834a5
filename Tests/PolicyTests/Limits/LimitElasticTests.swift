// Elastic limits: a piece at a time, never over by more than the bound, and usable where worst cases would pin the budget.

import GatewayModel
import Policy
import Testing

@Suite struct LimitElasticTests {
    private typealias T = LimitLedgerTests

    /// Output costs one nano-USD a token here.
    private func demand(whole: Int64, first: Int64, overshoot: Int64 = 5) -> LimitDemand {
        func amounts(_ tokens: Int64) -> LimitAmounts { LimitAmounts(cost: tokens, inputTokens: 0, outputTokens: tokens) }
        return LimitDemand(whole: amounts(whole), first: amounts(first), estimate: amounts(first), overshoot: amounts(overshoot))
    }

    private func elastic(_ limit: Int64, _ policy: ElasticPolicy = .finishBlock) throws -> LimitBook {
        try T.book(
            T.rule("month", limit) {
                $0.mode = .elastic
                $0.elastic = policy
                $0.thresholds = []
            })
    }

    @Test func anAnswerIsExtendedUntilNothingIsLeftAndThenDenied() throws {
        let book = try elastic(100)
        let ledger = LimitLedger(seed: 1)
        var first = T.reservation(ledger.admit(T.facts(), demand(whole: 1000, first: 20), under: book, at: T.now))
        var second = T.reservation(ledger.admit(T.facts(), demand(whole: 1000, first: 20), under: book, at: T.now))
        #expect(first?.extend(to: T.cost(80), at: T.now) == .granted, "20 are held by the other")
        guard case .denied(.finishBlock, let refusal)? = first?.extend(to: T.cost(81), at: T.now) else {
            Issue.record("it is not denied")
            return
        }
        #expect(refusal.failures.map(\.before) == [100] && refusal.failures.map(\.amount) == [1])
        // The provider made 5 more before it stopped: within the bound, so no fault.
        let settled = first.take()?.settle(T.cost(85), at: T.now)
        #expect(settled?.isOverReserved == false)
        second.take()?.void(at: T.now)
        #expect(ledger.counters(under: book, at: T.now).counters.map(\.posted) == [85])
    }

    @Test func aStrictLimitBesideItHoldsTheWholeTurn() throws {
        let book = try T.book(T.rule("strict", 1000), T.rule("elastic", 100, .nanoUSD, .day) { $0.mode = .elastic })
        let ledger = LimitLedger(seed: 1)
        var turn = T.reservation(ledger.admit(T.facts(), demand(whole: 900, first: 20), under: book, at: T.now))
        let pending = Dictionary(uniqueKeysWithValues: ledger.counters(under: book, at: T.now).counters.map { ($0.rule, $0.pending) })
        #expect(pending == ["strict": 900, "elastic": 20])
        let refusal = T.refusal(ledger.admit(T.facts(), demand(whole: 900, first: 20), under: book, at: T.now))
        #expect(refusal?.failures.map(\.rule) == ["strict"])
        turn.take()?.void(at: T.now)
    }

    @Test func aTurnThatIsToBeFinishedIsNeverCutAndThoseAfterItAreRefused() throws {
        let book = try elastic(100, .finishTurn)
        let ledger = LimitLedger(seed: 1)
        var turn = T.reservation(ledger.admit(T.facts(), demand(whole: 1000, first: 20), under: book, at: T.now))
        #expect(turn?.extend(to: T.cost(500), at: T.now) == .granted)
        let refusal = T.refusal(ledger.admit(T.facts(), demand(whole: 10, first: 1), under: book, at: T.now))
        #expect(refusal?.failures.map(\.before) == [500])
        #expect(turn.take()?.settle(T.cost(700), at: T.now).isOverReserved == false)
    }

    /// Five agents with contexts of 480,000 bytes and 64,000 tokens of possible output, at $3 and $15 a million tokens, twice as dear (and
    /// $22.50) beyond 200,000: the worst case of one turn is 480,000 x $6 + 64,000 x $22.50 a million = $4.32. In truth 120,000 tokens are
    /// read from a cache at $0.30 and 2,000 written: $0.066. A third of the bytes as tokens and 2,048 of output is what is reserved: $0.51.
    @Test(arguments: [
        ("strict: (25.00 - 4 x 4.32 - 4.32) / 0.066 = 51 turns", LimitMode.strict, 51),
        ("elastic: (25.00 - 4 x 0.51072 - 0.51072) / 0.066 = 340 turns", LimitMode.elastic, 340),
    ])
    func aBudgetOf25DollarsStaysUsableWithFiveLongContextAgentsAtOnceUntil(_ arithmetic: String, _ mode: LimitMode, _ turns: Int) throws {
        let dollar: Int64 = 1_000_000_000
        func amounts(_ cost: Int64, _ input: Int64, _ output: Int64) -> LimitAmounts {
            LimitAmounts(cost: cost, inputTokens: input, outputTokens: output)
        }
        let demand = LimitDemand(
            whole: amounts(480_000 * 6000 + 64_000 * 22_500, 480_000, 64_000),
            first: amounts(160_000 * 3000 + 2048 * 15_000, 160_000, 2048),
            estimate: .zero, overshoot: amounts(200 * 15_000, 0, 200))
        let actual = amounts(120_000 * 300 + 2000 * 15_000, 120_000, 2000)
        let book = try T.book(T.rule("team", 25 * dollar) { $0.mode = mode })
        let ledger = LimitLedger(seed: 1)
        // Four agents are always in the middle of a turn; the fifth ends one after the other.
        var others: [Holder] = []
        for _ in 0..<4 { others.append(Holder(ledger.admit(T.facts(), demand, under: book, at: T.now))) }
        var count = 0
        while true {
            var turn = T.reservation(ledger.admit(T.facts(), demand, under: book, at: T.now))
            let isIn = turn != nil
            if !isIn { break }
            count += 1
            _ = turn.take()?.settle(actual, at: T.now)
        }
        #expect(count - 1 == turns, "\(arithmetic)")
        // Clients that are gone leave nothing behind: the rest can be spent.
        for other in others { other.reservation.take()?.void(at: T.now) }
        #expect(ledger.counters(under: book, at: T.now).counters.map(\.pending) == [0])
        #expect(ledger.explain(T.facts(), demand, under: book, at: T.now).map(\.fits) == [true])
    }
}

/// Keeps a reservation in an array.
private final class Holder {
    var reservation: Reservation?

    init(_ admission: consuming LimitAdmission) { reservation = LimitLedgerTests.reservation(admission) }
}
