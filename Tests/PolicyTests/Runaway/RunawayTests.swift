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

    /// Somebody lets the session go on.
    @discardableResult
    private func grant(
        _ watch: RunawayWatch, _ policy: RunawayPolicy, turns: Int64? = nil, cost: Int64? = nil, until: Timestamp? = nil,
        at now: Timestamp = RunawayTests.now
    ) -> SessionStanding? {
        let standing = watch.grant(
            Self.session, turns: turns, cost: cost, until: until, by: "maria", reason: "release", under: policy, at: now)
        if let standing { watch.set(standing) }
        return standing
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
        #expect(watch.takeFindings().map(\.count) == [6] && watch.standings.map(\.rule) == ["repeated_calls"])
        #expect(watch.standings.first?.text == "the same tool calls gave the same results 6 times in a row (at most 5)")
        #expect(grant(watch, policy)?.state == .granted && watch.standings.map(\.state) == [.granted])
        #expect(!isPaused(verdicts(watch, policy, [(7, 9)]).last))
        let other = WatchedSession(key: "k2", session: "ses_1")
        #expect(watch.grant(other, turns: nil, cost: nil, until: nil, by: "b", reason: "", under: policy, at: Self.now) == nil)
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
            $0.growingContext = .alert
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
        _ = verdicts(
            watch,
            policy {
                $0.growingContext = .alert
                $0.growingTurnsMin = 40
            }, Array(calls.prefix(60)))
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
            $0.burnUSDPerHourMin = 1
        }
        // A week of four hours a day at six dollars an hour: a turn of ten cents each minute.
        var time = Self.now
        for day in 0..<7 {
            time = Self.now.adding(seconds: Int64(day) * 86_400)
            for _ in 0..<240 {
                watch.settled(Self.session, developer: "ann", cost: 100_000_000, at: time)
                time = time.adding(seconds: 60)
            }
        }
        let signs = TurnSigns(calls: 0, results: 0, bytes: 1000)
        #expect(watch.check(Self.session, developer: "ann", signs, under: policy, at: time) == .fine)
        for _ in 0..<60 {
            watch.settled(Self.session, developer: "ann", cost: 1_000_000_000, at: time)
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
            $0.sessionMinutesMax = 60
        }
        func verdict(_ seconds: Int64) -> RunawayVerdict {
            let signs = TurnSigns(calls: 0, results: 0, bytes: seconds)
            return watch.check(Self.session, developer: "ann", signs, under: policy, at: Self.now.adding(seconds: seconds))
        }
        #expect([0, 1800, 3600].map { isPaused(verdict($0)) } == [false, false, false])
        #expect(isPaused(verdict(3661)) && watch.takeFindings().map(\.text) == ["it has gone on for 61 minutes (at most 60)"])
        grant(watch, policy, at: Self.now.adding(seconds: 3700))
        #expect([3700, 7300].map { isPaused(verdict($0)) } == [false, false] && isPaused(verdict(7301)))
        grant(watch, policy, until: Self.now.adding(seconds: 8000), at: Self.now.adding(seconds: 7400))
        #expect(!isPaused(verdict(8000)) && isPaused(verdict(8001)))
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
        #expect(watch.sessions(named: "0").isEmpty && watch.sessions(named: "999").count == 1)
        #expect(watch.standings.map(\.session) == [Self.session.session])
    }

    @Test func aSessionWithAllItsTurnsIsPausedAndAGrantOfFiveGivesFive() {
        let watch = RunawayWatch()
        let policy = policy {
            $0.manyTurns = .pause
            $0.sessionTurnsMax = 3
        }
        func run(_ count: Int) -> [Bool] {
            (0..<count).map { number in
                let signs = TurnSigns(calls: 0, results: 0, bytes: Int64(number))
                return isPaused(watch.check(Self.session, developer: "ann", signs, under: policy, at: Self.now))
            }
        }
        #expect(run(5) == [false, false, false, true, true])
        #expect(watch.standings.first?.text == "it has taken 3 turns (at most 3)")
        #expect(grant(watch, policy, turns: 5)?.turnsMax == 8 && run(6) == [false, false, false, false, false, true])
        #expect(grant(watch, policy)?.turnsMax == 11, "a grant without numbers gives what the configuration gives, once more")
        let standing = grant(watch, policy, cost: 7)
        #expect(standing?.turnsMax == 11 && standing?.costMax == 7)
        #expect(run(4) == [false, false, false, true])
    }

    @Test func whatASessionCostBeforeAStartCountsAfterIt() {
        let watch = RunawayWatch()
        let policy = policy {
            $0.highCost = .pause
            $0.sessionUSDMax = 2
        }
        watch.recall(Self.session, began: Self.now, turns: 9, cost: 1_500_000_000)
        let signs = TurnSigns(calls: 0, results: 0, bytes: 1)
        #expect(watch.check(Self.session, developer: "ann", signs, under: policy, at: Self.now) == .fine)
        watch.settled(Self.session, developer: "ann", cost: 515_000_000, at: Self.now)
        #expect(isPaused(watch.check(Self.session, developer: "ann", signs, under: policy, at: Self.now)))
        #expect(watch.standings.first?.text == "it has cost $2.01 (at most $2.00)")
    }

    @Test func aPauseIsNewsOnceAndWhatIsSetAgainAfterAStartIsPaused() {
        let policy = policy {
            $0.repeatedCalls = .pause
            $0.repetitionsMax = 2
        }
        let watch = RunawayWatch()
        let news = verdicts(watch, policy, Array(repeating: (7, 9), count: 5)).map {
            if case .paused(_, let isNews) = $0 { isNews } else { false }
        }
        #expect(news == [false, false, true, false, false])
        let started = RunawayWatch()
        for standing in watch.standings { started.set(standing) }
        #expect(isPaused(verdicts(started, policy, [(1, 1)]).last))
    }

    @Test func whatAnAgentAsksBesideItsWorkDoesNotHideThatItGoesRoundInCircles() {
        let watch = RunawayWatch()
        let policy = policy {
            $0.repeatedCalls = .pause
            $0.repetitionsMax = 3
        }
        var found: [Bool] = []
        for number in 0..<4 {
            let beside = TurnSigns(opener: UInt64(100 + number), calls: 0, results: 0, bytes: 500)
            #expect(watch.check(Self.session, developer: "ann", beside, under: policy, at: Self.now) == .fine)
            let work = TurnSigns(opener: 1, calls: 7, results: 9, bytes: Int64(10_000 + number))
            found.append(isPaused(watch.check(Self.session, developer: "ann", work, under: policy, at: Self.now)))
        }
        #expect(found == [false, false, false, true])
    }

    @Test func aBurningDeveloperWhoWasLetGoOnIsNotStoppedAtTheNextTurn() {
        let policy = policy {
            $0.burnRate = .pause
            $0.burnFactor = 5
            $0.burnUSDPerHourMin = 1
        }
        let watch = RunawayWatch()
        // Ten hours of six dollars, known from the ledger, then sixty dollars at once.
        for hour in 0..<10 {
            watch.recall(developer: "ann", hour: Self.now.adding(seconds: Int64(hour) * 3600), turns: 60, cost: 6_000_000_000)
        }
        let time = Self.now.adding(seconds: 11 * 3600)
        for _ in 0..<60 { watch.settled(Self.session, developer: "ann", cost: 1_000_000_000, at: time) }
        let signs = TurnSigns(calls: 0, results: 0, bytes: 1)
        #expect(isPaused(watch.check(Self.session, developer: "ann", signs, under: policy, at: time)))
        grant(watch, policy, at: time)
        #expect(!isPaused(watch.check(Self.session, developer: "ann", signs, under: policy, at: time.adding(seconds: 60))))
    }
}
