// SessionTests: sessions with their sub-agents and parents, and pages that are complete while the list grows.

import GRDB
import GatewayModel
import Journal
import Reports
import Storage
import Testing

struct SessionTests {
    private let start = Timestamp(seconds: 1_790_000_000)

    @Test func aSessionIsTheSumOfItsTurns() throws {
        let shop = try Shop()
        let turns = randomTurns(500, seed: 31)
        try shop.settle(turns)
        try shop.project()
        let rows = try shop.reports.sessions(filter: SpendFilter(), after: nil, limit: 1000).sessions
        struct Name: Hashable {
            var key: String
            var session: String
        }
        let wanted = Dictionary(grouping: turns.filter { $0.attribution.session != nil }) { turn in
            Name(key: turn.principal.keyID, session: turn.attribution.session?.value ?? "")
        }
        #expect(rows.count == wanted.count)
        for row in rows {
            let own = wanted[Name(key: row.keyID, session: row.session)] ?? []
            #expect(row.turns == Int64(own.count) && row.costNanoUSD == own.reduce(0) { $0 + $1.cost.value })
            #expect(row.firstTime == own.map(\.received).min()?.rfc3339)
            #expect(row.lastTime == own.compactMap(\.lastByte).max()?.rfc3339)
        }
    }

    @Test func aSessionIsShownWithItsSubAgentsAndWithThoseThatItIsTheParentOf() throws {
        let shop = try Shop()
        func turn(_ number: UInt64, _ session: String, parent: String? = nil, agent: String? = nil) -> TurnRecord {
            var turn = makeTurn(number, at: start.adding(seconds: Int64(number)), session: session)
            turn.attribution.parentSession = parent.map { Label($0, .agent) }
            turn.attribution.subAgent = agent.map { Label($0, .agent) }
            return turn
        }
        let root = [
            turn(1, "root"), turn(2, "root", agent: "explore-1"), turn(5, "root", agent: "plan-2"),
            turn(6, "root", agent: "plan-2"),
        ]
        let child = [turn(3, "child", parent: "root"), turn(4, "child")]
        try shop.settle(root + child + [turn(7, "other")])
        try shop.project(batch: 2)
        let rows = try shop.reports.session("root")
        #expect(rows.map(\.session) == ["root", "child"])
        #expect(rows[0].subAgents == ["explore-1", "plan-2"] && rows[0].turns == 4)
        #expect(rows[1].parentSession == "root" && rows[1].turns == 2)
        #expect(try shop.reports.turns(ofSession: "root", limit: 100).turns == root)
        #expect(try shop.reports.turns(ofSession: "root", limit: 2).turns == Array(root.prefix(2)))
        #expect(try shop.reports.session("nobody").isEmpty)
    }

    @Test func twoKeysMayUseOneName() throws {
        let shop = try Shop()
        try shop.settle([makeTurn(1, at: start, session: "s"), makeTurn(2, at: start, session: "s", key: "k000000002")])
        try shop.project()
        #expect(Set(try shop.reports.session("s").map(\.keyID)) == ["k000000001", "k000000002"])
    }

    @Test func pagesOfTurnsAreCompleteWhileTurnsComeIn() throws {
        let shop = try Shop()
        let turns = randomTurns(300, seed: 32)
        try shop.settle(turns)
        try shop.project()
        var seen: [RequestID] = []
        var after: RequestID?
        var late: UInt64 = 0
        repeat {
            let page = try shop.reports.turns(filter: SpendFilter(), after: after, limit: 17)
            seen += page.turns.map(\.requestID)
            after = page.next
            // Newer turns arrive between the pages.
            late += 1
            try shop.settle([makeTurn(90_000 + late, at: Timestamp(seconds: 1_796_000_000 + Int64(late)))])
            try shop.project()
        } while after != nil
        #expect(seen == turns.map(\.requestID).sorted(by: >))
    }

    @Test func pagesOfSessionsAreCompleteWhileSessionsComeIn() throws {
        let shop = try Shop()
        // Many sessions that ended in the same instant.
        try shop.settle(
            (0..<90).map { makeTurn(UInt64($0), at: start.adding(seconds: Int64($0 / 20)), session: "s\($0)") })
        try shop.project()
        var seen: [String] = []
        var after: SessionCursor?
        var late = 0
        repeat {
            let page = try shop.reports.sessions(filter: SpendFilter(), after: after, limit: 7)
            seen += page.sessions.map(\.session)
            after = page.next.flatMap { SessionCursor($0) }
            late += 1
            try shop.settle([
                makeTurn(UInt64(5000 + late), at: start.adding(seconds: 500 + Int64(late)), session: "late\(late)")
            ])
            try shop.project()
        } while after != nil
        #expect(seen.count == 90 && Set(seen) == Set((0..<90).map { "s\($0)" }))
    }

    @Test func listsKeepToTheirFilters() throws {
        let shop = try Shop()
        let turns = randomTurns(400, seed: 33)
        try shop.settle(turns)
        try shop.project()
        var filter = SpendFilter()
        filter.developer = "dev2"
        filter.model = "o9"
        filter.since = Timestamp(rfc3339: "2026-09-03T04:05:06.5Z")
        filter.until = Timestamp(rfc3339: "2026-11-05T00:00:00.123Z")
        let wanted = turns.filter { turn in
            turn.principal.developer == "dev2" && turn.model == "o9" && filter.since.map { turn.received >= $0 } == true
                && filter.until.map { turn.received < $0 } == true
        }
        let found = try shop.reports.turns(filter: filter, after: nil, limit: 1000).turns
        #expect(!wanted.isEmpty && found == wanted.sorted { $0.requestID > $1.requestID })
        filter.since = nil
        filter.until = nil
        let sessions = try shop.reports.sessions(filter: filter, after: nil, limit: 1000).sessions.map(\.session)
        let named = turns.filter { $0.principal.developer == "dev2" && $0.model == "o9" }.compactMap(
            \.attribution.session?.value)
        #expect(Set(sessions) == Set(named))
    }
}
