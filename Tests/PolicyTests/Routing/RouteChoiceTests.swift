// Which deployment comes first, and what is written down of it.

import GatewayModel
import Policy
import Testing

@Suite struct RouteChoiceTests {
    private func facts(_ tokens: Int64 = 1000, session: String? = "s", inTool: Bool = false) -> RouteFacts {
        var facts = RouteFacts(time: at(0))
        facts.inputTokens = tokens
        facts.session = session
        facts.isInToolCall = inTool
        return facts
    }

    private func choose(
        _ route: Route, _ candidates: [CandidateFacts], bond: SessionBond? = nil, random: UInt64 = 0, _ facts: RouteFacts? = nil
    ) -> RouteChoice? {
        chooseDeployment(route, facts ?? self.facts(), candidates, bond: bond, random: random)
    }

    @Test func theFirstThatMayServeComesFirst() throws {
        var candidates = ready(4)
        candidates[0].state = .condition
        candidates[1].state = .open
        let choice = try #require(choose(makeRoute(4), candidates))
        #expect(choice.order == [2, 3, 1] && choice.decision.reason == "order" && !choice.decision.isForced)
        #expect(choice.decision.candidates.map(\.state) == ["condition", "open", "ready", "ready"])
        #expect(choice.decision.candidates.map(\.probabilityPPM) == [0, 0, 1_000_000, 0])
    }

    @Test func whatIsIllIsAskedWhenNothingElseIsLeft() throws {
        var candidates = ready(2)
        candidates[0].state = .open
        candidates[1].state = .resting
        let choice = try #require(choose(makeRoute(2), candidates))
        #expect(choice.order == [0, 1] && choice.decision.reason == "last_resort")
    }

    @Test func aRouteWhoseConditionsAllSayNoServesNobody() {
        #expect(choose(makeRoute(2), [CandidateFacts(.condition), CandidateFacts(.key)]) == nil)
        #expect(choose(makeRoute(1), [CandidateFacts(.reserve)]) == nil)
    }

    @Test func weightsAreTheSharesOfWhoComesFirst() throws {
        let route = makeRoute(3) { route in
            route.pick = .weight
            route.deployments[0].weight = 7
            route.deployments[1].weight = 2
            route.deployments[2].weight = 1
        }
        var random = SeededRandom(11)
        var counts = [0, 0, 0]
        for _ in 0..<20_000 {
            let choice = try #require(choose(route, ready(3), random: random.next()))
            counts[choice.order[0]] += 1
            #expect(choice.order.sorted() == [0, 1, 2])
            #expect(choice.decision.candidates.map(\.probabilityPPM) == [700_000, 200_000, 100_000])
        }
        // Six standard deviations.
        #expect(abs(counts[0] - 14_000) < 390 && abs(counts[1] - 4_000) < 340 && abs(counts[2] - 2_000) < 255, "\(counts)")
    }

    @Test func leastLatencyTriesWhatIsNotKnownAndThenTheFastest() throws {
        let route = makeRoute(3) { $0.pick = .leastLatency }
        var candidates = ready(3)
        candidates[0].latencyMicroseconds = 900
        candidates[1].latencyMicroseconds = 300
        #expect(choose(route, candidates)?.order == [2, 1, 0])
        candidates[2].latencyMicroseconds = 301
        #expect(choose(route, candidates)?.order == [1, 2, 0])
    }

    @Test func leastBusyCountsTurnsForTheirWeight() {
        let route = makeRoute(2) { route in
            route.pick = .leastBusy
            route.deployments[1].weight = 4
        }
        var candidates = ready(2)
        candidates[0].inFlight = 2
        candidates[1].inFlight = 7
        #expect(choose(route, candidates)?.order == [1, 0])
        candidates[1].inFlight = 9
        #expect(choose(route, candidates)?.order == [0, 1])
    }

    @Test func lowestCostCountsTheColdCacheAndTheLaterTurns() {
        let route = makeRoute(2) { $0.pick = .lowestCost }
        var candidates = ready(2)
        // Warm at the dear one; the cheap one must first read everything.
        (candidates[0].costNow, candidates[0].costLater) = (30, 30)
        (candidates[1].costNow, candidates[1].costLater) = (280, 6)
        #expect(choose(route, candidates)?.order == [0, 1])
        // A longer session earns it.
        let longer = makeRoute(2) { route in
            route.pick = .lowestCost
            route.tiers.horizonTurns = 20
        }
        #expect(choose(longer, candidates)?.order == [1, 0])
        candidates[0].costNow = nil
        #expect(choose(route, candidates)?.order == [1, 0], "what has no price comes last")
    }

    @Test func aWarmSessionStaysAndAColdOneDoesNot() {
        for pick in [RoutePick.order, .weight, .leastLatency, .leastBusy] {
            let route = makeRoute(3) { $0.pick = pick }
            let warm = SessionBond(index: 2, tier: nil, isWarm: true, isSigned: false)
            let choice = choose(route, ready(3), bond: warm, random: 1)
            #expect(choice?.order.first == 2 && choice?.decision.reason == "warm_cache")
            var candidates = ready(3)
            candidates[2].state = .open
            #expect(choose(route, candidates, bond: warm)?.order.last == 2)
        }
        let cold = SessionBond(index: 2, tier: nil, isWarm: false, isSigned: false)
        #expect(choose(makeRoute(3), ready(3), bond: cold)?.order == [0, 1, 2])
    }

    @Test func whatIsSignedIsForcedAndSaysSo() throws {
        var candidates = ready(3)
        candidates[0].state = .pinned
        candidates[2].state = .pinned
        let bond = SessionBond(index: 1, tier: nil, isWarm: true, isSigned: true)
        let choice = try #require(choose(makeRoute(3), candidates, bond: bond))
        #expect(choice.order == [1] && choice.decision.isForced && choice.decision.reason == "signed")
    }

    // MARK: Tiers

    private var tiers: Route {
        makeRoute(3) { route in
            route.pick = .tiers
            for (index, tier) in RouteTier.allCases.enumerated() { route.deployments[index].tier = tier }
        }
    }

    private func tier(_ tokens: Int64, from last: RouteTier? = nil, inTool: Bool = false, cheaper: Bool = true) -> (RouteTier?, String?) {
        let bond = last.map { SessionBond(index: $0.rank, tier: $0, isWarm: true, isSigned: false) }
        var candidates = ready(3)
        for index in candidates.indices {
            let isLast = index == last?.rank
            (candidates[index].costNow, candidates[index].costLater) = isLast == cheaper ? (100, 100) : (10, 10)
        }
        let choice = choose(tiers, candidates, bond: bond, random: 0, facts(tokens, inTool: inTool))
        return (choice?.tier, choice?.decision.reason)
    }

    @Test func turnsGoBySize() {
        #expect(tier(100) == (.small, "tier") && tier(8000) == (.small, "tier"))
        #expect(tier(8001) == (.middle, "tier") && tier(60_001) == (.large, "tier"))
        #expect(choose(tiers, ready(3), bond: nil, random: 0, facts(9000))?.order == [1, 2, 0], "larger ones help out before smaller ones")
    }

    @Test func aSessionGoesUpAtOnceAndDownOnlyWellBelowTheBoundary() {
        #expect(tier(60_001, from: .middle) == (.large, "tier_up"))
        #expect(tier(50_000, from: .large) == (.large, "tier_hysteresis"))
        #expect(tier(40_200, from: .large) == (.middle, "tier_down"))
    }

    @Test func aSessionStaysWhereItsCacheIsCheaperThanTheSwitch() {
        #expect(tier(30_000, from: .large, cheaper: false) == (.large, "tier_cold_cache"))
    }

    @Test func nobodyIsSwitchedBetweenAToolAndItsResult() {
        #expect(tier(1000, from: .large, inTool: true) == (.large, "tier_in_tool_call"))
        #expect(tier(100_000, from: .small, inTool: true) == (.small, "tier_in_tool_call"))
    }

    @Test func growingAndShrinkingRoundABoundaryDoesNotGoToAndFro() {
        var last = RouteTier.middle
        var changes = 0
        for turn in 0..<100 {
            let next = tier(turn % 2 == 0 ? 61_000 : 59_000, from: last).0 ?? last
            if next != last { changes += 1 }
            last = next
        }
        #expect(changes == 1)
    }

    @Test(arguments: 0..<200) func everyChoiceIsWholeAndItsProbabilitiesAreOne(seed: UInt64) throws {
        var random = SeededRandom(seed)
        let count = Int.random(in: 1...8, using: &random)
        let route = makeRoute(count) { route in
            route.pick = RoutePick.allCases.randomElement(using: &random) ?? .order
            for index in 0..<count {
                route.deployments[index].weight = Int64.random(in: 0..<5, using: &random)
                route.deployments[index].tier = RouteTier.allCases.randomElement(using: &random)
            }
        }
        let states: [CandidateState] = [.ready, .ready, .ready, .open, .resting, .condition, .key, .dialect, .reserve]
        let candidates = (0..<count).map { _ in
            var one = CandidateFacts(states.randomElement(using: &random) ?? .ready)
            one.latencyMicroseconds = Bool.random(using: &random) ? Int64.random(in: 1..<10_000, using: &random) : nil
            one.inFlight = Int64.random(in: 0..<10, using: &random)
            one.costNow = Bool.random(using: &random) ? Int64.random(in: 0 ... .max, using: &random) : nil
            one.costLater = one.costNow
            return one
        }
        let bond =
            Bool.random(using: &random)
            ? SessionBond(
                index: Int.random(in: 0..<count, using: &random), tier: .middle, isWarm: Bool.random(using: &random), isSigned: false) : nil
        let choice = choose(route, candidates, bond: bond, random: random.next(), facts(Int64.random(in: 0..<100_000, using: &random)))
        let possible = candidates.indices.filter { candidates[$0].state == .ready || candidates[$0].state.isLastResort }
        guard let choice else {
            #expect(possible.isEmpty)
            return
        }
        #expect(choice.order.sorted() == possible)
        let firstIll = choice.order.firstIndex { candidates[$0].state.isLastResort } ?? choice.order.count
        #expect(choice.order[firstIll...].allSatisfy { candidates[$0].state.isLastResort }, "what is ill comes last")
        #expect(choice.decision.candidates.reduce(0) { $0 + $1.probabilityPPM } == 1_000_000)
        #expect(choice.decision.candidates[choice.order[0]].probabilityPPM > 0 || route.pick == .weight)
    }
}
