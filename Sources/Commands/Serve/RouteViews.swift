// RouteViews: the data plane's routes as the admin API shows them.

import AdminAPI
import GatewayModel
import Identity
import Policy
import Proxy

/// Every route.
func routeViews(_ statuses: [RouteStatus]) -> [RouteView] {
    statuses.map { status in
        let route = status.route
        var view = RouteView(
            name: route.name, models: route.models, pick: route.pick.rawValue, deployments: status.deployments.map(deploymentView))
        view.fallBackOn = FailureClass.allCases.filter(route.fallBackOn.contains).map(\.rawValue)
        view.retriesMax = route.retriesMax
        view.triesMax = route.triesMax
        view.deadlineSeconds = route.deadlineSeconds
        view.firstByteSeconds = route.firstByteSeconds
        view.affinity = route.affinity.keepsSessions ? "session" : "none"
        view.affinitySeconds = route.affinity.warmSeconds
        view.cacheSeconds = route.cache?.seconds
        view.cacheScope = route.cache?.scope.rawValue
        view.hedge = route.hedge.map { $0.milliseconds.map { "\($0) ms" } ?? "p95" }
        return view
    }
}

/// Every provider, each with what routes send there.
func providerViews(_ providers: [Provider], _ statuses: [RouteStatus], _ health: [String: HealthProbe]) -> [ProviderView] {
    providers.map { provider in
        var seen: Set<String> = []
        let own = statuses.flatMap(\.deployments).filter { $0.provider == provider.name && seen.insert($0.deployment).inserted }
        var view = ProviderView(
            name: provider.name, kind: provider.kind.rawValue,
            baseURL: "\(provider.origin.scheme)://\(provider.origin.host):\(provider.origin.port)\(provider.basePath)",
            dialects: provider.dialects.map(\.rawValue).sorted(), credentials: provider.allCredentials.count { !$0.secret.isEmpty },
            deployments: own.map(deploymentView))
        view.health = health[provider.name].map(healthView)
        return view
    }
}

private func healthView(_ probe: HealthProbe) -> HealthView {
    HealthView(
        state: probe.isDown ? "down" : probe.lastChecked == nil ? "unknown" : "up", lastChecked: probe.lastChecked,
        problem: probe.problem, failuresInARow: probe.failures)
}

private func deploymentView(_ status: DeploymentStatus) -> RouteDeploymentView {
    var view = RouteDeploymentView(
        deployment: status.deployment, weight: status.rule.weight, breaker: status.breaker.rawValue)
    view.tier = status.rule.tier?.rawValue
    view.only = FailureClass.allCases.filter(status.rule.only.contains).map(\.rawValue)
    view.hasCondition = !status.rule.condition.isAlways
    view.openUntil = status.openUntil?.rfc3339
    view.failuresInARow = status.failuresInARow
    view.turns = status.turns
    view.failures = status.failures
    view.inFlight = status.inFlight
    view.latencyMicroseconds = status.latencyMicroseconds
    view.credentials = status.credentials.map {
        CredentialView(name: $0.name, weight: $0.weight, reason: $0.reason, restUntil: $0.restUntil)
    }
    view.health = status.health.map(healthView)
    return view
}

/// What a route would decide now.
func explain(
    _ request: RouteExplainRequest, _ snapshot: GatewaySnapshot, _ board: DeploymentBoard, at now: Timestamp, random: UInt64
) throws -> RouteDecision {
    guard let key = snapshot.keys[request.key] else {
        throw IdentityError(.notFound, "key_not_found", "no key \"\(request.key)\"", mend: "weir key list")
    }
    var question = RouteQuestion(model: request.model)
    if let text = request.endpoint {
        guard let endpoint = Endpoint(rawValue: text) else {
            throw IdentityError(
                .invalid, "unknown_endpoint", "there is no endpoint \"\(text)\"", mend: "chat_completions, messages or responses")
        }
        question.endpoint = endpoint
    }
    question.inputTokens = request.inputTokens ?? question.inputTokens
    question.toolCount = request.tools ?? 0
    question.toolDepth = request.toolDepth ?? 0
    question.session = request.session
    question.repository = request.repository
    question.branch = request.branch
    question.agent = request.agent
    do throws(GatewayError) {
        if let decision = try snapshot.explain(question, key: key, board: board, at: now, random: random) { return decision }
    } catch {
        throw IdentityError(
            .conflict, error.code, "no deployment of this route may serve the call", mend: "weir route show \(request.model)")
    }
    throw IdentityError(.notFound, "route_not_found", "model \"\(request.model)\" has no route", mend: "weir route list")
}
