// RunawayWatch: the trails of all sessions of a node, and which of them are throttled or paused. Bounded: what has not been heard of for
// long is forgotten first, and what is paused is not.

package import GatewayModel
import Synchronization

/// Watches sessions for agents that run away. One short lock; asked once a turn where a policy is on.
package final class RunawayWatch: Sendable {
    private let state: Mutex<RunawayState>

    package init(sessionsMax: Int = 100_000) { state = Mutex(RunawayState(sessionsMax: sessionsMax)) }

    /// Takes a turn that wants to begin.
    package func check(
        _ session: WatchedSession, developer: String, _ signs: TurnSigns, under policy: RunawayPolicy, at now: Timestamp
    ) -> RunawayVerdict {
        if policy.isOff { return .fine }
        return state.withLock { $0.check(session, developer, signs, policy, at: now) }
    }

    /// Takes what a turn cost.
    package func settled(developer: String, cost: Int64, at now: Timestamp) {
        state.withLock { $0.settled(developer, cost, at: now) }
    }

    /// Pauses a session by hand, or again after a start.
    package func pause(_ finding: RunawayFinding) { state.withLock { $0.pause(finding) } }

    /// Lets a session go on with a clean trail. False when it was neither paused nor throttled.
    @discardableResult
    package func resume(_ session: WatchedSession) -> Bool { state.withLock { $0.resume(session) } }

    /// Those that are paused now.
    package var paused: [RunawayFinding] { state.withLock { $0.paused.values.sorted { $0.at < $1.at } } }

    /// What was noticed since the last time.
    package func takeFindings() -> [RunawayFinding] {
        state.withLock { state in
            let findings = state.findings
            state.findings = []
            return findings
        }
    }
}

/// The state machine.
struct RunawayState {
    /// Trails in two generations: the older one goes when the younger is full.
    private var young: [WatchedSession: SessionTrail] = [:]
    private var old: [WatchedSession: SessionTrail] = [:]
    private var burns: [String: BurnRate] = [:]
    private var burnsOld: [String: BurnRate] = [:]
    var paused: [WatchedSession: RunawayFinding] = [:]
    var findings: [RunawayFinding] = []
    private let half: Int

    static let findingsMax = 1024

    init(sessionsMax: Int) { half = max(1, sessionsMax / 2) }

    mutating func check(
        _ session: WatchedSession, _ developer: String, _ signs: TurnSigns, _ policy: RunawayPolicy, at now: Timestamp
    ) -> RunawayVerdict {
        if let finding = paused[session] { return .paused(finding) }
        var trail = young.removeValue(forKey: session) ?? old.removeValue(forKey: session) ?? SessionTrail()
        let (repetitions, growing) = trail.take(signs)
        let began = trail.began ?? now
        trail.began = began
        let seconds = max(0, now.seconds - began.seconds)
        var burning: Int64 = 0
        if policy.burnRate != .off, var burn = burns[developer] ?? burnsOld[developer] {
            burning = burn.factor(over: policy.burnNanoUSDPerHourMin, at: now)
        }
        var worst: RunawayFinding?
        let signsOfIt: [(RunawayKind, Int64, Bool)] = [
            (.repeatedCalls, repetitions, repetitions > Int64(policy.repetitionsMax)),
            (.growingContext, growing, growing > 0 && growing >= Int64(policy.growingTurnsMin)),
            (.burnRate, burning, burning >= policy.burnFactor), (.longSession, seconds / 60, seconds > policy.sessionSecondsMax),
        ]
        for (kind, count, isSo) in signsOfIt {
            guard isSo, policy.action(kind) != .off else {
                trail.isOver(kind)
                continue
            }
            let finding = RunawayFinding(
                kind: kind, action: policy.action(kind), session: session, developer: developer, count: count, at: now)
            if trail.isNews(kind), findings.count < Self.findingsMax { findings.append(finding) }
            if Self.weight(finding.action) > worst.map({ Self.weight($0.action) }) ?? 0 { worst = finding }
        }
        let verdict = decide(&trail, worst, policy, at: now)
        if young.count >= half {
            old = young
            young = [:]
        }
        young[session] = trail
        return verdict
    }

    private static func weight(_ action: RunawayAction) -> Int {
        switch action {
        case .off: 0
        case .alert: 1
        case .throttle: 2
        case .pause: 3
        }
    }

    private mutating func decide(
        _ trail: inout SessionTrail, _ worst: RunawayFinding?, _ policy: RunawayPolicy, at now: Timestamp
    ) -> RunawayVerdict {
        trail.finding = worst
        guard let worst else { return .fine }
        switch worst.action {
        case .off, .alert: return .fine
        case .pause:
            paused[worst.session] = worst
            return .paused(worst)
        case .throttle:
            // A turn that waited comes again at its time.
            let due = max(trail.nextAt, now)
            if due > now { return .throttled(until: due, worst) }
            let (next, overflow) = now.nanoseconds.addingReportingOverflow(policy.throttleMilliseconds &* 1_000_000)
            trail.nextAt = Timestamp(nanoseconds: overflow ? .max : next)
            return .fine
        }
    }

    mutating func settled(_ developer: String, _ cost: Int64, at now: Timestamp) {
        var burn = burns.removeValue(forKey: developer) ?? burnsOld.removeValue(forKey: developer) ?? BurnRate()
        burn.add(max(0, cost), at: now)
        if burns.count >= half {
            burnsOld = burns
            burns = [:]
        }
        burns[developer] = burn
    }

    mutating func pause(_ finding: RunawayFinding) { paused[finding.session] = finding }

    mutating func resume(_ session: WatchedSession) -> Bool {
        let wasThrottled = (young.removeValue(forKey: session) ?? old.removeValue(forKey: session))?.finding != nil
        return paused.removeValue(forKey: session) != nil || wasThrottled
    }
}
