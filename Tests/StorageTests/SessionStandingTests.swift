// Sessions that were paused or let go on, from the journal to the ledger and back, and what a watch is told of the past.

import Foundation
import GatewayModel
import Journal
import Storage
import Testing

@Suite struct SessionStandingTests {
    private static let now = Timestamp(seconds: 1_790_000_000)

    private func standing(_ state: SessionStanding.State, key: String = "k1", at seconds: Int64 = 0) -> SessionStanding {
        var standing = SessionStanding(
            key: key, session: "ses \"1\"/ü", developer: "maria", state: state, rule: "repeated_calls", text: "9 times in a row",
            at: Self.now.adding(seconds: seconds))
        if state == .granted {
            (standing.turnsMax, standing.costMax, standing.until) = (40, 5_000_000_000, Self.now.adding(seconds: 7200))
            (standing.by, standing.reason) = ("ada", "release")
        }
        return standing
    }

    @Test func theLastRecordOfASessionSaysHowItStandsHoweverOftenTheJournalIsRead() throws {
        let shop = try Shop()
        let paused = standing(.paused)
        let granted = standing(.granted, at: 60)
        let other = standing(.paused, key: "k2", at: 30)
        _ = try shop.journal.sessionChanged(paused)
        _ = try shop.journal.sessionChanged(other)
        _ = try shop.journal.sessionChanged(granted, before: paused)
        #expect(shop.records().compactMap { $0.json.withUnsafeBytes { decodeSessionChange($0) } } == [paused, other, granted])
        try shop.project(batch: 2)
        let projection = try LedgerProjection(shop.ledger)
        try projection.apply(shop.records())
        let found = try LedgerHistory.read(shop.ledger) { try $0.standings(max: 10) }
        #expect(found == [granted, other])
    }

    @Test func whatSessionsAndDevelopersDidBeforeIsReadFromTheLedger() throws {
        let shop = try Shop()
        let turns = randomTurns(200, seed: 7)
        try shop.settle(turns)
        try shop.project()
        let (sessions, hours) = try LedgerHistory.read(shop.ledger) { history in
            var hours: [PastHour] = []
            try history.developerHours(from: Timestamp(nanoseconds: 0)) { hours.append($0) }
            return (try history.sessions(since: Timestamp(nanoseconds: 0), max: 1000), hours)
        }
        let inSessions = turns.filter { $0.attribution.session != nil }
        #expect(sessions.reduce(0) { $0 + $1.turns } == Int64(inSessions.count))
        #expect(sessions.reduce(0) { $0 + $1.cost } == inSessions.reduce(0) { $0 + $1.cost.value })
        #expect(hours.reduce(0) { $0 + $1.turns } == 200 && hours.reduce(0) { $0 + $1.cost } == turns.reduce(0) { $0 + $1.cost.value })
        #expect(hours.map(\.hour) == hours.map(\.hour).sorted())
    }
}
