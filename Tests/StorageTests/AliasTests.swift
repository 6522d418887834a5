// AliasTests: whatever is named in whatever order, the ledger is what the turns and the last names make of it, and no sum changes.

import GRDB
import GatewayModel
import Journal
import Reports
import Storage
import Testing
import WireFormat

struct AliasTests {
    private func tell(_ shop: Shop, _ kind: RepositoryAlias.Kind, _ scope: String, _ name: String, _ repository: String?) throws {
        let id = kind == .project ? "workspace" : "key_id"
        let subject = #""kind":"\#(kind.rawValue)","\#(id)":"\#(scope)","name":"\#(name)""#
        _ = try shop.journal.append(.entityChanged, at: FixedClock().now()) { writer in
            writer.field("entity", "repository_alias")
            writer.field("id", "alias_1")
            if let repository {
                writer.rawField("after", "{\(subject),\"repository\":\"\(repository)\"}".utf8)
            } else {
                writer.rawField("before", "{\(subject),\"repository\":\"gone\"}".utf8)
            }
        }
    }

    /// Random turns of some projects.
    private func turns(_ count: Int, seed: UInt64) -> [TurnRecord] {
        var generator = SeededGenerator(seed: seed &+ 7)
        return randomTurns(count, seed: seed).map { turn in
            var turn = turn
            if generator.number(0...2) > 0 { turn.attribution.project = "p\(generator.number(0...2))" }
            turn.attribution.clientVersion = generator.pick(["1.0", "2.0", nil])
            return turn
        }
    }

    /// Every sum by its labels as text, whatever numbers they got.
    private func picture(_ shop: Shop) throws -> [String: [String]] {
        try shop.ledger.read { database in
            var found: [String: [String]] = [:]
            let labels = labelColumns.joined(separator: ", l.")
            let measures = measureColumns.joined(separator: ", u.")
            for table in ["usage_hour", "usage_day", "usage_month", "usage_month_unbranched"] {
                found[table] = try Row.fetchAll(
                    database, sql: "SELECT u.bucket, l.\(labels), u.\(measures) FROM \(table) u JOIN label_set l ON l.id = u.labels"
                ).map { "\($0)" }.sorted()
            }
            found["usage_session"] = try Row.fetchAll(
                database,
                sql: """
                    SELECT s.key_id AS k, s.name AS n, u.bucket, l.\(labels), u.\(measures) FROM usage_session u
                    JOIN label_set l ON l.id = u.labels LEFT JOIN session s ON s.id = u.session_id
                    """
            ).map { "\($0)" }.sorted()
            let columns = measureColumns.joined(separator: ", ")
            found["session"] = try Row.fetchAll(database, sql: "SELECT key_id, name, repository, own_repository, \(columns) FROM session")
                .map { "\($0)" }.sorted()
            found["client_use"] = try Row.fetchAll(database, sql: "SELECT * FROM client_use").map { "\($0)" }.sorted()
            return found
        }
    }

    private func finish(_ projection: LedgerProjection) throws { while try projection.relabelStep() {} }

    /// A ledger that is made again from the journal, in one go, is the same.
    private func expectTheSameMadeAgain(_ shop: Shop) throws {
        let other = try Shop()
        let again = try LedgerProjection(other.ledger)
        try again.apply(shop.records())
        try finish(again)
        let (live, rebuilt) = (try picture(shop), try picture(other))
        for table in live.keys { #expect(live[table] == rebuilt[table], "\(table)") }
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64]) func theLedgerIsWhatTurnsAndLastNamesMakeOfIt(seed: UInt64) throws {
        let shop = try Shop()
        var generator = SeededGenerator(seed: seed)
        let turns = turns(1500, seed: seed)
        var projection = try LedgerProjection(shop.ledger)
        var last: [String: String] = [:]
        var start = 0
        while start < turns.count {
            let end = min(turns.count, start + 1 + Int(generator.next() % 300))
            try shop.settle(Array(turns[start..<end]))
            start = end
            let isProject = generator.number(0...1) == 0
            let (scope, name) =
                isProject
                ? ("default", "p\(generator.number(0...2))")
                : ("k00000000\(generator.number(0...6))", "session-\(generator.number(0...30))")
            let repository: String? = generator.pick(["github.com/acme/x", "github.com/acme/y", nil])
            try tell(shop, isProject ? .project : .session, scope, name, repository)
            last["\(isProject) \(scope) \(name)"] = repository
            // Some of it is projected, some of what is left done, and now and then the process is another.
            try projection.apply(shop.records().filter { $0.position > projection.cursor })
            for _ in 0..<generator.number(0...2) { _ = try projection.relabelStep() }
            if generator.number(0...2) == 0 { projection = try LedgerProjection(shop.ledger) }
        }
        try finish(projection)

        var expected = turns
        for index in expected.indices where expected[index].attribution.repository == nil {
            let turn = expected[index]
            let session = turn.attribution.session.flatMap { last["false \(turn.principal.keyID) \($0.value)"] }
            let name = session ?? turn.attribution.project.flatMap { last["true default \($0)"] }
            expected[index].attribution.repository = name.map { Label($0, .alias) }
        }
        let kept = try shop.reports.turns(filter: SpendFilter(), after: nil, limit: 5000).turns
        #expect(
            kept.sorted { $0.requestID.description < $1.requestID.description }
                == expected.sorted { $0.requestID.description < $1.requestID.description })
        for dimension in SpendDimension.allCases {
            let report = try shop.reports.spend(by: [dimension], filter: SpendFilter(), limit: 10_000)
            #expect(report.total.measures == sum(turns))
            for (label, group) in Dictionary(grouping: expected, by: { dimension.label($0) }) where !dimension.isInTime {
                #expect(report.rows.first { $0.labels == [label] }?.measures == sum(group), "\(dimension) \(label)")
            }
        }

        try expectTheSameMadeAgain(shop)
    }

    @Test func whatALostTryUsedElsewhereMovesWithItsTurn() throws {
        let shop = try Shop()
        let turns = turns(600, seed: 5).enumerated().map { number, turn in
            var turn = turn
            guard number.isMultiple(of: 3) else { return turn }
            turn.flags.insert(.spentTries)
            turn.cost += NanoUSD(7)
            turn.tries = [UpstreamTry(deployment: "bedrock/claude", status: 503, error: "upstream_503", microseconds: 5, cost: NanoUSD(7))]
            turn.tries[0].inputTokens = 3
            return turn
        }
        try shop.settle(turns)
        try shop.project()
        let projection = try LedgerProjection(shop.ledger)
        // There and back, to another and away: nothing is left behind where it was.
        for name in ["github.com/acme/x", nil, "github.com/acme/y"] {
            try tell(shop, .project, "default", "p0", name)
            try projection.apply(shop.records().filter { $0.position > projection.cursor })
            try finish(projection)
        }
        try expectTheSameMadeAgain(shop)
        let report = try shop.reports.spend(by: [.deployment, .repository], filter: SpendFilter())
        let there = report.rows.filter { $0.labels[0] == "bedrock/claude" }
        #expect(there.count > 2 && there.reduce(0) { $0 + $1.costNanoUSD } == 7 * 200)
        #expect(report.total.measures == sum(turns))
    }

    @Test func aStepThatFailsLeavesNothingHalfDone() throws {
        let shop = try Shop()
        var turns = turns(1200, seed: 9)
        for index in turns.indices {
            turns[index].attribution.repository = nil
            turns[index].attribution.project = "p"
        }
        try shop.settle(turns)
        try shop.project()
        try tell(shop, .project, "default", "p", "github.com/acme/x")
        try shop.project()
        let projection = try LedgerProjection(shop.ledger)
        #expect(try projection.relabelStep())
        let half = try picture(shop)
        try shop.ledger.write { try $0.execute(sql: "ALTER TABLE usage_month RENAME TO away") }
        #expect(throws: DatabaseError.self) { _ = try projection.relabelStep() }
        try shop.ledger.write { try $0.execute(sql: "ALTER TABLE away RENAME TO usage_month") }
        #expect(try picture(shop) == half)
        try finish(projection)
        let report = try shop.reports.spend(by: [.repository], filter: SpendFilter())
        #expect(report.rows.map(\.labels) == [["github.com/acme/x"]] && report.total.measures == sum(turns))
        #expect(try !shop.reports.isRelabelling())
    }
}

extension SpendDimension {
    fileprivate var isInTime: Bool { self == .hour || self == .day || self == .month }
}
