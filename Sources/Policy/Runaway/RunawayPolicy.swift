// RunawayPolicy: when an agent counts as running away, and what is done then. Caps on a session's turns, cost and tokens are ordinary
// limits grouped by session; here stands what only the order of its turns shows.

package import GatewayModel

/// What was noticed.
package enum RunawayKind: String, Sendable, Codable, CaseIterable {
    /// The same tool calls with the same results, over and over: one call, or a cycle of up to four.
    case repeatedCalls = "repeated_calls"
    /// The context grows turn by turn, and hardly any call is a new one.
    case growingContext = "growing_context"
    /// A developer's spend an hour is far above what it normally is.
    case burnRate = "burn_rate"
    /// The session has gone on for longer than it may.
    case longSession = "long_session"
}

/// What is done about it.
package enum RunawayAction: String, Sendable, Codable, CaseIterable {
    case off
    /// People are told.
    case alert
    /// The session's turns come slowly from now on.
    case throttle
    /// The session waits until somebody with the right lets it go on.
    case pause
}

/// The thresholds. The defaults leave alone what people and agents do by intent: waiting for a build by asking again and again gives
/// another result in the end.
package struct RunawayPolicy: Sendable, Hashable, Codable {
    package var repeatedCalls: RunawayAction = .alert
    /// How often the same calls with the same results may come in a row.
    package var repetitionsMax: Int = 8
    package var growingContext: RunawayAction = .alert
    /// For so many turns in a row without a word of a person, while the context grows twofold and three quarters of the calls are old.
    package var growingTurnsMin: Int = 24
    package var burnRate: RunawayAction = .alert
    /// So many times the developer's normal spend in an active hour.
    package var burnFactor: Int64 = 10
    /// Below this nothing counts as fast, in nano-USD an hour.
    package var burnNanoUSDPerHourMin: Int64 = 20_000_000_000
    package var longSession: RunawayAction = .off
    /// From a session's first turn on, or from when somebody let it go on.
    package var sessionSecondsMax: Int64 = 8 * 3600
    /// The time between two turns of a throttled session.
    package var throttleMilliseconds: Int64 = 10_000

    package init() {}

    enum CodingKeys: String, CodingKey {
        case repeatedCalls = "repeated_calls"
        case repetitionsMax = "repetitions_max"
        case growingContext = "growing_context"
        case growingTurnsMin = "growing_turns_min"
        case burnRate = "burn_rate"
        case burnFactor = "burn_factor"
        case burnNanoUSDPerHourMin = "burn_nano_usd_per_hour_min"
        case longSession = "long_session"
        case sessionSecondsMax = "session_seconds_max"
        case throttleMilliseconds = "throttle_milliseconds"
    }

    package var isOff: Bool { RunawayKind.allCases.allSatisfy { action($0) == .off } }

    func action(_ kind: RunawayKind) -> RunawayAction {
        switch kind {
        case .repeatedCalls: repeatedCalls
        case .growingContext: growingContext
        case .burnRate: burnRate
        case .longSession: longSession
        }
    }
}

/// A session as it is watched: it belongs to its key.
package struct WatchedSession: Sendable, Hashable, Codable {
    package var key: String
    package var session: String

    package init(key: String, session: String) {
        self.key = key
        self.session = session
    }
}

/// What the end of a request shows. `Dialects` reads it: `readRequestTail`.
package struct TurnSigns: Sendable, Hashable {
    /// A hash of the names and arguments of the last calls in the request; 0 when the last word is a person's.
    package var calls: UInt64
    /// A hash of what they gave back.
    package var results: UInt64
    /// The size of the request.
    package var bytes: Int64

    package init(calls: UInt64, results: UInt64, bytes: Int64) {
        self.calls = calls
        self.results = results
        self.bytes = bytes
    }
}

/// One session that runs away.
package struct RunawayFinding: Sendable, Hashable, Codable {
    package var kind: RunawayKind
    package var action: RunawayAction
    package var session: WatchedSession
    package var developer: String
    /// How often, how many turns, how many times the normal, or how many minutes.
    package var count: Int64
    package var at: Timestamp

    /// What people and the agent are told.
    package var text: String {
        switch kind {
        case .repeatedCalls: "the same tool calls gave the same results \(count) times in a row"
        case .growingContext: "the context has grown for \(count) turns in a row with hardly a new tool call"
        case .burnRate: "\(developer) spends \(count) times the normal of an active hour"
        case .longSession: "the session has gone on for \(count) minutes"
        }
    }
}

/// The answer to a turn of a watched session.
package enum RunawayVerdict: Sendable, Hashable {
    case fine
    /// The turn may come at this time.
    case throttled(until: Timestamp, RunawayFinding)
    /// Refused until the session is let go on.
    case paused(RunawayFinding)
}
