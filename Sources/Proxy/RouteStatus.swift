// RouteStatus: routes and deployments as an operator sees them now.

package import GatewayModel
package import Policy

/// One credential of a deployment.
package struct CredentialStatus: Sendable {
    package var name: String
    package var weight: Int64
    /// Nil when it serves.
    package var restUntil: Timestamp?
    package var reason: String?
}

/// One deployment of a route.
package struct DeploymentStatus: Sendable {
    package var deployment: String
    package var provider: String
    package var rule: RouteDeployment
    package var breaker: CircuitBreaker.State
    package var openUntil: Timestamp?
    package var failuresInARow: Int
    package var turns: Int64
    package var failures: Int64
    package var inFlight: Int64
    package var latencyMicroseconds: Int64?
    package var credentials: [CredentialStatus]
    /// What checks say of its provider; nil where it is not checked.
    package var health: HealthProbe?
}

/// One route.
package struct RouteStatus: Sendable {
    package var route: Route
    package var deployments: [DeploymentStatus]
}

extension GatewaySnapshot {
    /// Every route with the state of its deployments.
    package func routeStatuses(at now: Timestamp) -> [RouteStatus] {
        routes.all.map { route in
            RouteStatus(
                route: route.route,
                deployments: zip(route.deployments, route.route.deployments).map { status(of: $0, $1, at: now) })
        }
    }

    /// What checks say of each provider that is checked.
    package var providerHealth: [String: HealthProbe] {
        Dictionary(providers.compactMap { one in one.health.map { (one.provider.name, $0.status) } }) { first, _ in first }
    }

    private func status(of deployment: DeploymentRuntime, _ rule: RouteDeployment, at now: Timestamp) -> DeploymentStatus {
        let health = deployment.state.with { $0 }
        let provider = deployment.provider
        return DeploymentStatus(
            deployment: deployment.name, provider: provider.provider.name, rule: rule, breaker: health.breaker.state(at: now),
            openUntil: health.breaker.openUntil, failuresInARow: health.breaker.failures, turns: health.turns,
            failures: health.failures, inFlight: deployment.state.inFlight, latencyMicroseconds: health.latency(at: now),
            credentials: zip(provider.credentialNames, provider.credentialWeights).enumerated().map { index, named in
                let rest = index < health.credentials.count ? health.credentials[index].rests(at: now, tokens: 1) : nil
                return CredentialStatus(
                    name: named.0, weight: named.1, restUntil: rest,
                    reason: rest == nil ? nil : health.credentials[index].reason?.rawValue ?? "allowance")
            }, health: provider.health?.status)
    }
}
