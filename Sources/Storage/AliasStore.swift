// AliasStore: what projects and sessions were named, as rows of the control store.

import GRDB
package import GatewayModel

extension ControlStore {
    package func aliases() throws -> [RepositoryAlias] {
        try pool.read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM repository_alias ORDER BY workspace, kind, name, key_id").compactMap { row in
                RepositoryAlias.Kind(rawValue: row["kind"]).map { kind in
                    RepositoryAlias(
                        id: row["id"], workspace: row["workspace"], kind: kind, keyID: row["key_id"], name: row["name"],
                        repository: row["repository"], created: row["created"])
                }
            }
        }
    }

    /// Inserts an alias, or gives another repository to the one that is there.
    package func save(_ alias: RepositoryAlias) throws {
        try transaction { database in
            try database.execute(
                sql: """
                    INSERT INTO repository_alias (id, workspace, kind, key_id, name, repository, created)
                    VALUES (?, ?, ?, ?, ?, ?, ?)
                    ON CONFLICT (id) DO UPDATE SET repository = excluded.repository
                    """,
                arguments: [
                    alias.id, alias.workspace, alias.kind.rawValue, alias.keyID, alias.name, alias.repository, alias.created,
                ])
        }
    }

    package func removeAlias(_ id: String) throws {
        try transaction { try $0.execute(sql: "DELETE FROM repository_alias WHERE id = ?", arguments: [id]) }
    }
}
