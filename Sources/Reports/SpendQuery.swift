// SpendQuery: from dimensions and a range to SQL over the fewest rollup rows: whole months from the months, whole days at the ends
// from the days, the hours that are left from the hours.

import GRDB
import GatewayModel
import Storage

/// One query over the rollups.
struct SpendQuery {
    let dimensions: [SpendDimension]
    /// Its ends are whole hours.
    let filter: SpendFilter
    let limit: Int

    /// The finest time that is asked for.
    private var timeUnit: CalendarUnit? {
        dimensions.contains(.hour)
            ? .hour : dimensions.contains(.day) ? .day : dimensions.contains(.month) ? .month : nil
    }

    private static let sums = """
        SUM(u.turns) AS turns, SUM(u.errors) AS errors, SUM(u.unpriced) AS unpriced, SUM(u.estimated) AS estimated,
        SUM(u.input + u.tool_prompt) AS input, SUM(u.cache_read) AS cache_read,
        SUM(u.cache_write_5m + u.cache_write_30m + u.cache_write_1h + u.cache_write_12h + u.cache_write_unknown)
        AS cache_write, SUM(u.output) AS output, SUM(u.reasoning) AS reasoning, SUM(u.cost) AS cost
        """

    /// The report's rows in its order, and whether there are no more.
    func rows(_ database: Database) throws -> (rows: [SpendRow], isWhole: Bool) {
        if dimensions.contains(.session) {
            let found = try sessionRows(database)
            return (ordered(found), false)
        }
        guard let unit = timeUnit, unit != .month else {
            let found = try rows(database, in: filter)
            return (ordered(Array(found.prefix(limit))), found.count <= limit)
        }
        return try timeline(database, unit)
    }

    /// The latest times first, a window after the other, until there are enough rows: a year of hours need not be read for a page.
    private func timeline(_ database: Database, _ unit: CalendarUnit) throws -> (rows: [SpendRow], isWhole: Bool) {
        guard let first = try Int64.fetchOne(database, sql: "SELECT MIN(bucket) FROM usage_hour"),
            let last = try Int64.fetchOne(database, sql: "SELECT MAX(bucket) FROM usage_hour")
        else { return ([], true) }
        let start = max(filter.since ?? Timestamp(seconds: first), Timestamp(seconds: first))
        var end = min(filter.until ?? Timestamp(seconds: last + 3600), Timestamp(seconds: last + 3600))
        var days: Int64 = unit == .hour ? 3 : 31
        var found: [SpendRow] = []
        while end > start, found.count <= limit {
            var window = filter
            window.since = max(start, end.adding(seconds: -days * 86_400).start(of: .day))
            window.until = end
            found += try rows(database, in: window)
            end = window.since ?? start
            days *= 2
        }
        return (ordered(Array(found.prefix(limit))), end <= start && found.count <= limit)
    }

    /// The sum over everything that the report covers.
    func total(_ database: Database) throws -> SpendRow {
        let source = source(filter, unit: .month)
        let (conditions, labels) = filter.labelConditions(prefix: "l.")
        let sql = """
            SELECT \(Self.sums) FROM \(source.sql) \(conditions.isEmpty ? "" : "JOIN label_set l ON l.id = u.labels")
            \(Self.condition(conditions))
            """
        let found = try Row.fetchOne(database, sql: sql, arguments: source.arguments + labels)
        guard let found, found["turns"] as Int64? != nil else { return .zero }
        return row(found, [])
    }

    private func rows(_ database: Database, in filter: SpendFilter) throws -> [SpendRow] {
        let source = source(filter, unit: timeUnit ?? .month)
        let (conditions, labels) = filter.labelConditions(prefix: "l.")
        let needsLabels = !conditions.isEmpty || dimensions.contains { !$0.isTime }
        return try rows(
            database, from: "\(source.sql) \(needsLabels ? "JOIN label_set l ON l.id = u.labels" : "")", conditions,
            source.arguments + labels)
    }

    /// By session: those that cost most are found first, so that the rest need not be read.
    private func sessionRows(_ database: Database) throws -> [SpendRow] {
        var (conditions, arguments) = filter.labelConditions(prefix: "l.")
        if conditions.isEmpty {
            var overlap: [String] = []
            if let since = filter.since {
                overlap.append("last_ns >= ?")
                arguments += [since.nanoseconds]
            }
            if let until = filter.until {
                overlap.append("first_ns < ?")
                arguments += [until.nanoseconds]
            }
            // One that reaches over the range's ends costs less within it, so twice as many are looked at. Several keys may use
            // one name, and a row is a name.
            conditions.append(
                """
                u.session_id IN (SELECT 0 UNION ALL SELECT id FROM session WHERE name IN (SELECT name FROM
                (SELECT name FROM session \(Self.condition(overlap)) ORDER BY cost DESC LIMIT \(limit * 2)) AS dearest))
                """)
        }
        for (time, comparison) in [(filter.since, ">="), (filter.until, "<")] {
            guard let time else { continue }
            conditions.append("u.bucket \(comparison) ?")
            arguments += [time.seconds]
        }
        let found = try rows(
            database,
            from: "usage_session u JOIN label_set l ON l.id = u.labels LEFT JOIN session s ON s.id = u.session_id",
            conditions, arguments)
        return Array(found.prefix(limit))
    }

    /// At most one row more than the limit: the dearest, or the latest.
    private func rows(
        _ database: Database, from source: String, _ conditions: [String], _ arguments: StatementArguments
    ) throws -> [SpendRow] {
        let names = (1...dimensions.count).map(String.init).joined(separator: ", ")
        let time = dimensions.firstIndex(where: \.isTime)
        // All times come from one column, so that one of them is enough to group by; rollups lie in its order.
        let groups = ([time].compactMap { $0 } + dimensions.indices.filter { !dimensions[$0].isTime }).map { String($0 + 1) }
        let order = time.map { "\($0 + 1) DESC, cost DESC" } ?? "cost DESC, \(names)"
        let columns = dimensions.enumerated().map { "\(bucket($0.element) ?? column($0.element)) AS d\($0.offset)" }
        let sql = """
            SELECT \(columns.joined(separator: ", ")), \(Self.sums) FROM \(source) \(Self.condition(conditions))
            GROUP BY \(groups.joined(separator: ", ")) ORDER BY \(order) LIMIT \(limit + 1)
            """
        return try Row.fetchAll(database, sql: sql, arguments: arguments).map { row($0, dimensions) }
    }

    private static func condition(_ conditions: [String]) -> String {
        conditions.isEmpty ? "" : "WHERE \(conditions.joined(separator: " AND "))"
    }

    private func ordered(_ rows: [SpendRow]) -> [SpendRow] {
        guard timeUnit != nil else { return rows }
        var merged: [SpendRow] = []
        for row in rows.sorted(by: { $0.labels.lexicographicallyPrecedes($1.labels) }) {
            // A session's sums are kept by the hour, whatever time is asked for.
            if let last = merged.indices.last, merged[last].labels == row.labels {
                merged[last].add(row)
            } else {
                merged.append(row)
            }
        }
        return merged
    }

    // MARK: Sources

    /// The rollup rows of a range as one table `u`.
    private func source(_ filter: SpendFilter, unit: CalendarUnit) -> (sql: String, arguments: StatementArguments) {
        var arguments: StatementArguments = []
        let parts = RollupPart.cover(since: filter.since, until: filter.until, by: unit).map { part -> String in
            var conditions: [String] = []
            for (time, comparison) in [(part.since, ">="), (part.until, "<")] {
                guard let time else { continue }
                conditions.append("bucket \(comparison) ?")
                arguments += [time.seconds]
            }
            // A part finer than the unit lies within one of it.
            let bucket =
                part.unit == unit ? "bucket" : String((part.since ?? Timestamp(seconds: 0)).start(of: unit).seconds)
            let measures = measureColumns.joined(separator: ", ")
            return
                "SELECT \(bucket) AS bucket, labels, \(measures) FROM \(table(part.unit)) \(Self.condition(conditions))"
        }
        let nothing = "SELECT * FROM usage_month WHERE bucket < bucket"
        return ("(\(parts.isEmpty ? nothing : parts.joined(separator: " UNION ALL "))) u", arguments)
    }

    private func table(_ unit: CalendarUnit) -> String {
        unit == .month && !dimensions.contains(.branch) ? "usage_month_unbranched" : "usage_\(unit.rawValue)"
    }

    /// Times in a report by session come in hours; they are cut down to what was asked for.
    private func bucket(_ dimension: SpendDimension) -> String? {
        guard dimension.isTime, dimensions.contains(.session), timeUnit == .day else { return nil }
        return "u.bucket - u.bucket % 86400"
    }

    private func row(_ row: Row, _ dimensions: [SpendDimension]) -> SpendRow {
        let labels = dimensions.enumerated().map { index, dimension -> String in
            guard dimension.isTime else { return row["d\(index)"] ?? "" }
            let text = Timestamp(seconds: row["d\(index)"]).rfc3339
            return String(text.prefix(dimension == .hour ? 13 : dimension == .day ? 10 : 7))
        }
        return SpendRow(
            labels: labels, turns: row["turns"], errors: row["errors"], unpricedTurns: row["unpriced"],
            estimatedTurns: row["estimated"], inputTokens: row["input"], cacheReadTokens: row["cache_read"],
            cacheWriteTokens: row["cache_write"], outputTokens: row["output"], reasoningTokens: row["reasoning"],
            costNanoUSD: row["cost"])
    }

    private func column(_ dimension: SpendDimension) -> String {
        switch dimension {
        case .developer: "l.owner"
        case .workspace: "l.workspace"
        case .team: "l.team"
        case .repository: "l.repository"
        case .branch: "l.branch"
        case .agent: "l.agent"
        case .client: "l.client"
        case .model: "l.model"
        case .deployment: "l.deployment"
        case .key: "l.key_id"
        case .session: "COALESCE(s.name, '')"
        case .hour, .day, .month: "u.bucket"
        }
    }
}

/// A range of one rollup.
struct RollupPart: Hashable {
    var unit: CalendarUnit
    /// Nil reaches to the end of what there is.
    var since: Timestamp?
    var until: Timestamp?

    /// The fewest rows that cover a range: whole units where it has them, finer ones at its ends.
    static func cover(since: Timestamp?, until: Timestamp?, by unit: CalendarUnit) -> [RollupPart] {
        if let since, let until, since >= until { return [] }
        guard let finer = unit.finer else { return [RollupPart(unit: unit, since: since, until: until)] }
        let first = since.map { $0.start(of: unit) == $0 ? $0 : $0.start(of: unit).next(unit) }
        let last = until.map { $0.start(of: unit) }
        if let first, let last, first > last { return cover(since: since, until: until, by: finer) }
        var parts: [RollupPart] = []
        if let since, let first { parts += cover(since: since, until: first, by: finer) }
        if first == nil || last == nil || first != last {
            parts.append(RollupPart(unit: unit, since: first, until: last))
        }
        if let last, let until { parts += cover(since: last, until: until, by: finer) }
        return parts
    }
}

extension CalendarUnit {
    fileprivate var finer: CalendarUnit? { self == .month ? .day : self == .day ? .hour : nil }
}

extension Timestamp {
    /// The start of the unit behind the one that begins here.
    fileprivate func next(_ unit: CalendarUnit) -> Timestamp {
        switch unit {
        case .hour: adding(seconds: 3600)
        case .day: adding(seconds: 86_400)
        case .month: adding(seconds: 32 * 86_400).start(of: .month)
        }
    }
}
