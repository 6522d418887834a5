// Schema: the tables, in the SQL that SQLite 3.40 and PostgreSQL 15 share. Versions are only ever added.

/// The measures that every rollup keeps, in one order everywhere.
package let measureColumns = firstMeasureColumns + limitMeasureColumns

/// Those of the first version.
private let firstMeasureColumns = [
    "turns", "errors", "unpriced", "estimated", "input", "cache_read", "cache_write_5m", "cache_write_30m",
    "cache_write_1h", "cache_write_12h", "cache_write_unknown", "tool_prompt", "output", "reasoning", "web_searches",
    "tool_calls", "cost", "duration_us",
]

/// What limits count otherwise than reports do: turns that were never sent, tokens of tries that did not serve their turn, and by how much
/// what was reserved for turns without a price is more than what is known of their cost.
private let limitMeasureColumns = ["unsent", "tried_input", "tried_output", "unpriced_reserved"]

/// The dimensions of a rollup.
package let labelColumns = [
    "key_id", "workspace", "team", "owner", "repository", "branch", "agent", "client", "model", "deployment",
]

enum Schema {
    private static let measures = firstMeasureColumns.map { "\($0) BIGINT NOT NULL DEFAULT 0" }.joined(separator: ", ")
    private static let labels = labelColumns.map { "\($0) TEXT NOT NULL DEFAULT ''" }.joined(separator: ", ")

    /// The ledger: a projection of the journal, which can be made again.
    static let ledger: [(version: Int, statements: [String])] = [
        (
            1,
            [
                "CREATE TABLE projection_cursor (name TEXT NOT NULL PRIMARY KEY, boot TEXT NOT NULL, sequence BIGINT NOT NULL)",
                "CREATE TABLE label_set (id BIGINT NOT NULL PRIMARY KEY, \(labels))",
                "CREATE UNIQUE INDEX label_set_all ON label_set (\(labelColumns.joined(separator: ", ")))",
                usage("usage_hour"), usage("usage_day"), usage("usage_month"),
                // Months under labels without their branch: branches come and go, and most reports do not ask for them.
                usage("usage_month_unbranched"),
                """
                CREATE TABLE session (id BIGINT NOT NULL PRIMARY KEY, key_id TEXT NOT NULL, name TEXT NOT NULL,
                parent TEXT, source TEXT NOT NULL, workspace TEXT NOT NULL, team TEXT NOT NULL, owner TEXT NOT NULL,
                repository TEXT NOT NULL, branch TEXT NOT NULL, agent TEXT NOT NULL, client TEXT NOT NULL,
                first_ns BIGINT NOT NULL, last_ns BIGINT NOT NULL, sub_agents TEXT NOT NULL DEFAULT '', \(measures))
                """,
                "CREATE UNIQUE INDEX session_name ON session (key_id, name)",
                "CREATE INDEX session_only_name ON session (name)",
                "CREATE INDEX session_last ON session (last_ns, id)",
                "CREATE INDEX session_cost ON session (cost)",
                "CREATE INDEX session_parent ON session (parent)",
                """
                CREATE TABLE usage_session (session_id BIGINT NOT NULL, bucket BIGINT NOT NULL, labels BIGINT NOT NULL,
                \(measures), PRIMARY KEY (session_id, bucket, labels))
                """,
                "CREATE TABLE turn_month (month TEXT NOT NULL PRIMARY KEY)",
                // Their sums stand, so their turns must not be counted again when the journal is read anew.
                "CREATE TABLE dropped_month (month TEXT NOT NULL PRIMARY KEY)",
                "CREATE TABLE response_owner (id TEXT NOT NULL PRIMARY KEY, request_id TEXT NOT NULL, month TEXT NOT NULL)",
                """
                CREATE TABLE unpriced_model (deployment TEXT NOT NULL PRIMARY KEY, turns BIGINT NOT NULL,
                first_ns BIGINT NOT NULL, last_ns BIGINT NOT NULL)
                """,
                "CREATE TABLE key_use (key_id TEXT NOT NULL PRIMARY KEY, last_ns BIGINT NOT NULL)",
            ]
        ),
        (3, ledgerAliases),
        (4, clientReports),
        (5, sessionStandings),
        (
            6,
            ["usage_hour", "usage_day", "usage_month", "usage_month_unbranched", "usage_session", "session"].flatMap { table in
                limitMeasureColumns.map { "ALTER TABLE \(table) ADD COLUMN \($0) BIGINT NOT NULL DEFAULT 0" }
            }
        ),
    ]

    private static func usage(_ name: String) -> String {
        "CREATE TABLE \(name) (bucket BIGINT NOT NULL, labels BIGINT NOT NULL, \(measures), PRIMARY KEY (bucket, labels))"
    }

    /// A month's turns: a table of its own, so that retention drops it whole.
    static func turnTable(_ month: String) -> [String] {
        [
            """
            CREATE TABLE IF NOT EXISTS turn_\(month) (request_id TEXT NOT NULL PRIMARY KEY, labels BIGINT NOT NULL,
            session_id BIGINT NOT NULL, received_ns BIGINT NOT NULL, status INTEGER NOT NULL, flags BIGINT NOT NULL,
            cost BIGINT NOT NULL, record TEXT NOT NULL)
            """,
            "CREATE INDEX IF NOT EXISTS turn_\(month)_session ON turn_\(month) (session_id, request_id)",
            // The second bit of `flags`: what `weir price rerate` looks for.
            "CREATE INDEX IF NOT EXISTS turn_\(month)_unpriced ON turn_\(month) (request_id) WHERE flags % 4 >= 2",
        ]
    }

    /// The control plane's own data, which is nobody's projection.
    static let control: [(version: Int, statements: [String])] = [
        (
            1,
            [
                "CREATE TABLE workspace (id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL UNIQUE, created TEXT NOT NULL)",
                """
                CREATE TABLE team (id TEXT NOT NULL PRIMARY KEY, workspace TEXT NOT NULL, name TEXT NOT NULL,
                created TEXT NOT NULL, disabled TEXT, UNIQUE (workspace, name))
                """,
                """
                CREATE TABLE developer (id TEXT NOT NULL PRIMARY KEY, workspace TEXT NOT NULL, team TEXT NOT NULL,
                name TEXT NOT NULL, email TEXT, created TEXT NOT NULL, disabled TEXT, UNIQUE (workspace, name))
                """,
                """
                CREATE TABLE service_account (id TEXT NOT NULL PRIMARY KEY, workspace TEXT NOT NULL, team TEXT NOT NULL,
                name TEXT NOT NULL, created TEXT NOT NULL, disabled TEXT, UNIQUE (workspace, name))
                """,
                """
                CREATE TABLE virtual_key (key_id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL, policy TEXT NOT NULL,
                row_mac TEXT NOT NULL, created TEXT NOT NULL)
                """,
                """
                CREATE TABLE price_row (id TEXT NOT NULL PRIMARY KEY, body TEXT NOT NULL, source TEXT NOT NULL,
                created TEXT NOT NULL)
                """,
                """
                CREATE TABLE idempotency (name TEXT NOT NULL PRIMARY KEY, request_hash TEXT NOT NULL, status INTEGER NOT NULL,
                response TEXT NOT NULL, created TEXT NOT NULL)
                """,
            ]
        ),
        (
            2,
            [
                """
                CREATE TABLE invitation (id TEXT NOT NULL PRIMARY KEY, mac TEXT NOT NULL UNIQUE, developer TEXT NOT NULL,
                team TEXT NOT NULL, email TEXT, created TEXT NOT NULL, expires TEXT NOT NULL, used TEXT, revoked TEXT)
                """,
                """
                CREATE TABLE device_grant (id TEXT NOT NULL PRIMARY KEY, device_mac TEXT NOT NULL UNIQUE,
                user_mac TEXT NOT NULL UNIQUE, status TEXT NOT NULL, client TEXT NOT NULL, peer TEXT NOT NULL,
                created TEXT NOT NULL, expires TEXT NOT NULL, attempts INTEGER NOT NULL, developer TEXT, team TEXT,
                decided_by TEXT, key_id TEXT)
                """,
                "CREATE INDEX device_grant_expires ON device_grant (expires)",
            ]
        ),
        (3, controlAliases),
        (5, controlLimits),
        (6, controlAlerts),
    ]
}
