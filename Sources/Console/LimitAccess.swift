// LimitAccess: what the admin API needs of the running server's budgets and limits.

package import AdminAPI
package import GatewayModel
import Identity
package import Policy

/// The running server's rules and counters.
package struct LimitAccess: Sendable {
    /// Every rule that holds, those of the configuration first.
    package var rules: @Sendable () async throws -> [LimitRule]
    /// The names that the configuration declares.
    package var declared: @Sendable () async -> Set<String>
    /// Whether a rule's past is counted up, so that it is enforced.
    package var isCounted: @Sendable (LimitRule) async -> Bool
    /// The counters of a rule, those that are used most first; at most 1000.
    package var counters: @Sendable (LimitRule) async -> [LimitCounterView]
    package var hasZone: @Sendable (String) -> Bool
    package var explain: @Sendable (LimitQuestion) async throws -> LimitExplanation
    package var simulate: @Sendable (LimitSimulationRequest) async throws -> LimitSimulation
    /// How a rule's counters came so far and will stand; nil of rules that cannot be forecast.
    package var forecast: @Sendable (LimitRule) async throws -> [LimitForecastView]?

    package init(
        rules: @escaping @Sendable () async throws -> [LimitRule], declared: @escaping @Sendable () async -> Set<String>,
        isCounted: @escaping @Sendable (LimitRule) async -> Bool,
        counters: @escaping @Sendable (LimitRule) async -> [LimitCounterView], hasZone: @escaping @Sendable (String) -> Bool,
        explain: @escaping @Sendable (LimitQuestion) async throws -> LimitExplanation,
        simulate: @escaping @Sendable (LimitSimulationRequest) async throws -> LimitSimulation,
        forecast: @escaping @Sendable (LimitRule) async throws -> [LimitForecastView]? = { _ in nil }
    ) {
        self.rules = rules
        self.declared = declared
        self.isCounted = isCounted
        self.counters = counters
        self.hasZone = hasZone
        self.explain = explain
        self.simulate = simulate
        self.forecast = forecast
    }
}

extension LimitAccess {
    /// The rules of the store alone, with nobody who counts.
    static func stored(_ directory: Directory) -> LimitAccess {
        @Sendable func refuse() -> IdentityError {
            IdentityError(.conflict, "server_not_running", "no server counts here now", mend: "start the server: weir serve")
        }
        return LimitAccess(
            rules: { try directory.limitRules() }, declared: { [] }, isCounted: { _ in false }, counters: { _ in [] },
            hasZone: { $0 == "UTC" }, explain: { _ in throw refuse() }, simulate: { _ in throw refuse() })
    }
}
