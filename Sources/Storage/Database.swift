// Database: the two SQLite files of a data folder. The ledger may lag and can be made again, so it syncs lazily; the control
// store cannot, so it does not.

package import GRDB

#if canImport(Glibc)
    import Glibc
#endif

/// Why a store cannot be used.
package struct StorageError: Error, Sendable {
    package var message: String

    package init(_ message: String) { self.message = message }
}

/// The ledger and the control store.
package struct Databases: Sendable {
    package let ledger: DatabasePool
    package let control: DatabasePool
    /// Where a file went that lay in the ledger's place and was no database.
    package private(set) var movedAside: String?

    /// Opens `ledger.db` and `control.db` and brings their schema up to date. A ledger that is no database is moved aside and
    /// made anew: the journal fills it again, as far back as the journal is kept.
    package init(directory: String) throws {
        let path = "\(directory)/ledger.db"
        do {
            ledger = try Self.open(path, synchronous: "NORMAL")
        } catch let error as DatabaseError where error.resultCode == .SQLITE_NOTADB || error.resultCode == .SQLITE_CORRUPT {
            movedAside = try Self.moveAside(path)
            ledger = try Self.open(path, synchronous: "NORMAL")
        }
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

    private static func moveAside(_ path: String) throws -> String {
        var number = 1
        while access("\(path).damaged-\(number)", F_OK) == 0 { number += 1 }
        let aside = "\(path).damaged-\(number)"
        guard rename(path, aside) == 0 else { throw StorageError("\(path) is no database and cannot be moved aside") }
        for suffix in ["-wal", "-shm"] { _ = rename(path + suffix, aside + suffix) }
        return aside
    }

    private static func migrate(_ pool: DatabasePool, _ versions: [(version: Int, statements: [String])]) throws {
        try pool.write { database in
            try database.execute(sql: "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL PRIMARY KEY)")
            let present = try Set(Int.fetchAll(database, sql: "SELECT version FROM schema_version"))
            let newest = versions.map(\.version).max() ?? 0
            if let newer = present.max(), newer > newest {
                throw StorageError("the database has schema \(newer), newer than this Weir (\(newest)): run the newer one")
            }
            // Numbers may have gaps, and a gap may be filled later.
            for step in versions where !present.contains(step.version) {
                for statement in step.statements { try database.execute(sql: statement) }
                try database.execute(sql: "INSERT INTO schema_version (version) VALUES (?)", arguments: [step.version])
            }
        }
    }
}
