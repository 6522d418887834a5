// RunawayPolicy: when an agent counts as running away, and what is done then. A guard and no account: budgets and limits are exact
// (`Policy/Limits`), this looks at the order of a session's turns and at what the node remembers of it.

package import GatewayModel

/// What was noticed.
package enum RunawayKind: String, Sendable, CaseIterable {
    /// The same tool calls with the same results, over and over: one call, or a cycle of up to four.
    case repeatedCalls = "repeated_calls"
    /// The context grows turn by turn, and hardly any call is a new one.
    case growingContext = "growing_context"
    /// A developer's spend an hour is far above what it normally is.
    case burnRate = "burn_rate"
    /// The session has gone on for longer than it may.
    case longSession = "long_session"
    /// It has taken as many turns as it may.
    case manyTurns = "many_turns"
    /// It has cost as much as it may.
    case highCost = "high_cost"
}

/// What is done about it, the hardest last.
package enum RunawayAction: String, Sendable, CaseIterable, Comparable {
    case off
    /// People are told.
    case alert
    /// The session's turns come slowly from now on.
    case throttle
    /// The session waits until somebody with the right lets it go on.
    case pause

    private var weight: Int { Self.allCases.firstIndex(of: self) ?? 0 }

    package static func < (left: RunawayAction, right: RunawayAction) -> Bool { left.weight < right.weight }
}

/// The thresholds. They leave alone what people and agents do by intent: waiting for a build by asking again and again gives another
/// result in the end. Nothing is done unless it is asked for.
package struct RunawayPolicy: Sendable, Hashable {
    package var repeatedCalls: RunawayAction = .off
    /// How often the same calls with the same results may come in a row.
    package var repetitionsMax = 8
    package var growingContext: RunawayAction = .off
    /// For so many turns in a row without a word of a person, while the context grows twofold and three quarters of the calls are old.
    package var growingTurnsMin = 24
    package var burnRate: RunawayAction = .off
    /// So many times the developer's normal spend in an active hour.
    package var burnFactor = 10
    /// Below this nothing counts as fast.
    package var burnUSDPerHourMin = 20
    package var longSession: RunawayAction = .off
    /// From a session's first turn on.
    package var sessionMinutesMax = 480
    package var manyTurns: RunawayAction = .off
    package var sessionTurnsMax = 500
    package var highCost: RunawayAction = .off
    package var sessionUSDMax = 25
    /// The time between two turns of a throttled session.
    package var throttleSeconds = 10
    /// Whom to ask; refusals say it.
    package var contact: String?

    package init() {}

    package var isOff: Bool { RunawayKind.allCases.allSatisfy { action($0) == .off } }

    func action(_ kind: RunawayKind) -> RunawayAction {
        switch kind {
        case .repeatedCalls: repeatedCalls
        case .growingContext: growingContext
        case .burnRate: burnRate
        case .longSession: longSession
        case .manyTurns: manyTurns
        case .highCost: highCost
        }
    }

    /// What a session may use unless somebody granted more.
    var costMax: Int64 { Int64(sessionUSDMax).multipliedReportingOverflow(by: 1_000_000_000).partialValue }
}

/// A session as it is watched: it belongs to its key.
package struct WatchedSession: Sendable, Hashable {
    package var key: String
    package var session: String

    package init(key: String, session: String) {
        self.key = key
        self.session = session
    }

    package init(_ standing: SessionStanding) { self.init(key: standing.key, session: standing.session) }
}

/// What the end of a request shows. `Dialects` reads it: `readRequestTail`.
package struct TurnSigns: Sendable, Hashable {
    /// A hash of what opens the conversation: agents ask small things beside their work, under the same session.
    package var opener: UInt64
    /// A hash of the names and arguments of the last calls in the request; 0 when the last word is a person's.
    package var calls: UInt64
    /// A hash of what they gave back.
    package var results: UInt64
    /// The size of the request.
    package var bytes: Int64

    package init(opener: UInt64 = 0, calls: UInt64, results: UInt64, bytes: Int64) {
        self.opener = opener
        self.calls = calls
        self.results = results
        self.bytes = bytes
    }
}

/// One session that runs away.
package struct RunawayFinding: Sendable, Hashable {
    package var kind: RunawayKind
    package var action: RunawayAction
    package var session: WatchedSession
    package var developer: String
    /// How often, how many turns, how many times the normal, how many minutes, or nano-USD; and what was allowed of it.
    package var count: Int64
    package var allowed: Int64
    package var at: Timestamp

    /// What people and the agent are told.
    package var text: String {
        switch kind {
        case .repeatedCalls: "the same tool calls gave the same results \(count) times in a row (at most \(allowed))"
        case .growingContext: "it has grown for \(count) turns in a row with hardly a new tool call (at most \(allowed))"
        case .burnRate: "\(developer) spends \(count) times the normal of an active hour (at most \(allowed))"
        case .longSession: "it has gone on for \(count) minutes (at most \(allowed))"
        case .manyTurns: "it has taken \(count) turns (at most \(allowed))"
        case .highCost: "it has cost \(dollars(count)) (at most \(dollars(allowed)))"
        }
    }

    /// In cents.
    private func dollars(_ nano: Int64) -> String { "$" + NanoUSD(nano / 10_000_000 * 10_000_000).dollars }

    var standing: SessionStanding {
        SessionStanding(
            key: session.key, session: session.session, developer: developer, state: .paused, rule: kind.rawValue, text: text, at: at)
    }
}

/// The answer to a turn of a watched session.
package enum RunawayVerdict: Sendable, Hashable {
    case fine
    /// The turn may come at this time.
    case throttled(until: Timestamp, RunawayFinding)
    /// Refused until the session is let go on. With news, this turn is the first to be.
    case paused(SessionStanding, isNews: Bool)
}
