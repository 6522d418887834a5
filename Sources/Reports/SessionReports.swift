// SessionReports: sessions and their turns, by keyset: no page counts its way from the beginning.

import GRDB
package import GatewayModel
import Journal
import Storage

/// One session of the list.
package struct SessionRow: Sendable, Codable, Hashable {
    package var session: String
    package var keyID: String
    package var source: String
    package var parentSession: String?
    package var developer: String
    package var team: String
    package var repository: String
    package var branch: String
    package var agent: String
    package var client: String
    package var firstTime: String
    package var lastTime: String
    package var turns: Int64
    package var errors: Int64
    package var subAgents: [String]
    package var inputTokens: Int64
    package var cacheReadTokens: Int64
    package var cacheWriteTokens: Int64
    package var outputTokens: Int64
    package var costNanoUSD: Int64
    package var unpricedTurns: Int64
    /// How it stands with the watch for runaway agents; filled in by who knows.
    package var standing: SessionStanding?
    /// The share of input that came from a prompt cache, in per mille; absent without input.
    package var cacheHitPerMille: Int64?

    enum CodingKeys: String, CodingKey {
        case session, standing
        case keyID = "key_id"
        case source
        case parentSession = "parent_session"
        case developer, team, repository, branch, agent, client
        case firstTime = "first_time"
        case lastTime = "last_time"
        case turns, errors
        case subAgents = "sub_agents"
        case inputTokens = "input_tokens"
        case cacheReadTokens = "cache_read_tokens"
        case cacheWriteTokens = "cache_write_tokens"
        case outputTokens = "output_tokens"
        case costNanoUSD = "cost_nano_usd"
        case unpricedTurns = "unpriced_turns"
        case cacheHitPerMille = "cache_hit_per_mille"
    }
}

/// A page of sessions.
package struct SessionList: Sendable, Codable {
    package var schema = "weir.session.list/1"
    package var sessions: [SessionRow]
    /// What to pass as `after` for the next page; nil at the end.
    package var next: String?

    package init(sessions: [SessionRow], next: String? = nil) {
        self.sessions = sessions
        self.next = next
    }
}

/// The place of a session in the list: what `next` says and `after` takes.
package struct SessionCursor: Sendable, Hashable, CustomStringConvertible {
    package var lastNanoseconds: Int64
    package var id: Int64

    package init(lastNanoseconds: Int64, id: Int64) {
        self.lastNanoseconds = lastNanoseconds
        self.id = id
    }

    /// Reads what `description` writes.
    package init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let last = Int64(parts[0]), let id = Int64(parts[1]) else { return nil }
        self.init(lastNanoseconds: last, id: id)
    }

    package var description: String { "\(lastNanoseconds).\(id)" }
}

/// A page of turns, as their whole records.
package struct TurnList: Sendable {
    package var turns: [TurnRecord]
    /// What to pass as `after` for the next page; nil at the end.
    package var next: RequestID?
}

extension Reports {
    /// Sessions, latest first. `after` is the `next` of the page before.
    package func sessions(filter: SpendFilter, after: SessionCursor?, limit: Int) throws -> SessionList {
        var conditions: [String] = []
        var arguments: StatementArguments = []
        let texts: [(String?, String)] = [
            (filter.developer, "owner"), (filter.team, "team"), (filter.repository, "repository"), (filter.key, "key_id"),
        ]
        for (value, column) in texts {
            guard let value else { continue }
            conditions.append("\(column) = ?")
            arguments += [value]
        }
        if let model = filter.model {
            // Asked once: a model that nobody used must not be looked for in every session.
            conditions.append("EXISTS (SELECT 1 FROM label_set WHERE model = ?)")
            arguments += [model]
            conditions.append(
                "EXISTS (SELECT 1 FROM usage_session u JOIN label_set l ON l.id = u.labels "
                    + "WHERE u.session_id = session.id AND l.model = ?)")
            arguments += [model]
        }
        if let since = filter.since {
            conditions.append("last_ns >= ?")
            arguments += [since.nanoseconds]
        }
        if let until = filter.until {
            conditions.append("first_ns < ?")
            arguments += [until.nanoseconds]
        }
        if let after {
            conditions.append("(last_ns, id) < (?, ?)")
            arguments += [after.lastNanoseconds, after.id]
        }
        let count = min(max(1, limit), 1000)
        let sql = """
            SELECT * FROM session \(conditions.isEmpty ? "" : "WHERE \(conditions.joined(separator: " AND "))")
            ORDER BY last_ns DESC, id DESC LIMIT \(count + 1)
            """
        return try pool.read { database in
            let rows = try Row.fetchAll(database, sql: sql, arguments: arguments)
            let page = rows.prefix(count)
            let next = rows.count > count ? page.last.map { SessionCursor(lastNanoseconds: $0["last_ns"], id: $0["id"]) } : nil
            return SessionList(sessions: page.map(Self.session), next: next?.description)
        }
    }

    /// The sessions of this name (several keys may use one), with those that name it as their parent.
    package func session(_ name: String) throws -> [SessionRow] {
        try pool.read { database in
            try Row.fetchAll(
                database,
                sql: "SELECT * FROM session WHERE name = ? OR parent = ? ORDER BY parent IS NOT NULL, first_ns",
                arguments: [name, name]
            ).map(Self.session)
        }
    }

    /// The turns of a session, oldest first, without those that were refused. `after` is the `next` of the page before.
    package func turns(ofSession name: String, after: RequestID? = nil, limit: Int) throws -> TurnList {
        let count = min(max(1, limit), 10_000)
        return try pool.read { database in
            let sessions = try Int64.fetchAll(database, sql: "SELECT id FROM session WHERE name = ?", arguments: [name])
            var turns: [TurnRecord] = []
            var last: String?
            var found = 0
            // Ids begin with the time, so that an earlier month has the earlier ones.
            for month in try Self.months(database) {
                // One more than fits tells that there is a next page.
                let ids = try Self.turnIDs(database, month, of: sessions, after: after, limit: count + 1 - found)
                let record = try RawStatement(database, "SELECT record FROM turn_\(month) WHERE request_id = ?")
                last = ids.prefix(count - found).last ?? last
                for id in ids.prefix(count - found) {
                    record.bind(1, id)
                    if try record.step(), let turn = record.withText(0, { decodeTurn($0) }) { turns.append(turn) }
                    record.reset()
                }
                found += ids.count
                if found > count { break }
            }
            let next = found > count ? last.flatMap { RequestID($0) } : nil
            // Within a millisecond ids are in no order.
            return TurnList(turns: turns.sorted { ($0.received, $0.requestID) < ($1.received, $1.requestID) }, next: next)
        }
    }

    /// The first ids of some sessions' turns in a month. They lie in an index: several keys may use one name, and a page takes few of
    /// all that their sessions have.
    private static func turnIDs(
        _ database: Database, _ month: String, of sessions: [Int64], after: RequestID?, limit: Int
    ) throws -> [String] {
        let rows = try RawStatement(
            database, "SELECT request_id FROM turn_\(month) WHERE session_id = ? AND request_id > ? ORDER BY request_id LIMIT ?")
        var ids: [String] = []
        for session in sessions {
            rows.bind(1, session)
            rows.bind(2, after?.description ?? "")
            rows.bind(3, Int64(limit))
            while try rows.step() { ids.append(rows.withText(0) { String(decoding: $0, as: UTF8.self) }) }
            guard ids.count > limit else { continue }
            ids.sort()
            ids.removeLast(ids.count - limit)
        }
        return ids.sorted()
    }

    /// One turn by its id.
    package func turn(_ id: RequestID) throws -> TurnRecord? {
        try pool.read { database in
            for month in try Self.months(database).reversed() {
                let row = try Row.fetchOne(
                    database, sql: "SELECT record FROM turn_\(month) WHERE request_id = ?", arguments: [id.description])
                if let row { return Self.turn(row) }
            }
            return nil
        }
    }

    /// Turns, latest first, refused ones among them. `after` is the id of the last turn of the page before.
    package func turns(filter: SpendFilter, after: RequestID?, limit: Int) throws -> TurnList {
        let count = min(max(1, limit), 10_000)
        let (conditions, arguments) = Self.turnConditions(filter, after: after)
        return try pool.read { database in
            var turns: [TurnRecord] = []
            for month in try Self.months(database).reversed() where turns.count <= count {
                let rows = try RawStatement(
                    database,
                    """
                    SELECT labels, record FROM turn_\(month)
                    \(conditions.isEmpty ? "" : "WHERE \(conditions.joined(separator: " AND "))")
                    ORDER BY request_id DESC
                    """, arguments)
                // A row after the other, and no more of them than the page takes: a month may have any number of refused turns.
                while turns.count <= count, try rows.step() {
                    guard let turn = rows.withText(1, { decodeTurn($0) }) else { continue }
                    if rows.integer(0) != 0 || filter.takes(refused: turn) { turns.append(turn) }
                }
                rows.reset()
            }
            let page = turns.prefix(count)
            return TurnList(turns: Array(page), next: turns.count > count ? page.last?.requestID : nil)
        }
    }

    /// What a list of turns asks of a month's table. Refused turns have no labels there and pass: their records are looked at.
    private static func turnConditions(
        _ filter: SpendFilter, after: RequestID?
    ) -> (conditions: [String], arguments: StatementArguments) {
        var (conditions, arguments) = filter.labelConditions()
        if !conditions.isEmpty {
            conditions = ["(labels = 0 OR labels IN (SELECT id FROM label_set WHERE \(conditions.joined(separator: " AND "))))"]
        }
        if let after {
            conditions.append("request_id < ?")
            arguments += [after.description]
        }
        if let since = filter.since {
            // Ids begin with the time in milliseconds, so that their index ends the search.
            conditions.append("received_ns >= ? AND request_id >= ?")
            arguments += [since.nanoseconds, RequestID(time: since, random: 0, random12: 0).description]
        }
        if let until = filter.until {
            let end = Timestamp(nanoseconds: max(until.nanoseconds, until.nanoseconds &+ 1_000_000))
            conditions.append("received_ns < ? AND request_id < ?")
            arguments += [until.nanoseconds, RequestID(time: end, random: 0, random12: 0).description]
        }
        return (conditions, arguments)
    }

    /// Who made a stored response.
    package func responseTurn(_ id: String) throws -> TurnRecord? {
        try pool.read { database in
            guard
                let row = try Row.fetchOne(
                    database, sql: "SELECT request_id, month FROM response_owner WHERE id = ?", arguments: [id])
            else { return nil }
            let month: String = row["month"]
            guard month.allSatisfy({ $0.isNumber || $0 == "_" }) else { return nil }
            return try Row.fetchOne(
                database, sql: "SELECT record FROM turn_\(month) WHERE request_id = ?", arguments: [row["request_id"] as String]
            ).flatMap(Self.turn)
        }
    }

    /// Deployments whose turns have no price, with their count.
    package func unpriced() throws -> [(deployment: String, turns: Int64)] {
        try pool.read { database in
            try Row.fetchAll(database, sql: "SELECT deployment, turns FROM unpriced_model WHERE turns > 0 ORDER BY turns DESC")
                .map { ($0["deployment"], $0["turns"]) }
        }
    }

    /// When each key was last used.
    package func keyUse() throws -> [String: Timestamp] {
        try pool.read { database in
            var uses: [String: Timestamp] = [:]
            for row in try Row.fetchAll(database, sql: "SELECT key_id, last_ns FROM key_use") {
                uses[row["key_id"]] = Timestamp(nanoseconds: row["last_ns"])
            }
            return uses
        }
    }

    static func months(_ database: Database) throws -> [String] {
        try String.fetchAll(database, sql: "SELECT month FROM turn_month ORDER BY month")
    }

    static func turn(_ row: Row) -> TurnRecord? {
        let text: String = row["record"]
        return Array(text.utf8).withUnsafeBytes { decodeTurn($0) }
    }

    private static func session(_ row: Row) -> SessionRow {
        let writes = ["cache_write_5m", "cache_write_30m", "cache_write_1h", "cache_write_12h", "cache_write_unknown"]
            .reduce(Int64(0)) { $0.saturatingAdding(row.sum($1)) }
        let (input, read) = (row.sum("input"), row.sum("cache_read"))
        let total = input.saturatingAdding(read).saturatingAdding(writes)
        return SessionRow(
            session: row["name"], keyID: row["key_id"], source: row["source"], parentSession: row["parent"],
            developer: row["owner"], team: row["team"], repository: row["repository"], branch: row["branch"],
            agent: row["agent"], client: row["client"], firstTime: Timestamp(nanoseconds: row["first_ns"]).rfc3339,
            lastTime: Timestamp(nanoseconds: row["last_ns"]).rfc3339, turns: row.sum("turns"), errors: row.sum("errors"),
            subAgents: (row["sub_agents"] as String).split(separator: "\n").map(String.init), inputTokens: input,
            cacheReadTokens: read, cacheWriteTokens: writes, outputTokens: row.sum("output"), costNanoUSD: row.sum("cost"),
            unpricedTurns: row.sum("unpriced"),
            cacheHitPerMille: read.perMille(of: total))
    }
}

extension SpendFilter {
    /// Whether it takes a refused turn. One that was refused before a model was chosen goes by the model that it asked for.
    fileprivate func takes(refused turn: TurnRecord) -> Bool {
        let labels: [(String?, String)] = [
            (developer, turn.principal.owner), (team, turn.principal.team), (repository, turn.attribution.repository?.value ?? ""),
            (model, turn.model.isEmpty ? turn.modelAsked : turn.model), (key, turn.principal.keyID),
        ]
        // By their bytes, as the database tells texts apart.
        return labels.allSatisfy { asked, label in asked.map { $0.utf8.elementsEqual(label.utf8) } ?? true }
    }
}
