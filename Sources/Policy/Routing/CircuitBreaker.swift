// CircuitBreaker: keeps turns from a deployment that fails, and lets single ones through to see whether it has recovered. A pure
// state machine: time comes in.

package import GatewayModel

/// When a deployment is taken out, and for how long.
package struct BreakerRule: Sendable, Hashable {
    /// So many failures in a row open it.
    package var failuresMax = 5
    /// So do failures in this share of the last turns, in per cent …
    package var failurePercentMax = 50
    /// … of which there must be so many within the window.
    package var turnsMin = 20
    package var windowSeconds = 30
    /// How long it stays open the first time; each time that a probe fails, twice as long.
    package var openSeconds = 10
    package var openSecondsMax = 300

    package init() {}
}

/// The breaker of one deployment. Its rule comes with each event: a deployment has one state, however many routes lead to it.
package struct CircuitBreaker: Sendable {
    /// What a turn meets.
    package enum State: String, Sendable, Codable {
        /// Turns pass.
        case closed
        /// No turn passes until the time is over.
        case open
        /// One turn at a time passes, as a probe.
        case halfOpen = "half_open"
    }

    /// Failures since the last success.
    package private(set) var failures = 0
    /// Openings without a success in between.
    private var openings = 0
    package private(set) var openUntil: Timestamp?
    /// Until when a probe that runs is waited for.
    private var probeUntil: Timestamp?
    private var window = FailureWindow()

    /// A probe that never ends (a stream of minutes is one) keeps others out this long.
    static var probeSeconds: Int64 { 60 }

    package init() {}

    package func state(at now: Timestamp) -> State {
        guard let openUntil else { return .closed }
        return now < openUntil ? .open : .halfOpen
    }

    /// Whether a turn may pass now.
    package func admits(at now: Timestamp) -> Bool {
        switch state(at: now) {
        case .closed: true
        case .open: false
        case .halfOpen: probeUntil.map { now >= $0 } ?? true
        }
    }

    /// A turn goes there. In half-open it is the probe.
    package mutating func begin(at now: Timestamp) {
        if state(at: now) == .halfOpen { probeUntil = now.adding(seconds: Self.probeSeconds) }
    }

    package mutating func succeeded(at now: Timestamp, _ rule: BreakerRule = BreakerRule()) {
        window.add(isFailure: false, at: now, windowSeconds: rule.windowSeconds)
        failures = 0
        openings = 0
        if openUntil != nil { window = FailureWindow() }
        openUntil = nil
        probeUntil = nil
    }

    package mutating func failed(at now: Timestamp, _ rule: BreakerRule = BreakerRule()) {
        window.add(isFailure: true, at: now, windowSeconds: rule.windowSeconds)
        failures += 1
        // What was under way when it opened, or went there for want of anything better, says nothing new.
        guard state(at: now) != .open else { return }
        let isOutlier =
            window.total >= rule.turnsMin && window.failures * 100 >= window.total * rule.failurePercentMax
        guard openUntil != nil || failures >= rule.failuresMax || isOutlier else { return }
        let (doubled, overflow) = Int64(rule.openSeconds).multipliedReportingOverflow(by: 1 << Int64(min(openings, 16)))
        openUntil = now.adding(seconds: overflow ? Int64(rule.openSecondsMax) : min(doubled, Int64(rule.openSecondsMax)))
        openings += 1
        probeUntil = nil
        window = FailureWindow()
    }

    /// A turn that was let through ended without saying anything of the deployment.
    package mutating func abandoned() { probeUntil = nil }
}

/// Turns and failures of the last seconds, in five parts of which the oldest is dropped whole.
struct FailureWindow: Sendable {
    private var parts: [(total: Int, failures: Int)] = []
    private var newest: Int64 = 0
    private static let count: Int64 = 5

    var total: Int { parts.reduce(0) { $0 + $1.total } }
    var failures: Int { parts.reduce(0) { $0 + $1.failures } }

    mutating func add(isFailure: Bool, at now: Timestamp, windowSeconds: Int) {
        let part = now.milliseconds / max(1, Int64(windowSeconds) * 1000 / Self.count)
        if parts.isEmpty || part - newest >= Self.count || part < newest {
            parts = Array(repeating: (0, 0), count: Int(Self.count))
        } else if part > newest {
            let passed = Int(part - newest)
            parts.removeFirst(passed)
            parts += Array(repeating: (0, 0), count: passed)
        }
        newest = part
        parts[parts.count - 1].total += 1
        if isFailure { parts[parts.count - 1].failures += 1 }
    }
}
