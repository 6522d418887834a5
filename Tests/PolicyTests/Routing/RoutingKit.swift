// RoutingKit: times, chance by seed, and short routes for the tests of routing.

import GatewayModel
import Policy

/// SplitMix64: the same numbers for the same seed.
struct SeededRandom: RandomNumberGenerator {
    var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return mixed(state)
    }
}

/// So many milliseconds after a fixed moment, a Tuesday at 10:40 UTC.
func at(_ milliseconds: Int64) -> Timestamp { Timestamp(seconds: 1_795_516_800).adding(milliseconds: milliseconds) }

func makeRoute(_ count: Int, _ change: (inout Route) -> Void = { _ in }) -> Route {
    var route = Route(name: "sonnet", models: ["sonnet"], deployments: (0..<count).map { RouteDeployment("p\($0)/m") })
    change(&route)
    return route
}

func ready(_ count: Int) -> [CandidateFacts] { Array(repeating: CandidateFacts(.ready), count: count) }
