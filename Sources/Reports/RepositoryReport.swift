// RepositoryReport: the repositories that were seen, and the projects and sessions that have no name yet.

import GRDB
package import GatewayModel
import Storage

/// A repository that turns say.
package struct SeenRepository: Sendable, Codable, Hashable {
    package var repository: String
    package var turns: Int64
    package var costNanoUSD: Int64
    /// The day of its last turn.
    package var lastDay: String

    enum CodingKeys: String, CodingKey {
        case repository, turns
        case costNanoUSD = "cost_nano_usd"
        case lastDay = "last_day"
    }
}

/// A project or a session whose turns say no repository.
package struct UnnamedSubject: Sendable, Codable, Hashable {
    package var kind: String
    package var name: String
    package var workspace: String
    /// Of a session alone.
    package var keyID: String?
    package var developer: String
    package var client: String
    package var sessions: Int64
    package var turns: Int64
    package var costNanoUSD: Int64
    package var lastTime: String

    enum CodingKeys: String, CodingKey {
        case kind, name, workspace
        case keyID = "key_id"
        case developer, client, sessions, turns
        case costNanoUSD = "cost_nano_usd"
        case lastTime = "last_time"
    }
}

/// Both.
package struct RepositoryList: Sendable, Codable {
    package var schema = "weir.repository.list/1"
    package var since: String?
    package var repositories: [SeenRepository]
    package var unnamed: [UnnamedSubject]

    package init(since: String?, repositories: [SeenRepository], unnamed: [UnnamedSubject]) {
        self.since = since
        self.repositories = repositories
        self.unnamed = unnamed
    }
}

extension Reports {
    /// Repositories since a day, dearest first, and what was active since then and has no name, latest first; at most `limit` of each.
    package func repositories(since: Timestamp?, limit: Int) throws -> RepositoryList {
        let count = min(max(1, limit), 10_000)
        let start = since?.start(of: .day)
        return try pool.read { database in
            let seen = try Row.fetchAll(
                database,
                sql: """
                    SELECT l.repository AS repository, SUM(u.turns) AS turns, SUM(u.cost) AS cost, MAX(u.bucket) AS last
                    FROM usage_day u JOIN label_set l ON l.id = u.labels WHERE l.repository <> '' AND u.bucket >= ?
                    GROUP BY l.repository ORDER BY cost DESC, l.repository LIMIT \(count)
                    """, arguments: [start?.seconds ?? 0]
            ).map { row in
                SeenRepository(
                    repository: row["repository"], turns: row.sum("turns"), costNanoUSD: row.sum("cost"),
                    lastDay: String(Timestamp(seconds: row["last"]).rfc3339.prefix(10)))
            }
            let projects = try Self.unnamedProjects(database, since: start, count: count)
            let sessions = try Self.unnamedSessions(database, since: start, count: count)
            return RepositoryList(since: start?.rfc3339, repositories: seen, unnamed: projects + sessions)
        }
    }

    /// The keys that have a session of this name.
    package func keys(ofSession name: String) throws -> [(keyID: String, workspace: String)] {
        try pool.read { database in
            try Row.fetchAll(database, sql: "SELECT key_id, workspace FROM session WHERE name = ? ORDER BY key_id", arguments: [name])
                .map { ($0["key_id"], $0["workspace"]) }
        }
    }

    /// Whether turns are still being gone over after a change of names.
    package func isRelabelling() throws -> Bool {
        try pool.read { try Bool.fetchOne($0, sql: "SELECT EXISTS (SELECT 1 FROM ledger_task)") ?? false }
    }

    /// The aliases that the ledger has read from the journal.
    package func knownAliases() throws -> [RepositoryAlias.Subject: String] {
        try pool.read { database in
            var known: [RepositoryAlias.Subject: String] = [:]
            for row in try Row.fetchAll(database, sql: "SELECT kind, scope, name, repository FROM ledger_alias") {
                guard let kind = RepositoryAlias.Kind(rawValue: row["kind"]) else { continue }
                known[.init(kind: kind, scope: row["scope"], name: row["name"])] = row["repository"]
            }
            return known
        }
    }

    /// What the turns without a repository of some sessions sum up to.
    private static let unnamedSums = """
        SUM(u.turns) AS turns, SUM(u.cost) AS cost, MAX(s.last_ns) AS last, MAX(s.owner) AS owner, MAX(s.client) AS client,
        COUNT(DISTINCT s.id) AS sessions
        """

    private static func unnamedProjects(_ database: Database, since: Timestamp?, count: Int) throws -> [UnnamedSubject] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT p.project AS name, p.workspace AS workspace, \(unnamedSums)
                FROM project_session p JOIN session s ON s.id = p.session_id
                JOIN usage_session u ON u.session_id = s.id JOIN label_set l ON l.id = u.labels
                WHERE s.last_ns >= ? AND l.repository = ''
                GROUP BY p.workspace, p.project ORDER BY last DESC, name LIMIT \(count)
                """, arguments: [since?.nanoseconds ?? 0]
        ).map { subject($0, "project", key: nil) }
    }

    private static func unnamedSessions(_ database: Database, since: Timestamp?, count: Int) throws -> [UnnamedSubject] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT s.name AS name, s.workspace AS workspace, s.key_id AS key_id, \(unnamedSums)
                FROM (SELECT * FROM session WHERE repository = '' AND last_ns >= ?
                AND NOT EXISTS (SELECT 1 FROM project_session p WHERE p.session_id = session.id)
                ORDER BY last_ns DESC, id DESC LIMIT \(count)) s
                JOIN usage_session u ON u.session_id = s.id JOIN label_set l ON l.id = u.labels WHERE l.repository = ''
                GROUP BY s.id ORDER BY last DESC, name
                """, arguments: [since?.nanoseconds ?? 0]
        ).map { subject($0, "session", key: $0["key_id"]) }
    }

    private static func subject(_ row: Row, _ kind: String, key: String?) -> UnnamedSubject {
        UnnamedSubject(
            kind: kind, name: row["name"], workspace: row["workspace"], keyID: key, developer: row["owner"], client: row["client"],
            sessions: row["sessions"], turns: row.sum("turns"), costNanoUSD: row.sum("cost"),
            lastTime: Timestamp(nanoseconds: row["last"]).rfc3339)
    }
}
