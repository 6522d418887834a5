// RouteWeighing: gathers what is known of each deployment of a route for one turn, and asks the pure chooser. The same for a turn that
// comes and for a question what would become of one.

import Dialects
package import GatewayModel
import Policy
import Providers

/// One turn before a route.
struct RouteWeighing {
    let route: RouteRuntime
    let facts: RouteFacts
    let endpoint: Endpoint
    let key: VirtualKey
    let asked: String
    let maxOutputTokens: Int64?
    /// Where its session was served last.
    let last: AffinityEntry?
    let prices: PriceBook
    let header: (String) -> String?

    /// Nil when none may serve.
    func choose(random: UInt64) -> RouteChoice? {
        var candidates = route.deployments.indices.map(candidate)
        let bond = bond
        pin(&candidates, bond)
        weigh(&candidates, bond)
        guard var choice = chooseDeployment(route.route, facts, candidates, bond: bond, random: random) else { return nil }
        if route.looksInside {
            choice.decision.toolCount = facts.toolCount
            choice.decision.toolDepth = facts.toolDepth
            choice.decision.turnDepth = facts.turnDepth
        }
        return choice
    }

    /// Why none may.
    var refusal: GatewayError {
        let states = route.deployments.indices.map { candidate($0).state }
        if states.allSatisfy({ $0 == .key }) { return .modelNotAllowed(keyID: key.id, model: asked, allowed: key.models) }
        if states.contains(.dialect), states.allSatisfy({ $0 == .dialect || $0 == .key }) {
            return .dialectNotServed(provider: route.deployments[0].provider.provider.name, dialect: endpoint.dialect)
        }
        return .noDeployment(route: route.route.name)
    }

    private func candidate(_ index: Int) -> CandidateFacts {
        let deployment = route.deployments[index]
        let rule = route.route.deployments[index]
        let provider = deployment.provider.provider
        guard KeyAccess.allowsModel(key, asked: asked, provider: provider.name, model: deployment.model) else {
            return CandidateFacts(.key)
        }
        guard deployment.dialect(for: endpoint) != nil else { return CandidateFacts(.dialect) }
        guard rule.condition.isAlways || rule.condition.holds(facts, header: header) else { return CandidateFacts(.condition) }
        let (time, tokens) = (facts.time, facts.inputTokens)
        let (state, latency) = deployment.state.with { ($0.state(at: time, tokens: tokens), $0.latency(at: time)) }
        let isUnhealthy = state == .ready && deployment.provider.health?.isDown == true
        var found = CandidateFacts(!rule.only.isEmpty ? .reserve : isUnhealthy ? .unhealthy : state)
        found.latencyMicroseconds = latency
        found.inFlight = deployment.state.inFlight
        return found
    }

    private var bond: SessionBond? {
        guard let last, let index = route.deployments.firstIndex(where: { $0.name == last.deployment }) else { return nil }
        let rule = route.route.affinity
        let isWarm = rule.keepsSessions && facts.time < last.time.adding(seconds: Int64(rule.warmSeconds))
        return SessionBond(index: index, tier: last.tier, isWarm: isWarm, isSigned: facts.isSigned)
    }

    /// Signed blocks are refused by every account but their maker's where they pass as they are. So a turn that carries some stays, and
    /// may only go where the request is said anew in another dialect, which leaves them out.
    private func pin(_ candidates: inout [CandidateFacts], _ bond: SessionBond?) {
        guard let bond, bond.isSigned, !candidates[bond.index].state.isOut else { return }
        let maker = route.deployments[bond.index]
        let dialect = maker.dialect(for: endpoint)
        for index in candidates.indices where !candidates[index].state.isOut {
            let other = route.deployments[index]
            let isSame = other.provider.provider.name == maker.provider.provider.name
            if !isSame, other.dialect(for: endpoint) == dialect {
                candidates[index].state = .pinned
            }
        }
    }

    /// What the turn would cost at each candidate, where that decides.
    private func weigh(_ candidates: inout [CandidateFacts], _ bond: SessionBond?) {
        guard route.route.pick == .lowestCost || route.route.pick == .tiers else { return }
        let output = min(maxOutputTokens ?? Self.outputTokens, Self.outputTokens)
        for index in candidates.indices where !candidates[index].state.isOut {
            let isWarm = bond?.index == index && bond?.isWarm == true
            let warm = isWarm ? min(max(0, last?.contextTokens ?? 0), facts.inputTokens) : 0
            let deployment = route.deployments[index]
            candidates[index].costNow = cost(at: deployment, read: warm, written: facts.inputTokens - warm, output: output)
            candidates[index].costLater = cost(at: deployment, read: facts.inputTokens, written: Self.grownTokens, output: output)
        }
    }

    /// What an agent's turn writes, and by how much its context grows.
    private static var outputTokens: Int64 { 500 }
    private static var grownTokens: Int64 { 2_000 }

    /// What is written into a cache costs more than plain input where a provider says so; where it does not, it is plain input.
    private func cost(at deployment: DeploymentRuntime, read: Int64, written: Int64, output: Int64) -> Int64? {
        let model = deployment.provider.provider.priceModel(of: deployment.model)
        let name = deployment.provider.provider.priceProvider(of: model)
        func price(_ change: (inout TokenUsage) -> Void) -> Int64? {
            var usage = TokenUsage()
            usage.output = output
            change(&usage)
            let result = prices.price(
                usage: usage, provider: name, model: model, qualifiers: UsageQualifiers(), at: facts.time)
            if case .priced(let cost, _) = result { return cost.value }
            return nil
        }
        return price { ($0.cacheRead, $0.cacheWrite5m) = (read, written) } ?? price { ($0.cacheRead, $0.input) = (read, written) }
            ?? price { $0.input = read + written }
    }
}

/// What somebody asks of a route.
package struct RouteQuestion: Sendable {
    package var model: String
    package var endpoint = Endpoint.chatCompletions
    package var inputTokens: Int64 = 1_000
    package var toolCount: Int64 = 0
    package var toolDepth: Int64 = 0
    package var session: String?
    package var repository: String?
    package var branch: String?
    package var agent: String?

    package init(model: String) { self.model = model }
}

extension GatewaySnapshot {
    /// What would become of a turn now. Nil when the model has no route.
    package func explain(
        _ question: RouteQuestion, key: VirtualKey, board: DeploymentBoard, at now: Timestamp, random: UInt64
    ) throws(GatewayError) -> RouteDecision? {
        guard let route = routes[question.model] else { return nil }
        var facts = RouteFacts(time: now)
        facts.inputTokens = question.inputTokens
        facts.toolCount = question.toolCount
        facts.toolDepth = question.toolDepth
        facts.session = question.session
        facts.repository = question.repository
        facts.branch = question.branch
        facts.agent = question.agent
        facts.team = key.principal.team
        facts.developer = key.principal.developer ?? key.principal.serviceAccount
        let session = question.session.map { AffinityKey(keyID: key.id, session: $0, route: route.route.name) }
        let weighing = RouteWeighing(
            route: route, facts: facts, endpoint: question.endpoint, key: key, asked: question.model, maxOutputTokens: nil,
            last: session.flatMap { board.session($0, at: now) }, prices: prices, header: { _ in nil })
        guard let choice = weighing.choose(random: random) else { throw weighing.refusal }
        return choice.decision
    }
}
