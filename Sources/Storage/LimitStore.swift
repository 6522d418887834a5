// LimitStore: budgets and limits that were made through the admin API, and what was granted on top, as rows of the control store.

import Foundation
import GRDB
package import GatewayModel

/// A budget or a limit as it is stored: the rule as JSON.
package struct LimitRow: Sendable, Hashable {
    package var id: String
    package var body: String
    package var created: String
    package var updated: String

    package init(id: String, body: String, created: String, updated: String) {
        self.id = id
        self.body = body
        self.created = created
        self.updated = updated
    }
}

extension ControlStore {
    package func limitRules() throws -> [LimitRow] {
        try pool.read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM limit_rule ORDER BY id").map { row in
                LimitRow(id: row["id"], body: row["body"], created: row["created"], updated: row["updated"])
            }
        }
    }

    /// Inserts or replaces a rule.
    package func save(limit: LimitRow) throws {
        try transaction { database in
            try database.execute(
                sql: """
                    INSERT INTO limit_rule (id, body, created, updated) VALUES (?, ?, ?, ?)
                    ON CONFLICT (id) DO UPDATE SET body = excluded.body, updated = excluded.updated
                    """, arguments: [limit.id, limit.body, limit.created, limit.updated])
        }
    }

    package func removeLimit(_ id: String) throws {
        try transaction { database in
            try database.execute(sql: "DELETE FROM limit_rule WHERE id = ?", arguments: [id])
        }
    }

    /// Takes back what was granted on top of a rule.
    package func removeGrants(of rule: String) throws {
        try transaction { database in
            try database.execute(sql: "DELETE FROM limit_grant WHERE rule = ?", arguments: [rule])
        }
    }

    /// Every grant that was made and not taken back, oldest first; those that have ended, too.
    package func limitGrants() throws -> [LimitGrantRecord] {
        try pool.read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM limit_grant ORDER BY created, id").map { row in
                LimitGrantRecord(
                    id: row["id"], rule: row["rule"], group: Self.words(row["group_values"]), amount: row["amount"],
                    expires: (row["expires"] as String?).flatMap(Timestamp.init(rfc3339:)), by: row["granted_by"],
                    reason: row["reason"], created: Timestamp(rfc3339: row["created"]) ?? Timestamp(nanoseconds: 0))
            }
        }
    }

    package func insert(grant: LimitGrantRecord) throws {
        try transaction { database in
            try database.execute(
                sql: """
                    INSERT INTO limit_grant (id, rule, group_values, amount, expires, granted_by, reason, created)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    grant.id, grant.rule, try Self.text(grant.group), grant.amount, grant.expires?.rfc3339, grant.by, grant.reason,
                    grant.created.rfc3339,
                ])
        }
    }

    /// Before values as JSON. No joined values begin so, unless somebody granted to a counter that no turn can have.
    private static let mark = "\u{1E}"
    private static let separator: Character = "\u{1F}"

    /// A counter's values, joined as every version reads them; as JSON behind a mark where joined ones would be read as something
    /// else: one empty value would be no value at all.
    private static func text(_ values: [String]) throws -> String {
        let joined = values.joined(separator: String(separator))
        guard words(joined) != values else { return joined }
        return mark + String(decoding: try JSONEncoder().encode(values), as: UTF8.self)
    }

    private static func words(_ text: String) -> [String] {
        if text.hasPrefix(mark), let values = try? JSONDecoder().decode([String].self, from: Data(text.dropFirst().utf8)) { return values }
        return text.isEmpty ? [] : text.split(separator: separator, omittingEmptySubsequences: false).map(String.init)
    }
}

extension Schema {
    /// Control, version 5.
    static let controlLimits = [
        "CREATE TABLE limit_rule (id TEXT NOT NULL PRIMARY KEY, body TEXT NOT NULL, created TEXT NOT NULL, updated TEXT NOT NULL)",
        """
        CREATE TABLE limit_grant (id TEXT NOT NULL PRIMARY KEY, rule TEXT NOT NULL, group_values TEXT NOT NULL,
        amount BIGINT NOT NULL, expires TEXT, granted_by TEXT NOT NULL, reason TEXT NOT NULL, created TEXT NOT NULL)
        """,
    ]
}
