// Exchange+Routing: which deployment of a route serves a turn. What is known of the turn and of each deployment is gathered here; the
// choice itself is `chooseDeployment`, which is pure.

import Dialects
import GatewayModel
import NIOCore
import Policy
import Providers
import WireFormat

extension Exchange {
    /// Decides where a turn on a route is tried, and says the request for the first deployment. Gives its dialect.
    func choose(
        on route: RouteRuntime, _ record: inout TurnRecord, _ request: RequestHead, _ key: VirtualKey
    ) throws(GatewayError) -> (provider: ProviderRuntime, model: String, dialect: Dialect) {
        let facts = routeFacts(route, record, request)
        let session = facts.session.map { AffinityKey(keyID: key.id, session: $0, route: route.route.name) }
        let weighing = RouteWeighing(
            route: route, facts: facts, endpoint: record.endpoint, key: key, asked: record.modelAsked,
            maxOutputTokens: request.maxOutputTokens, last: session.flatMap { loop.shared.board.session($0, at: received) },
            prices: snapshot.prices, header: header)
        guard let choice = weighing.choose(random: loop.nextRandom()) else { throw weighing.refusal }
        let seed = seed(of: key.id, facts.session)
        let tries = TurnTries(
            route, plan: TryPlan(route.route, order: choice.order, reserves: choice.reserves, received: received), tier: choice.tier,
            body: body, session: session, seed: seed, tokens: facts.inputTokens)
        if route.route.deployments.count > 1 {
            record.routing = [choice.decision]
        }
        self.tries = tries
        let (weights, tokens) = (tries.deployment.provider.credentialWeights, facts.inputTokens)
        if weights.count > 1 {
            let now = received
            tries.credential =
                tries.deployment.state.with { $0.credential(weights: weights, seed: seed, at: now, tokens: tokens) } ?? 0
        }
        route.state.pay()
        tries.begin(at: received)
        let deployment = tries.deployment
        guard let dialect = deployment.dialect(for: record.endpoint) else {
            throw .dialectNotServed(provider: deployment.provider.provider.name, dialect: record.endpoint.dialect)
        }
        return (deployment.provider, deployment.model, dialect)
    }

    /// The next deployment of the route, where the request cannot be said in the dialect of the one that was chosen.
    func nextToSay(_ endpoint: Endpoint) -> (provider: ProviderRuntime, model: String, dialect: Dialect)? {
        guard let tries else { return nil }
        tries.end()
        guard case .next = tries.plan.skip() else { return nil }
        tries.begin(at: received)
        let next = tries.deployment
        return next.dialect(for: endpoint).map { (next.provider, next.model, $0) }
    }

    /// A provider with several credentials is a route with one deployment: what changes between tries is the credential.
    func chooseCredential(
        of provider: ProviderRuntime, _ resolved: ResolvedModel, _ record: inout TurnRecord, _ request: RequestHead, _ key: VirtualKey
    ) throws(GatewayError) -> (provider: ProviderRuntime, model: String, dialect: Dialect) {
        let (_, model, _) = try choose(on: provider.ownRoute(loop.shared.board, model: resolved.model), &record, request, key)
        return (provider, model, resolved.dialect)
    }

    /// A turn that continues a stored response goes where that was made, and nowhere else.
    func pinToMaker(_ owner: ResponseOwner) throws(GatewayError) {
        guard let tries, let turn else { return }
        let deployments = tries.route.deployments
        tries.plan.restrict { deployments[$0].provider.provider.name == owner.provider }
        if turn.record.routing.count == 1 {
            turn.record.routing[0].reason = "response"
            turn.record.routing[0].isForced = true
        }
        guard provider?.provider.name != owner.provider else { return }
        guard goesToPinned() else { throw .unknownResponse(id: request?.previousResponseID ?? "") }
    }

    // MARK: What is known

    private func routeFacts(_ route: RouteRuntime, _ record: borrowing TurnRecord, _ request: RequestHead) -> RouteFacts {
        var facts = RouteFacts(time: received)
        facts.inputTokens = loop.estimator.estimateInput(bodyBytes: record.bytesIn)
        let attribution = record.attribution
        facts.repository = attribution.repository?.value
        facts.branch = attribution.branch?.value
        facts.team = record.principal.team
        facts.developer = record.principal.developer ?? record.principal.serviceAccount
        facts.agent = attribution.agent?.value ?? attribution.client
        facts.session = attribution.affinity ?? attribution.session?.value
        facts.tags = attribution.tags
        if route.looksInside {
            let shape = body.withUnsafeReadableBytes { readShape(record.endpoint, body: $0) }
            facts.toolCount = Int64(shape.toolCount)
            facts.toolDepth = Int64(shape.toolDepth)
            facts.turnDepth = Int64(shape.turnDepth)
            facts.hasImages = shape.hasImages
            facts.isSigned = shape.isSigned
            facts.isInToolCall = shape.isInToolCall
        }
        return facts
    }

    private func header(_ name: String) -> String? {
        head.fields.list.first { head.fields.nameString($0) == name }.flatMap { head.fields.valueString($0) }
    }

    /// The same for every turn of a session; another for each turn without one.
    private func seed(of keyID: String, _ session: String?) -> UInt64 {
        guard let session else { return loop.nextRandom() }
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in keyID.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        for byte in session.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return hash
    }
}
