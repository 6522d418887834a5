// Exchange+Runaway: a turn's session is looked at once for an agent that runs away, before anything is reserved: the turn passes, waits
// its time, or is refused until a person lets the session go on. What counts as running away is `Policy/Runaway`.

import Dialects
import GatewayModel
import Journal
import NIOCore
import Policy
import WireFormat

/// A turn whose session is watched.
final class RunawayTurn {
    let session: WatchedSession
    /// A throttled turn is held no longer; an agent's own time-outs are longer.
    let deadline: Timestamp
    static let waitSecondsMax: Int64 = 60

    init(_ session: WatchedSession, since time: Timestamp) {
        self.session = session
        deadline = time.adding(seconds: Self.waitSecondsMax)
    }
}

extension Exchange {
    /// Whether the turn's session may go on. False when the turn has to wait; `reserve` is called again then.
    func passRunawayWatch(_ policy: RunawayPolicy, _ endpoint: Endpoint) throws(GatewayError) -> Bool {
        guard watched == nil, let turn, let request, let name = turn.record.attribution.session?.value else { return true }
        let session = WatchedSession(key: turn.record.principal.keyID, session: name)
        let tail = body.withUnsafeReadableBytes { readRequestTail(endpoint, request, body: $0) }
        // A request that goes on from a stored response shows what its calls gave and not the calls.
        let calls = tail.calls == 0 && tail.results != 0 ? tail.results | 1 : tail.calls
        let signs = TurnSigns(
            opener: request.openerHash, calls: calls, results: tail.results, bytes: Int64(body.readableBytes))
        let now = loop.shared.clock.now()
        watched = RunawayTurn(session, since: now)
        return try obey(
            loop.shared.runaway.check(session, developer: turn.record.principal.owner, signs, under: policy, at: now), policy, at: now)
    }

    private func obey(_ verdict: RunawayVerdict, _ policy: RunawayPolicy, at now: Timestamp) throws(GatewayError) -> Bool {
        switch verdict {
        case .fine: return true
        case .paused(let standing, let isNews):
            // The record is written before the refusal goes out: what a client was told is so after a crash too.
            if isNews, (try? loop.shared.journal.sessionChanged(standing)) == nil {
                loop.shared.metrics.journalFailures.increment()
            }
            throw .limited(LimitNotice(standing, contact: policy.contact))
        case .throttled(let until, let finding):
            guard let watched, until <= watched.deadline, client != nil else {
                throw .limited(LimitNotice(finding, until: until, at: now, contact: policy.contact))
            }
            phase = .waiting
            let bound = NIOLoopBound((self, policy), eventLoop: loop.eventLoop)
            let left = max(1, (until.nanoseconds - now.nanoseconds) / 1_000_000 + 1)
            loop.eventLoop.scheduleTask(in: .milliseconds(left)) { bound.value.0.goOnAfterThrottle(bound.value.1) }
            return false
        }
    }

    private func goOnAfterThrottle(_ policy: RunawayPolicy) {
        guard phase == .waiting, let watched, client != nil else { return }
        do throws(GatewayError) {
            let now = loop.shared.clock.now()
            guard try obey(loop.shared.runaway.checkAgain(watched.session, under: policy, at: now), policy, at: now) else { return }
            try reserve(target.endpoint ?? .chatCompletions)
        } catch {
            refuse(error)
            answer(error)
        }
    }
}

extension RunawayWatch {
    /// Takes what a turn cost.
    func settled(_ turn: RunawayTurn, _ record: TurnRecord) {
        settled(turn.session, developer: record.principal.owner, cost: record.cost.value, at: record.lastByte ?? record.received)
    }
}
