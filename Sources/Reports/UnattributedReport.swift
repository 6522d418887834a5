// UnattributedReport: spend that lacks a developer, a repository or a session, by client and version, with what mends it.

import GRDB
package import GatewayModel
import Storage

/// What a version of a client spent without the same labels.
package struct UnattributedRow: Sendable, Codable, Hashable {
    /// Empty where the client names none.
    package var client: String
    package var version: String
    /// Of `developer`, `repository`, `session`.
    package var missing: [String]
    package var turns: Int64
    package var costNanoUSD: Int64
    package var unpricedTurns: Int64
    /// Of the cost of all turns, in per mille; of all turns where nothing was spent.
    package var sharePerMille: Int64
    /// What ends it.
    package var mend: String

    enum CodingKeys: String, CodingKey {
        case client, version, missing, turns
        case costNanoUSD = "cost_nano_usd"
        case unpricedTurns = "unpriced_turns"
        case sharePerMille = "share_per_mille"
        case mend
    }
}

/// The whole report.
package struct UnattributedReport: Sendable, Codable {
    package var schema = "weir.report.unattributed/1"
    package var since: String?
    package var until: String?
    package var rows: [UnattributedRow]
    /// Sums of the rows.
    package var turns: Int64
    package var costNanoUSD: Int64
    package var unpricedTurns: Int64
    /// Of all turns, with those that lack nothing.
    package var totalTurns: Int64
    package var totalCostNanoUSD: Int64

    enum CodingKeys: String, CodingKey {
        case schema, since, until, rows, turns
        case costNanoUSD = "cost_nano_usd"
        case unpricedTurns = "unpriced_turns"
        case totalTurns = "total_turns"
        case totalCostNanoUSD = "total_cost_nano_usd"
    }

    /// A part of the total in per mille, rounded down.
    package func share(turns: Int64, cost: Int64) -> Int64 {
        let (part, whole) = totalCostNanoUSD > 0 ? (cost, totalCostNanoUSD) : (turns, totalTurns)
        return part.perMille(of: whole) ?? 0
    }
}

extension Reports {
    /// Sums are kept by the day, so a range is widened to whole days; the report says which it covers. Dearest first.
    package func unattributed(since: Timestamp?, until: Timestamp?) throws -> UnattributedReport {
        let start = since?.start(of: .day)
        let end = until.map { time in time.start(of: .day) == time ? time : time.start(of: .day).adding(seconds: 86_400) }
        let rows = try pool.read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT client, version, missing, SUM(turns) AS turns, SUM(unpriced) AS unpriced, SUM(cost) AS cost
                    FROM client_use WHERE bucket >= ? AND bucket < ? GROUP BY client, version, missing
                    ORDER BY cost DESC, turns DESC, client, version, missing
                    """, arguments: [start?.seconds ?? 0, end?.seconds ?? .max])
        }
        var report = UnattributedReport(
            since: start?.rfc3339, until: end?.rfc3339, rows: [], turns: 0, costNanoUSD: 0, unpricedTurns: 0, totalTurns: 0,
            totalCostNanoUSD: 0)
        for row in rows {
            report.totalTurns.addSaturating(row.sum("turns"))
            report.totalCostNanoUSD.addSaturating(row.sum("cost"))
        }
        for row in rows {
            let missing = MissingLabels(rawValue: row["missing"])
            let (turns, cost) = (row.sum("turns"), row.sum("cost"))
            guard !missing.isEmpty, turns > 0 else { continue }
            let client: String = row["client"]
            let one = UnattributedRow(
                client: client, version: row["version"], missing: missing.names, turns: turns, costNanoUSD: cost,
                unpricedTurns: row.sum("unpriced"), sharePerMille: report.share(turns: turns, cost: cost),
                mend: mend(client: client, missing: missing))
            report.turns.addSaturating(one.turns)
            report.costNanoUSD.addSaturating(one.costNanoUSD)
            report.unpricedTurns.addSaturating(one.unpricedTurns)
            report.rows.append(one)
        }
        return report
    }
}

/// The clients that `weir connect` sets up whole: they send session and repository by themselves afterwards.
private let connected: Set<String> = ["claude-code", "codex", "crush", "aider", "gemini-cli", "cline", "continue"]

/// What a client has to be told so that its turns have the labels, in one line.
func mend(client: String, missing: MissingLabels) -> String {
    var parts: [String] = []
    if missing.contains(.developer) { parts.append("give the caller a key of a developer: weir key create --developer NAME") }
    guard missing.contains(.repository) || missing.contains(.session) else { return parts.joined(separator: "; ") }
    switch client {
    case "opencode":
        parts.append(
            missing.contains(.repository)
                ? "weir connect opencode in the repository, or: weir repository alias ID NAME (weir repository list shows the ID)"
                : "weir connect opencode in the repository")
    case let client where connected.contains(client): parts.append("weir connect \(client) in the repository")
    default:
        if missing.contains(.repository) {
            parts.append("send x-weir-repo (weir connect env), or bind the key: weir key create --repository NAME")
        }
        if missing.contains(.session) { parts.append("send x-weir-session, one for each run") }
    }
    return parts.joined(separator: "; ")
}
