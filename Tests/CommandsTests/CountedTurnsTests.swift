// CountedTurnsTests: which limits need single turns after a start, and how far back: retention must leave them.

import Commands
import GatewayModel
import Policy
import Testing

struct CountedTurnsTests {
    private let now = Timestamp(seconds: 1_793_880_000)

    private func needed(_ window: LimitWindow, unit: LimitUnit = .nanoUSD, _ change: (inout LimitRule) -> Void = { _ in }) -> Timestamp? {
        var rule = LimitRule(id: "r", name: "r", limit: 5, unit: unit, window: window)
        change(&rule)
        return turnsCounted(rule, at: now)
    }

    @Test func whatSumsTellNeedsNoTurns() {
        for window in [.none, .day, .week, .month, .quarter] as [LimitWindow] {
            #expect(needed(window) == nil)
            #expect(needed(window) { $0.groupBy = [.session, .developer] } == nil)
        }
        #expect(needed(.rate(seconds: 60), unit: .requests) == nil && needed(.none, unit: .concurrent) == nil)
    }

    @Test func tagsNeedEveryTurnOfTheirWindow() throws {
        #expect(needed(.none) { $0.groupBy = [.tag("ticket")] } == Timestamp(nanoseconds: 0))
        #expect(needed(.none) { $0.conditions = [LimitCondition(.tag("ticket"), any: ["A-1"])] } == Timestamp(nanoseconds: 0))
        let month = try #require(needed(.month) { $0.groupBy = [.tag("ticket")] })
        #expect(month == now.start(of: .month))
    }

    @Test func rollingWindowsNeedTheTurnsInThem() throws {
        let year = try #require(needed(.rolling(seconds: 365 * 86_400)))
        #expect(year <= now.adding(seconds: -365 * 86_400) && year > now.adding(seconds: -372 * 86_400))
    }

    @Test func aWindowThatCutsAnHourNeedsItsTurns() {
        #expect(needed(.month) { $0.zone = "Asia/Kolkata" } != nil)
        #expect(needed(.month) { $0.zone = "Europe/Berlin" } == nil)
    }
}
