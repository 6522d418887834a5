// What limits promise to a turn: all or none, charged once, to the window of its admission.

import GatewayModel
import Policy
import Testing

@Suite struct LimitLedgerTests {
    static let now = Timestamp(seconds: 1_790_000_000)

    static func rule(
        _ id: String, _ limit: Int64, _ unit: LimitUnit = .nanoUSD, _ window: LimitWindow = .month,
        _ change: (inout LimitRule) -> Void = { _ in }
    ) -> LimitRule {
        var rule = LimitRule(id: id, name: id, limit: limit, unit: unit, window: window)
        change(&rule)
        return rule
    }

    static func book(_ rules: LimitRule...) throws -> LimitBook { try LimitBook(rules) { _ in nil } }

    static func facts(_ change: (inout TurnFacts) -> Void = { _ in }) -> TurnFacts {
        var facts = TurnFacts()
        facts.workspace = "acme"
        facts.team = "shop"
        facts.developer = "ann"
        facts.key = "k1"
        facts.session = "ses_1"
        facts.model = "gpt-5.2"
        change(&facts)
        return facts
    }

    static func demand(_ cost: Int64?, input: Int64 = 0, output: Int64 = 0) -> LimitDemand {
        let whole = LimitAmounts(cost: cost, inputTokens: input, outputTokens: output)
        return LimitDemand(whole: whole, first: whole, estimate: whole, overshoot: .zero)
    }

    static func cost(_ cost: Int64) -> LimitAmounts { LimitAmounts(cost: cost, inputTokens: 0, outputTokens: 0) }

    /// Nil is a refusal.
    static func reservation(_ admission: consuming LimitAdmission) -> Reservation? {
        if case .granted(let reservation) = admission { return reservation }
        return nil
    }

    static func refusal(_ admission: consuming LimitAdmission) -> LimitRefusal? {
        switch consume admission {
        case .granted(let reservation):
            reservation.void(at: now)
            return nil
        case .refused(let refusal): return refusal
        case .wait(_, let refusal): return refusal
        }
    }

    @Test func ofManyTurnsAtOnceAgainstABudgetForOneExactlyOneIsAdmitted() throws {
        let book = try Self.book(
            Self.rule("team", 100) { $0.conditions = [.init(.team, any: ["shop"])] },
            Self.rule("session", 100, .nanoUSD, .none) { $0.groupBy = [.session] })
        let ledger = LimitLedger(seed: 1)
        var first = Self.reservation(ledger.admit(Self.facts(), Self.demand(100), under: book, at: Self.now))
        let isFirstIn = first != nil
        #expect(isFirstIn)
        for _ in 0..<499 {
            let refusal = Self.refusal(ledger.admit(Self.facts(), Self.demand(100), under: book, at: Self.now))
            #expect(refusal?.failures.map(\.rule) == ["session", "team"])
        }
        let settled = first.take()?.settle(Self.cost(40), at: Self.now)
        #expect(settled == LimitSettlement())
        let counters = ledger.counters(under: book, at: Self.now).counters
        #expect(counters.map(\.posted) == [40, 40] && counters.map(\.pending) == [0, 0])
    }

    @Test func aRefusalNamesEachLimitWithItsAmountsTheMostSpecificFirst() throws {
        let book = try Self.book(
            Self.rule("workspace", 50) { $0.contact = "finance@acme.test" },
            Self.rule("key", 60, .nanoUSD, .day) { $0.groupBy = [.key] },
            Self.rule("roomy", 1000) { $0.groupBy = [.developer] })
        let ledger = LimitLedger(seed: 1)
        let asked = Self.refusal(ledger.admit(Self.facts(), Self.demand(70), under: book, at: Self.now))
        let refusal = try #require(asked)
        #expect(refusal.failures.map(\.rule) == ["key", "workspace"] && refusal.action == .block && !refusal.isRate)
        #expect(refusal.failures[0].group == ["k1"] && refusal.failures[0].limit == 60 && refusal.failures[0].amount == 70)
        #expect(refusal.failures[0].resetsAt?.rfc3339 == "2026-09-22T00:00:00.000000Z")
        #expect(refusal.failures[1].contact == "finance@acme.test" && refusal.retryAt == nil)
        #expect(ledger.figures.counters == 0, "a refusal makes no counter")
    }

    @Test func aReservationThatIsDroppedIsPostedWhole() throws {
        let book = try Self.book(Self.rule("all", 100))
        let ledger = LimitLedger(seed: 1)
        do {
            let dropped = Self.reservation(ledger.admit(Self.facts(), Self.demand(30), under: book, at: Self.now))
            let isIn = dropped != nil
            #expect(isIn)
        }
        #expect(ledger.figures.leaked == 1)
        #expect(ledger.counters(under: book, at: Self.now).counters.map(\.posted) == [30])
    }
}
