// TurnTries: what an exchange knows of the deployments that may serve it. Only a turn on a route has one, or a turn at a provider with
// several credentials.

import GatewayModel
import NIOCore
import Policy

/// The tries of one turn.
final class TurnTries {
    let route: RouteRuntime
    var plan: TryPlan
    let tier: RouteTier?
    /// The client's own body, until a byte of an answer has gone to the client: each try begins with it.
    var body: ByteBuffer
    /// What the tries before the present one have cost.
    var spent = NanoUSD.zero
    /// What those tries say of the turn: `estimated`, `unpriced`.
    var flags: TurnFlags = []
    /// Which credential of the present deployment is used.
    var credential = 0
    /// Those that have been tried there.
    var triedCredentials: Set<Int> = []
    /// The session that is remembered for the deployment that serves.
    let session: AffinityKey?
    /// The same for all turns of a session: what chooses its credential.
    let seed: UInt64
    let tokens: Int64
    /// The deployment counts this turn as running.
    private var entered: DeploymentState?
    /// What the answer says of the deployment has been told.
    private var isReported = false
    /// Asked beside the present try, and not the present one.
    var parked: ParkedTry?
    var hasHedged = false
    /// Where the present try's line stands in the turn's record, once it has one.
    var line: Int?
    /// When the next deployment is asked beside the present one.
    var hedge: Scheduled<Void>?
    /// A stream's head waits for its first event until then: what breaks off before that can still go on elsewhere.
    var headHeldUntil: NIODeadline?

    init(
        _ route: RouteRuntime, plan: TryPlan, tier: RouteTier?, body: ByteBuffer, session: AffinityKey?, seed: UInt64, tokens: Int64
    ) {
        self.route = route
        self.plan = plan
        self.tier = tier
        self.body = body
        self.session = session
        self.seed = seed
        self.tokens = tokens
    }

    var deployment: DeploymentRuntime { route.deployments[plan.current] }

    /// The present deployment is asked.
    func begin(at now: Timestamp) {
        let state = deployment.state
        entered = state
        isReported = false
        state.enter()
        state.with { $0.begin(at: now) }
    }

    /// An answer has begun that is no failure.
    func answered(after microseconds: Int64, at now: Timestamp) {
        guard let entered, !isReported else { return }
        isReported = true
        let (credential, rule) = (credential, route.route.breaker)
        entered.with { $0.answered(after: microseconds, credential: credential, at: now, rule) }
    }

    func failed(_ failure: TryFailure, at now: Timestamp) {
        guard let entered else { return }
        // A stream that breaks off counts against its deployment although its head was good.
        isReported = true
        let (credential, rule) = (credential, route.route.breaker)
        entered.with { $0.failed(failure, credential: credential, at: now, rule) }
    }

    /// The present try is put aside; its deployment counts it as running.
    func leaveSeat() -> DeploymentState? {
        defer { entered = nil }
        return entered
    }

    /// One that was put aside is the present one again.
    func takeSeat(_ state: DeploymentState?) {
        entered = state
        isReported = false
    }

    /// The present deployment is no longer asked.
    func end() {
        hedge?.cancel()
        hedge = nil
        guard let state = entered else { return }
        entered = nil
        state.leave()
        if !isReported { state.with { $0.breaker.abandoned() } }
    }
}
