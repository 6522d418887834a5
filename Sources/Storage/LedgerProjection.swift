// LedgerProjection: from journal records to ledger rows. A batch and its cursor are one transaction; a turn is inserted once by
// its request id, and only a turn that was inserted is added to sums, so the same records may come again.

package import GRDB
import GatewayModel
package import Journal

/// Projects the journal into the ledger. One at a time: it caches ids that it has given out.
package final class LedgerProjection {
    private let pool: DatabasePool
    private var labelIDs: [LabelSet: Int64] = [:]
    private var sessionIDs: [SessionKey: Int64] = [:]
    private var months: Set<String> = []
    private var monthStart = Timestamp(nanoseconds: 0)
    private var month = ""
    private var insertSQL = ""
    /// Months whose turns retention has dropped; asked for once a batch.
    private var droppedMonths: Set<String> = []
    private var nextLabelID: Int64 = 0
    private var nextSessionID: Int64 = 0
    private var clientReports = ClientReportProjection()
    package private(set) var cursor: JournalPosition

    struct SessionKey: Hashable {
        var keyID: String
        var name: String
    }

    /// The name under which the cursor is kept.
    private static let name = "ledger"
    /// Caches are emptied at this size; they are only a short cut.
    private static let cacheMax = 200_000

    package init(_ pool: DatabasePool) throws {
        self.pool = pool
        (cursor, nextLabelID, nextSessionID) = try pool.read { database in
            let row = try Row.fetchOne(
                database, sql: "SELECT boot, sequence FROM projection_cursor WHERE name = ?", arguments: [Self.name])
            return (
                row.map { JournalPosition(boot: $0["boot"], sequence: $0["sequence"]) } ?? .start,
                try Int64.fetchOne(database, sql: "SELECT MAX(id) FROM label_set") ?? 0,
                try Int64.fetchOne(database, sql: "SELECT MAX(id) FROM session") ?? 0
            )
        }
    }

    /// Applies records in order and moves the cursor behind the last. Gives the deployments of turns that have no price.
    /// Throws when the database fails; nothing is applied then.
    @discardableResult
    package func apply(_ records: [JournalRecord]) throws -> Set<String> {
        guard let last = records.last else { return [] }
        var unpriced: Set<String> = []
        do {
            try pool.write { database in
                var batch = Batch()
                self.droppedMonths = try Set(String.fetchAll(database, sql: "SELECT month FROM dropped_month"))
                for record in records {
                    switch record.kind {
                    case .turnSettled: try self.insert(record, database, &batch)
                    case .turnRefused:
                        if let turn = record.json.withUnsafeBytes({ decodeTurnForSums($0) }),
                            !self.droppedMonths.contains(turn.month)
                        {
                            _ = try self.insertTurn(turn, record.json, labels: 0, session: 0, database)
                        }
                    default: break
                    }
                }
                try batch.write(database)
                try self.clientReports.apply(records, droppedMonths: self.droppedMonths, database)
                unpriced = batch.unpricedDeployments
                try database.cachedStatement(
                    sql: """
                        INSERT INTO projection_cursor (name, boot, sequence) VALUES (?, ?, ?)
                        ON CONFLICT (name) DO UPDATE SET boot = excluded.boot, sequence = excluded.sequence
                        """
                ).execute(arguments: [Self.name, last.position.boot, last.position.sequence])
            }
        } catch {
            // Ids that were given out in the transaction that failed do not exist.
            labelIDs = [:]
            sessionIDs = [:]
            months = []
            clientReports.forget()
            throw error
        }
        cursor = last.position
        return unpriced
    }

    private func insert(_ record: JournalRecord, _ database: Database, _ batch: inout Batch) throws {
        guard let turn = record.json.withUnsafeBytes({ decodeTurnForSums($0) }), !droppedMonths.contains(monthOf(turn))
        else { return }
        let labelSet = LabelSet(turn)
        let labels = try labelID(labelSet, database)
        let session = try sessionID(turn, database)
        guard try insertTurn(turn, record.json, labels: labels, session: session, database) else { return }
        let sums = UsageSums(turn)
        batch.add(turn, labels, unbranched: try labelID(labelSet.unbranched, database), sums)
        batch.addSession(session, labels, turn, sums)
        batch.keyUse[turn.principal.keyID] = max(
            batch.keyUse[turn.principal.keyID] ?? 0, turn.received.nanoseconds / 60_000_000_000 * 60_000_000_000)
        if turn.flags.contains(.unpriced) { batch.addUnpriced(turn) }
        if let id = turn.responseID, turn.endpoint.dialect == .openAIResponses {
            batch.responses.append((id, turn.requestID.description, turn.month))
        }
    }

    /// The month's name, made once a month and not once a turn; with it the statement that inserts.
    private func monthOf(_ turn: TurnRecord) -> String {
        let start = turn.received.start(of: .month)
        if start != monthStart || insertSQL.isEmpty {
            monthStart = start
            month = turn.month
            insertSQL = """
                INSERT INTO turn_\(month) (request_id, labels, session_id, received_ns, status, flags, cost, record)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (request_id) DO NOTHING
                """
        }
        return month
    }

    /// True when the turn was not there before.
    private func insertTurn(
        _ turn: TurnRecord, _ json: [UInt8], labels: Int64, session: Int64, _ database: Database
    ) throws -> Bool {
        let month = monthOf(turn)
        if !months.contains(month) {
            for statement in Schema.turnTable(month) { try database.execute(sql: statement) }
            try database.execute(
                sql: "INSERT INTO turn_month (month) VALUES (?) ON CONFLICT (month) DO NOTHING", arguments: [month])
            months.insert(month)
        }
        let statement = try database.cachedStatement(sql: insertSQL)
        try statement.execute(arguments: [
            turn.requestID.description, labels, session, turn.received.nanoseconds, turn.status, turn.flags.rawValue,
            turn.cost.value, String(decoding: json, as: UTF8.self),
        ])
        return database.changesCount > 0
    }

    private func labelID(_ labels: LabelSet, _ database: Database) throws -> Int64 {
        if let known = labelIDs[labels] { return known }
        if labelIDs.count > Self.cacheMax { labelIDs = [:] }
        let condition = labelColumns.map { "\($0) = ?" }.joined(separator: " AND ")
        let arguments = StatementArguments(labels.texts)
        let found = try Int64.fetchOne(
            database.cachedStatement(sql: "SELECT id FROM label_set WHERE \(condition)"), arguments: arguments)
        if let found {
            labelIDs[labels] = found
            return found
        }
        nextLabelID += 1
        let places = labelColumns.map { _ in "?" }.joined(separator: ", ")
        try database.cachedStatement(
            sql: "INSERT INTO label_set (id, \(labelColumns.joined(separator: ", "))) VALUES (?, \(places))"
        ).execute(arguments: [nextLabelID] + arguments)
        labelIDs[labels] = nextLabelID
        return nextLabelID
    }

    private func sessionID(_ turn: TurnRecord, _ database: Database) throws -> Int64 {
        guard let session = turn.attribution.session else { return 0 }
        let key = SessionKey(keyID: turn.principal.keyID, name: session.value)
        if let known = sessionIDs[key] { return known }
        if sessionIDs.count > Self.cacheMax { sessionIDs = [:] }
        let found = try Int64.fetchOne(
            database.cachedStatement(sql: "SELECT id FROM session WHERE key_id = ? AND name = ?"),
            arguments: [key.keyID, key.name])
        if let found {
            sessionIDs[key] = found
            return found
        }
        nextSessionID += 1
        try database.cachedStatement(
            sql: """
                INSERT INTO session (id, key_id, name, parent, source, workspace, team, owner, repository, branch, agent,
                client, first_ns, last_ns) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            nextSessionID, key.keyID, key.name, turn.attribution.parentSession?.value, session.source.rawValue,
            turn.principal.workspace, turn.principal.team, turn.principal.owner,
            turn.attribution.repository?.value ?? "", turn.attribution.branch?.value ?? "",
            turn.attribution.agent?.value ?? "", turn.attribution.client ?? "", turn.received.nanoseconds,
            turn.received.nanoseconds,
        ])
        sessionIDs[key] = nextSessionID
        return nextSessionID
    }
}
