// GatewayMetrics: counters of the data plane. Labels never hold raw client input.

import Synchronization

/// A counter that any thread may raise.
package final class Counter: Sendable {
    private let storage = Atomic<Int64>(0)

    package init() {}

    package func increment(by amount: Int64 = 1) { storage.wrappingAdd(amount, ordering: .relaxed) }

    package var value: Int64 { storage.load(ordering: .relaxed) }
}

/// What the data plane counts since its start.
package struct GatewayMetrics: Sendable {
    package let connections = Counter()
    package let connectionsRefused = Counter()
    package let requests = Counter()
    package let refusedHeads = Counter()
    package let refusals = Counter()
    package let turnsSettled = Counter()
    package let turnsUnpriced = Counter()
    package let turnsEstimated = Counter()
    package let turnsOverReserved = Counter()
    package let journalFailures = Counter()
    package let staleRetries = Counter()
    package let upstreamFailures = Counter()
    package let retries = Counter()
    package let fallbacks = Counter()
    package let hedges = Counter()

    package init() {}
}

extension GatewayMetrics {
    /// Every counter by name.
    package var all: [String: Int64] {
        [
            "connections": connections.value, "connections_refused": connectionsRefused.value, "requests": requests.value,
            "refused_heads": refusedHeads.value, "refusals": refusals.value, "turns_settled": turnsSettled.value,
            "turns_unpriced": turnsUnpriced.value, "turns_estimated": turnsEstimated.value,
            "turns_over_reserved": turnsOverReserved.value,
            "journal_failures": journalFailures.value, "stale_retries": staleRetries.value,
            "upstream_failures": upstreamFailures.value, "retries": retries.value, "fallbacks": fallbacks.value, "hedges": hedges.value,
        ]
    }
}
