// ProjectionBatch: the sums of one batch of turns, gathered in memory so that a rollup row is touched once a batch and not once
// a turn.

import GRDB
import GatewayModel

struct Batch {
    private struct Cell: Hashable {
        var bucket: Int64
        var labels: Int64
    }

    private struct SessionChange {
        var sums = UsageSums()
        var last: Int64 = 0
        var parent: String?
        var repository = ""
        var branch = ""
        var subAgents: Set<String> = []
    }

    private struct Unpriced {
        var turns: Int64 = 0
        var first: Int64
        var last: Int64
    }

    private var usage: [CalendarUnit: [Cell: UsageSums]] = [:]
    private var sessionUsage: [Cell: UsageSums] = [:]
    private var sessions: [Int64: SessionChange] = [:]
    private var unpriced: [String: Unpriced] = [:]
    var keyUse: [String: Int64] = [:]
    var responses: [(id: String, requestID: String, month: String)] = []

    mutating func add(_ unit: CalendarUnit, _ bucket: Int64, _ labels: Int64, _ sums: UsageSums) {
        usage[unit, default: [:]][Cell(bucket: bucket, labels: labels), default: UsageSums()].add(sums)
    }

    mutating func addSession(_ session: Int64, _ labels: Int64, _ turn: TurnRecord, _ sums: UsageSums) {
        guard session != 0 else { return }
        sessionUsage[Cell(bucket: session, labels: labels), default: UsageSums()].add(sums)
        var change = sessions[session] ?? SessionChange()
        change.sums.add(sums)
        change.last = max(change.last, (turn.lastByte ?? turn.received).nanoseconds)
        change.parent = change.parent ?? turn.attribution.parentSession?.value
        if let repository = turn.attribution.repository?.value { change.repository = repository }
        if let branch = turn.attribution.branch?.value { change.branch = branch }
        if let agent = turn.attribution.subAgent?.value { change.subAgents.insert(agent) }
        sessions[session] = change
    }

    mutating func addUnpriced(_ turn: TurnRecord) {
        let time = turn.received.nanoseconds
        var known = unpriced[turn.deployment] ?? Unpriced(first: time, last: time)
        known.turns += 1
        known.last = max(known.last, time)
        unpriced[turn.deployment] = known
    }

    // MARK: Writing

    private static let columns = measureColumns.joined(separator: ", ")
    private static let places = measureColumns.map { _ in "?" }.joined(separator: ", ")

    func write(_ database: Database) throws {
        for (unit, cells) in usage { try write(cells, table: "usage_\(unit.rawValue)", key: "bucket", database) }
        try write(sessionUsage, table: "usage_session", key: "session_id", database)
        try writeSessions(database)
        for (deployment, one) in unpriced {
            try database.cachedStatement(
                sql: """
                    INSERT INTO unpriced_model (deployment, turns, first_ns, last_ns) VALUES (?, ?, ?, ?)
                    ON CONFLICT (deployment) DO UPDATE SET turns = unpriced_model.turns + excluded.turns,
                    last_ns = excluded.last_ns
                    """
            ).execute(arguments: [deployment, one.turns, one.first, one.last])
        }
        for (key, time) in keyUse {
            try database.cachedStatement(
                sql: """
                    INSERT INTO key_use (key_id, last_ns) VALUES (?, ?) ON CONFLICT (key_id) DO UPDATE
                    SET last_ns = excluded.last_ns WHERE excluded.last_ns > key_use.last_ns
                    """
            ).execute(arguments: [key, time])
        }
        for response in responses {
            try database.cachedStatement(
                sql: "INSERT INTO response_owner (id, request_id, month) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING"
            ).execute(arguments: [response.id, response.requestID, response.month])
        }
    }

    private func write(_ cells: [Cell: UsageSums], table: String, key: String, _ database: Database) throws {
        guard !cells.isEmpty else { return }
        let statement = try database.cachedStatement(
            sql: """
                INSERT INTO \(table) (\(key), labels, \(Self.columns)) VALUES (?, ?, \(Self.places))
                ON CONFLICT (\(key), labels) DO UPDATE SET \(
                    measureColumns.map { "\($0) = \(table).\($0) + excluded.\($0)" }.joined(separator: ", "))
                """)
        for (cell, sums) in cells {
            try statement.execute(arguments: [cell.bucket, cell.labels] + StatementArguments(sums.values))
        }
    }

    private func writeSessions(_ database: Database) throws {
        guard !sessions.isEmpty else { return }
        let additions = measureColumns.map { "\($0) = \($0) + ?" }.joined(separator: ", ")
        let statement = try database.cachedStatement(
            sql: """
                UPDATE session SET \(additions), last_ns = CASE WHEN last_ns > ? THEN last_ns ELSE ? END,
                parent = COALESCE(parent, ?), repository = CASE WHEN ? = '' THEN repository ELSE ? END,
                branch = CASE WHEN ? = '' THEN branch ELSE ? END WHERE id = ?
                """)
        for (id, change) in sessions {
            try statement.execute(
                arguments: StatementArguments(change.sums.values) + [
                    change.last, change.last, change.parent, change.repository, change.repository, change.branch,
                    change.branch, id,
                ])
            guard !change.subAgents.isEmpty else { continue }
            let known = try String.fetchOne(database, sql: "SELECT sub_agents FROM session WHERE id = ?", arguments: [id]) ?? ""
            let all = Set(known.split(separator: "\n").map(String.init)).union(change.subAgents)
            try database.execute(
                sql: "UPDATE session SET sub_agents = ? WHERE id = ?",
                arguments: [all.sorted().prefix(200).joined(separator: "\n"), id])
        }
    }
}
