// LedgerProjection: from journal records to ledger rows. A batch and its cursor are one transaction; a turn is inserted once by
// its request id, and only a turn that was inserted is added to sums, so the same records may come again.

package import GRDB
import GatewayModel
package import Journal

/// Projects the journal into the ledger. One at a time: it caches ids that it has given out.
package final class LedgerProjection {
    let pool: DatabasePool
    /// What projects and sessions are named, and what clients leave out.
    var names = AliasProjection()
    private var statements = PreparedStatements()
    private var labelIDs: [TextKey: LabelIDs] = [:]
    private var sessionIDs: [TextKey: Int64] = [:]
    private var reader = TurnReader()
    /// By what the reader calls their beginning.
    private var beginnings: [Int: (labels: LabelIDs, session: Int64)] = [:]
    private var months: Set<String> = []
    private var month = (name: "", start: Timestamp(nanoseconds: .max), end: Timestamp(nanoseconds: .min))
    /// Months whose turns retention has dropped; asked for once a batch.
    private var droppedMonths: Set<String> = []
    private var nextLabelID: Int64 = 0
    private var nextSessionID: Int64 = 0
    private var clientReports = ClientReportProjection()
    package private(set) var cursor: JournalPosition

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

    deinit {
        // Statements end where they are used: another thread may be writing.
        var last = statements
        statements = PreparedStatements()
        pool.writeWithoutTransaction { _ in last.removeAll() }
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
                try self.names.begin(database)
                self.droppedMonths = try self.readDroppedMonths(database)
                for record in records {
                    switch record.kind {
                    case .turnSettled: try self.insert(record, database, &batch)
                    case .turnRefused:
                        if let turn = record.json.withUnsafeBytes({ decodeTurnQuickly($0) }), !self.isDropped(turn) {
                            _ = try self.insertTurn(turn, record.json, labels: 0, session: 0, database)
                        }
                    case .entityChanged:
                        try self.names.apply(record, database)
                        try SessionStandingProjection.apply(record, database)
                    default: break
                    }
                }
                try batch.write(database, &self.statements)
                try self.names.write(database)
                try self.clientReports.apply(records, droppedMonths: self.droppedMonths, database)
                unpriced = batch.unpricedDeployments
                try self.moveCursor(to: last.position, database)
            }
        } catch {
            forget()
            throw error
        }
        cursor = last.position
        return unpriced
    }

    private func readDroppedMonths(_ database: Database) throws -> Set<String> {
        let rows = try statements.statement(.droppedMonths, database, "SELECT month FROM dropped_month")
        var months: Set<String> = []
        while try rows.step() { months.insert(rows.withText(0) { String(decoding: $0, as: UTF8.self) }) }
        return months
    }

    private func moveCursor(to position: JournalPosition, _ database: Database) throws {
        let statement = try statements.statement(
            .cursor, database,
            """
            INSERT INTO projection_cursor (name, boot, sequence) VALUES (?, ?, ?)
            ON CONFLICT (name) DO UPDATE SET boot = excluded.boot, sequence = excluded.sequence
            """)
        statement.bind(1, Self.name)
        statement.bind(2, position.boot)
        statement.bind(3, position.sequence)
        try statement.run()
    }

    /// Ids that were given out in a transaction that failed do not exist.
    func forget() {
        labelIDs = [:]
        sessionIDs = [:]
        beginnings = [:]
        months = []
        names = AliasProjection()
        clientReports.forget()
    }

    private func insert(_ record: JournalRecord, _ database: Database, _ batch: inout Batch) throws {
        guard case (var turn, let beginning)? = record.json.withUnsafeBytes({ reader.read($0) }), !isDropped(turn) else { return }
        // The quick way leaves out what few turns need: tokens of other tries, and what was reserved where no price is known.
        if !turn.flags.isDisjoint(with: [.spentTries, .held]), let whole = record.json.withUnsafeBytes({ decodeTurn($0) }) {
            (turn.tries, turn.reserved, turn.priceVersion) = (whole.tries, whole.reserved, whole.priceVersion)
        }
        let json = names.label(&turn, record.json)
        let (labels, session) = try ids(turn, beginning, database)
        guard try insertTurn(turn, json, labels: labels.own, session: session, database) else { return }
        var elsewhere: [(labels: LabelIDs, sums: UsageSums)] = []
        for use in turn.usedElsewhere {
            let labels = LabelSet(turn).at(use.deployment)
            elsewhere.append(
                (LabelIDs(own: try labelID(labels, database), unbranched: try labelID(labels.unbranched, database)), use.sums))
        }
        batch.add(turn, labels: labels, elsewhere: elsewhere, session: session, month: month.start)
        names.count(turn, session: session, beginning: beginning)
        if let id = turn.responseID, turn.endpoint.dialect == .openAIResponses {
            batch.responses.append((id, turn.requestID.description, month.name))
        }
    }

    private func isDropped(_ turn: TurnRecord) -> Bool { !droppedMonths.isEmpty && droppedMonths.contains(monthOf(turn)) }

    /// The month's name, made once a month and not once a turn.
    private func monthOf(_ turn: TurnRecord) -> String {
        if turn.received < month.start || turn.received >= month.end {
            let start = turn.received.start(of: .month)
            month = (turn.month, start, start.adding(seconds: 32 * 86_400).start(of: .month))
        }
        return month.name
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
        let statement = try statements.insertion(month, database)
        statement.bind(2, labels)
        statement.bind(3, session)
        statement.bind(4, turn.received.nanoseconds)
        statement.bind(5, Int64(turn.status))
        statement.bind(6, turn.flags.rawValue)
        statement.bind(7, turn.cost.value)
        turn.requestID.withUTF8 { statement.bind(1, copied: UnsafeRawBufferPointer($0)) }
        return try json.withUnsafeBytes { record in
            statement.bind(8, borrowed: record)
            try statement.run()
            return statement.changes > 0
        }
    }

    /// The ids of a turn's labels and session, which turns that begin alike share: but for those that an alias may name, which changes.
    private func ids(_ turn: TurnRecord, _ beginning: Int, _ database: Database) throws -> (labels: LabelIDs, session: Int64) {
        let isFixed = beginning > 0 && !turn.attribution.takesAlias
        if isFixed, let known = beginnings[beginning] { return known }
        let found = (labels: try labelIDs(turn, database), session: try sessionID(turn, database))
        guard isFixed else { return found }
        if beginnings.count > Self.cacheMax { beginnings = [:] }
        beginnings[beginning] = found
        return found
    }

    private func labelIDs(_ turn: TurnRecord, _ database: Database) throws -> LabelIDs {
        let attribution = turn.attribution
        var key = TextKey()
        key.add(turn.principal.keyID)
        key.add(turn.principal.workspace)
        key.add(turn.principal.team)
        key.add(turn.principal.owner)
        key.add(attribution.repository?.value ?? "")
        key.add(attribution.branch?.value ?? "")
        key.add(attribution.agent?.value ?? "")
        key.add(attribution.client ?? "")
        key.add(turn.provider)
        key.add(turn.model)
        if let known = labelIDs[key] { return known }
        if labelIDs.count > Self.cacheMax { labelIDs = [:] }
        let labels = LabelSet(turn)
        let own = try labelID(labels, database)
        let found = LabelIDs(own: own, unbranched: labels.branch.isEmpty ? own : try labelID(labels.unbranched, database))
        labelIDs[key] = found
        return found
    }

    func labelID(_ labels: LabelSet, _ database: Database) throws -> Int64 {
        let find = try statements.statement(
            .findLabels, database,
            "SELECT id FROM label_set WHERE \(labelColumns.map { "\($0) = ?" }.joined(separator: " AND "))")
        for (index, text) in labels.texts.enumerated() { find.bind(index + 1, text) }
        defer { find.reset() }
        if try find.step() { return find.integer(0) }
        nextLabelID += 1
        let places = labelColumns.map { _ in "?" }.joined(separator: ", ")
        let make = try statements.statement(
            .makeLabels, database, "INSERT INTO label_set (\(labelColumns.joined(separator: ", ")), id) VALUES (\(places), ?)")
        for (index, text) in labels.texts.enumerated() { make.bind(index + 1, text) }
        make.bind(labelColumns.count + 1, nextLabelID)
        try make.run()
        return nextLabelID
    }

    private func sessionID(_ turn: TurnRecord, _ database: Database) throws -> Int64 {
        guard let session = turn.attribution.session else { return 0 }
        var key = TextKey()
        key.add(turn.principal.keyID)
        key.add(session.value)
        if let known = sessionIDs[key] { return known }
        if sessionIDs.count > Self.cacheMax { sessionIDs = [:] }
        let find = try statements.statement(.findSession, database, "SELECT id FROM session WHERE key_id = ? AND name = ?")
        find.bind(1, turn.principal.keyID)
        find.bind(2, session.value)
        defer { find.reset() }
        if try find.step() {
            sessionIDs[key] = find.integer(0)
            return find.integer(0)
        }
        nextSessionID += 1
        let make = try statements.statement(
            .makeSession, database,
            """
            INSERT INTO session (key_id, name, parent, source, workspace, team, owner, repository, branch, agent, client,
            id, first_ns, last_ns) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """)
        let texts = [
            turn.principal.keyID, session.value, turn.attribution.parentSession?.value, session.source.rawValue,
            turn.principal.workspace, turn.principal.team, turn.principal.owner, turn.attribution.repository?.value ?? "",
            turn.attribution.branch?.value ?? "", turn.attribution.agent?.value ?? "", turn.attribution.client ?? "",
        ]
        for (index, text) in texts.enumerated() { make.bind(index + 1, text) }
        make.bind(from: 12, [nextSessionID, turn.received.nanoseconds, turn.received.nanoseconds])
        try make.run()
        sessionIDs[key] = nextSessionID
        return nextSessionID
    }
}

/// Some texts as one key, told apart by their bytes as the database does.
struct TextKey: Hashable {
    private var bytes: [UInt8] = []

    init() { bytes.reserveCapacity(192) }

    mutating func add(_ text: String) {
        var text = text
        text.withUTF8 { bytes.append(contentsOf: $0) }
        // No text holds this byte.
        bytes.append(0xFF)
    }

    func hash(into hasher: inout Hasher) { bytes.withUnsafeBytes { hasher.combine(bytes: $0) } }
}
