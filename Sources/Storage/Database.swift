// Database: the two SQLite files of a data folder. The ledger may lag and can be made again, so it syncs lazily; the control
// store cannot, so it does not.

package import GRDB

/// Why a store cannot be used.
package struct StorageError: Error, Sendable {
    package var message: String

    package init(_ message: String) { self.message = message }
}

/// The ledger and the control store.
package struct Databases: Sendable {
    package let ledger: DatabasePool
    package let control: DatabasePool

    /// Opens `ledger.db` and `control.db` and brings their schema up to date.
    package init(directory: String) throws {
        ledger = try Self.open("\(directory)/ledger.db", synchronous: "NORMAL")
        control = try Self.open("\(directory)/control.db", synchronous: "FULL")
        try Self.migrate(ledger, Schema.ledger)
        try Self.migrate(control, Schema.control)
    }

    /// Opens what is there for reading alone.
    package init(readOnly directory: String) throws {
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(5)
        ledger = try DatabasePool(path: "\(directory)/ledger.db", configuration: configuration)
        control = try DatabasePool(path: "\(directory)/control.db", configuration: configuration)
    }

    private static func open(_ path: String, synchronous: String) throws -> DatabasePool {
        var configuration = Configuration()
        configuration.busyMode = .timeout(10)
        configuration.maximumReaderCount = 4
        configuration.prepareDatabase { database in
            try database.execute(sql: "PRAGMA synchronous = \(synchronous)")
            try database.execute(sql: "PRAGMA cache_size = -16384")
            try database.execute(sql: "PRAGMA temp_store = MEMORY")
        }
        return try DatabasePool(path: path, configuration: configuration)
    }

    private static func migrate(_ pool: DatabasePool, _ versions: [(version: Int, statements: [String])]) throws {
        try pool.write { database in
            try database.execute(sql: "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL PRIMARY KEY)")
            let present = try Int.fetchOne(database, sql: "SELECT MAX(version) FROM schema_version") ?? 0
            let newest = versions.last?.version ?? 0
            guard present <= newest else {
                throw StorageError("the database has schema \(present), newer than this Weir (\(newest)): run the newer one")
            }
            for step in versions where step.version > present {
                for statement in step.statements { try database.execute(sql: statement) }
                try database.execute(sql: "INSERT INTO schema_version (version) VALUES (?)", arguments: [step.version])
            }
        }
    }
}
