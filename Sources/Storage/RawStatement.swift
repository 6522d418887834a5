// RawStatement: the SQLite driver for statements that run for every turn or read every row of a rollup: values go in and out by
// their place, without an object for each.

package import GRDB
import GRDBSQLite
import GatewayModel

/// A prepared statement of one connection. To be used only inside that connection's `read` or `write`.
package final class RawStatement {
    /// Owns the handle.
    private let statement: Statement
    private let handle: OpaquePointer
    /// Safe on any thread: nobody writes there, and it is never given back.
    nonisolated(unsafe) private static let nothing = UnsafeRawPointer(UnsafeMutableRawPointer.allocate(byteCount: 1, alignment: 1))

    package init(_ database: Database, _ sql: String) throws {
        statement = try database.makeStatement(sql: sql)
        handle = statement.sqliteStatement
    }

    /// A statement with its arguments.
    package convenience init(_ database: Database, _ sql: String, _ arguments: StatementArguments) throws {
        try self.init(database, sql)
        try statement.setArguments(arguments)
    }

    // MARK: Values in; places count from 1

    package func bind(_ place: Int, _ value: Int64) { sqlite3_bind_int64(handle, Int32(place), value) }

    package func bind(_ place: Int, _ value: String?) {
        guard var value else {
            sqlite3_bind_null(handle, Int32(place))
            return
        }
        value.withUTF8 { bind(place, copied: UnsafeRawBufferPointer($0)) }
    }

    package func bind(_ place: Int, copied text: UnsafeRawBufferPointer) {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: text.count, alignment: 1)
        copy.copyMemory(from: text)
        bind(place, UnsafeRawBufferPointer(copy)) { $0?.deallocate() }
    }

    /// Text that stays where it is until the statement has run.
    package func bind(_ place: Int, borrowed text: UnsafeRawBufferPointer) { bind(place, text, nil) }

    private func bind(_ place: Int, _ text: UnsafeRawBufferPointer, _ keeper: sqlite3_destructor_type?) {
        // Without an address it would be NULL and not an empty text.
        let base = text.baseAddress ?? Self.nothing
        sqlite3_bind_text(handle, Int32(place), base.assumingMemoryBound(to: CChar.self), Int32(text.count), keeper)
    }

    /// Numbers for places from `first` on.
    package func bind(from first: Int, _ values: [Int64]) {
        for index in values.indices { sqlite3_bind_int64(handle, Int32(first + index), values[index]) }
    }

    // MARK: Running

    /// Runs to the end and makes ready for the next values.
    package func run() throws {
        while try step() {}
    }

    /// How many rows the last statement of the connection has changed.
    package var changes: Int { Int(sqlite3_changes(sqlite3_db_handle(handle))) }

    /// True when a row is there to be read; at the end the statement is ready for new values.
    package func step() throws -> Bool {
        let code = sqlite3_step(handle)
        if code == SQLITE_ROW { return true }
        sqlite3_reset(handle)
        guard code == SQLITE_DONE else {
            throw DatabaseError(
                resultCode: ResultCode(rawValue: code), message: String(cString: sqlite3_errmsg(sqlite3_db_handle(handle))))
        }
        return false
    }

    /// Leaves the rows that have not been read.
    package func reset() { sqlite3_reset(handle) }

    // MARK: Values out; places count from 0

    package func integer(_ place: Int) -> Int64 { sqlite3_column_int64(handle, Int32(place)) }

    /// The row's first columns as numbers, as many as there is room for.
    package func integers(into row: UnsafeMutableBufferPointer<Int64>) {
        for index in row.indices { row[index] = sqlite3_column_int64(handle, Int32(index)) }
    }

    /// The text of a column, which is there until the next step.
    package func withText<Result>(_ place: Int, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        let text = sqlite3_column_text(handle, Int32(place))
        return body(UnsafeRawBufferPointer(start: text, count: Int(sqlite3_column_bytes(handle, Int32(place)))))
    }
}

/// Statements that stay prepared, by a name. To be emptied inside the connection's `write`.
struct PreparedStatements {
    private var statements: [RawStatement?] = Array(repeating: nil, count: Name.allCases.count)
    private var insertions: [String: RawStatement] = [:]

    enum Name: Int, CaseIterable {
        case droppedMonths, cursor, findLabels, makeLabels, findSession, makeSession
        case usageHour, usageDay, usageMonth, usageMonthUnbranched, usageSession
        case session, subAgents, setSubAgents, unpriced, keyUse, response
    }

    mutating func removeAll() { self = PreparedStatements() }

    /// The statement of a name, prepared when it is asked for first.
    mutating func statement(_ name: Name, _ database: Database, _ sql: @autoclosure () -> String) throws -> RawStatement {
        if let known = statements[name.rawValue] { return known }
        let statement = try RawStatement(database, sql())
        statements[name.rawValue] = statement
        return statement
    }

    /// The statement that inserts into a month's turns.
    mutating func insertion(_ month: String, _ database: Database) throws -> RawStatement {
        if let known = insertions[month] { return known }
        let statement = try RawStatement(
            database,
            """
            INSERT INTO turn_\(month) (request_id, labels, session_id, received_ns, status, flags, cost, record)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (request_id) DO NOTHING
            """)
        if insertions.count > 12 { insertions = [:] }
        insertions[month] = statement
        return statement
    }
}

extension Row {
    /// A sum, held at the ends: where one leaves the integers SQLite goes on with a floating number. Nothing is 0.
    package func sum(_ column: String) -> Int64 {
        let value: DatabaseValue = self[column]
        switch value.storage {
        case .int64(let exact): return exact
        case .double(let number): return number > 0 ? .max : .min
        default: return 0
        }
    }

    /// A sum of `moneySum`.
    package func money(_ column: String) -> Int64 {
        let dollars = sum("\(column)_dollars").multipliedReportingOverflow(by: 1_000_000_000)
        return dollars.overflow ? .max : dollars.partialValue.saturatingAdding(sum("\(column)_rest"))
    }
}

/// SQL that sums nano-USD up in two parts, so that no sum overflows; `Row.money` puts them together.
package func moneySum(_ expression: String, as column: String) -> String {
    "SUM((\(expression)) / 1000000000) AS \(column)_dollars, SUM((\(expression)) % 1000000000) AS \(column)_rest"
}
