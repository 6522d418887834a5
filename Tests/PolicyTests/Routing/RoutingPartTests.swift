// Conditions, provider allowances, credentials, sessions.

import GatewayModel
import Policy
import Testing

@Suite struct RoutingPartTests {
    // MARK: Conditions

    @Test(arguments: [("..8000", 0, 8000), ("1..", 1, Int64.max), ("2..3", 2, 3), ("7", 7, 7), ("..8_000", 0, 8000)])
    func rangesAreRead(text: String, least: Int64, most: Int64) {
        #expect(CountRange(text) == CountRange(least, most))
    }

    @Test(arguments: ["", "..", "x", "3..1", "-1", "1...2", "..-2", "99999999999999999999"])
    func whatIsNoRangeIsRefused(text: String) { #expect(CountRange(text) == nil) }

    @Test func everyPartOfAConditionMustHold() {
        var facts = RouteFacts(time: at(0))
        facts.inputTokens = 5000
        facts.toolCount = 3
        facts.repository = "github.com/acme/shop"
        facts.team = "web"
        facts.tags = ["stage": "build"]
        func holds(_ change: (inout RouteCondition) -> Void) -> Bool {
            var condition = RouteCondition()
            change(&condition)
            return condition.holds(facts) { $0 == "x-tier" ? "gold" : nil }
        }
        #expect(holds { _ in } && RouteCondition().isAlways)
        #expect(holds { $0.inputTokens = CountRange("..5000") } && !holds { $0.inputTokens = CountRange("..4999") })
        #expect(holds { $0.toolCount = CountRange("1..") } && !holds { $0.toolDepth = CountRange("1..") })
        #expect(holds { $0.repositories = ["github.com/acme/*"] } && !holds { $0.repositories = ["github.com/other/*"] })
        #expect(holds { $0.tags = ["stage": ["test", "build"]] } && !holds { $0.tags = ["other": ["*"]] })
        #expect(holds { $0.headers = ["x-tier": ["gold"]] } && !holds { $0.headers = ["x-tier": ["silver"]] })
        #expect(!holds { $0.branches = ["*"] }, "what is not known matches no pattern")
        #expect(holds { $0.images = false } && !holds { $0.images = true })
        // at(0) is a Tuesday, 10:40 UTC.
        #expect(holds { $0.hours = WeeklyHours(text: "mon-fri 08:00-18:00") } && !holds { $0.hours = WeeklyHours(text: "22:00-06:00") })
        #expect(!holds { $0.hours = WeeklyHours(text: "sat-sun 00:00-24:00") })
    }

    @Test(arguments: ["", "08:00", "mon", "mon-xyz 08:00-18:00", "25:00-26:00", "08:00-08:00", "08:60-09:00"])
    func whatAreNoHoursIsRefused(text: String) { #expect(WeeklyHours(text: text) == nil) }

    // MARK: Allowances

    private func allowance(_ fields: [String: String]) -> Allowance {
        var allowance = Allowance()
        allowance.read(at: at(0)) { fields[$0] }
        return allowance
    }

    @Test(arguments: [("12ms", 12), ("1s", 1000), ("6m0s", 360_000), ("1h2m3.5s", 3_723_500), ("30", 30_000)])
    func openAIsDurationsAreRead(text: String, milliseconds: Int64) {
        let found = allowance([
            "x-ratelimit-limit-requests": "10", "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": text,
        ])
        #expect(found.isSpent(at: at(0), tokens: 1) == at(min(milliseconds, 3_600_000)))
        #expect(found.isSpent(at: at(min(milliseconds, 3_600_000)), tokens: 1) == nil)
    }

    @Test func anthropicsTokensAreRespectedBeforeTheyAreSpent() {
        let found = allowance([
            "anthropic-ratelimit-input-tokens-limit": "100000", "anthropic-ratelimit-input-tokens-remaining": "5000",
            "anthropic-ratelimit-input-tokens-reset": at(20_000).rfc3339,
        ])
        #expect(found.isSpent(at: at(0), tokens: 5000) == nil)
        #expect(found.isSpent(at: at(0), tokens: 5001) == at(20_000))
    }

    @Test func azuresLimitsBelowOneAndWordsAreNoLimits() {
        for (limit, remaining, reset) in [
            ("-1", "0", "10s"), ("10", "-1", "10s"), ("10", "0", "0s"), ("10", "x", "10s"), ("10", "0", "soon"),
        ] {
            let found = allowance([
                "x-ratelimit-limit-requests": limit, "x-ratelimit-remaining-requests": remaining, "x-ratelimit-reset-requests": reset,
            ])
            #expect(found.isSpent(at: at(0), tokens: 1) == nil)
        }
    }

    // MARK: Credentials

    @Test func aLimitedCredentialRestsAsLongAsItWasToldAndOthersServe() {
        var health = DeploymentHealth(credentials: 2)
        health.failed(TryFailure(.rateLimit, status: 429, retryAfterMilliseconds: 7000), credential: 0, at: at(0))
        for seed in 0..<20 {
            #expect(health.credential(weights: [1, 1], seed: UInt64(seed), at: at(6999), tokens: 1) == 1)
        }
        #expect(health.state(at: at(0), tokens: 1) == .ready)
        health.failed(TryFailure(.authentication, status: 401), credential: 1, at: at(0))
        #expect(health.credential(weights: [1, 1], seed: 3, at: at(0), tokens: 1) == nil)
        #expect(health.state(at: at(0), tokens: 1) == .resting && health.state(at: at(7000), tokens: 1) == .ready)
        #expect(health.breaker.state(at: at(0)) == .closed, "a refused credential is no ill deployment")
    }

    @Test func turnsThatKnowFewerCredentialsAreGivenOnlyThose() {
        var health = DeploymentHealth(credentials: 2)
        health.failed(TryFailure(.rateLimit, status: 429, retryAfterMilliseconds: 7000), credential: 0, at: at(0))
        // A reload has added one.
        health.setCredentials(3)
        for seed in 0..<50 as Range<UInt64> {
            #expect(health.credential(weights: [1, 1], seed: seed, at: at(1), tokens: 1) == 1, "what rests goes on resting")
            #expect(health.credential(weights: [1, 1], seed: seed, at: at(1), tokens: 1, without: [1]) == nil)
            #expect(health.credential(weights: [1, 1, 1], seed: seed, at: at(1), tokens: 1, without: [1]) == 2)
        }
        health.setCredentials(1)
        #expect(health.credentials.count == 1 && health.state(at: at(1), tokens: 1) == .resting)
    }

    @Test func sessionsShareCredentialsByWeightAndKeepTheirs() {
        let health = DeploymentHealth(credentials: 3)
        var counts = [0, 0, 0]
        for seed in 0..<6000 {
            let first = health.credential(weights: [3, 2, 1], seed: UInt64(seed), at: at(0), tokens: 1) ?? 0
            #expect(health.credential(weights: [3, 2, 1], seed: UInt64(seed), at: at(9), tokens: 1) == first)
            counts[first] += 1
        }
        #expect(abs(counts[0] - 3000) < 240 && abs(counts[1] - 2000) < 220 && abs(counts[2] - 1000) < 180, "\(counts)")
    }

    @Test func onlyWhoHadTheCredentialThatRestsMoves() {
        for seed in 0..<2000 {
            let all = rendezvous([0, 1, 2], weights: [1, 1, 1], seed: UInt64(seed))
            let less = rendezvous([0, 2], weights: [1, 1, 1], seed: UInt64(seed))
            #expect(all == 1 || all == less)
        }
    }

    @Test func latencyIsSmoothedAndForgotten() {
        var health = DeploymentHealth()
        health.answered(after: 1000, credential: 0, at: at(0))
        health.answered(after: 2000, credential: 0, at: at(10))
        #expect(health.latency(at: at(10)) == 1200)
        #expect(health.latency(at: at(60_010)) == nil)
    }

    // MARK: Sessions

    @Test func sessionsAreBoundedForgottenAndNeverAnothers() {
        var table = SessionAffinity(countMax: 100)
        func key(_ number: Int, _ keyID: String = "k") -> AffinityKey { AffinityKey(keyID: keyID, session: "s\(number)", route: "r") }
        let entry = AffinityEntry(deployment: "p/m", time: at(0), contextTokens: 10, tier: nil)
        for number in 0..<1000 {
            table.remember(key(number), entry)
            #expect(table.count <= 100)
        }
        #expect(table.find(key(999), at: at(1)) == entry && table.find(key(0), at: at(1)) == nil)
        #expect(table.find(key(999, "other"), at: at(1)) == nil, "the same session of another key is another")
        #expect(table.find(key(999), at: at(86_400_000)) == nil)
    }
}
