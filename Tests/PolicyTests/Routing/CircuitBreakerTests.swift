// The breaker: when it opens, whom it lets through, when it closes; and the budget of retries.

import GatewayModel
import Policy
import Testing

@Suite struct CircuitBreakerTests {
    @Test func fiveFailuresInARowOpenItAndASuccessInBetweenDoesNot() {
        var breaker = CircuitBreaker()
        for second in 0..<4 { breaker.failed(at: at(Int64(second) * 1000)) }
        breaker.succeeded(at: at(4000))
        for second in 5..<9 { breaker.failed(at: at(Int64(second) * 1000)) }
        #expect(breaker.state(at: at(9000)) == .closed)
        breaker.failed(at: at(9000))
        #expect(breaker.state(at: at(9000)) == .open && !breaker.admits(at: at(9001)))
    }

    @Test func halfOfTheLastTwentyTurnsOpenItAlthoughNoFiveFailInARow() {
        var breaker = CircuitBreaker()
        for turn in 0..<19 {
            if turn % 2 == 0 { breaker.failed(at: at(Int64(turn) * 100)) } else { breaker.succeeded(at: at(Int64(turn) * 100)) }
        }
        #expect(breaker.state(at: at(1900)) == .closed)
        breaker.failed(at: at(1900))
        #expect(breaker.state(at: at(1901)) == .open)
    }

    @Test func failuresOfLongAgoDoNotCount() {
        var breaker = CircuitBreaker()
        for turn in 0..<19 {
            if turn % 2 == 0 { breaker.failed(at: at(Int64(turn))) } else { breaker.succeeded(at: at(Int64(turn))) }
        }
        breaker.failed(at: at(60_000))
        #expect(breaker.state(at: at(60_001)) == .closed)
    }

    @Test func oneProbeAtATimePassesAndItsSuccessCloses() {
        var breaker = CircuitBreaker()
        for _ in 0..<5 { breaker.failed(at: at(0)) }
        #expect(!breaker.admits(at: at(9_999)) && breaker.admits(at: at(10_000)))
        #expect(breaker.state(at: at(10_000)) == .halfOpen)
        breaker.begin(at: at(10_000))
        #expect(!breaker.admits(at: at(10_001)))
        breaker.succeeded(at: at(11_000))
        #expect(breaker.state(at: at(11_000)) == .closed && breaker.admits(at: at(11_000)))
    }

    @Test func eachProbeThatFailsOpensItTwiceAsLong() {
        var breaker = CircuitBreaker()
        for _ in 0..<5 { breaker.failed(at: at(0)) }
        var now: Int64 = 0
        var waits: [Int64] = []
        for _ in 0..<7 {
            let start = now
            while !breaker.admits(at: at(now)) { now += 1000 }
            waits.append((now - start) / 1000)
            breaker.begin(at: at(now))
            breaker.failed(at: at(now))
        }
        #expect(waits == [10, 20, 40, 80, 160, 300, 300])
    }

    @Test func aProbeThatSaysNothingLetsTheNextOneThrough() {
        var breaker = CircuitBreaker()
        for _ in 0..<5 { breaker.failed(at: at(0)) }
        breaker.begin(at: at(10_000))
        breaker.abandoned()
        #expect(breaker.admits(at: at(10_001)))
        // One that never ends keeps others out for a minute at most.
        breaker.begin(at: at(10_001))
        #expect(!breaker.admits(at: at(70_000)) && breaker.admits(at: at(70_001)))
    }

    @Test(arguments: 0..<50) func whateverHappensItNeverStaysShut(seed: UInt64) {
        var random = SeededRandom(seed)
        var breaker = CircuitBreaker()
        var now: Int64 = 0
        var probes = 0
        for _ in 0..<2000 {
            now += Int64.random(in: 0..<5000, using: &random)
            let state = breaker.state(at: at(now))
            let admits = breaker.admits(at: at(now))
            #expect(state != .open || !admits)
            #expect(state != .closed || admits)
            if admits {
                breaker.begin(at: at(now))
                if state == .halfOpen { probes += 1 }
                switch Int.random(in: 0..<4, using: &random) {
                case 0: breaker.succeeded(at: at(now))
                case 1: breaker.abandoned()
                default: breaker.failed(at: at(now))
                }
            }
            if let until = breaker.openUntil { #expect(until <= at(now + 300_000)) }
        }
        #expect(probes > 0)
        #expect(breaker.admits(at: at(now + 361_000)))
    }

    @Test(arguments: 0..<20) func retriesAreAFifthOfTheTurnsAndTenAtMost(seed: UInt64) {
        var random = SeededRandom(seed)
        var budget = RetryBudget()
        var (turns, retries) = (0, 0)
        for _ in 0..<5000 {
            if Bool.random(using: &random) {
                budget.pay()
                turns += 1
            } else if budget.take() {
                retries += 1
            }
            #expect(retries * 5 <= turns + 50)
        }
        #expect(retries > turns / 6)
    }
}
