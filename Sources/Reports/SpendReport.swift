// SpendReport: who spent what, by one to three dimensions, from rollups alone. What carries no label is a row of its own.

package import GRDB
package import GatewayModel
import Storage

/// What a report can be broken down by.
package enum SpendDimension: String, Sendable, CaseIterable, Codable {
    case developer, team, repository, branch, session, agent, client, model, deployment, key, hour, day, month
}

/// Which turns a report covers. Nil takes all.
package struct SpendFilter: Sendable, Hashable {
    package var since: Timestamp?
    package var until: Timestamp?
    package var developer: String?
    package var team: String?
    package var repository: String?
    package var model: String?
    package var key: String?

    package init() {}
}

/// One row of a report, or its total.
package struct SpendRow: Sendable, Codable, Hashable {
    /// In the order of the report's dimensions; empty text is unattributed.
    package var labels: [String]
    package var turns: Int64
    package var errors: Int64
    package var unpricedTurns: Int64
    package var estimatedTurns: Int64
    package var inputTokens: Int64
    package var cacheReadTokens: Int64
    package var cacheWriteTokens: Int64
    package var outputTokens: Int64
    package var reasoningTokens: Int64
    package var costNanoUSD: Int64

    enum CodingKeys: String, CodingKey {
        case labels, turns, errors
        case unpricedTurns = "unpriced_turns"
        case estimatedTurns = "estimated_turns"
        case inputTokens = "input_tokens"
        case cacheReadTokens = "cache_read_tokens"
        case cacheWriteTokens = "cache_write_tokens"
        case outputTokens = "output_tokens"
        case reasoningTokens = "reasoning_tokens"
        case costNanoUSD = "cost_nano_usd"
    }

    /// The share of input that came from a prompt cache, in per mille; nil without input.
    package var cacheHitPerMille: Int64? {
        let total = inputTokens + cacheReadTokens + cacheWriteTokens
        return total > 0 ? cacheReadTokens * 1000 / total : nil
    }

    mutating func add(_ other: SpendRow) {
        turns += other.turns
        errors += other.errors
        unpricedTurns += other.unpricedTurns
        estimatedTurns += other.estimatedTurns
        inputTokens += other.inputTokens
        cacheReadTokens += other.cacheReadTokens
        cacheWriteTokens += other.cacheWriteTokens
        outputTokens += other.outputTokens
        reasoningTokens += other.reasoningTokens
        costNanoUSD += other.costNanoUSD
    }

    static let zero = SpendRow(
        labels: [], turns: 0, errors: 0, unpricedTurns: 0, estimatedTurns: 0, inputTokens: 0, cacheReadTokens: 0,
        cacheWriteTokens: 0, outputTokens: 0, reasoningTokens: 0, costNanoUSD: 0)
}

/// A whole report.
package struct SpendReport: Sendable, Codable {
    package var schema = "weir.report.spend/1"
    package var by: [String]
    package var since: String?
    package var until: String?
    package var rows: [SpendRow]
    package var total: SpendRow
}

/// Reads reports from the ledger.
package struct Reports: Sendable {
    let pool: DatabasePool

    package init(_ pool: DatabasePool) { self.pool = pool }

    private static let sums = """
        SUM(u.turns) AS turns, SUM(u.errors) AS errors, SUM(u.unpriced) AS unpriced, SUM(u.estimated) AS estimated,
        SUM(u.input + u.tool_prompt) AS input, SUM(u.cache_read) AS cache_read,
        SUM(u.cache_write_5m + u.cache_write_30m + u.cache_write_1h + u.cache_write_12h + u.cache_write_unknown)
        AS cache_write, SUM(u.output) AS output, SUM(u.reasoning) AS reasoning, SUM(u.cost) AS cost
        """

    /// Spend by dimensions, dearest first; by time, oldest first.
    package func spend(by dimensions: [SpendDimension], filter: SpendFilter) throws -> SpendReport {
        let usesSession = dimensions.contains(.session)
        let columns = dimensions.map { column($0, usesSession: usesSession) }
        var conditions: [String] = []
        var arguments: StatementArguments = []
        let labels: [(String?, String)] = [
            (filter.developer, "l.owner"), (filter.team, "l.team"), (filter.repository, "l.repository"),
            (filter.model, "l.model"), (filter.key, "l.key_id"),
        ]
        for (value, column) in labels {
            guard let value else { continue }
            conditions.append("\(column) = ?")
            arguments += [value]
        }
        let source: String
        if usesSession {
            source = "usage_session u JOIN label_set l ON l.id = u.labels LEFT JOIN session s ON s.id = u.session_id"
            if let since = filter.since {
                conditions.append("s.last_ns >= ?")
                arguments += [since.nanoseconds]
            }
            if let until = filter.until {
                conditions.append("s.first_ns < ?")
                arguments += [until.nanoseconds]
            }
        } else {
            source = "\(table(dimensions, filter)) u JOIN label_set l ON l.id = u.labels"
            if let since = filter.since {
                conditions.append("u.bucket >= ?")
                arguments += [since.seconds]
            }
            if let until = filter.until {
                conditions.append("u.bucket < ?")
                arguments += [until.seconds]
            }
        }
        let names = (1...max(1, columns.count)).map(String.init).joined(separator: ", ")
        let isTimeline = dimensions.contains { $0 == .hour || $0 == .day || $0 == .month }
        let sql = """
            SELECT \(columns.enumerated().map { "\($0.element) AS d\($0.offset)" }.joined(separator: ", ")), \(Self.sums)
            FROM \(source) \(conditions.isEmpty ? "" : "WHERE \(conditions.joined(separator: " AND "))")
            GROUP BY \(names) ORDER BY \(isTimeline ? names : "cost DESC, \(names)")
            """
        let rows = try pool.read { database in
            try Row.fetchAll(database, sql: sql, arguments: arguments).map { row in
                self.row(row, dimensions: dimensions)
            }
        }
        var total = SpendRow.zero
        for row in rows { total.add(row) }
        return SpendReport(
            by: dimensions.map(\.rawValue), since: filter.since?.rfc3339, until: filter.until?.rfc3339, rows: rows,
            total: total)
    }

    private func row(_ row: Row, dimensions: [SpendDimension]) -> SpendRow {
        let labels = dimensions.enumerated().map { index, dimension -> String in
            guard dimension == .hour || dimension == .day || dimension == .month else { return row["d\(index)"] ?? "" }
            let text = Timestamp(seconds: row["d\(index)"]).rfc3339
            return String(text.prefix(dimension == .hour ? 13 : dimension == .day ? 10 : 7))
        }
        return SpendRow(
            labels: labels, turns: row["turns"], errors: row["errors"], unpricedTurns: row["unpriced"],
            estimatedTurns: row["estimated"], inputTokens: row["input"], cacheReadTokens: row["cache_read"],
            cacheWriteTokens: row["cache_write"], outputTokens: row["output"], reasoningTokens: row["reasoning"],
            costNanoUSD: row["cost"])
    }

    private func column(_ dimension: SpendDimension, usesSession: Bool) -> String {
        switch dimension {
        case .developer: "l.owner"
        case .team: "l.team"
        case .repository: "l.repository"
        case .branch: "l.branch"
        case .agent: "l.agent"
        case .client: "l.client"
        case .model: "l.model"
        case .deployment: "l.deployment"
        case .key: "l.key_id"
        case .session: "COALESCE(s.name, '')"
        case .hour, .day, .month: usesSession ? "s.first_ns / 1000000000" : "u.bucket"
        }
    }

    /// The coarsest rollup that the range and the dimensions allow.
    private func table(_ dimensions: [SpendDimension], _ filter: SpendFilter) -> String {
        func isStart(of unit: CalendarUnit, _ time: Timestamp?) -> Bool {
            time.map { $0.start(of: unit) == $0 } ?? true
        }
        if dimensions.contains(.hour) || !isStart(of: .day, filter.since) || !isStart(of: .day, filter.until) {
            return "usage_hour"
        }
        if dimensions.contains(.day) || !isStart(of: .month, filter.since) || !isStart(of: .month, filter.until) {
            return "usage_day"
        }
        return "usage_month"
    }
}
