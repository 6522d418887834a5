// RouteTypes: routes, deployments and providers as the admin API shows them.

package import GatewayModel

/// One credential of a provider at a deployment. Never the secret.
package struct CredentialView: Sendable, Codable {
    package var name: String
    package var weight: Int64
    /// `ready`, or `resting`.
    package var state: String
    /// What it rests from: `rate_limit`, `authentication`, `quota`, or `allowance` when the provider says that nothing is left.
    package var reason: String?
    package var restUntil: String?

    package init(name: String, weight: Int64, reason: String?, restUntil: Timestamp?) {
        self.name = name
        self.weight = weight
        state = restUntil == nil ? "ready" : "resting"
        self.reason = reason
        self.restUntil = restUntil?.rfc3339
    }

    enum CodingKeys: String, CodingKey {
        case name, weight, state, reason
        case restUntil = "rest_until"
    }
}

/// What active checks say of a provider, on this node.
package struct HealthView: Sendable, Codable {
    /// `up`, `down`, or `unknown` before the first check.
    package var state: String
    package var lastChecked: String?
    /// What the last check found wrong.
    package var problem: String?
    package var failuresInARow: Int

    package init(state: String, lastChecked: Timestamp?, problem: String?, failuresInARow: Int) {
        self.state = state
        self.lastChecked = lastChecked?.rfc3339
        self.problem = problem
        self.failuresInARow = failuresInARow
    }

    enum CodingKeys: String, CodingKey {
        case state
        case lastChecked = "last_checked"
        case problem
        case failuresInARow = "failures_in_a_row"
    }
}

/// One deployment of a route, with its state on this node.
package struct RouteDeploymentView: Sendable, Codable {
    package var deployment: String
    package var weight: Int64
    package var tier: String?
    /// The failures that it takes over from; empty for any.
    package var only: [String]
    package var hasCondition: Bool
    /// `closed`, `open` or `half_open`.
    package var breaker: String
    package var openUntil: String?
    package var failuresInARow: Int
    package var turns: Int64
    package var failures: Int64
    package var inFlight: Int64
    package var latencyMicroseconds: Int64?
    package var credentials: [CredentialView]
    /// Of its provider; absent where that is not checked.
    package var health: HealthView?

    package init(deployment: String, weight: Int64, breaker: String) {
        self.deployment = deployment
        self.weight = weight
        self.breaker = breaker
        only = []
        hasCondition = false
        failuresInARow = 0
        turns = 0
        failures = 0
        inFlight = 0
        credentials = []
    }

    enum CodingKeys: String, CodingKey {
        case deployment, weight, tier, only
        case hasCondition = "has_condition"
        case breaker
        case openUntil = "open_until"
        case failuresInARow = "failures_in_a_row"
        case turns, failures
        case inFlight = "in_flight"
        case latencyMicroseconds = "latency_us"
        case credentials, health
    }
}

/// One route.
package struct RouteView: Sendable, Codable {
    package var name: String
    package var models: [String]
    package var pick: String
    package var fallBackOn: [String]
    package var retriesMax: Int
    package var triesMax: Int
    package var deadlineSeconds: Int?
    package var firstByteSeconds: Int?
    package var affinity: String
    package var affinitySeconds: Int
    package var deployments: [RouteDeploymentView]
    /// How long answers are kept and given again, and to whom; absent where none is.
    package var cacheSeconds: Int?
    package var cacheScope: String?
    /// `p95`, or a time such as `1500 ms`, after which another deployment is asked beside a slow one; absent where none is.
    package var hedge: String?

    package init(name: String, models: [String], pick: String, deployments: [RouteDeploymentView]) {
        self.name = name
        self.models = models
        self.pick = pick
        self.deployments = deployments
        fallBackOn = []
        retriesMax = 0
        triesMax = 0
        affinity = "session"
        affinitySeconds = 0
    }

    enum CodingKeys: String, CodingKey {
        case name, models, pick
        case fallBackOn = "fall_back_on"
        case retriesMax = "retries_max"
        case triesMax = "tries_max"
        case deadlineSeconds = "deadline_seconds"
        case firstByteSeconds = "first_byte_seconds"
        case affinity
        case affinitySeconds = "affinity_seconds"
        case deployments
        case cacheSeconds = "cache_seconds"
        case cacheScope = "cache_scope"
        case hedge
    }
}

/// One provider, with the state of its deployments on routes.
package struct ProviderView: Sendable, Codable {
    package var name: String
    package var kind: String
    package var baseURL: String
    package var dialects: [String]
    package var credentials: Int
    package var deployments: [RouteDeploymentView]
    /// What active checks say of it; absent where it is not checked.
    package var health: HealthView?

    package init(
        name: String, kind: String, baseURL: String, dialects: [String], credentials: Int, deployments: [RouteDeploymentView]
    ) {
        self.name = name
        self.kind = kind
        self.baseURL = baseURL
        self.dialects = dialects
        self.credentials = credentials
        self.deployments = deployments
    }

    enum CodingKeys: String, CodingKey {
        case name, kind
        case baseURL = "base_url"
        case dialects, credentials, deployments, health
    }
}

/// What is asked of a route without a turn.
package struct RouteExplainRequest: Sendable, Codable {
    package var model: String
    package var key: String
    package var endpoint: String?
    package var inputTokens: Int64?
    package var tools: Int64?
    package var toolDepth: Int64?
    package var session: String?
    package var repository: String?
    package var branch: String?
    package var agent: String?

    package init(model: String, key: String) {
        self.model = model
        self.key = key
    }

    enum CodingKeys: String, CodingKey, CaseIterable {
        case model, key, endpoint
        case inputTokens = "input_tokens"
        case tools
        case toolDepth = "tool_depth"
        case session, repository, branch, agent
    }

    /// The members that a request may have.
    package static let members = CodingKeys.allCases.map(\.rawValue)
}
