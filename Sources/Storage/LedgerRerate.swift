// LedgerRerate: prices turns again whose price was not known, and moves every sum by the difference, in one transaction a batch.

package import GRDB
package import GatewayModel
import Journal

/// What a turn costs by prices that are known now.
package struct RatedCost {
    /// Of all its tries, in nano-USD.
    package var cost: NanoUSD
    /// Of each of the turn's lines of tries: nothing for the one that served.
    package var tries: [NanoUSD]
    /// Of the price of what served.
    package var version: String

    package init(cost: NanoUSD, tries: [NanoUSD], version: String) {
        self.cost = cost
        self.tries = tries
        self.version = version
    }
}

extension LedgerProjection {
    /// Prices unpriced turns by `price`, which gives nil for what still has no price. Gives turns per deployment.
    package static func rerate(
        _ pool: DatabasePool, price: (TurnRecord) -> RatedCost?
    ) throws -> [String: Int64] {
        let counting = "SELECT EXISTS (SELECT 1 FROM ledger_task WHERE kind IN ('plan', 'count'))"
        guard try pool.read({ try Bool.fetchOne($0, sql: counting) }) != true else {
            throw StorageError("the ledger is being brought up to date after an upgrade: try again in a minute")
        }
        var priced: [String: Int64] = [:]
        let months = try pool.read { try String.fetchAll($0, sql: "SELECT month FROM turn_month ORDER BY month") }
        for month in months {
            var after = ""
            while true {
                let found = try pool.write { database -> (last: String, count: Int) in
                    let rows = try Row.fetchAll(
                        database,
                        sql: """
                            SELECT request_id, labels, session_id, record FROM turn_\(month)
                            WHERE request_id > ? AND flags % 4 >= 2 ORDER BY request_id LIMIT 500
                            """, arguments: [after])
                    var moves = UsageMoves()
                    for row in rows {
                        for deployment in try rerate(row, month: month, database, &moves, price) { priced[deployment, default: 0] += 1 }
                    }
                    try moves.write(database)
                    return (rows.last?["request_id"] ?? "", rows.count)
                }
                if found.count < 500 { break }
                after = found.last
            }
        }
        return priced
    }

    /// The deployments of a turn that got their prices; none when one is still missing.
    private static func rerate(
        _ row: Row, month: String, _ database: Database, _ moves: inout UsageMoves, _ price: (TurnRecord) -> RatedCost?
    ) throws -> [String] {
        let text: String = row["record"]
        guard let old = Array(text.utf8).withUnsafeBytes({ decodeTurn($0) }), old.flags.contains(.unpriced),
            // After a crash nobody knows what was used, so no price says what it cost.
            !(old.flags.contains(.recovered) && old.usage.isZero), let rated = price(old)
        else { return [] }
        var turn = old
        turn.cost = rated.cost
        for (index, cost) in zip(turn.tries.indices, rated.tries) { turn.tries[index].cost = cost }
        turn.priceVersion = rated.version
        turn.flags.subtract([.unpriced, .held])
        turn.flags.insert(.rerated)
        let difference = turn.cost.value - old.cost.value
        let held = old.unpricedReserved
        try database.execute(
            sql: "UPDATE turn_\(month) SET record = ?, cost = ?, flags = ? WHERE request_id = ?",
            arguments: [
                String(decoding: encodeTurn(turn), as: UTF8.self), turn.cost.value, turn.flags.rawValue, row["request_id"] as String,
            ])
        let labels: Int64 = row["labels"]
        let session: Int64 = row["session_id"]
        // Labels are made where turns are added: what has none now had none then.
        try moves.take(old, session: session, labels: labels) { try knownLabels($0, database) }
        try moves.put(turn, session: session, labels: labels) { try knownLabels($0, database) }
        let client = AliasProjection.ClientCell(turn)
        try database.execute(
            sql: """
                UPDATE client_use SET cost = cost + ?, unpriced = unpriced - 1
                WHERE bucket = ? AND workspace = ? AND client = ? AND version = ? AND missing = ?
                """,
            arguments: [difference, client.day, client.workspace, client.client, client.version, client.missing])
        try database.execute(
            sql: "UPDATE session SET cost = cost + ?, unpriced = unpriced - 1, unpriced_reserved = unpriced_reserved - ? WHERE id = ?",
            arguments: [difference, held, session])
        let deployments = old.unpricedDeployments
        for deployment in deployments {
            try database.execute(sql: "UPDATE unpriced_model SET turns = turns - 1 WHERE deployment = ?", arguments: [deployment])
        }
        return deployments
    }

    private static func knownLabels(_ labels: LabelSet, _ database: Database) throws -> Int64? {
        let condition = labelColumns.map { "\($0) = ?" }.joined(separator: " AND ")
        return try Int64.fetchOne(
            database.cachedStatement(sql: "SELECT id FROM label_set WHERE \(condition)"), arguments: StatementArguments(labels.texts))
    }

    /// Whether there are turns of months before `month`.
    package static func hasTurns(_ pool: DatabasePool, before month: String) throws -> Bool {
        try pool.read {
            try Bool.fetchOne($0, sql: "SELECT EXISTS (SELECT 1 FROM turn_month WHERE month < ?)", arguments: [month]) ?? false
        }
    }

    /// Drops the turn tables of months before `month` (`2026_01`): whole, without loading a row. Sums stay.
    package static func dropTurns(_ pool: DatabasePool, before month: String) throws -> [String] {
        try pool.write { database in
            let old = try String.fetchAll(database, sql: "SELECT month FROM turn_month WHERE month < ? ORDER BY month", arguments: [month])
            for name in old where name.allSatisfy({ $0.isNumber || $0 == "_" }) {
                try database.execute(sql: "DROP TABLE turn_\(name)")
                try database.execute(sql: "DELETE FROM turn_month WHERE month = ?", arguments: [name])
                try database.execute(sql: "DELETE FROM response_owner WHERE month = ?", arguments: [name])
                try database.execute(
                    sql: "INSERT INTO dropped_month (month) VALUES (?) ON CONFLICT (month) DO NOTHING", arguments: [name])
            }
            try ClientReportProjection.drop(before: month, database)
            // Turns that are gone cannot be rated any more.
            if !old.isEmpty, let end = Timestamp(rfc3339: month.split(separator: "_").joined(separator: "-") + "-01T00:00:00Z") {
                try database.execute(sql: "DELETE FROM unpriced_model WHERE last_ns < ?", arguments: [end.nanoseconds])
            }
            return old
        }
    }
}
