// Rates, numbers at once and rolling windows: what comes back by itself.

import GatewayModel
import Policy
import Testing

@Suite struct LimitRateTests {
    private typealias T = LimitLedgerTests

    private func isAdmitted(_ ledger: LimitLedger, _ book: LimitBook, _ demand: LimitDemand, at time: Timestamp) -> Bool {
        var turn = T.reservation(ledger.admit(T.facts(), demand, under: book, at: time))
        let isIn = turn != nil
        _ = turn.take()?.settle(demand.whole, at: time)
        return isIn
    }

    @Test func aBurstOfSevenTurnsAMinuteIsSevenTurnsAtOnceAndThenOneEachSeventhOfAMinute() throws {
        let book = try T.book(T.rule("rpm", 7, .requests, .rate(seconds: 60)))
        let ledger = LimitLedger(seed: 1)
        for number in 0..<9 { #expect(isAdmitted(ledger, book, T.demand(0), at: T.now) == (number < 7)) }
        let refusal = T.refusal(ledger.admit(T.facts(), T.demand(0), under: book, at: T.now))
        let wait = (refusal?.retryAt?.nanoseconds ?? 0) - T.now.nanoseconds
        #expect(refusal?.isRate == true && abs(wait - 60_000_000_000 / 7) < 10)
        let early = Timestamp(nanoseconds: T.now.nanoseconds + 60_000_000_000 / 7 - 10)
        #expect(!isAdmitted(ledger, book, T.demand(0), at: early))
        let due = Timestamp(nanoseconds: T.now.nanoseconds + 60_000_000_000 / 7)
        #expect(isAdmitted(ledger, book, T.demand(0), at: due) && !isAdmitted(ledger, book, T.demand(0), at: due))
    }

    @Test func aGrantLetsThroughWhatItSaysAndNoMore() throws {
        let book = try T.book(T.rule("rpm", 7, .requests, .rate(seconds: 60)))
        let ledger = LimitLedger(seed: 1)
        #expect(ledger.grant(rule: "rpm", group: [], total: 93, under: book, at: T.now))
        #expect((0..<300).count { _ in isAdmitted(ledger, book, T.demand(0), at: T.now) } == 100)
    }

    @Test func aClockThatWentBackADayLetsTurnsPassAfterTwoBuckets() throws {
        let book = try T.book(T.rule("rpm", 7, .requests, .rate(seconds: 60)))
        let ledger = LimitLedger(seed: 1)
        for _ in 0..<7 { #expect(isAdmitted(ledger, book, T.demand(0), at: T.now)) }
        let yesterday = T.now.adding(seconds: -86_400)
        #expect(!isAdmitted(ledger, book, T.demand(0), at: yesterday))
        #expect(isAdmitted(ledger, book, T.demand(0), at: yesterday.adding(seconds: 121)))
    }

    @Test func aRuleThatWasGoneBeginsWithoutItsCountersAndOneThatStayedKeepsThem() throws {
        let (kept, gone) = (T.rule("kept", 9, .requests, .none), T.rule("gone", 9, .requests, .none))
        let both = try T.book(kept, gone)
        let ledger = LimitLedger(seed: 1)
        ledger.adopt(both)
        #expect(isAdmitted(ledger, both, T.demand(0), at: T.now))
        ledger.adopt(try T.book(kept))
        let again = try T.book(kept, gone)
        ledger.adopt(again)
        #expect(ledger.counters(under: again, at: T.now).counters.map { [$0.rule, "\($0.posted)"] } == [["kept", "1"]])
    }

    /// Found by seed 34406: sixty a minute, of which ten ran out by themselves before the turn was extended behind forty of another.
    @Test func aTurnThatWasExtendedBehindAnotherGivesBackOnlyItsOwnShare() throws {
        let book = try T.book(T.rule("spend", 60, .nanoUSD, .rate(seconds: 60)))
        let ledger = LimitLedger(seed: 1)
        var first = T.reservation(ledger.admit(T.facts(), T.demand(10), under: book, at: T.now))
        let later = T.now.adding(seconds: 10)
        var other = T.reservation(ledger.admit(T.facts(), T.demand(40), under: book, at: later))
        #expect(other != nil && first?.extend(to: T.cost(15), at: later) == .granted)
        _ = first.take()?.settle(T.cost(0), at: later)
        #expect(!isAdmitted(ledger, book, T.demand(21), at: later), "40 of 60 are held")
        #expect(isAdmitted(ledger, book, T.demand(20), at: later))
        _ = other.take()?.settle(T.cost(40), at: later)
    }

    @Test func aTurnWaitsWhereItsRateSaysSoAndNoLongerThanThat() throws {
        let book = try T.book(
            T.rule("rpm", 60, .requests, .rate(seconds: 60)) {
                $0.burst = 1
                $0.waitMillisecondsMax = 1500
            })
        let ledger = LimitLedger(seed: 1)
        #expect(isAdmitted(ledger, book, T.demand(0), at: T.now))
        guard case .wait(let until, _) = ledger.admit(T.facts(), T.demand(0), under: book, at: T.now) else {
            Issue.record("it does not wait")
            return
        }
        #expect(until == T.now.adding(seconds: 1))
        let slow = try T.book(
            T.rule("rpm", 60, .requests, .rate(seconds: 60)) {
                $0.burst = 1
                $0.waitMillisecondsMax = 900
            })
        guard case .refused = ledger.admit(T.facts(), T.demand(0), under: slow, at: T.now) else {
            Issue.record("it waits longer than it may")
            return
        }
    }

    @Test func tokensThatWereEstimatedAndNotUsedComeBackAndThoseUsedBeyondAreADebt() throws {
        let book = try T.book(T.rule("tpm", 1000, .totalTokens, .rate(seconds: 60)))
        let ledger = LimitLedger(seed: 1)
        let demand = T.demand(0, input: 400, output: 500)
        var turn = T.reservation(ledger.admit(T.facts(), demand, under: book, at: T.now))
        #expect(ledger.explain(T.facts(), demand, under: book, at: T.now).map(\.before) == [900])
        _ = turn.take()?.settle(LimitAmounts(cost: 0, inputTokens: 100, outputTokens: 0), at: T.now)
        #expect(ledger.explain(T.facts(), demand, under: book, at: T.now).map(\.before) == [100])
        turn = T.reservation(ledger.admit(T.facts(), demand, under: book, at: T.now))
        _ = turn.take()?.settle(LimitAmounts(cost: 0, inputTokens: 1900, outputTokens: 0), at: T.now)
        let refusal = T.refusal(ledger.admit(T.facts(), T.demand(0, input: 1), under: book, at: T.now))
        #expect(refusal?.retryAt?.seconds == T.now.seconds + 60)
    }

    @Test func whatIsRefundedLateDoesNotComeBackTwice() throws {
        let book = try T.book(T.rule("tpm", 1000, .totalTokens, .rate(seconds: 60)))
        let ledger = LimitLedger(seed: 1)
        var turn = T.reservation(ledger.admit(T.facts(), T.demand(0, input: 1000), under: book, at: T.now))
        let later = T.now.adding(seconds: 60)
        #expect(isAdmitted(ledger, book, T.demand(0, input: 1000), at: later))
        _ = turn.take()?.settle(.zero, at: later)
        #expect(!isAdmitted(ledger, book, T.demand(0, input: 1), at: later), "the first share had run out by itself")
    }

    @Test func turnsAtOnceAreCountedAndTheirEndFreesAPlace() throws {
        let book = try T.book(T.rule("streams", 2, .concurrent, .none) { $0.groupBy = [.key] })
        let ledger = LimitLedger(seed: 1)
        var first = T.reservation(ledger.admit(T.facts(), T.demand(0), under: book, at: T.now))
        var second = T.reservation(ledger.admit(T.facts(), T.demand(0), under: book, at: T.now))
        let refusal = T.refusal(ledger.admit(T.facts(), T.demand(0), under: book, at: T.now))
        #expect(refusal?.isRate == true && refusal?.failures.first?.before == 2)
        #expect(first.take()?.settle(.zero, at: T.now).freesPlace == true)
        #expect(isAdmitted(ledger, book, T.demand(0), at: T.now))
        #expect(second.take()?.void(at: T.now).freesPlace == true)
        #expect(ledger.counters(under: book, at: T.now).counters.map(\.pending) == [0])
    }

    @Test func aRollingWindowNeverShowsLessThanItsLastFiveHours() throws {
        let book = try T.book(T.rule("five", 100, .nanoUSD, .rolling(seconds: 5 * 3600)))
        let ledger = LimitLedger(seed: 1)
        #expect(isAdmitted(ledger, book, T.demand(70), at: T.now))
        let refusal = T.refusal(ledger.admit(T.facts(), T.demand(40), under: book, at: T.now.adding(seconds: 60)))
        let fits = try #require(refusal?.failures.first?.fitsAt)
        #expect((5 * 3600...5 * 3600 + 300).contains(fits.seconds - T.now.seconds), "a bucket is five minutes")
        #expect(!isAdmitted(ledger, book, T.demand(40), at: T.now.adding(seconds: 5 * 3600)))
        #expect(!isAdmitted(ledger, book, T.demand(40), at: fits.adding(seconds: -1)))
        #expect(isAdmitted(ledger, book, T.demand(40), at: fits))
    }

    @Test func aClockThatGoesBackADayClosesARateForNoMoreThanTwoOfItsPeriods() throws {
        let book = try T.book(T.rule("rpm", 10, .requests, .rate(seconds: 60)))
        let ledger = LimitLedger(seed: 1)
        let wrong = T.now.adding(seconds: 86_400)
        for _ in 0..<10 { #expect(isAdmitted(ledger, book, T.demand(0), at: wrong)) }
        #expect(!isAdmitted(ledger, book, T.demand(0), at: T.now))
        let refusal = T.refusal(ledger.admit(T.facts(), T.demand(0), under: book, at: T.now))
        #expect((refusal?.retryAt?.seconds ?? .max) - T.now.seconds <= 120)
    }
}
