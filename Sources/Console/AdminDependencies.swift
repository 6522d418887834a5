// AdminDependencies: what the admin API's handlers need of the running server, so that they know nothing of how it is assembled.

package import AdminAPI
package import GatewayModel
package import Identity
package import Reports
package import Storage

/// The parts behind the handlers.
package struct AdminDependencies: Sendable {
    package var directory: Directory
    package var control: ControlStore
    package var reports: Reports
    package var clock: any GatewayClock
    package var random: any RandomSource
    /// Puts a change in force. Handlers answer only after it has returned.
    package var publish: @Sendable () async throws -> Void
    /// Waits until the ledger has everything that is journaled now.
    package var catchUp: @Sendable () async -> Void
    package var status: @Sendable () async -> StatusView
    /// Settled and refused turns as they are journaled.
    package var tail: @Sendable () -> AsyncStream<TurnRecord>
    /// Prices unpriced turns again; gives how many turns of which deployment were.
    package var rerate: @Sendable () async throws -> [UnpricedView]
    package var reload: @Sendable () async throws -> Void
    /// Routes and providers with their state on this node.
    package var routes: @Sendable () async -> [RouteView] = { [] }
    package var providers: @Sendable () async -> [ProviderView] = { [] }
    /// The exact response cache of this node.
    package var cache: @Sendable () -> CacheView = {
        CacheView(entries: 0, bytes: 0, bytesMax: 0, hits: 0, misses: 0, stored: 0, evictions: 0, savedNanoUSD: 0)
    }
    /// Journals a change of a policy that is told by lines. What it throws undoes the change.
    package var recordPolicy: @Sendable (_ policy: String, _ before: [String], _ after: [String]) throws -> Void = { _, _, _ in }
    package var purgeCache: @Sendable (CachePurgeRequest) -> Int = { _ in 0 }
    /// What a route would decide now.
    package var explainRoute: @Sendable (RouteExplainRequest) async throws -> RouteDecision = { request in
        throw IdentityError(.notFound, "route_not_found", "model \"\(request.model)\" has no route", mend: "weir route list")
    }
    /// The gateway's address as clients reach it; empty when it is not known.
    package var gateway: @Sendable () async -> String = { "" }
    package var limits: LimitAccess
    package var sessions = SessionAccess()
    /// Tells every receiver of alerts, or one, that they arrive.
    package var testAlerts: @Sendable (String?) async -> [AlertTestView] = { _ in [] }

    package init(
        directory: Directory, control: ControlStore, reports: Reports, clock: any GatewayClock, random: any RandomSource,
        publish: @escaping @Sendable () async throws -> Void, catchUp: @escaping @Sendable () async -> Void,
        status: @escaping @Sendable () async -> StatusView, tail: @escaping @Sendable () -> AsyncStream<TurnRecord>,
        rerate: @escaping @Sendable () async throws -> [UnpricedView], reload: @escaping @Sendable () async throws -> Void,
        limits: LimitAccess? = nil
    ) {
        self.directory = directory
        self.control = control
        self.reports = reports
        self.clock = clock
        self.random = random
        self.publish = publish
        self.catchUp = catchUp
        self.status = status
        self.tail = tail
        self.rerate = rerate
        self.reload = reload
        self.limits = limits ?? .stored(directory)
    }
}
