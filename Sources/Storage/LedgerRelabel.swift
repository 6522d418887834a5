// LedgerRelabel: goes back over turns that are in the ledger when a project or a session is named, in small transactions, each
// with how far it has come. A step gives every turn the label that holds now, so that steps may be repeated and mixed with new turns.

import GRDB
import GatewayModel
import Journal

extension LedgerProjection {
    /// Turns of one transaction.
    private static let relabelTurnsMax = 500
    /// What a session costs beside its turns, in turns.
    private static let sessionWeight = 10

    /// How far a task has come.
    private struct Task {
        var id: Int64
        var kind: String
        var scope: String
        var name: String
        var session: Int64
        var month: String
        var after: String

        init(_ row: Row) {
            id = row["id"]
            kind = row["kind"]
            scope = row["scope"]
            name = row["name"]
            session = row["session_id"]
            month = row["month"]
            after = row["after"]
        }
    }

    /// Does a small part of what is left to do on turns that are in the ledger. False when there is nothing.
    package func relabelStep() throws -> Bool {
        guard names.hasTasks else { return false }
        do {
            try pool.write { database in
                try self.names.begin(database)
                guard let row = try Row.fetchOne(database, sql: "SELECT * FROM ledger_task ORDER BY id LIMIT 1") else {
                    self.names.hasTasks = false
                    return
                }
                var task = Task(row)
                var moves = UsageMoves()
                let isDone = try task.kind == "count" ? self.count(&task, database) : self.relabel(&task, &moves, database)
                try moves.write(database)
                try self.names.write(database)
                if isDone {
                    try database.execute(sql: "DELETE FROM ledger_task WHERE id = ?", arguments: [task.id])
                } else {
                    try database.execute(
                        sql: "UPDATE ledger_task SET session_id = ?, month = ?, after = ? WHERE id = ?",
                        arguments: [task.session, task.month, task.after, task.id])
                }
            }
        } catch {
            forget()
            throw error
        }
        return names.hasTasks
    }

    /// Counts turns by client that an older version put into the ledger. True when they all are.
    private func count(_ task: inout Task, _ database: Database) throws -> Bool {
        guard try Bool.fetchOne(database, sql: "SELECT EXISTS (SELECT 1 FROM turn_month WHERE month = ?)", arguments: [task.month]) == true
        else { return true }
        let rows = try Row.fetchAll(
            database,
            sql: """
                SELECT rowid AS number, labels, session_id, record FROM turn_\(task.month) WHERE rowid > ? AND rowid <= ?
                ORDER BY rowid LIMIT \(Self.relabelTurnsMax)
                """, arguments: [Int64(task.after) ?? 0, Int64(task.name) ?? 0])
        for row in rows where row["labels"] as Int64 != 0 {
            if let turn = decoded(row) { names.count(turn, session: row["session_id"], beginning: 0) }
        }
        task.after = String(rows.last?["number"] as Int64? ?? 0)
        return rows.count < Self.relabelTurnsMax
    }

    /// Goes over the sessions of a project, or over one session. True at the end.
    private func relabel(_ task: inout Task, _ moves: inout UsageMoves, _ database: Database) throws -> Bool {
        let months = try String.fetchAll(database, sql: "SELECT month FROM turn_month ORDER BY month")
        var left = Self.relabelTurnsMax
        while left > 0 {
            if task.month.isEmpty {
                guard let next = try nextSession(task, database) else { return true }
                task.session = next
                task.month = months.first ?? ""
                task.after = ""
                left -= Self.sessionWeight
            }
            for month in months where month >= task.month {
                if month != task.month { (task.month, task.after) = (month, "") }
                let rows = try Row.fetchAll(
                    database.cachedStatement(
                        sql: """
                            SELECT request_id, labels, session_id, record FROM turn_\(month)
                            WHERE session_id = ? AND request_id > ? ORDER BY request_id LIMIT ?
                            """), arguments: [task.session, task.after, left])
                for row in rows { try relabel(row, month, &moves, database) }
                task.after = rows.last?["request_id"] ?? task.after
                left -= rows.count
                if left <= 0 { return false }
            }
            if task.session != 0 { try names.showRepository(task.session, database) }
            task.month = ""
        }
        return false
    }

    private func nextSession(_ task: Task, _ database: Database) throws -> Int64? {
        if task.kind == RepositoryAlias.Kind.session.rawValue {
            return try Int64.fetchOne(
                database, sql: "SELECT id FROM session WHERE key_id = ? AND name = ? AND id > ?",
                arguments: [task.scope, task.name, task.session])
        }
        return try Int64.fetchOne(
            database, sql: "SELECT MIN(session_id) FROM project_session WHERE workspace = ? AND project = ? AND session_id > ?",
            arguments: [task.scope, task.name, task.session])
    }

    /// Refused turns have no labels and are in no sum: they keep what they said.
    private func relabel(_ row: Row, _ month: String, _ moves: inout UsageMoves, _ database: Database) throws {
        let labels: Int64 = row["labels"]
        guard labels != 0, let old = decoded(row), old.attribution.takesAlias else { return }
        var turn = old
        turn.attribution.repository = names.aliases.label(turn.attribution, turn.principal)
        guard turn.attribution.repository != old.attribution.repository else { return }
        let wanted = LabelSet(turn)
        let now = try labelID(wanted, database)
        try database.cachedStatement(sql: "UPDATE turn_\(month) SET labels = ?, record = ? WHERE request_id = ?").execute(
            arguments: [now, String(decoding: encodeTurn(turn), as: UTF8.self), row["request_id"] as String])
        try moves.take(old, session: row["session_id"], labels: labels) { try labelID($0, database) }
        try moves.put(turn, session: row["session_id"], labels: now) { try labelID($0, database) }
        names.move(from: old, to: turn)
    }

    private func decoded(_ row: Row) -> TurnRecord? {
        let text: String = row["record"]
        return Array(text.utf8).withUnsafeBytes { decodeTurn($0) }
    }
}
