// SpendOracleTests: a report holds what plain SQL finds in the same ledger: one GROUP BY over the finest sums, by every pair of
// dimensions, in odd ranges, under every filter.

import GRDB
import GatewayModel
import Reports
import Storage
import Testing

struct SpendOracleTests {
    @Test(arguments: [31, 32] as [UInt64]) func aReportHoldsWhatPlainSQLFinds(seed: UInt64) throws {
        let shop = try Shop()
        var generator = SeededGenerator(seed: seed)
        // The second shop has more sets of labels than are looked up one by one.
        let turns = randomTurns(seed == 31 ? 60 : 500, seed: seed)
        try shop.settle(turns)
        try shop.project(batch: 37)
        let pairs = SpendDimension.allCases.flatMap { first in
            SpendDimension.allCases.filter { $0 != first }.map { [first, $0] }
        }
        for dimensions in pairs + [[.team, .model, .day], [.branch, .client, .agent], [.session, .repository, .month]] {
            for _ in 0..<3 {
                let filter = randomFilter(turns, &generator)
                let report = try shop.reports.spend(by: dimensions, filter: filter, limit: 10_000)
                let rows = try oracle(shop.ledger, dimensions, filter)
                #expect(Set(report.rows) == Set(rows) && report.rows.count == rows.count, "\(dimensions) \(filter)")
                #expect(report.rest == nil)
                let cut = try shop.reports.spend(by: dimensions, filter: filter, limit: 7)
                #expect(cut.total == report.total && cut.rows.allSatisfy(rows.contains) && cut.rows.count == min(7, rows.count))
                guard Set(dimensions).isDisjoint(with: [.hour, .day, .month, .session]) else { continue }
                let dearest = rows.sorted {
                    $0.costNanoUSD != $1.costNanoUSD
                        ? $0.costNanoUSD > $1.costNanoUSD : $0.labels.lexicographicallyPrecedes($1.labels)
                }
                #expect(report.rows == dearest && cut.rows == Array(dearest.prefix(7)))
            }
        }
    }

    @Test func labelsOfOtherScriptsAreToldApartByTheirBytes() throws {
        let shop = try Shop()
        let time = FixedClock().now()
        // One word, composed and decomposed; a name within a name; nothing at all.
        let names = ["caf\u{e9}", "cafe\u{301}", "caf", "日本", "🦊🦊🦊🦊🦊🦊", ""]
        try shop.settle(
            names.enumerated().map { index, name in
                var turn = makeTurn(UInt64(index), at: time)
                turn.attribution.branch = name.isEmpty ? nil : Label(name, .agent)
                return turn
            })
        try shop.project()
        let report = try shop.reports.spend(by: [.branch, .client], filter: SpendFilter())
        #expect(report.rows.map { Array($0.labels[0].utf8) } == names.map { Array($0.utf8) }.sorted { $0.lexicographicallyPrecedes($1) })
    }

    private func randomFilter(_ turns: [TurnRecord], _ generator: inout SeededGenerator) -> SpendFilter {
        var filter = SpendFilter()
        let one = generator.pick(turns)
        if generator.number(0...2) == 0 { filter.developer = one.principal.owner }
        if generator.number(0...5) == 0 { filter.team = one.principal.team }
        if generator.number(0...5) == 0 { filter.repository = one.attribution.repository?.value ?? "" }
        if generator.number(0...5) == 0 { filter.model = generator.pick([one.model, "none"]) }
        if generator.number(0...5) == 0 { filter.key = one.principal.keyID }
        var ends = [generator.pick(turns).received, generator.pick(turns).received].sorted()
        let unit = generator.pick(CalendarUnit.allCases)
        ends = ends.map { $0.start(of: unit) }
        if generator.number(0...2) > 0 { filter.since = ends[0] }
        if generator.number(0...2) > 0 { filter.until = ends[1] }
        return filter
    }

    /// One GROUP BY over the sums of sessions by the hour.
    private func oracle(_ ledger: DatabasePool, _ dimensions: [SpendDimension], _ filter: SpendFilter) throws -> [SpendRow] {
        let columns = dimensions.map { dimension in
            switch dimension {
            case .developer: "l.owner"
            case .key: "l.key_id"
            case .session: "COALESCE(s.name, '')"
            case .hour: "strftime('%Y-%m-%dT%H', u.bucket, 'unixepoch')"
            case .day: "strftime('%Y-%m-%d', u.bucket, 'unixepoch')"
            case .month: "strftime('%Y-%m', u.bucket, 'unixepoch')"
            default: "l.\(dimension.rawValue)"
            }
        }
        var conditions = ["1 = 1"]
        var arguments: StatementArguments = []
        func ask(_ condition: String, _ value: (any DatabaseValueConvertible)?) {
            guard let value else { return }
            conditions.append(condition)
            arguments += [value]
        }
        ask("l.owner = ?", filter.developer)
        ask("l.team = ?", filter.team)
        ask("l.repository = ?", filter.repository)
        ask("l.model = ?", filter.model)
        ask("l.key_id = ?", filter.key)
        ask("u.bucket >= ?", filter.since?.seconds)
        ask("u.bucket < ?", filter.until?.seconds)
        let sql = """
            SELECT \(columns.joined(separator: ", ")), SUM(u.turns), SUM(u.errors), SUM(u.unpriced), SUM(u.estimated),
            SUM(u.input) + SUM(u.tool_prompt), SUM(u.cache_read), SUM(u.cache_write_5m) + SUM(u.cache_write_30m)
            + SUM(u.cache_write_1h) + SUM(u.cache_write_12h) + SUM(u.cache_write_unknown), SUM(u.output), SUM(u.reasoning),
            SUM(u.cost)
            FROM usage_session u JOIN label_set l ON l.id = u.labels LEFT JOIN session s ON s.id = u.session_id
            WHERE \(conditions.joined(separator: " AND "))
            GROUP BY \(dimensions.indices.map { String($0 + 1) }.joined(separator: ", "))
            """
        return try ledger.read { database in
            try Row.fetchAll(database, sql: sql, arguments: arguments).map { row in
                let at = dimensions.count
                return SpendRow(
                    labels: dimensions.indices.map { row[$0] }, turns: row[at], errors: row[at + 1], unpricedTurns: row[at + 2],
                    estimatedTurns: row[at + 3], inputTokens: row[at + 4], cacheReadTokens: row[at + 5],
                    cacheWriteTokens: row[at + 6], outputTokens: row[at + 7], reasoningTokens: row[at + 8],
                    costNanoUSD: row[at + 9])
            }
        }
    }
}
