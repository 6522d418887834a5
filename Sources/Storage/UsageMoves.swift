// UsageMoves: turns that are in the rollups already and change: what they added is taken out and put in again as they are now.

import GRDB
import GatewayModel

/// What rollups change by, gathered so that a row is touched once.
struct UsageMoves {
    private struct Cell: Hashable {
        var table: String
        var session: Int64?
        var bucket: Int64
        var labels: Int64
    }

    private var cells: [Cell: UsageSums] = [:]

    /// Takes a turn out of every rollup. `labels` are its own; `id` finds others.
    mutating func take(_ turn: TurnRecord, session: Int64, labels: Int64, id: (LabelSet) throws -> Int64?) rethrows {
        try visit(turn, session, labels, id) { cells[$0, default: UsageSums()].subtract($1) }
    }

    /// Puts a turn into every rollup.
    mutating func put(_ turn: TurnRecord, session: Int64, labels: Int64, id: (LabelSet) throws -> Int64?) rethrows {
        try visit(turn, session, labels, id) { cells[$0, default: UsageSums()].add($1) }
    }

    private func visit(
        _ turn: TurnRecord, _ session: Int64, _ labels: Int64, _ id: (LabelSet) throws -> Int64?, _ body: (Cell, UsageSums) -> Void
    ) rethrows {
        let own = LabelSet(turn)
        var rest = UsageSums(turn)
        for use in turn.usedElsewhere {
            let there = own.at(use.deployment)
            guard let other = try id(there), let unbranched = try id(there.unbranched) else { continue }
            rest.subtract(use.sums)
            visit(turn, session, other, unbranched, use.sums, body)
        }
        visit(turn, session, labels, try id(own.unbranched) ?? labels, rest, body)
    }

    private func visit(
        _ turn: TurnRecord, _ session: Int64, _ labels: Int64, _ unbranched: Int64, _ sums: UsageSums, _ body: (Cell, UsageSums) -> Void
    ) {
        for unit in CalendarUnit.allCases {
            body(Cell(table: "usage_\(unit.rawValue)", session: nil, bucket: turn.received.start(of: unit).seconds, labels: labels), sums)
        }
        let month = turn.received.start(of: .month).seconds
        body(Cell(table: "usage_month_unbranched", session: nil, bucket: month, labels: unbranched), sums)
        let hour = turn.received.start(of: .hour).seconds
        body(Cell(table: "usage_session", session: session, bucket: hour, labels: labels), sums)
    }

    private static let isNothing = measureColumns.map { "\($0) = 0" }.joined(separator: " AND ")

    /// A row in which nothing is left goes.
    func write(_ database: Database) throws {
        let columns = measureColumns.joined(separator: ", ")
        for (cell, sums) in cells where sums.values.contains(where: { $0 != 0 }) {
            let keys = cell.session == nil ? ["bucket", "labels"] : ["session_id", "bucket", "labels"]
            let key: StatementArguments = (cell.session.map { [$0] } ?? []) + [cell.bucket, cell.labels]
            let additions = measureColumns.map { "\($0) = \(cell.table).\($0) + excluded.\($0)" }.joined(separator: ", ")
            let places = Array(repeating: "?", count: keys.count + measureColumns.count).joined(separator: ", ")
            let names = keys.joined(separator: ", ")
            try database.cachedStatement(
                sql: """
                    INSERT INTO \(cell.table) (\(names), \(columns)) VALUES (\(places))
                    ON CONFLICT (\(names)) DO UPDATE SET \(additions)
                    """
            ).execute(arguments: key + StatementArguments(sums.values))
            guard sums.values.contains(where: { $0 < 0 }) else { continue }
            let condition = keys.map { "\($0) = ?" }.joined(separator: " AND ")
            try database.cachedStatement(sql: "DELETE FROM \(cell.table) WHERE \(condition) AND \(Self.isNothing)").execute(arguments: key)
        }
    }
}
