// SessionStandingStore: sessions that are paused or were let go on, as rows of the ledger beside the sessions themselves, and what a
// watch remembers of the time before its process. Rows are set, not added to, so the same records may come again.

import GRDB
package import GatewayModel
import Journal
import WireFormat

extension Schema {
    /// Ledger, version 5.
    static let sessionStandings = [
        """
        CREATE TABLE session_standing (key_id TEXT NOT NULL, session TEXT NOT NULL, body TEXT NOT NULL, at_ns BIGINT NOT NULL,
        PRIMARY KEY (key_id, session))
        """
    ]
}

enum SessionStandingProjection {
    static func apply(_ record: JournalRecord, _ database: Database) throws {
        guard let standing = record.json.withUnsafeBytes({ decodeSessionChange($0) }) else { return }
        var writer = JSONWriter()
        writer.beginObject()
        writer.standing(standing)
        writer.endObject()
        try database.execute(
            sql: """
                INSERT INTO session_standing (key_id, session, body, at_ns) VALUES (?, ?, ?, ?)
                ON CONFLICT (key_id, session) DO UPDATE SET body = excluded.body, at_ns = excluded.at_ns
                """,
            arguments: [
                standing.key, standing.session, String(decoding: writer.bytes, as: UTF8.self), standing.at.nanoseconds,
            ])
    }
}

/// A session as far as it has come.
package struct PastSession: Sendable {
    package var key: String
    package var session: String
    package var began: Timestamp
    package var turns: Int64
    package var cost: Int64

    package init(key: String, session: String, began: Timestamp, turns: Int64 = 0, cost: Int64 = 0) {
        self.key = key
        self.session = session
        self.began = began
        self.turns = turns
        self.cost = cost
    }
}

/// A developer's hour.
package struct PastHour: Sendable {
    package var developer: String
    package var hour: Timestamp
    package var turns: Int64
    package var cost: Int64
}

extension LedgerHistory {
    /// How sessions stand, the latest first.
    package func standings(max count: Int) throws -> [SessionStanding] {
        try String.fetchAll(database, sql: "SELECT body FROM session_standing ORDER BY at_ns DESC LIMIT ?", arguments: [count])
            .compactMap { text in Array(text.utf8).withUnsafeBytes { decodeStanding($0) } }
    }

    /// Sessions that were heard of since then, the latest first.
    package func sessions(since time: Timestamp, max count: Int) throws -> [PastSession] {
        try Row.fetchAll(
            database,
            sql: "SELECT key_id, name, first_ns, turns, cost FROM session WHERE last_ns >= ? ORDER BY last_ns DESC LIMIT ?",
            arguments: [time.nanoseconds, count]
        ).map { row in
            PastSession(
                key: row["key_id"], session: row["name"], began: Timestamp(nanoseconds: row["first_ns"]), turns: row.sum("turns"),
                cost: row.sum("cost"))
        }
    }

    /// What developers spent in each hour from then on, in order.
    package func developerHours(from start: Timestamp, _ body: (PastHour) -> Void) throws {
        let rows = try Row.fetchCursor(
            database,
            sql: """
                SELECT bucket, owner, SUM(turns) AS turns, SUM(cost) AS cost FROM usage_hour
                JOIN label_set ON label_set.id = usage_hour.labels WHERE bucket >= ? GROUP BY bucket, owner ORDER BY bucket
                """, arguments: [start.seconds])
        while let row = try rows.next() {
            body(
                PastHour(
                    developer: row["owner"], hour: Timestamp(seconds: row["bucket"]), turns: row.sum("turns"),
                    cost: row.sum("cost")))
        }
    }
}
