// RunawayWatch: the trails of all sessions of a node, and which of them are throttled or paused. Bounded: what has not been heard of for
// long is forgotten first; what is paused, or was granted more, is kept.

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

    /// Takes a turn again that was throttled, at its time.
    package func checkAgain(_ session: WatchedSession, under policy: RunawayPolicy, at now: Timestamp) -> RunawayVerdict {
        state.withLock { $0.checkAgain(session, policy, at: now) }
    }

    /// Takes what a turn cost.
    package func settled(_ session: WatchedSession, developer: String, cost: Int64, at now: Timestamp) {
        state.withLock { $0.settled(session, developer, cost, at: now) }
    }

    /// What a session would be granted: so much on top of what it has used. What it has used up and nobody speaks of it gets once more.
    /// Nil where nothing is known of the session.
    package func grant(
        _ session: WatchedSession, turns: Int64?, cost: Int64?, until: Timestamp?, by: String, reason: String,
        under policy: RunawayPolicy, at now: Timestamp
    ) -> SessionStanding? {
        state.withLock { $0.grant(session, turns, cost, until, by, reason, policy, at: now) }
    }

    /// Puts a standing in force: a grant, or what was so before a start. A session that is let go on has a clean trail.
    package func set(_ standing: SessionStanding) { state.withLock { $0.set(standing) } }

    /// What is remembered of a session that began before this process, or before it was watched.
    package func recall(_ session: WatchedSession, began: Timestamp, turns: Int64, cost: Int64) {
        state.withLock { $0.recall(session, began: began, turns: turns, cost: cost) }
    }

    /// What is remembered of a developer's hour. Hours are given in their order, before any later turn is settled.
    package func recall(developer: String, hour: Timestamp, turns: Int64, cost: Int64) {
        state.withLock { $0.recall(developer: developer, hour: hour, turns: turns, cost: cost) }
    }

    /// Sessions that are paused or were granted more, the latest first.
    package var standings: [SessionStanding] { state.withLock { $0.standings.values.sorted { $0.at > $1.at } } }

    /// What has a standing or a trail of this name, of any key.
    package func sessions(named name: String) -> [WatchedSession] { state.withLock { $0.sessions(named: name) } }

    /// What was noticed since the last time.
    package func takeFindings() -> [RunawayFinding] {
        state.withLock { state in
            let findings = state.findings
            state.findings = []
            return findings
        }
    }
}
