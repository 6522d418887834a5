// DeploymentBoard: what all event loops know together of the deployments on routes: breakers, latencies, turns in flight, sessions. A
// turn on a route looks at it twice or thrice, each time under a lock that is held for some comparisons; other turns never do.

import GatewayModel
package import Policy
import Synchronization

/// One deployment's state, shared by the loops and by every snapshot.
package final class DeploymentState: Sendable {
    package let name: String
    private let health: Mutex<DeploymentHealth>
    private let running = Atomic<Int64>(0)

    init(_ name: String, credentials: Int) {
        self.name = name
        health = Mutex(DeploymentHealth(credentials: credentials))
    }

    /// Turns that are there now.
    package var inFlight: Int64 { running.load(ordering: .relaxed) }
    func enter() { running.wrappingAdd(1, ordering: .relaxed) }
    func leave() { running.wrappingSubtract(1, ordering: .relaxed) }

    package func with<Result: Sendable>(_ body: (inout sending DeploymentHealth) -> Result) -> Result {
        health.withLock { body(&$0) }
    }
}

/// One route's state.
package final class RouteState: Sendable {
    private let budget = Mutex(RetryBudget())

    init() {}

    func pay() { budget.withLock { $0.pay() } }
    func takeRetry() -> Bool { budget.withLock { $0.take() } }
}

/// All of it, kept over changes of the configuration.
package final class DeploymentBoard: Sendable {
    private let deployments = Mutex<[String: DeploymentState]>([:])
    private let routes = Mutex<[String: RouteState]>([:])
    private let sessions = Mutex(SessionAffinity())
    private let providers = Mutex<[String: ProviderHealth]>([:])

    package init() {}

    /// The state of a deployment, however many routes lead to it.
    func deployment(_ name: String, credentials: Int) -> DeploymentState {
        let found = deployments.withLock { all in
            if let found = all[name] { return found }
            let made = DeploymentState(name, credentials: credentials)
            all[name] = made
            return made
        }
        found.with { $0.setCredentials(credentials) }
        return found
    }

    /// What checks say of a provider.
    func health(_ provider: String) -> ProviderHealth {
        providers.withLock { all in
            if let found = all[provider] { return found }
            let made = ProviderHealth()
            all[provider] = made
            return made
        }
    }

    func route(_ name: String) -> RouteState {
        routes.withLock { all in
            if let found = all[name] { return found }
            let made = RouteState()
            all[name] = made
            return made
        }
    }

    func remember(_ key: AffinityKey, _ entry: AffinityEntry) { sessions.withLock { $0.remember(key, entry) } }
    func session(_ key: AffinityKey, at now: Timestamp) -> AffinityEntry? { sessions.withLock { $0.find(key, at: now) } }
}
