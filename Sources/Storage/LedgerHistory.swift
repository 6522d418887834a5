// LedgerHistory: past use with its labels, for counters that are made again: whole hours from the rollups, the rest from single turns,
// and where in the journal it ends; all of it as one moment of the ledger.

package import GRDB
package import GatewayModel
package import Journal

/// Use under one set of labels: of one turn, or of all turns of an hour.
package struct PastUse: Sendable {
    package var labels: LabelSet
    /// Nil where sessions are not told apart.
    package var session: String?
    /// Of a single turn, when it was read whole.
    package var tags: [String: String] = [:]
    /// When its turns came: the beginning of the hour, or the turn's own time.
    package var time: Timestamp
    /// When a single turn ended.
    package var ended: Timestamp
    /// Requests: turns that were sent.
    package var turns: Int64
    package var costNanoUSD: Int64
    package var inputTokens: Int64
    package var outputTokens: Int64

    /// Of one turn.
    package init(_ turn: TurnRecord) {
        labels = LabelSet(turn)
        session = turn.attribution.session?.value
        tags = turn.attribution.tags
        time = turn.received
        ended = turn.lastByte ?? turn.received
        turns = turn.flags.contains(.unsent) ? 0 : 1
        // Versions that did not say whether it is held had no price for the try that served, unless other tries were told apart.
        let isHeld = turn.flags.contains(.held) || turn.flags.contains(.unpriced) && !turn.flags.contains(.spentTries)
        costNanoUSD = isHeld ? max(turn.reserved.value, turn.cost.value) : turn.cost.value
        inputTokens = turn.tries.reduce(turn.usage.totalInput) { $0.saturatingAdding($1.inputTokens ?? 0) }
        outputTokens = turn.tries.reduce(turn.usage.output) { $0.saturatingAdding($1.outputTokens ?? 0) }
    }

    /// Of one turn, with what its lost tries used at other deployments as use of its own that is no request: their limits count it.
    package static func apart(_ turn: TurnRecord) -> [PastUse] {
        var uses = [PastUse(turn)]
        for use in turn.usedElsewhere {
            var other = uses[0]
            other.labels = other.labels.at(use.deployment)
            other.turns = 0
            (other.costNanoUSD, other.inputTokens, other.outputTokens) = (use.cost.value, use.inputTokens, use.outputTokens)
            uses.append(other)
            uses[0].costNanoUSD.subtractSaturating(use.cost.value)
            uses[0].inputTokens.subtractSaturating(use.inputTokens)
            uses[0].outputTokens.subtractSaturating(use.outputTokens)
        }
        return uses
    }

    init(_ row: Row, time: Timestamp, session: String?) {
        labels = LabelSet(row)
        self.session = session
        self.time = time
        ended = time
        turns = row.sum("turns")
        costNanoUSD = row.sum("cost")
        inputTokens = row.sum("input")
        outputTokens = row.sum("output")
    }
}

/// One reading of the ledger.
package struct LedgerHistory {
    let database: Database
    /// The last journal record that it holds.
    package let cursor: JournalPosition

    /// Gives `body` the ledger as it is at one moment.
    package static func read<Result>(_ pool: DatabasePool, _ body: (LedgerHistory) throws -> Result) throws -> Result {
        try pool.read { database in
            let row = try Row.fetchOne(database, sql: "SELECT boot, sequence FROM projection_cursor WHERE name = 'ledger'")
            let cursor = row.map { JournalPosition(boot: $0["boot"], sequence: $0["sequence"]) } ?? .start
            return try body(LedgerHistory(database: database, cursor: cursor))
        }
    }

    private static func sums(_ table: String, _ function: String) -> String {
        let inputs = [
            "input", "cache_read", "cache_write_5m", "cache_write_30m", "cache_write_1h", "cache_write_12h", "cache_write_unknown",
            "tool_prompt", "tried_input",
        ]
        let input = inputs.map { "\(table).\($0)" }.joined(separator: " + ")
        return "\(function)(\(table).turns - \(table).unsent) AS turns, "
            + "\(function)(\(table).cost + \(table).unpriced_reserved) AS cost, "
            + "\(function)(\(table).output + \(table).tried_output) AS output, \(function)(\(input)) AS input"
    }

    private static let labels = labelColumns.map { "label_set.\($0)" }.joined(separator: ", ")

    /// Whole hours from `start`, which is the beginning of one. Months together where `start` is nil: the whole past.
    package func hours(from start: Timestamp?, _ body: (PastUse) -> Void) throws {
        let table = start == nil ? "usage_month" : "usage_hour"
        let rows = try Row.fetchCursor(
            database,
            sql: """
                SELECT bucket, \(Self.labels), \(Self.sums(table, "SUM")) FROM \(table) JOIN label_set ON label_set.id = \(table).labels
                WHERE bucket >= ? GROUP BY bucket, labels
                """, arguments: [start?.seconds ?? .min])
        while let row = try rows.next() { body(PastUse(row, time: Timestamp(seconds: row["bucket"]), session: nil)) }
    }

    /// The same, with sessions told apart.
    package func sessionHours(from start: Timestamp?, _ body: (PastUse) -> Void) throws {
        let rows = try Row.fetchCursor(
            database,
            sql: """
                SELECT bucket, session.name AS session_name, \(Self.labels), \(Self.sums("usage_session", ""))
                FROM usage_session JOIN label_set ON label_set.id = usage_session.labels
                LEFT JOIN session ON session.id = usage_session.session_id WHERE bucket >= ?
                """, arguments: [start?.seconds ?? .min])
        while let row = try rows.next() {
            body(PastUse(row, time: Timestamp(seconds: row["bucket"]), session: row["session_name"]))
        }
    }

    /// What each turn that came in a stretch of time used, where it used it.
    package func uses(from start: Timestamp, until end: Timestamp, _ body: (PastUse) -> Void) throws {
        try turns(from: start, until: end) { for use in PastUse.apart($0) { body(use) } }
    }

    /// Each turn that came in a stretch of time. Ids begin with their time, so a month's table is entered where the stretch begins.
    package func turns(from start: Timestamp, until end: Timestamp, _ body: (TurnRecord) -> Void) throws {
        guard start < end else { return }
        let (first, last) = (monthName(start), monthName(end))
        let months = try String.fetchAll(
            database, sql: "SELECT month FROM turn_month WHERE month >= ? AND month <= ? ORDER BY month", arguments: [first, last])
        // A request's id is made when its head has come; a minute is more than that differs from the time that counts.
        let from = RequestID(time: start.adding(seconds: -60), random: 0, random12: 0).description
        for month in months {
            let rows = try Row.fetchCursor(
                database,
                sql: """
                    SELECT record FROM turn_\(month) WHERE request_id >= ? AND received_ns >= ? AND received_ns < ? AND labels > 0
                    """, arguments: [from, start.nanoseconds, end.nanoseconds])
            while let row = try rows.next() {
                let record: String = row[0]
                if let turn = Array(record.utf8).withUnsafeBytes({ decodeTurn($0) }) { body(turn) }
            }
        }
    }
}

extension LabelSet {
    fileprivate init(_ row: Row) {
        self.init(
            keyID: row["key_id"], workspace: row["workspace"], team: row["team"], owner: row["owner"], repository: row["repository"],
            branch: row["branch"], agent: row["agent"], client: row["client"], model: row["model"], deployment: row["deployment"])
    }
}
