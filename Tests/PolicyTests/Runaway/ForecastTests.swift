// Forecasts of budgets, burn-down, and the past under other limits.

import GatewayModel
import Policy
import Testing

@Suite struct ForecastTests {
    /// Monday, 2 November 2026.
    static let monday = CivilDate(year: 2026, month: 11, day: 2)?.daysSinceEpoch ?? 0

    @Test func aTeamThatSpendsTenDollarsOnWeekdaysAndNothingOnWeekendsIsForecastSo() throws {
        let history = (0..<28).map { SpentDay(day: Self.monday - 28 + $0, spent: $0 % 7 < 5 ? 10 : 0) }
        // Two weeks and half a Monday are over: 100 spent, and 5 today; 1 December is a Tuesday.
        let found = try #require(
            forecastBudget(history: history, spent: 105, today: Self.monday + 14, passed: 0.5, end: Self.monday + 29, limit: 150))
        #expect(found.expected == 105 + 5 + 9 * 10 + 10 && found.low == found.expected && found.high == found.expected)
        #expect(found.exhaustedOn == Self.monday + 18 && found.exceeds(150) && !found.exceeds(210))
    }

    @Test func theIntervalHoldsFourOfFiveTrueEnds() throws {
        var state: UInt64 = 88_172_645_463_325_252
        func chance() -> Double {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Double(state >> 11) / Double(1 << 53)
        }
        func day() -> Int64 { Int64(1_000_000 * (chance() + chance() + chance())) }
        var inside = 0
        let trials = 2000
        for _ in 0..<trials {
            let history = (0..<21).map { SpentDay(day: Self.monday - 21 + $0, spent: day()) }
            let forecast = try #require(
                forecastBudget(history: history, spent: 0, today: Self.monday, passed: 0, end: Self.monday + 14, limit: .max))
            let end = (0..<14).reduce(0) { sum, _ in sum + day() }
            if (forecast.low...forecast.high).contains(end) { inside += 1 }
        }
        #expect((trials * 75 / 100...trials * 88 / 100).contains(inside), "\(inside) of \(trials)")
    }

    @Test func withoutAPastThereIsNoForecastAndNoNumberTraps() {
        #expect(forecastBudget(history: [], spent: 5, today: 10, passed: 0, end: 20, limit: 10) == nil)
        #expect(forecastBudget(history: [SpentDay(day: 9, spent: 1)], spent: 5, today: 20, passed: 0, end: 20, limit: 10) == nil)
        let most = forecastBudget(
            history: [SpentDay(day: 9, spent: .max)], spent: .max, today: 10, passed: .infinity, end: .max, limit: 0)
        #expect(most?.expected == .max && most?.exhaustedOn == 10)
    }

    @Test func aBurnDownShowsWhatIsLeftAndWhatAnEvenPaceWouldLeave() {
        let points = burnDown(
            days: [SpentDay(day: 100, spent: 30), SpentDay(day: 102, spent: 50), SpentDay(day: 102, spent: 1)], start: 100, end: 110,
            limit: 100)
        #expect(points.map(\.left) == [70, 70, 19] && points.map(\.even) == [90, 80, 70])
    }

    @Test func theTurnsOfAMonthUnderAProposedLimitShowWhatWouldHaveBeenRefused() throws {
        typealias T = LimitLedgerTests
        let book = try T.book(
            T.rule("developer", 100, .nanoUSD, .day) { $0.groupBy = [.developer] }, T.rule("at once", 2, .concurrent, .none),
            T.rule("watched", 50, .nanoUSD, .day) { $0.mode = .alert })
        var replay = LimitReplay(under: book, seed: 1)
        func turn(_ developer: String, from: Int64, to: Int64, cost: Int64) -> PastTurn {
            PastTurn(
                facts: T.facts { $0.developer = developer }, received: T.now.adding(seconds: from), ended: T.now.adding(seconds: to),
                reserved: T.cost(cost), used: T.cost(cost))
        }
        replay.take(turn("ann", from: 0, to: 10, cost: 60))
        replay.take(turn("bob", from: 1, to: 30, cost: 5))
        replay.take(turn("cy", from: 2, to: 3, cost: 1))
        replay.take(turn("ann", from: 11, to: 12, cost: 60))
        replay.take(turn("ann", from: 20, to: 21, cost: 40))
        let report = replay.finish()
        #expect(report.turns == 5 && report.cost == 166 && report.refused == 2 && report.refusedCost == 61)
        let rules = Dictionary(uniqueKeysWithValues: report.rules.map { ($0.rule, $0) })
        let developer = try #require(rules["developer"])
        #expect(rules["at once"]?.all.refused == 1 && developer.all.refused == 1 && developer.all.refusedCost == 60)
        #expect(developer.all.firstRefused == T.now.adding(seconds: 11) && developer.all.matched == 5)
        #expect(developer.fullest == ["ann"] && developer.all.mostUsed == 60)
        #expect(developer.counters[["ann"]]?.refused == 1 && developer.counters[["ann"]]?.matched == 3)
        #expect(developer.counters[["bob"]]?.refused == 0 && developer.counters.count == 3)
        #expect(rules["watched"]?.all.refused == 5)
    }
}
