// AlertStore: what was told to people, so that a start does not tell it again, and what a receiver has not taken yet. It is nobody's
// projection, so it stands in the control store.

import GRDB
package import GatewayModel

/// An alert on its way.
package struct AlertRow: Sendable, Hashable {
    /// What it is told once for: its kind, its subject, its window.
    package var name: String
    package var told: Timestamp
    /// From then on the same may be told again.
    package var again: Timestamp
    /// The alert, as JSON.
    package var body: String

    package init(name: String, told: Timestamp, again: Timestamp, body: String) {
        self.name = name
        self.told = told
        self.again = again
        self.body = body
    }
}

/// An alert that a receiver has not taken yet.
package struct OwedAlert: Sendable, Hashable {
    package var name: String
    package var receiver: String
    package var told: Timestamp
    package var body: String

    package init(name: String, receiver: String, told: Timestamp, body: String) {
        self.name = name
        self.receiver = receiver
        self.told = told
        self.body = body
    }
}

extension ControlStore {
    /// Notes alerts as told, and as owed to each receiver. Gives the names of those that are news.
    package func claim(alerts: [AlertRow], for receivers: [String]) throws -> Set<String> {
        try pool.write { database in
            var news: Set<String> = []
            for alert in alerts {
                try database.execute(
                    sql: """
                        INSERT INTO alert_told (name, told_ns, again_ns) VALUES (?, ?, ?)
                        ON CONFLICT (name) DO UPDATE SET told_ns = excluded.told_ns, again_ns = excluded.again_ns
                        WHERE alert_told.again_ns <= excluded.told_ns
                        """, arguments: [alert.name, alert.told.nanoseconds, alert.again.nanoseconds])
                guard database.changesCount > 0 else { continue }
                news.insert(alert.name)
                for receiver in receivers {
                    try database.execute(
                        sql: """
                            INSERT INTO alert_owed (name, receiver, told_ns, body) VALUES (?, ?, ?, ?)
                            ON CONFLICT (name, receiver) DO UPDATE SET told_ns = excluded.told_ns, body = excluded.body
                            """, arguments: [alert.name, receiver, alert.told.nanoseconds, alert.body])
                }
            }
            return news
        }
    }

    /// A receiver has taken these.
    package func settle(alerts names: [String], of receiver: String) throws {
        try pool.write { database in
            for name in names {
                try database.execute(sql: "DELETE FROM alert_owed WHERE name = ? AND receiver = ?", arguments: [name, receiver])
            }
        }
    }

    /// The latest of what was told from then on and is owed still, oldest first.
    package func owedAlerts(since time: Timestamp, max count: Int) throws -> [OwedAlert] {
        try pool.read { database in
            try Row.fetchAll(
                database,
                sql: "SELECT name, receiver, told_ns, body FROM alert_owed WHERE told_ns >= ? ORDER BY told_ns DESC, name LIMIT ?",
                arguments: [time.nanoseconds, count]
            ).reversed().map {
                OwedAlert(name: $0["name"], receiver: $0["receiver"], told: Timestamp(nanoseconds: $0["told_ns"]), body: $0["body"])
            }
        }
    }

    /// Forgets what may be told again anyhow, all but the latest `count` of the rest, and what was owed for too long.
    package func forgetAlerts(at now: Timestamp, owedBefore time: Timestamp, max count: Int) throws {
        try pool.write { database in
            try database.execute(sql: "DELETE FROM alert_owed WHERE told_ns < ?", arguments: [time.nanoseconds])
            try database.execute(sql: "DELETE FROM alert_told WHERE again_ns <= ?", arguments: [now.nanoseconds])
            try database.execute(
                sql: """
                    DELETE FROM alert_told WHERE told_ns <
                    (SELECT MIN(told_ns) FROM (SELECT told_ns FROM alert_told ORDER BY told_ns DESC LIMIT ?) AS latest)
                    """, arguments: [count])
        }
    }
}

extension Schema {
    /// Control, version 6.
    static let controlAlerts = [
        "CREATE TABLE alert_told (name TEXT NOT NULL PRIMARY KEY, told_ns BIGINT NOT NULL, again_ns BIGINT NOT NULL)",
        "CREATE INDEX alert_told_time ON alert_told (told_ns)",
        """
        CREATE TABLE alert_owed (name TEXT NOT NULL, receiver TEXT NOT NULL, told_ns BIGINT NOT NULL, body TEXT NOT NULL,
        PRIMARY KEY (name, receiver))
        """,
    ]
}
