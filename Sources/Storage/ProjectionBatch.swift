// ProjectionBatch: the sums of one batch of turns, gathered in memory so that a rollup row is touched once a batch and not once
// a turn.

import GRDB
import GatewayModel

struct Batch {
    private struct Cell: Hashable {
        var bucket: Int64
        var labels: Int64
    }

    /// A session's sums by the hour, so that a report over a range counts what lies in it and no more.
    private struct SessionCell: Hashable {
        var session: Int64
        var cell: Cell
    }

    private struct SessionChange {
        var sums = UsageSums()
        var first: Int64
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

    /// By table.
    private var usage: [String: [Cell: UsageSums]] = [:]
    private var sessionUsage: [SessionCell: UsageSums] = [:]
    private var sessions: [Int64: SessionChange] = [:]
    private var unpriced: [String: Unpriced] = [:]
    var keyUse: [String: Int64] = [:]
    var responses: [(id: String, requestID: String, month: String)] = []

    /// Adds a turn to every rollup. `unbranched` are its labels without the branch.
    mutating func add(_ turn: TurnRecord, _ labels: Int64, unbranched: Int64, _ sums: UsageSums) {
        for unit in CalendarUnit.allCases {
            add("usage_\(unit.rawValue)", turn.received.start(of: unit), labels, sums)
        }
        add("usage_month_unbranched", turn.received.start(of: .month), unbranched, sums)
    }

    private mutating func add(_ table: String, _ bucket: Timestamp, _ labels: Int64, _ sums: UsageSums) {
        usage[table, default: [:]][Cell(bucket: bucket.seconds, labels: labels), default: UsageSums()].add(sums)
    }

    mutating func addSession(_ session: Int64, _ labels: Int64, _ turn: TurnRecord, _ sums: UsageSums) {
        // Turns without a session are summed too, under 0: a report by session must add up to the whole.
        let hour = Cell(bucket: turn.received.start(of: .hour).seconds, labels: labels)
        sessionUsage[SessionCell(session: session, cell: hour), default: UsageSums()].add(sums)
        guard session != 0 else { return }
        var change = sessions[session] ?? SessionChange(first: turn.received.nanoseconds)
        change.sums.add(sums)
        change.first = min(change.first, turn.received.nanoseconds)
        change.last = max(change.last, (turn.lastByte ?? turn.received).nanoseconds)
        change.parent = change.parent ?? turn.attribution.parentSession?.value
        // What an alias says is shown by `AliasProjection`.
        if let repository = turn.attribution.repository, repository.source != .alias { change.repository = repository.value }
        if let branch = turn.attribution.branch?.value { change.branch = branch }
        if let agent = turn.attribution.subAgent?.value { change.subAgents.insert(agent) }
        sessions[session] = change
    }

    mutating func addUnpriced(_ turn: TurnRecord) {
        let time = turn.received.nanoseconds
        var known = unpriced[turn.deployment] ?? Unpriced(first: time, last: time)
        known.turns += 1
        known.first = min(known.first, time)
        known.last = max(known.last, time)
        unpriced[turn.deployment] = known
    }

    /// Deployments of which this batch holds turns without a price.
    var unpricedDeployments: Set<String> { Set(unpriced.keys) }

    // MARK: Writing

    private static let columns = measureColumns.joined(separator: ", ")
    private static let places = measureColumns.map { _ in "?" }.joined(separator: ", ")

    func write(_ database: Database) throws {
        for (table, cells) in usage {
            let statement = try upsert(table, keys: ["bucket", "labels"], database)
            for (cell, sums) in cells {
                try statement.execute(arguments: [cell.bucket, cell.labels] + StatementArguments(sums.values))
            }
        }
        let statement = try upsert("usage_session", keys: ["session_id", "bucket", "labels"], database)
        for (one, sums) in sessionUsage {
            try statement.execute(
                arguments: [one.session, one.cell.bucket, one.cell.labels] + StatementArguments(sums.values))
        }
        try writeSessions(database)
        for (deployment, one) in unpriced {
            try database.cachedStatement(
                sql: """
                    INSERT INTO unpriced_model (deployment, turns, first_ns, last_ns) VALUES (?, ?, ?, ?)
                    ON CONFLICT (deployment) DO UPDATE SET turns = unpriced_model.turns + excluded.turns,
                    first_ns = CASE WHEN unpriced_model.first_ns < excluded.first_ns
                    THEN unpriced_model.first_ns ELSE excluded.first_ns END,
                    last_ns = CASE WHEN unpriced_model.last_ns > excluded.last_ns
                    THEN unpriced_model.last_ns ELSE excluded.last_ns END
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

    /// Adds measures to a row, which is made when it is not there.
    private func upsert(_ table: String, keys: [String], _ database: Database) throws -> Statement {
        let names = keys.joined(separator: ", ")
        let additions = measureColumns.map { "\($0) = \(table).\($0) + excluded.\($0)" }.joined(separator: ", ")
        return try database.cachedStatement(
            sql: """
                INSERT INTO \(table) (\(names), \(Self.columns)) VALUES (\(keys.map { _ in "?" }.joined(separator: ", ")), \(Self.places))
                ON CONFLICT (\(names)) DO UPDATE SET \(additions)
                """)
    }

    private func writeSessions(_ database: Database) throws {
        guard !sessions.isEmpty else { return }
        let additions = measureColumns.map { "\($0) = \($0) + ?" }.joined(separator: ", ")
        let statement = try database.cachedStatement(
            sql: """
                UPDATE session SET \(additions), first_ns = CASE WHEN first_ns < ? THEN first_ns ELSE ? END,
                last_ns = CASE WHEN last_ns > ? THEN last_ns ELSE ? END,
                parent = COALESCE(parent, ?), repository = CASE WHEN ? = '' THEN repository ELSE ? END,
                own_repository = CASE WHEN ? = '' THEN own_repository ELSE ? END,
                branch = CASE WHEN ? = '' THEN branch ELSE ? END WHERE id = ?
                """)
        for (id, change) in sessions {
            try statement.execute(
                arguments: StatementArguments(change.sums.values) + [
                    change.first, change.first, change.last, change.last, change.parent, change.repository, change.repository,
                    change.repository, change.repository, change.branch, change.branch, id,
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
