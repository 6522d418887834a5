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

    @Test func aTryWhoseTurnAnotherOneCountsGivesItsRequestBackAndNothingElse() throws {
        let book = try Self.book(
            Self.rule("money", 100), Self.rule("two", 2, .requests), Self.rule("pace", 2, .requests, .rate(seconds: 3600)))
        let ledger = LimitLedger(seed: 1)
        var lost = Self.reservation(ledger.admit(Self.facts(), Self.demand(50), under: book, at: Self.now))
        var served = Self.reservation(ledger.admit(Self.facts(), Self.demand(50), under: book, at: Self.now))
        #expect(
            Set(Self.refusal(ledger.admit(Self.facts(), Self.demand(0), under: book, at: Self.now))?.failures.map(\.rule) ?? [])
                == ["two", "pace"])
        _ = lost.take()?.settle(Self.cost(7), turns: 0, at: Self.now)
        _ = served.take()?.settle(Self.cost(20), at: Self.now)
        let posted = ledger.counters(under: book, at: Self.now).counters.map { ($0.rule, $0.posted) }
        #expect(Dictionary(uniqueKeysWithValues: posted) == ["money": 27, "two": 1, "pace": 1])
    }

    @Test func aRuleBindsATurnStrictlyWhereItIsEnforcedAndCountsSizesAndIsNoRate() throws {
        func binds(_ change: (inout LimitRule) -> Void) throws -> Bool {
            try Self.book(Self.rule("r", 100, .nanoUSD, .month, change)).boundsStrictly(Self.facts())
        }
        #expect(try binds { _ in })
        #expect(try binds { $0.unit = .totalTokens })
        #expect(try binds { $0.onExceed = .ask })
        #expect(try !binds { $0.mode = .elastic })
        #expect(try !binds { $0.mode = .alert })
        #expect(try !binds { $0.onExceed = .alert })
        #expect(try !binds { $0.unit = .requests })
        #expect(try !binds { $0.window = .rate(seconds: 60) })
        #expect(try !binds { $0.conditions = [.init(.team, any: ["other"])] })
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

    @Test func whatHasNoPriceIsRefusedByWhatMustKnowItAndLetPassByTheRest() throws {
        let strict = try Self.book(Self.rule("money", 100), Self.rule("tokens", 100, .totalTokens))
        let ledger = LimitLedger(seed: 1)
        let refusal = Self.refusal(ledger.admit(Self.facts(), Self.demand(nil, input: 10), under: strict, at: Self.now))
        #expect(refusal?.failures.map(\.rule) == ["money"] && refusal?.failures.first?.amount == nil)
        let alert = try Self.book(Self.rule("money", 100) { $0.mode = .alert })
        var admitted = Self.reservation(ledger.admit(Self.facts(), Self.demand(nil, input: 10), under: alert, at: Self.now))
        _ = admitted.take()?.settle(LimitAmounts(cost: nil, inputTokens: 10, outputTokens: 1), at: Self.now)
        #expect(ledger.counters(under: alert, at: Self.now).counters.map(\.posted) == [0])
    }

    @Test func sessionsOfTwoKeysThatAreNamedAlikeHaveACounterEach() throws {
        let book = try Self.book(Self.rule("turns", 1, .requests, .none) { $0.groupBy = [.session] })
        let ledger = LimitLedger(seed: 1)
        for key in ["k1", "k2"] {
            var facts = Self.facts()
            facts.key = key
            for isFirst in [true, false] {
                var admitted = Self.reservation(ledger.admit(facts, Self.demand(0), under: book, at: Self.now))
                let isIn = admitted != nil
                #expect(isIn == isFirst)
                _ = admitted.take()?.settle(.zero, at: Self.now)
            }
        }
        #expect(Set(ledger.counters(under: book, at: Self.now).counters.map(\.group)) == [["ses_1", "k1"], ["ses_1", "k2"]])
    }

    @Test func turnsWithoutTheLabelShareOneCounter() throws {
        let book = try Self.book(Self.rule("repository", 100) { $0.groupBy = [.repository] })
        let ledger = LimitLedger(seed: 1)
        var held = Self.reservation(ledger.admit(Self.facts(), Self.demand(60), under: book, at: Self.now))
        let refusal = Self.refusal(ledger.admit(Self.facts { $0.key = "k2" }, Self.demand(60), under: book, at: Self.now))
        #expect(refusal?.failures.first?.group == [""])
        held.take()?.void(at: Self.now)
    }

    @Test func amountsAtTheEndsOfTheIntegerAreRefusedAndDoNotTrap() throws {
        let book = try Self.book(
            Self.rule("all", LimitRule.limitMax), Self.rule("tokens", 10, .totalTokens, .rate(seconds: 86_400)),
            Self.rule("rolling", LimitRule.limitMax, .totalTokens, .rolling(seconds: 3600)) { $0.mode = .alert })
        let ledger = LimitLedger(seed: 1)
        for cost in [Int64.max, Int64.max - 1, LimitRule.limitMax + 1] {
            let demand = Self.demand(cost, input: .max, output: .max)
            let refusal = Self.refusal(ledger.admit(Self.facts(), demand, under: book, at: Self.now))
            #expect(refusal?.failures.map(\.rule) == ["all", "tokens"])
        }
        for _ in 0..<5 {
            ledger.replay(
                Self.facts(), LimitAmounts(cost: .max, inputTokens: .max, outputTokens: .max), admitted: Self.now, version: 1,
                under: book, at: Self.now)
        }
        let after = Self.refusal(ledger.admit(Self.facts(), Self.demand(1, input: 1), under: book, at: Self.now))
        #expect(after?.failures.map(\.rule) == ["all", "tokens"])
    }

    @Test func aThresholdIsToldOnceWhenItIsPassed() throws {
        let book = try Self.book(Self.rule("all", 100))
        let ledger = LimitLedger(seed: 1)
        for cost in [40, 20, 25, 10] as [Int64] {
            var turn = Self.reservation(ledger.admit(Self.facts(), Self.demand(cost), under: book, at: Self.now))
            _ = turn.take()?.settle(Self.cost(cost), at: Self.now)
        }
        #expect(ledger.takeEvents().map(\.kind) == [.threshold(percent: 50), .threshold(percent: 80)])
        #expect(ledger.takeEvents() == [])
    }

    @Test func moreThanWasReservedIsPostedFlaggedAndTold() throws {
        let book = try Self.book(Self.rule("all", 100) { $0.thresholds = [] })
        let ledger = LimitLedger(seed: 1)
        var turn = Self.reservation(ledger.admit(Self.facts(), Self.demand(40), under: book, at: Self.now))
        let settled = turn.take()?.settle(Self.cost(130), at: Self.now)
        #expect(settled?.isOverReserved == true && ledger.figures.overReservations == 1)
        #expect(ledger.takeEvents().map(\.kind) == [.overReservation(excess: 90)])
        #expect(ledger.counters(under: book, at: Self.now).counters.map(\.posted) == [130])
    }

    @Test func aBudgetFullOfReservationsAndNotOfSpendIsTold() throws {
        let book = try Self.book(Self.rule("pot", 100) { $0.thresholds = [] })
        let ledger = LimitLedger(seed: 1)
        var first = Self.reservation(ledger.admit(Self.facts(), Self.demand(80), under: book, at: Self.now))
        #expect(Self.refusal(ledger.admit(Self.facts(), Self.demand(80), under: book, at: Self.now)) != nil)
        let told = ledger.takeEvents()
        #expect(told.map(\.kind) == [.reservedUnused(reserved: 80)] && told.first?.used == 0 && told.first?.limit == 100)
        _ = first.take()?.settle(Self.cost(80), at: Self.now)
        #expect(Self.refusal(ledger.admit(Self.facts(), Self.demand(80), under: book, at: Self.now)) != nil)
        #expect(ledger.takeEvents() == [], "it is spent")
    }

    @Test func aHigherLimitKeepsItsCounterAndAnotherWindowBeginsAtZero() throws {
        let ledger = LimitLedger(seed: 1)
        let first = try Self.book(Self.rule("all", 100))
        var turn = Self.reservation(ledger.admit(Self.facts(), Self.demand(90), under: first, at: Self.now))
        _ = turn.take()?.settle(Self.cost(90), at: Self.now)
        let raised = try Self.book(Self.rule("all", 150))
        ledger.adopt(raised)
        #expect(ledger.explain(Self.facts(), Self.demand(60), under: raised, at: Self.now).map(\.fits) == [true])
        #expect(ledger.explain(Self.facts(), Self.demand(61), under: raised, at: Self.now).map(\.before) == [90])
        let daily = try Self.book(Self.rule("all", 100, .nanoUSD, .day))
        #expect(ledger.explain(Self.facts(), Self.demand(1), under: daily, at: Self.now).map(\.before) == [0])
    }

    @Test func aGrantIsSetAndNotAddedAndHoldsForItsCounterOnly() throws {
        let book = try Self.book(Self.rule("session", 10, .requests, .none) { $0.groupBy = [.session] })
        let ledger = LimitLedger(seed: 1)
        for _ in 0..<2 { #expect(ledger.grant(rule: "session", group: ["ses_1", "k1"], total: 5, under: book, at: Self.now)) }
        #expect(ledger.explain(Self.facts(), Self.demand(0), under: book, at: Self.now).map(\.limit) == [15])
        let other = Self.facts { $0.session = "ses_2" }
        #expect(ledger.explain(other, Self.demand(0), under: book, at: Self.now).map(\.limit) == [10])
        #expect(!ledger.grant(rule: "none", group: [], total: 5, under: book, at: Self.now))
    }

    @Test func noTurnPassesUncountedWhenThereIsNoRoomForItsCounter() throws {
        let book = try Self.book(Self.rule("session", 100) { $0.groupBy = [.session] })
        let ledger = LimitLedger(seed: 1, accountsMax: 2)
        for session in ["a", "b", "c"] {
            let facts = Self.facts { $0.session = session }
            var turn = Self.reservation(ledger.admit(facts, Self.demand(1), under: book, at: Self.now))
            let isIn = turn != nil
            #expect(isIn == (session != "c"))
            _ = turn.take()?.settle(Self.cost(1), at: Self.now)
        }
        let refusal = Self.refusal(ledger.admit(Self.facts { $0.session = "c" }, Self.demand(1), under: book, at: Self.now))
        #expect(refusal?.reason == .tooManyCounters)
        let nextMonth = Self.now.adding(seconds: 40 * 86_400)
        ledger.sweep(under: book, at: nextMonth)
        #expect(ledger.figures.counters == 0 && ledger.figures.symbols == 0)
    }
}
