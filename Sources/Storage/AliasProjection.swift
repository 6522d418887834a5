// AliasProjection: the part of the projection that knows names. Turns that say no repository get the one that their session or
// project was named; what they say and what they leave out is counted by client. The ledger is a function of the turns and of the
// aliases at the journal's end: a change leaves a task, and `LedgerRelabel` goes back over the turns.

import GRDB
package import GatewayModel
import Journal
import WireFormat

struct AliasProjection {
    /// What a client left out, by the day.
    struct ClientCell: Hashable {
        var day: Int64
        var workspace: String
        var client: String
        var version: String
        var missing: Int64

        init(_ turn: borrowing TurnRecord) {
            day = turn.received.start(of: .day).seconds
            workspace = turn.principal.workspace
            client = turn.attribution.client ?? ""
            version = String((turn.attribution.clientVersion ?? "").prefix(40))
            missing = MissingLabels(turn).rawValue
        }
    }

    struct ClientSums {
        var turns: Int64 = 0
        var unpriced: Int64 = 0
        var cost: Int64 = 0

        mutating func add(_ turn: borrowing TurnRecord, times: Int64) {
            turns += times
            unpriced += turn.flags.contains(.unpriced) ? times : 0
            cost.addSaturating(times < 0 ? Int64(0).saturatingSubtracting(turn.cost.value) : turn.cost.value)
        }

        mutating func add(_ other: ClientSums) {
            turns += other.turns
            unpriced += other.unpriced
            cost.addSaturating(other.cost)
        }
    }

    private struct ProjectSession: Hashable {
        var workspace: String
        var project: String
        var session: Int64
    }

    private(set) var aliases = RepositoryAliases()
    /// Whether turns in the ledger are still to be gone over.
    var hasTasks = true
    private var isLoaded = false
    /// In the table already; only a short cut.
    private var knownProjects: Set<ProjectSession> = []
    private var namedSessions: Set<Int64> = []
    private var newProjects: Set<ProjectSession> = []
    private var staleSessions: Set<Int64> = []
    private var clients: [ClientCell: ClientSums] = [:]
    /// The same of turns whose beginning is known, which says everything but the day.
    private var counted: [(cell: ClientCell, sums: ClientSums)] = []
    private var places: [Int: Int] = [:]

    private static let cacheMax = 100_000

    /// Begins a transaction's work; the first reads what the ledger knows.
    mutating func begin(_ database: Database) throws {
        newProjects = []
        staleSessions = []
        clients = [:]
        counted = []
        places = [:]
        if knownProjects.count > Self.cacheMax { knownProjects = [] }
        if namedSessions.count > Self.cacheMax { namedSessions = [] }
        guard !isLoaded else { return }
        aliases = RepositoryAliases()
        for row in try Row.fetchAll(database, sql: "SELECT kind, scope, name, repository FROM ledger_alias") {
            guard let kind = RepositoryAlias.Kind(rawValue: row["kind"]) else { continue }
            aliases[.init(kind: kind, scope: row["scope"], name: row["name"])] = row["repository"]
        }
        try Self.plan(database)
        isLoaded = true
    }

    /// The turns that an older version left, month by month, up to the last of each: those behind it are counted as they come.
    private static func plan(_ database: Database) throws {
        guard try Bool.fetchOne(database, sql: "SELECT EXISTS (SELECT 1 FROM ledger_task WHERE kind = 'plan')") == true else { return }
        for month in try String.fetchAll(database, sql: "SELECT month FROM turn_month ORDER BY month") {
            let last = try Int64.fetchOne(database, sql: "SELECT MAX(rowid) FROM turn_\(month)") ?? 0
            try addTask(kind: "count", scope: "", name: String(last), month: month, database)
        }
        try database.execute(sql: "DELETE FROM ledger_task WHERE kind = 'plan'")
    }

    private static func addTask(kind: String, scope: String, name: String, month: String = "", _ database: Database) throws {
        try database.execute(
            sql: """
                INSERT INTO ledger_task (id, kind, scope, name, session_id, month, after)
                VALUES ((SELECT COALESCE(MAX(id), 0) + 1 FROM ledger_task), ?, ?, ?, -1, ?, '')
                """, arguments: [kind, scope, name, month])
    }

    // MARK: Turns

    /// Gives a turn its alias's repository, and takes one away that holds no longer. Gives the record that says so.
    func label(_ turn: inout TurnRecord, _ json: [UInt8]) -> [UInt8] {
        guard turn.attribution.takesAlias else { return json }
        let label = aliases.label(turn.attribution, turn.principal)
        guard label != turn.attribution.repository, var whole = json.withUnsafeBytes({ decodeTurn($0) }) else { return json }
        turn.attribution.repository = label
        whole.attribution.repository = label
        return encodeTurn(whole)
    }

    /// Counts a turn that is new in the ledger. `beginning` is what `TurnReader` says of it.
    mutating func count(_ turn: borrowing TurnRecord, session: Int64, beginning: Int) {
        let takesAlias = turn.attribution.takesAlias
        if beginning > 0, !takesAlias {
            let day = turn.received.start(of: .day).seconds
            if let place = places[beginning], counted[place].cell.day == day {
                counted[place].sums.add(turn, times: 1)
                return
            }
            var sums = ClientSums()
            sums.add(turn, times: 1)
            places[beginning] = counted.count
            counted.append((ClientCell(turn), sums))
            return
        }
        clients[ClientCell(turn), default: ClientSums()].add(turn, times: 1)
        guard takesAlias else { return }
        if let project = turn.attribution.project {
            let one = ProjectSession(workspace: turn.principal.workspace, project: project, session: session)
            if knownProjects.insert(one).inserted {
                newProjects.insert(one)
                if session != 0 { staleSessions.insert(session) }
            }
        }
        if session != 0, turn.attribution.repository != nil, namedSessions.insert(session).inserted { staleSessions.insert(session) }
    }

    /// Moves a turn from what it said to what it says.
    mutating func move(from old: TurnRecord, to new: TurnRecord) {
        clients[ClientCell(old), default: ClientSums()].add(old, times: -1)
        clients[ClientCell(new), default: ClientSums()].add(new, times: 1)
    }

    /// Writes what the transaction's turns have brought.
    mutating func write(_ database: Database) throws {
        for one in newProjects {
            try database.cachedStatement(
                sql: """
                    INSERT INTO project_session (workspace, project, session_id) VALUES (?, ?, ?)
                    ON CONFLICT (workspace, project, session_id) DO NOTHING
                    """
            ).execute(arguments: [one.workspace, one.project, one.session])
        }
        for one in counted { clients[one.cell, default: ClientSums()].add(one.sums) }
        counted = []
        places = [:]
        for (cell, sums) in clients {
            let key: StatementArguments = [cell.day, cell.workspace, cell.client, cell.version, cell.missing]
            try database.cachedStatement(
                sql: """
                    INSERT INTO client_use (bucket, workspace, client, version, missing, turns, unpriced, cost)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (bucket, workspace, client, version, missing) DO UPDATE SET
                    turns = client_use.turns + excluded.turns, unpriced = client_use.unpriced + excluded.unpriced,
                    cost = client_use.cost + excluded.cost
                    """
            ).execute(arguments: key + [sums.turns, sums.unpriced, sums.cost])
            guard sums.turns < 0 else { continue }
            try database.cachedStatement(
                sql: """
                    DELETE FROM client_use WHERE bucket = ? AND workspace = ? AND client = ? AND version = ? AND missing = ?
                    AND turns = 0
                    """
            ).execute(arguments: key)
        }
        for session in staleSessions { try showRepository(session, database) }
    }

    /// What the session's own turns say last goes before what it or its project was named.
    func showRepository(_ session: Int64, _ database: Database) throws {
        guard
            let row = try Row.fetchOne(
                database, sql: "SELECT key_id, name, workspace FROM session WHERE id = ?", arguments: [session])
        else { return }
        var name = aliases[.init(kind: .session, scope: row["key_id"], name: row["name"])]
        if name == nil {
            let projects = try String.fetchAll(
                database, sql: "SELECT project FROM project_session WHERE session_id = ? ORDER BY project", arguments: [session])
            let workspace: String = row["workspace"]
            name = projects.lazy.compactMap { aliases[.init(kind: .project, scope: workspace, name: $0)] }.first
        }
        try database.execute(
            sql: "UPDATE session SET repository = CASE WHEN own_repository = '' THEN ? ELSE own_repository END WHERE id = ?",
            arguments: [name ?? "", session])
    }

    // MARK: Names

    /// Takes an `entity.changed` record of an alias: the name holds from here on, and a task goes back over the turns.
    mutating func apply(_ record: JournalRecord, _ database: Database) throws {
        guard let (subject, repository) = record.json.withUnsafeBytes({ decodeAliasChange($0) }), aliases[subject] != repository
        else { return }
        aliases[subject] = repository
        let key: StatementArguments = [subject.kind.rawValue, subject.scope, subject.name]
        if let repository {
            try database.execute(
                sql: """
                    INSERT INTO ledger_alias (kind, scope, name, repository) VALUES (?, ?, ?, ?)
                    ON CONFLICT (kind, scope, name) DO UPDATE SET repository = excluded.repository
                    """, arguments: key + [repository])
        } else {
            try database.execute(sql: "DELETE FROM ledger_alias WHERE kind = ? AND scope = ? AND name = ?", arguments: key)
        }
        try Self.addTask(kind: subject.kind.rawValue, scope: subject.scope, name: subject.name, database)
        hasTasks = true
    }
}

/// What an `entity.changed` record says of an alias: its subject, and its repository, nil once it is removed. Nil for the changes of
/// other entities.
private func decodeAliasChange(_ record: UnsafeRawBufferPointer) -> (RepositoryAlias.Subject, String?)? {
    var isAlias = false
    var kind: RepositoryAlias.Kind?
    var texts: [String: String] = [:]
    var repository: String?
    visitJSONMembers(record) { member in
        if member.isNamed("entity") { isAlias = member.string == aliasEntity }
        let isAfter = member.isNamed("after")
        guard isAfter || member.isNamed("before"), member.kind == .object else { return }
        visitJSONMembers(member.value) { field in
            if let text = field.string { texts[field.key] = text }
            if isAfter, field.isNamed("repository") { repository = field.string }
        }
    }
    kind = texts["kind"].flatMap(RepositoryAlias.Kind.init(rawValue:))
    guard isAlias, let kind, let name = texts["name"], let scope = texts[kind == .project ? "workspace" : "key_id"] else { return nil }
    return (RepositoryAlias.Subject(kind: kind, scope: scope, name: name), repository)
}

/// The `entity` of an alias's `entity.changed` records.
package let aliasEntity = "repository_alias"

/// A turn as the ledger keeps it.
func encodeTurn(_ turn: TurnRecord) -> [UInt8] {
    var writer = JSONWriter()
    writer.beginObject()
    writer.turn(turn)
    writer.endObject()
    return writer.bytes
}

/// The labels that a turn does without.
package struct MissingLabels: OptionSet, Sendable, Hashable {
    package let rawValue: Int64

    package init(rawValue: Int64) { self.rawValue = rawValue }

    /// The key belongs to no developer.
    package static let developer = MissingLabels(rawValue: 1)
    package static let repository = MissingLabels(rawValue: 2)
    /// No session was sent; a generated one is a guess.
    package static let session = MissingLabels(rawValue: 4)

    package init(_ turn: borrowing TurnRecord) {
        var missing: MissingLabels = []
        if turn.principal.developer == nil { missing.insert(.developer) }
        if turn.attribution.repository == nil { missing.insert(.repository) }
        if turn.attribution.session.map({ $0.source == .inferred }) ?? true { missing.insert(.session) }
        self = missing
    }

    /// In the order of the report.
    package var names: [String] {
        [(Self.developer, "developer"), (.repository, "repository"), (.session, "session")].filter { contains($0.0) }.map(\.1)
    }
}
