// LoginPace: how often a device may ask and a peer may be wrong. Pure: the time comes in. It is forgotten with the process, which
// costs a guesser a restart of the gateway to gain a few tries.

import GatewayModel

/// The pace of each waiting login (RFC 8628, section 3.5), and the mistakes of each peer.
struct LoginPace: Sendable {
    static let intervalSeconds: Int64 = 2
    /// Mistakes that a peer may make within `windowSeconds`.
    static let mistakesMax = 20
    static let windowSeconds: Int64 = 900
    /// So many are remembered; more than can wait at a time.
    private static let countMax = 20_000

    private struct Poll {
        var last: Timestamp
        var intervalSeconds: Int64
    }

    private struct Mistakes {
        var since: Timestamp
        var count: Int
    }

    private var polls: [String: Poll] = [:]
    private var mistakes: [String: Mistakes] = [:]

    /// Whether this poll comes too early. Each one that does makes the interval five seconds longer.
    mutating func isTooEarly(_ device: String, at now: Timestamp) -> Bool {
        guard var poll = polls[device] else {
            if polls.count >= Self.countMax { polls = polls.filter { now < $0.value.last.adding(seconds: Self.windowSeconds) } }
            if polls.count < Self.countMax { polls[device] = Poll(last: now, intervalSeconds: Self.intervalSeconds) }
            return false
        }
        // Networks shift a punctual poll by a little.
        let due = poll.last.nanoseconds + poll.intervalSeconds * 1_000_000_000 - 500_000_000
        let isEarly = now.nanoseconds < due
        if isEarly { poll.intervalSeconds += 5 }
        poll.last = now
        polls[device] = poll
        return isEarly
    }

    mutating func forget(_ device: String) { polls[device] = nil }

    /// Whether the peer has been wrong too often lately.
    func isShutOut(_ peer: String, at now: Timestamp) -> Bool {
        guard let found = mistakes[peer], now < found.since.adding(seconds: Self.windowSeconds) else { return false }
        return found.count >= Self.mistakesMax
    }

    mutating func noteMistake(_ peer: String, at now: Timestamp) {
        if let found = mistakes[peer], now < found.since.adding(seconds: Self.windowSeconds) {
            mistakes[peer] = Mistakes(since: found.since, count: found.count + 1)
            return
        }
        if mistakes.count >= Self.countMax { mistakes = mistakes.filter { now < $0.value.since.adding(seconds: Self.windowSeconds) } }
        if mistakes.count < Self.countMax { mistakes[peer] = Mistakes(since: now, count: 1) }
    }
}
