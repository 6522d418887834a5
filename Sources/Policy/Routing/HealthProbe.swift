// HealthProbe: what active checks say of one provider. A pure state machine: time and results come in.

package import GatewayModel

/// The checks of one provider.
package struct HealthProbe: Sendable, Hashable {
    /// Turns should go elsewhere.
    package private(set) var isDown = false
    /// Failures in a row, or passes, whichever came last.
    package private(set) var failures = 0
    package private(set) var passes = 0
    package private(set) var lastChecked: Timestamp?
    /// What the last check found wrong.
    package private(set) var problem: String?
    /// Since when it is down, or up again.
    package private(set) var changed: Timestamp?
    private var isRunning = false
    private var due: Timestamp?

    package init() {}

    /// Whether a check should begin now; then it has begun.
    package mutating func begins(_ rule: HealthRule, at now: Timestamp) -> Bool {
        guard !isRunning, due.map({ now >= $0 }) ?? true else { return false }
        isRunning = true
        due = now.adding(seconds: Int64(rule.seconds))
        return true
    }

    package mutating func passed(_ rule: HealthRule, at now: Timestamp) {
        (isRunning, lastChecked, problem, failures) = (false, now, nil, 0)
        passes += 1
        guard isDown, passes >= rule.passesMin else { return }
        isDown = false
        changed = now
    }

    package mutating func failed(_ problem: String, _ rule: HealthRule, at now: Timestamp) {
        (isRunning, lastChecked, passes) = (false, now, 0)
        self.problem = problem
        failures += 1
        guard !isDown, failures >= rule.failuresMax else { return }
        isDown = true
        changed = now
    }
}
