// Agents that run away: calls that repeat, contexts that grow, money that burns; and what is none of these.

import GatewayModel
import Policy
import Testing

@Suite struct RunawayTests {
    static let session = WatchedSession(key: "k1", session: "ses_1")
    static let now = Timestamp(seconds: 1_790_000_000)

    private func policy(_ change: (inout RunawayPolicy) -> Void) -> RunawayPolicy {
        var policy = RunawayPolicy()
        change(&policy)
        return policy
    }

    /// The verdicts of turns whose calls and results are these, each body 1,000 bytes longer than the one before.
    private func verdicts(_ watch: RunawayWatch, _ policy: RunawayPolicy, _ calls: [(UInt64, UInt64)]) -> [RunawayVerdict] {
        calls.enumerated().map { number, call in
            let signs = TurnSigns(calls: call.0, results: call.1, bytes: Int64(100_000 + number * 1000))
            return watch.check(
                Self.session, developer: "ann", signs, under: policy, at: Self.now.adding(seconds: Int64(number) * 10))
        }
    }

    private func isPaused(_ verdict: RunawayVerdict?) -> Bool { if case .paused? = verdict { true } else { false } }

    @Test func theSameCallWithTheSameResultPausesTheSessionUntilSomebodyLetsItGoOn() {
        let watch = RunawayWatch()
        let policy = policy {
            $0.repeatedCalls = .pause
            $0.repetitionsMax = 5
        }
        let found = verdicts(watch, policy, Array(repeating: (7, 9), count: 7))
        #expect(found.map(isPaused) == [false, false, false, false, false, true, true])
        #expect(watch.takeFindings().map(\.count) == [6] && watch.paused.map(\.kind) == [.repeatedCalls])
        #expect(watch.paused.first?.text == "the same tool calls gave the same results 6 times in a row")
        #expect(watch.resume(Self.session) && watch.paused.isEmpty)
        #expect(!isPaused(verdicts(watch, policy, [(7, 9)]).last))
        #expect(!watch.resume(WatchedSession(key: "k2", session: "ses_1")), "another key's session is another one")
    }

    @Test func aCycleOfThreeCallsIsSeen() {
        let cycle: [(UInt64, UInt64)] = (0..<18).map { ([1, 2, 3][$0 % 3], 5) }
        let found = verdicts(
            RunawayWatch(),
            policy {
                $0.repeatedCalls = .pause
                $0.repetitionsMax = 4
            }, cycle)
        #expect(found.firstIndex(where: isPaused) == 14, "at the end of the fifth round")
    }

    @Test func waitingForABuildWhoseOutputChangesIsNoRepetition() {
        let polls: [(UInt64, UInt64)] = (0..<40).map { (7, UInt64($0 + 1)) }
        let found = verdicts(
            RunawayWatch(),
            policy {
                $0.repeatedCalls = .pause
                $0.growingContext = .off
            }, polls)
        #expect(!found.contains(where: isPaused))
    }

    @Test func aClientThatSendsTheSameRequestAgainRepeatsNoCall() {
        let watch = RunawayWatch()
        let policy = policy {
            $0.repeatedCalls = .pause
            $0.repetitionsMax = 2
        }
        let signs = TurnSigns(calls: 7, results: 9, bytes: 5000)
        for _ in 0..<20 { #expect(watch.check(Self.session, developer: "ann", signs, under: policy, at: Self.now) == .fine) }
    }

    @Test func aContextThatGrowsTwofoldWithHardlyANewCallIsToldOnce() {
        let watch = RunawayWatch()
        let policy = policy {
            $0.repeatedCalls = .off
            $0.growingTurnsMin = 20
        }
        // Three calls in turn, each time with another result, while the body doubles.
        let found = verdicts(watch, policy, (0..<130).map { (UInt64($0 % 3) << 58 | 1, UInt64($0)) })
        #expect(found.allSatisfy { $0 == .fine })
        let findings = watch.takeFindings()
        #expect(findings.map(\.kind) == [.growingContext] && findings.first?.count == 101)
    }

    @Test func workWithNewCallsMayGrowForAsLongAsItLikes() {
        let watch = RunawayWatch()
        var mixed: UInt64 = 1
        let calls: [(UInt64, UInt64)] = (0..<130).map { number in
            mixed = mixed &* 6_364_136_223_846_793_005 &+ 1
            return (mixed | 1, UInt64(number))
        }
        _ = verdicts(watch, policy { $0.growingTurnsMin = 40 }, Array(calls.prefix(60)))
        #expect(watch.takeFindings() == [])
    }

    @Test func aPersonsWordBeginsTheTrailAnew() {
        let watch = RunawayWatch()
        let policy = policy {
            $0.repeatedCalls = .pause
            $0.repetitionsMax = 3
        }
        let calls: [(UInt64, UInt64)] = [(7, 9), (7, 9), (7, 9), (0, 0), (7, 9), (7, 9), (7, 9)]
        #expect(!verdicts(watch, policy, calls).contains(where: isPaused))
    }

    @Test func aDeveloperWhoSpendsFarMoreThanNormallyIsSlowedDown() {
        let watch = RunawayWatch()
        let policy = policy {
            $0.burnRate = .throttle
            $0.burnFactor = 5
            $0.burnNanoUSDPerHourMin = 1_000_000_000
        }
        // A week of four hours a day at six dollars an hour: a turn of ten cents each minute.
        var time = Self.now
        for day in 0..<7 {
            time = Self.now.adding(seconds: Int64(day) * 86_400)
            for _ in 0..<240 {
                watch.settled(developer: "ann", cost: 100_000_000, at: time)
                time = time.adding(seconds: 60)
            }
        }
        let signs = TurnSigns(calls: 0, results: 0, bytes: 1000)
        #expect(watch.check(Self.session, developer: "ann", signs, under: policy, at: time) == .fine)
        for _ in 0..<60 {
            watch.settled(developer: "ann", cost: 1_000_000_000, at: time)
            time = time.adding(seconds: 10)
        }
        #expect(watch.check(Self.session, developer: "ann", signs, under: policy, at: time) == .fine, "the first passes")
        guard case .throttled(let until, let finding) = watch.check(Self.session, developer: "ann", signs, under: policy, at: time) else {
            Issue.record("it is not slowed down")
            return
        }
        #expect(until == time.adding(seconds: 10) && finding.kind == .burnRate && finding.count >= 5)
        #expect(watch.check(Self.session, developer: "ann", signs, under: policy, at: until) == .fine)
        #expect(watch.check(Self.session, developer: "bob", signs, under: policy, at: until) == .fine, "nothing is known of bob")
    }

    @Test func aSessionThatGoesOnForTooLongIsPausedAndBeginsAnewWhenSomebodyLetsItGoOn() {
        let watch = RunawayWatch()
        let policy = policy {
            $0.longSession = .pause
            $0.sessionSecondsMax = 3600
        }
        func verdict(_ seconds: Int64) -> RunawayVerdict {
            let signs = TurnSigns(calls: 0, results: 0, bytes: seconds)
            return watch.check(Self.session, developer: "ann", signs, under: policy, at: Self.now.adding(seconds: seconds))
        }
        #expect([0, 1800, 3600].map { isPaused(verdict($0)) } == [false, false, false])
        #expect(isPaused(verdict(3661)) && watch.takeFindings().map(\.text) == ["the session has gone on for 61 minutes"])
        watch.resume(Self.session)
        #expect([3700, 7300].map { isPaused(verdict($0)) } == [false, false] && isPaused(verdict(7301)))
    }

    @Test func whatIsWatchedIsBoundedAndWhatIsPausedIsKept() {
        let watch = RunawayWatch(sessionsMax: 10)
        let policy = policy {
            $0.repeatedCalls = .pause
            $0.repetitionsMax = 2
        }
        _ = verdicts(watch, policy, Array(repeating: (7, 9), count: 4))
        for number in 0..<1000 {
            let other = WatchedSession(key: "k", session: "\(number)")
            let signs = TurnSigns(calls: 1, results: 1, bytes: 1)
            #expect(watch.check(other, developer: "d\(number)", signs, under: policy, at: Self.now) == .fine)
        }
        #expect(watch.paused.map(\.session) == [Self.session])
    }
}
