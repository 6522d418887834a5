// RouteChoice: which deployment is asked first and which after it. Pure: what is known of each candidate, and a random number, come in;
// what comes out holds every number that went into it.

package import GatewayModel

/// Whether a deployment may serve a turn.
package enum CandidateState: String, Sendable, Codable {
    case ready
    /// Its condition does not hold.
    case condition
    /// The key may not use it.
    case key
    /// The request cannot be said in its dialect.
    case dialect
    /// The turn is bound to another.
    case pinned
    /// It only takes over from certain failures.
    case reserve
    /// Its breaker is open.
    case open
    /// Its credentials rest: refused, limited, or nothing is left.
    case resting
    /// Its provider fails its checks.
    case unhealthy

    /// It may be asked when nothing better is left.
    package var isLastResort: Bool { self == .open || self == .resting || self == .unhealthy }
    /// It is not asked at all.
    package var isOut: Bool { self == .condition || self == .key || self == .dialect || self == .pinned }
}

/// What is known of a deployment when a turn comes.
package struct CandidateFacts: Sendable {
    package var state: CandidateState
    package var latencyMicroseconds: Int64?
    package var inFlight: Int64 = 0
    /// What this turn would cost there, in nano-USD, with its cache as warm as it is; nil without a price.
    package var costNow: Int64?
    /// What a later turn of the session would, with a warm cache.
    package var costLater: Int64?

    package init(_ state: CandidateState) { self.state = state }
}

/// What binds a session.
package struct SessionBond: Sendable {
    /// The candidate that served it last.
    package var index: Int
    package var tier: RouteTier?
    /// Its cache is warm there.
    package var isWarm: Bool
    /// What only that one can read is in the conversation.
    package var isSigned: Bool

    package init(index: Int, tier: RouteTier?, isWarm: Bool, isSigned: Bool) {
        self.index = index
        self.tier = tier
        self.isWarm = isWarm
        self.isSigned = isSigned
    }
}

/// The order in which deployments are asked.
package struct RouteChoice: Sendable {
    package var order: [Int]
    package var reserves: [Int]
    package var tier: RouteTier?
    package var decision: RouteDecision
}

/// Weighs the candidates of a route. Nil when none may serve.
package func chooseDeployment(
    _ route: Route, _ facts: RouteFacts, _ candidates: [CandidateFacts], bond: SessionBond?, random: UInt64
) -> RouteChoice? {
    var chooser = Chooser(route: route, facts: facts, candidates: candidates, bond: bond, random: random)
    return chooser.choose()
}

private struct Chooser {
    let route: Route
    let facts: RouteFacts
    let candidates: [CandidateFacts]
    let bond: SessionBond?
    var random: UInt64
    private var tier: RouteTier?

    init(route: Route, facts: RouteFacts, candidates: [CandidateFacts], bond: SessionBond?, random: UInt64) {
        self.route = route
        self.facts = facts
        self.candidates = candidates
        self.bond = bond
        self.random = random
    }

    mutating func choose() -> RouteChoice? {
        let ready = candidates.indices.filter { candidates[$0].state == .ready }
        let spare = candidates.indices.filter { candidates[$0].state.isLastResort }
        guard !ready.isEmpty || !spare.isEmpty else { return nil }
        var (order, probabilities, reason) = picked(ready)
        if ready.isEmpty { reason = "last_resort" }
        order += spare
        if probabilities.isEmpty, let first = order.first { probabilities = [first: 1_000_000] }
        let isBound = candidates.contains { $0.state == .pinned }
        if isBound { reason = bond?.isSigned == true ? "signed" : "response" }
        let isForced = isBound || ready.count <= 1 || reason == "warm_cache"
        var decision = RouteDecision(
            route: route.name, pick: route.pick.rawValue, reason: ready.count == 1 && !isBound ? "only" : reason, isForced: isForced,
            inputTokens: facts.inputTokens, candidates: [])
        decision.candidates = candidates.indices.map { index in
            var one = RouteCandidate(
                deployment: route.deployments[index].deployment, state: candidates[index].state.rawValue,
                probabilityPPM: probabilities[index] ?? 0)
            if route.pick == .weight || route.pick == .leastBusy { one.weight = route.deployments[index].weight }
            one.latencyMicroseconds = candidates[index].latencyMicroseconds
            one.inFlight = candidates[index].inFlight
            one.costNanoUSD = candidates[index].costNow
            one.tier = route.deployments[index].tier?.rawValue
            return one
        }
        return RouteChoice(
            order: order, reserves: candidates.indices.filter { candidates[$0].state == .reserve }, tier: tier, decision: decision)
    }

    /// The ready ones in the order of asking, how likely each was to be first, and why the first one is.
    private mutating func picked(_ ready: [Int]) -> (order: [Int], probabilities: [Int: Int64], reason: String) {
        guard ready.count > 1 || route.pick == .tiers else { return (ready, [:], route.pick.rawValue) }
        var found: (order: [Int], probabilities: [Int: Int64], reason: String)
        switch route.pick {
        case .order: found = (ready, [:], "order")
        case .weight: found = weighted(ready)
        case .leastLatency:
            found = (sorted(ready) { candidates[$0].latencyMicroseconds ?? -1 }, [:], "least_latency")
        case .leastBusy:
            found = (sorted(ready) { candidates[$0].inFlight * 1000 / max(1, route.deployments[$0].weight) }, [:], "least_busy")
        case .lowestCost: return (sorted(ready, by: total), [:], "lowest_cost")
        case .tiers: return tiered(ready)
        }
        guard let bond, bond.isWarm, let place = found.order.firstIndex(of: bond.index) else { return found }
        found.order.insert(found.order.remove(at: place), at: 0)
        return (found.order, [:], "warm_cache")
    }

    /// Stable: what is equal stays in the order of the list.
    private func sorted(_ indices: [Int], by key: (Int) -> Int64) -> [Int] {
        indices.enumerated().sorted { (key($0.element), $0.offset) < (key($1.element), $1.offset) }.map(\.element)
    }

    /// This turn and the later ones. What has no price comes last.
    private func total(_ index: Int) -> Int64 {
        guard let now = candidates[index].costNow, let later = candidates[index].costLater else { return .max }
        let turns = facts.session == nil ? 0 : route.tiers.horizonTurns
        let (product, overflow) = later.multipliedReportingOverflow(by: turns)
        let (sum, tooMuch) = now.addingReportingOverflow(product)
        return overflow || tooMuch ? .max : sum
    }

    private mutating func weighted(_ ready: [Int]) -> (order: [Int], probabilities: [Int: Int64], reason: String) {
        let weights = ready.map { max(0, route.deployments[$0].weight) }
        let sum = weights.reduce(0, +)
        guard sum > 0 else { return (ready, [:], "order") }
        var probabilities: [Int: Int64] = [:]
        for (index, weight) in zip(ready, weights) {
            probabilities[index] = Int64(Double(weight) / Double(sum) * 1_000_000)
        }
        // What rounding took goes to the first, so that the sum is whole.
        probabilities[ready[0], default: 0] += 1_000_000 - probabilities.values.reduce(0, +)
        var order: [Int] = []
        var rest = Array(zip(ready, weights))
        while !rest.isEmpty {
            let left = rest.reduce(0) { $0 + $1.1 }
            var place = 0
            if left > 0 {
                var draw = Int64(UInt64(left).multipliedFullWidth(by: random).high)
                random = mixed(random &+ 0x9E37_79B9_7F4A_7C15)
                while draw >= rest[place].1 {
                    draw -= rest[place].1
                    place += 1
                }
            }
            order.append(rest.remove(at: place).0)
        }
        return (order, probabilities, "weight")
    }

    private mutating func tiered(_ ready: [Int]) -> (order: [Int], probabilities: [Int: Int64], reason: String) {
        func first(_ tier: RouteTier) -> Int? { ready.first { route.deployments[$0].tier == tier } }
        let (tier, reason) = route.tiers.tier(facts, last: bond?.isWarm == true ? bond?.tier : nil) { lower in
            guard let bond, ready.contains(bond.index), let other = first(lower) else { return true }
            return total(other) < total(bond.index)
        }
        self.tier = tier
        // The tier's own, then larger ones, then smaller ones; what belongs to no tier comes last.
        var order = sorted(ready) { index in
            guard let own = route.deployments[index].tier else { return 100 }
            return Int64(own.rank >= tier.rank ? own.rank - tier.rank : 10 + tier.rank - own.rank)
        }
        if let bond, bond.isWarm, route.deployments[bond.index].tier == tier, let place = order.firstIndex(of: bond.index) {
            order.insert(order.remove(at: place), at: 0)
        }
        return (order, [:], reason)
    }
}
