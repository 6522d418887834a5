// TelemetryReport: clients' own figures held against the ledger: which turns they speak of, which of their calls Weir never saw,
// and whose arithmetic differs. It reads the turns that clients speak of; no figure of a client enters any other report.

import GRDB
package import GatewayModel
import Storage

/// What clients of one name and version say.
package struct TelemetryRow: Sendable, Codable, Hashable {
    package var client: String
    package var version: String
    /// Turns that the client speaks of.
    package var turns: Int64
    /// Of them, what the client says that they cost, where it says so, and what Weir says of the same turns.
    package var clientCostNanoUSD: Int64
    package var weirCostNanoUSD: Int64
    /// Calls with a request id that no turn has: traffic that missed Weir.
    package var missed: Int64
    package var missedCostNanoUSD: Int64
    /// Calls of which the client gives no request id: most failed before an answer.
    package var unnamed: Int64

    enum CodingKeys: String, CodingKey {
        case client, version, turns
        case clientCostNanoUSD = "client_cost_nano_usd"
        case weirCostNanoUSD = "weir_cost_nano_usd"
        case missed
        case missedCostNanoUSD = "missed_cost_nano_usd"
        case unnamed
    }

    package var differenceNanoUSD: Int64 { clientCostNanoUSD &- weirCostNanoUSD }
}

/// How many turns of a client there are and how many it spoke of.
package struct TelemetryCoverage: Sendable, Codable, Hashable {
    package var client: String
    package var turns: Int64
    package var withReport: Int64
    package var withoutReport: Int64

    enum CodingKeys: String, CodingKey {
        case client, turns
        case withReport = "with_report"
        case withoutReport = "without_report"
    }
}

/// Calls of one session that Weir never saw.
package struct MissedCalls: Sendable, Codable, Hashable {
    package var developer: String
    package var team: String
    package var session: String
    package var client: String
    package var version: String
    package var calls: Int64
    package var costNanoUSD: Int64
    package var lastTime: String

    enum CodingKeys: String, CodingKey {
        case developer, team, session, client, version, calls
        case costNanoUSD = "cost_nano_usd"
        case lastTime = "last_time"
    }
}

/// The whole report.
package struct TelemetryReport: Sendable, Codable {
    package var schema = "weir.report.telemetry/1"
    package var since: String?
    package var rows: [TelemetryRow]
    package var coverage: [TelemetryCoverage]
    /// The latest first; at most a hundred sessions.
    package var missed: [MissedCalls]
}

extension Reports {
    /// - Parameter since: moved back to a whole hour, as rollups are kept.
    package func telemetry(since: Timestamp?) throws -> TelemetryReport {
        var filter = SpendFilter()
        filter.since = since?.start(of: .hour)
        let totals = try spend(by: [.client], filter: filter, limit: Reports.spendRowsMax)
        let start = filter.since?.nanoseconds ?? .min
        return try pool.read { database in
            let rows = try Self.telemetryRows(database, since: start)
            let spoken = try Self.spokenOf(database, since: start)
            let coverage = totals.rows.map { row in
                let client = row.labels.first ?? ""
                let with = min(row.turns, spoken[client] ?? 0)
                return TelemetryCoverage(client: client, turns: row.turns, withReport: with, withoutReport: row.turns - with)
            }
            return TelemetryReport(
                since: filter.since?.rfc3339, rows: rows, coverage: coverage, missed: try Self.missed(database, since: start))
        }
    }

    private static func telemetryRows(_ database: Database, since: Int64) throws -> [TelemetryRow] {
        struct Name: Hashable {
            var client: String
            var version: String
        }
        var found: [Name: TelemetryRow] = [:]
        func change(_ row: Row, _ body: (inout TelemetryRow) -> Void) {
            let name = Name(client: row["client"], version: row["version"])
            var one =
                found[name]
                ?? TelemetryRow(
                    client: name.client, version: name.version, turns: 0, clientCostNanoUSD: 0, weirCostNanoUSD: 0, missed: 0,
                    missedCostNanoUSD: 0, unnamed: 0)
            body(&one)
            found[name] = one
        }
        for month in try months(database) {
            // A turn that is spoken of twice, by two ids, is one turn.
            let rows = try Row.fetchAll(
                database,
                sql: """
                    SELECT r.client AS client, r.version AS version, COUNT(*) AS turns,
                    \(moneySum("COALESCE(r.cost, 0)", as: "said")),
                    \(moneySum("CASE WHEN r.cost IS NULL THEN 0 ELSE t.cost END", as: "seen"))
                    FROM (SELECT client, version, turn, MAX(cost) AS cost FROM client_report
                    WHERE turn_month = ? AND turn_ns >= ? GROUP BY client, version, turn) r
                    JOIN turn_\(month) t ON t.request_id = r.turn GROUP BY r.client, r.version
                    """, arguments: [month, since])
            for row in rows {
                change(row) { one in
                    one.turns += row["turns"]
                    one.clientCostNanoUSD.addSaturating(row.money("said"))
                    one.weirCostNanoUSD.addSaturating(row.money("seen"))
                }
            }
        }
        let rows = try Row.fetchAll(
            database,
            sql: """
                SELECT client, version, SUM(CASE WHEN request_id LIKE '~%' THEN 1 ELSE 0 END) AS unnamed, COUNT(*) AS calls,
                \(moneySum("CASE WHEN request_id LIKE '~%' THEN 0 ELSE COALESCE(cost, 0) END", as: "cost"))
                FROM client_report WHERE turn IS NULL AND reported_ns >= ? GROUP BY client, version
                """, arguments: [since])
        for row in rows {
            change(row) { one in
                one.unnamed = row["unnamed"]
                one.missed = (row["calls"] as Int64) - one.unnamed
                one.missedCostNanoUSD = row.money("cost")
            }
        }
        return found.values.sorted { ($0.client, $0.version) < ($1.client, $1.version) }
    }

    /// Turns that are spoken of, by the client that Weir saw make them.
    private static func spokenOf(_ database: Database, since: Int64) throws -> [String: Int64] {
        var found: [String: Int64] = [:]
        for month in try months(database) {
            let rows = try Row.fetchAll(
                database,
                sql: """
                    SELECT l.client AS client, COUNT(DISTINCT r.turn) AS turns FROM client_report r
                    JOIN turn_\(month) t ON t.request_id = r.turn JOIN label_set l ON l.id = t.labels
                    WHERE r.turn_month = ? AND r.turn_ns >= ? GROUP BY l.client
                    """, arguments: [month, since])
            for row in rows { found[row["client"], default: 0] += row["turns"] as Int64 }
        }
        return found
    }

    private static func missed(_ database: Database, since: Int64) throws -> [MissedCalls] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT owner, team, COALESCE(session, '') AS session, client, version, COUNT(*) AS calls,
                \(moneySum("COALESCE(cost, 0)", as: "cost")), MAX(reported_ns) AS last
                FROM client_report WHERE turn IS NULL AND request_id NOT LIKE '~%' AND reported_ns >= ?
                GROUP BY owner, team, COALESCE(session, ''), client, version ORDER BY last DESC LIMIT 100
                """, arguments: [since]
        ).map { row in
            MissedCalls(
                developer: row["owner"], team: row["team"], session: row["session"], client: row["client"],
                version: row["version"], calls: row["calls"], costNanoUSD: row.money("cost"),
                lastTime: Timestamp(nanoseconds: row["last"]).rfc3339)
        }
    }

    // MARK: Beside a turn and a session

    /// What the client says of a turn; nil when it says nothing.
    package func clientSays(of turn: TurnRecord) throws -> ClientSays? {
        let ids = [turn.requestID.description, turn.upstreamRequestID, turn.responseID].compactMap { $0 }
        return try pool.read { database in
            // The one with a cost says most.
            let row = try Row.fetchOne(
                database,
                sql: """
                    SELECT * FROM client_report WHERE key_id = ? AND request_id IN (\(ids.map { _ in "?" }.joined(separator: ", ")))
                    ORDER BY cost IS NULL, request_id LIMIT 1
                    """, arguments: [turn.principal.keyID] + StatementArguments(ids))
            guard let row else { return nil }
            var says = ClientSays(
                client: row["client"], version: row["version"], requestID: row["request_id"],
                reported: Timestamp(nanoseconds: row["reported_ns"]).rfc3339)
            says.session = row["session"]
            says.prompt = row["prompt"]
            says.agent = row["agent"]
            says.subAgent = row["sub_agent"]
            says.model = row["model"]
            says.success = (row["success"] as Int64?).map { $0 != 0 }
            says.status = row["status"]
            says.attempt = row["attempt"]
            says.durationMilliseconds = row["duration_ms"]
            says.firstTokenMilliseconds = row["ttft_ms"]
            says.input = row["input"]
            says.output = row["output"]
            says.cacheRead = row["cache_read"]
            says.cacheWrite = row["cache_write"]
            says.costNanoUSD = row["cost"]
            says.compare(with: turn, inputIsWhole: row["input_is_whole"] as Int64 != 0)
            return says
        }
    }

    /// What the clients of a session say of its tools, the most used first.
    package func tools(ofSession name: String) throws -> [ToolUse] {
        try pool.read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT COALESCE(name, '') AS tool, COUNT(*) AS calls, SUM(CASE WHEN success = 0 THEN 1 ELSE 0 END) AS failures,
                    SUM(COALESCE(duration_ms, 0)) AS duration FROM client_tool WHERE session = ?
                    GROUP BY COALESCE(name, '') ORDER BY calls DESC, tool
                    """, arguments: [name]
            ).map { row in
                ToolUse(name: row["tool"], calls: row["calls"], failures: row["failures"], durationMilliseconds: row.sum("duration"))
            }
        }
    }
}
