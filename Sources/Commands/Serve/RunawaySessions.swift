// RunawaySessions: the watch for agents that run away, over restarts: what it knows of sessions that began before, and grants. How a
// session stands is in the journal, and in the ledger as far as that has come.

import AdminAPI
import Console
import Foundation
import GatewayModel
import Journal
import Policy
import Proxy
import Storage
import Synchronization

/// The running server's watched sessions.
final class RunawaySessions: Sendable {
    let watch = RunawayWatch()
    private let databases: Databases
    private let journal: Journal
    private let clock: any GatewayClock
    private let state = Mutex(Held())

    private struct Held {
        var policy = RunawayPolicy()
        var isRecalled = false
        var knowsHours = false
    }

    /// So far back sessions are remembered, and as many of them as half of what is watched.
    private static let sessionSeconds: Int64 = 7 * 86_400
    private static let sessionsMax = 50_000
    /// What is normal for a developer is what was so for two weeks.
    private static let hourSeconds: Int64 = 14 * 86_400

    init(databases: Databases, journal: Journal, clock: any GatewayClock) {
        self.databases = databases
        self.journal = journal
        self.clock = clock
    }

    /// What is to be watched for from now on, nil for nothing. Reads the past the first time that something is; blocks for as long.
    func policy(_ policy: RunawayPolicy) throws -> RunawayPolicy? {
        try state.withLock { state in
            state.policy = policy
            if policy.isOff { return nil }
            let wantsHours = policy.burnRate != .off && !state.knowsHours
            if !state.isRecalled || wantsHours {
                try recall(sessions: !state.isRecalled, hours: wantsHours)
                state.isRecalled = true
                state.knowsHours = state.knowsHours || wantsHours
            }
            return policy
        }
    }

    private func recall(sessions: Bool, hours: Bool) throws {
        let now = clock.now()
        var past: [WatchedSession: PastSession] = [:]
        var standings: [SessionStanding] = []
        var cursor = try LedgerHistory.read(databases.ledger) { history in
            if hours {
                try history.developerHours(from: now.adding(seconds: -Self.hourSeconds).start(of: .hour)) { hour in
                    watch.recall(developer: hour.developer, hour: hour.hour, turns: hour.turns, cost: hour.cost)
                }
            }
            guard sessions else { return history.cursor }
            standings = try history.standings(max: Self.sessionsMax).reversed()
            for session in try history.sessions(since: now.adding(seconds: -Self.sessionSeconds), max: Self.sessionsMax) {
                past[WatchedSession(key: session.key, session: session.session)] = session
            }
            return history.cursor
        }
        guard sessions else { return }
        var reader = JournalReader(directory: journal.directory, skips: [.turnReserved, .turnSent, .turnProgress, .turnRefused])
        journal.writeStaged()
        while case let records = reader.read(after: cursor, countMax: 2000), let last = records.last {
            for record in records {
                record.json.withUnsafeBytes { json in
                    if record.kind == .entityChanged, let standing = decodeSessionChange(json) { standings.append(standing) }
                    guard record.kind == .turnSettled, let turn = decodeTurn(json), let name = turn.attribution.session?.value else {
                        return
                    }
                    let session = WatchedSession(key: turn.principal.keyID, session: name)
                    var known = past[session] ?? PastSession(key: session.key, session: name, began: turn.received)
                    known.turns += 1
                    known.cost.addSaturating(turn.cost.value)
                    past[session] = known
                }
            }
            cursor = last.position
        }
        for session in past.values {
            watch.recall(
                WatchedSession(key: session.key, session: session.session), began: session.began, turns: session.turns, cost: session.cost)
        }
        for standing in standings { watch.set(standing) }
    }

    /// Lets a session go on: journaled first, then in force.
    private func grant(_ session: WatchedSession, _ request: SessionGrantRequest, until: Timestamp?) throws -> SessionStanding? {
        let policy = state.withLock { $0.policy }
        guard !policy.isOff,
            let standing = watch.grant(
                session, turns: request.turns, cost: request.nanoUSD, until: until, by: request.by, reason: request.reason ?? "",
                under: policy, at: clock.now())
        else { return nil }
        _ = try journal.sessionChanged(standing, before: watch.standings.first { WatchedSession($0) == session })
        watch.set(standing)
        return standing
    }

    var access: SessionAccess {
        var access = SessionAccess()
        access.standings = { self.watch.standings }
        access.keys = { name in self.watch.sessions(named: name).map(\.key) }
        access.grant = { key, session, request, until in
            try self.grant(WatchedSession(key: key, session: session), request, until: until)
        }
        return access
    }
}
