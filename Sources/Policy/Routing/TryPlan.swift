// TryPlan: what is tried after a try has failed: the next deployment, the same one again, or nothing. A pure state machine; time
// and chance come in.

package import GatewayModel

/// The tries of one turn.
package struct TryPlan: Sendable {
    /// What to do now.
    package enum Step: Sendable, Hashable {
        /// The failure is the client's.
        case stop
        /// Ask this deployment.
        case next(Int)
        /// Ask the same one after a while.
        case again(afterMilliseconds: Int64)
    }

    package let route: Route
    /// When the client has to have its first byte.
    package let deadline: Timestamp?
    /// The deployment that is being asked.
    package private(set) var current: Int
    package private(set) var tries = 1
    private var retries = 0
    /// What may still be asked, in order.
    private var rest: [Int]
    /// What only takes over from certain failures.
    private var reserves: [Int]

    /// Waiting for what asks for this much is better than going where no cache is warm.
    package static var shortWaitMilliseconds: Int64 { 1_000 }
    /// With nowhere else to go, this much is waited.
    package static var longWaitMilliseconds: Int64 { 10_000 }
    static var backoffMilliseconds: Int64 { 250 }
    static var backoffMillisecondsMax: Int64 { 5_000 }

    /// - Parameters:
    ///   - order: the deployments that may be asked, the first one first.
    ///   - reserves: those that only take over from certain failures.
    package init(_ route: Route, order: [Int], reserves: [Int] = [], received: Timestamp) {
        self.route = route
        current = order.first ?? 0
        rest = Array(order.dropFirst())
        self.reserves = reserves
        deadline = route.deadlineSeconds.map { received.adding(seconds: Int64($0)) }
    }

    /// Whether a failure of the present try could be mended by another.
    package var canGoOn: Bool { tries < route.triesMax && (!rest.isEmpty || !reserves.isEmpty || retries < route.retriesMax) }

    /// What may be asked, in order: the present one, then what is left. Reserves take over from failures alone.
    package var candidates: [Int] { [current] + rest }

    /// What is asked next when the present one fails.
    package var next: Int? { tries < route.triesMax ? rest.first : nil }

    /// Asks the next deployment beside the present one, which then is no longer the present one. False when there is none.
    package mutating func hedge() -> Bool {
        guard let index = next else { return false }
        rest.removeFirst()
        _ = move(to: index)
        return true
    }

    /// One that was asked before is the present one again.
    package mutating func resume(_ index: Int) { current = index }

    /// Leaves nothing to go to but these.
    package mutating func restrict(to allowed: (Int) -> Bool) {
        rest = rest.filter(allowed)
        reserves = reserves.filter(allowed)
    }

    /// The present try has failed.
    /// - Parameters:
    ///   - random: any number.
    ///   - takesRetry: takes one from the budget of retries; false when it is spent.
    package mutating func after(
        _ failure: TryFailure, at now: Timestamp, random: UInt64, takesRetry: () -> Bool
    ) -> Step {
        guard tries < route.triesMax, deadline.map({ now < $0 }) ?? true else { return .stop }
        if let index = reserves.firstIndex(where: { route.deployments[$0].only.contains(failure.kind) }) {
            return move(to: reserves.remove(at: index))
        }
        guard route.fallBackOn.contains(failure.kind) else { return .stop }
        if let wait = failure.retryAfterMilliseconds, wait <= Self.shortWaitMilliseconds,
            let step = again(failure, at: now, random, takesRetry)
        {
            return step
        }
        if !rest.isEmpty { return move(to: rest.removeFirst()) }
        return again(failure, at: now, random, takesRetry) ?? .stop
    }

    /// The deployment that was named by the last step cannot take the request.
    package mutating func skip() -> Step {
        rest.isEmpty ? .stop : move(to: rest.removeFirst(), isTry: false)
    }

    /// The same deployment by another credential: no retry, since nothing is asked twice of the same account.
    package mutating func changeCredential() { tries += 1 }

    private mutating func move(to index: Int, isTry: Bool = true) -> Step {
        if isTry { tries += 1 }
        retries = 0
        current = index
        return .next(index)
    }

    private mutating func again(
        _ failure: TryFailure, at now: Timestamp, _ random: UInt64, _ takesRetry: () -> Bool
    ) -> Step? {
        guard failure.kind.isTransient, retries < route.retriesMax else { return nil }
        let wait: Int64
        if let asked = failure.retryAfterMilliseconds {
            guard asked <= Self.longWaitMilliseconds else { return nil }
            // Not sooner than asked, and not all at once.
            wait = max(0, asked) + Int64(random % UInt64(Self.backoffMilliseconds))
        } else {
            let ceiling = min(Self.backoffMillisecondsMax, Self.backoffMilliseconds << Int64(min(retries, 8)))
            // Full jitter, but never at once.
            wait = ceiling / 4 + Int64(random % UInt64(ceiling * 3 / 4 + 1))
        }
        if let deadline, now.adding(milliseconds: wait) >= deadline { return nil }
        guard takesRetry() else { return nil }
        retries += 1
        tries += 1
        return .again(afterMilliseconds: wait)
    }
}
