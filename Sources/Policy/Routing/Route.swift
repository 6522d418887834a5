// Route: which deployments serve a model, in which order, and what happens when one fails. As configured; pure values.

/// How a route finds the deployment that is asked first.
package enum RoutePick: String, Sendable, Codable, CaseIterable {
    /// The first in the list that may serve.
    case order
    /// By chance, by the weights.
    case weight
    /// The one whose answers began soonest of late.
    case leastLatency = "least_latency"
    /// The one with the fewest turns in flight, for its weight.
    case leastBusy = "least_busy"
    /// The one where this turn costs least, the price of a cold cache included.
    case lowestCost = "lowest_cost"
    /// By the size of the turn: small, middle, large.
    case tiers
}

/// The sizes of turns.
package enum RouteTier: String, Sendable, Codable, CaseIterable {
    case small, middle, large

    /// From 0.
    package var rank: Int { self == .small ? 0 : self == .middle ? 1 : 2 }
}

/// One deployment of a route.
package struct RouteDeployment: Sendable, Hashable {
    /// `provider/model`.
    package var deployment: String
    package var weight: Int64 = 1
    package var condition = RouteCondition()
    /// It only takes over from another that failed so; empty for any.
    package var only: Set<FailureClass> = []
    package var tier: RouteTier?

    package init(_ deployment: String) { self.deployment = deployment }
}

/// When a second deployment is asked beside a slow first one.
package struct HedgeRule: Sendable, Hashable {
    /// Nil is the time within which 95 of 100 of the deployment's late answers began.
    package var milliseconds: Int?

    package init(milliseconds: Int? = nil) { self.milliseconds = milliseconds }
}

/// A route. Its name is what is on the turns that it decided.
package struct Route: Sendable, Hashable {
    package var name: String
    /// The names that a client asks for.
    package var models: [String]
    package var pick = RoutePick.order
    package var deployments: [RouteDeployment]
    /// The failures after which another deployment is tried.
    package var fallBackOn: Set<FailureClass> = Self.standardFallBack
    /// How often the same deployment is asked again.
    package var retriesMax = 1
    /// How often anything is asked for one turn.
    package var triesMax = 6
    /// The time until the first byte, all tries together.
    package var deadlineSeconds: Int?
    /// The time until the first byte of one try; nil is the gateway's limit.
    package var firstByteSeconds: Int?
    package var affinity = AffinityRule()
    package var breaker = BreakerRule()
    package var tiers = TierRule()
    /// The exact response cache; nil keeps nothing.
    package var cache: CacheRule?
    /// Nil asks one deployment at a time.
    package var hedge: HedgeRule?

    package init(name: String, models: [String], deployments: [RouteDeployment]) {
        self.name = name
        self.models = models
        self.deployments = deployments
    }

    /// What says nothing about the request itself.
    package static let standardFallBack: Set<FailureClass> = [
        .connect, .timeout, .reset, .malformed, .server, .overload, .rateLimit, .quota, .authentication,
    ]

    /// A route's deployments are few: each is weighed for every turn and stands in its record.
    package static let deploymentsMax = 16
}
