// ControlStore: workspaces, teams, developers, service accounts, keys and imported prices, as rows. It writes what it is given:
// ids, times and rules are the business of those above.

package import GRDB
import GatewayModel

/// The outermost tenant.
package struct WorkspaceRow: Sendable, Hashable, Codable {
    package var id: String
    package var name: String
    package var created: String

    package init(id: String, name: String, created: String) {
        self.id = id
        self.name = name
        self.created = created
    }
}

/// A team of a workspace, which it names.
package struct TeamRow: Sendable, Hashable, Codable {
    package var id: String
    package var workspace: String
    package var name: String
    package var created: String
    package var disabled: String?

    package init(id: String, workspace: String, name: String, created: String, disabled: String? = nil) {
        self.id = id
        self.workspace = workspace
        self.name = name
        self.created = created
        self.disabled = disabled
    }
}

/// A developer or a service account.
package struct OwnerRow: Sendable, Hashable, Codable {
    package var id: String
    package var workspace: String
    package var team: String
    package var name: String
    package var email: String?
    package var created: String
    package var disabled: String?

    package init(
        id: String, workspace: String, team: String, name: String, email: String? = nil, created: String,
        disabled: String? = nil
    ) {
        self.id = id
        self.workspace = workspace
        self.team = team
        self.name = name
        self.email = email
        self.created = created
        self.disabled = disabled
    }
}

/// A virtual key as it is stored: its policy as JSON and a MAC over it.
package struct KeyRow: Sendable, Hashable {
    package var keyID: String
    package var name: String
    /// `VirtualKey` as JSON.
    package var policy: String
    /// HMAC of id and policy under the pepper, in hex: a row edited behind Weir's back is refused.
    package var rowMAC: String
    package var created: String

    package init(keyID: String, name: String, policy: String, rowMAC: String, created: String) {
        self.keyID = keyID
        self.name = name
        self.policy = policy
        self.rowMAC = rowMAC
        self.created = created
    }
}

/// The rows of the control store.
package struct ControlStore: Sendable {
    let pool: DatabasePool

    package init(_ pool: DatabasePool) { self.pool = pool }

    /// What `body` writes through this store stands when it has ended, and none of it when it throws.
    package func transaction<Result>(_ body: () throws -> Result) throws -> Result { try transaction { _ in try body() } }

    /// One transaction, or a part of the one that is under way on this thread.
    func transaction<Result>(_ body: (GRDB.Database) throws -> Result) throws -> Result {
        try pool.unsafeReentrantWrite { database in
            if database.isInsideTransaction { return try body(database) }
            try database.beginTransaction(.immediate)
            do {
                let result = try body(database)
                try database.commit()
                return result
            } catch {
                if database.isInsideTransaction { try database.rollback() }
                throw error
            }
        }
    }

    // MARK: Workspaces, teams and owners

    package func workspaces() throws -> [WorkspaceRow] {
        try pool.read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM workspace ORDER BY name").map { row in
                WorkspaceRow(id: row["id"], name: row["name"], created: row["created"])
            }
        }
    }

    package func insert(workspace: WorkspaceRow) throws {
        try transaction { database in
            try database.execute(
                sql: "INSERT INTO workspace (id, name, created) VALUES (?, ?, ?)",
                arguments: [workspace.id, workspace.name, workspace.created])
        }
    }

    package func teams() throws -> [TeamRow] {
        try pool.read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM team ORDER BY name").map { row in
                TeamRow(
                    id: row["id"], workspace: row["workspace"], name: row["name"], created: row["created"],
                    disabled: row["disabled"])
            }
        }
    }

    package func insert(team: TeamRow) throws {
        try transaction { database in
            try database.execute(
                sql: "INSERT INTO team (id, workspace, name, created) VALUES (?, ?, ?, ?)",
                arguments: [team.id, team.workspace, team.name, team.created])
        }
    }

    /// `developer` or `service_account`.
    package func owners(_ kind: OwnerKind) throws -> [OwnerRow] {
        try pool.read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM \(kind.rawValue) ORDER BY name").map { row in
                OwnerRow(
                    id: row["id"], workspace: row["workspace"], team: row["team"], name: row["name"],
                    email: kind == .developer ? row["email"] : nil, created: row["created"], disabled: row["disabled"])
            }
        }
    }

    package func insert(_ kind: OwnerKind, _ owner: OwnerRow) throws {
        try transaction { database in
            try database.execute(
                sql: "INSERT INTO \(kind.rawValue) (id, workspace, team, name, created) VALUES (?, ?, ?, ?, ?)",
                arguments: [owner.id, owner.workspace, owner.team, owner.name, owner.created])
            if kind == .developer, let email = owner.email {
                try database.execute(sql: "UPDATE developer SET email = ? WHERE id = ?", arguments: [email, owner.id])
            }
        }
    }

    /// Disables an entity, or enables it again when `time` is nil; its turns stay either way.
    package func setDisabled(table: EntityTable, id: String, at time: String?) throws {
        try transaction { database in
            try database.execute(sql: "UPDATE \(table.rawValue) SET disabled = ? WHERE id = ?", arguments: [time, id])
        }
    }

    // MARK: Keys

    package func keys() throws -> [KeyRow] {
        try pool.read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM virtual_key ORDER BY created, key_id").map(Self.key)
        }
    }

    /// Visits every key's row without holding them all.
    package func forEachKey(_ body: (KeyRow) -> Void) throws {
        try pool.read { database in
            let rows = try Row.fetchCursor(database, sql: "SELECT key_id, name, policy, row_mac, created FROM virtual_key")
            while let row = try rows.next() { body(Self.key(row)) }
        }
    }

    package func hasKeys() throws -> Bool {
        try pool.read { try Bool.fetchOne($0, sql: "SELECT EXISTS (SELECT 1 FROM virtual_key)") ?? false }
    }

    package func key(_ id: String) throws -> KeyRow? {
        try pool.read { database in
            try Row.fetchOne(database, sql: "SELECT * FROM virtual_key WHERE key_id = ?", arguments: [id]).map(Self.key)
        }
    }

    /// Inserts or replaces a key's row.
    package func save(_ key: KeyRow) throws {
        try transaction { try Self.save(key, $0) }
    }

    static func save(_ key: KeyRow, _ database: GRDB.Database) throws {
        try database.execute(
            sql: """
                INSERT INTO virtual_key (key_id, name, policy, row_mac, created) VALUES (?, ?, ?, ?, ?)
                ON CONFLICT (key_id) DO UPDATE SET name = excluded.name, policy = excluded.policy,
                row_mac = excluded.row_mac
                """, arguments: [key.keyID, key.name, key.policy, key.rowMAC, key.created])
    }

    private static func key(_ row: Row) -> KeyRow {
        KeyRow(
            keyID: row["key_id"], name: row["name"], policy: row["policy"], rowMAC: row["row_mac"], created: row["created"])
    }

    // MARK: Prices

    /// Imported price rows, as JSON, newest import first.
    package func priceRows() throws -> [String] {
        try pool.read { database in
            try String.fetchAll(database, sql: "SELECT body FROM price_row ORDER BY created DESC, id")
        }
    }

    /// Replaces all rows of a source, and gives those that went.
    @discardableResult
    package func replacePrices(source: String, rows: [(id: String, body: String)], at time: String) throws -> [String] {
        try transaction { database in
            let before = try String.fetchAll(database, sql: "SELECT body FROM price_row WHERE source = ? ORDER BY id", arguments: [source])
            try database.execute(sql: "DELETE FROM price_row WHERE source = ?", arguments: [source])
            for row in rows {
                try database.execute(
                    sql: "INSERT INTO price_row (id, body, source, created) VALUES (?, ?, ?, ?)",
                    arguments: [row.id, row.body, source, time])
            }
            return before
        }
    }

    // MARK: Idempotency

    /// Takes the name of a request that is about to be carried out; false when it was taken before.
    package func claim(_ name: String, at time: String) throws -> Bool {
        try transaction { database in
            try database.execute(
                sql: """
                    INSERT INTO idempotency (name, request_hash, status, response, created) VALUES (?, '', 0, '', ?)
                    ON CONFLICT (name) DO NOTHING
                    """, arguments: [name, time])
            return database.changesCount > 0
        }
    }

    /// Gives the name back: the request failed and may be tried again.
    package func release(_ name: String) throws {
        try transaction { database in
            try database.execute(sql: "DELETE FROM idempotency WHERE name = ?", arguments: [name])
        }
    }
}

/// What owns a key.
package enum OwnerKind: String, Sendable, CaseIterable {
    case developer
    case serviceAccount = "service_account"
}

/// The tables whose rows can be disabled.
package enum EntityTable: String, Sendable {
    case team, developer
    case serviceAccount = "service_account"
}
