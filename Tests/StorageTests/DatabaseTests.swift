// DatabaseTests: schemas come up from nothing, a newer one is refused, and a ledger that is no database is made anew.

import Foundation
import GRDB
import GatewayModel
import Journal
import Reports
import Storage
import Testing

struct DatabaseTests {
    private func folder() throws -> String {
        let path = NSTemporaryDirectory() + "weir-database-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }

    @Test func aFolderComesUpFromNothingAndOpensAgain() throws {
        let path = try folder()
        defer { try? FileManager.default.removeItem(atPath: path) }
        var versions: [[Int]] = []
        for _ in 0..<2 {
            let databases = try Databases(directory: path)
            #expect(databases.movedAside == nil)
            for pool in [databases.ledger, databases.control] {
                versions.append(
                    try pool.read { try Int.fetchAll($0, sql: "SELECT version FROM schema_version ORDER BY version") })
                try pool.close()
            }
        }
        #expect(versions[0].first == 1 && versions[1].first == 1)
        #expect(versions[2] == versions[0] && versions[3] == versions[1])
    }

    @Test func aVersionThatIsMissingBelowTheNewestIsAdded() throws {
        let path = try folder()
        defer { try? FileManager.default.removeItem(atPath: path) }
        var databases = try Databases(directory: path)
        // As a ledger lies whose Weir did not know this version and knew a later one.
        try databases.ledger.write { database in
            try database.execute(sql: "DROP TABLE client_report")
            try database.execute(sql: "DROP TABLE client_tool")
            try database.execute(sql: "DELETE FROM schema_version WHERE version = 4")
        }
        try databases.ledger.close()
        try databases.control.close()
        databases = try Databases(directory: path)
        #expect(try databases.ledger.read { try Int.fetchOne($0, sql: "SELECT COUNT(*) FROM client_report") } == 0)
        try databases.ledger.close()
        try databases.control.close()
    }

    @Test func theSchemaOfANewerWeirIsRefused() throws {
        let path = try folder()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let databases = try Databases(directory: path)
        try databases.ledger.write { try $0.execute(sql: "INSERT INTO schema_version (version) VALUES (99)") }
        try databases.ledger.close()
        try databases.control.close()
        do {
            _ = try Databases(directory: path)
            Issue.record("it was opened")
        } catch let error as StorageError {
            #expect(error.message.hasPrefix("the database has schema 99, newer than this Weir ("))
            #expect(error.message.hasSuffix("): run the newer one"))
        }
    }

    @Test func aLedgerThatIsNoDatabaseIsMovedAsideAndMadeAgainFromTheJournal() throws {
        let shop = try Shop()
        try shop.settle(randomTurns(50, seed: 41))
        try shop.project()
        let before = try shop.reports.spend(by: [.developer], filter: SpendFilter())
        let path = try folder()
        defer { try? FileManager.default.removeItem(atPath: path) }
        for number in 1...2 {
            let garbage = Data(String(repeating: "no database ", count: 1000).utf8)
            try garbage.write(to: URL(fileURLWithPath: "\(path)/ledger.db"))
            for suffix in ["-wal", "-shm"] { try? FileManager.default.removeItem(atPath: "\(path)/ledger.db\(suffix)") }
            let databases = try Databases(directory: path)
            #expect(databases.movedAside == "\(path)/ledger.db.damaged-\(number)")
            #expect(try Data(contentsOf: URL(fileURLWithPath: "\(path)/ledger.db.damaged-\(number)")) == garbage)
            do {
                // It keeps statements prepared, and a database does not close under them.
                let projection = try LedgerProjection(databases.ledger)
                #expect(projection.cursor == .start)
                try projection.apply(shop.records())
            }
            #expect(try Reports(databases.ledger).spend(by: [.developer], filter: SpendFilter()).rows == before.rows)
            try databases.ledger.close()
            try databases.control.close()
        }
    }

    @Test func aControlStoreThatIsNoDatabaseIsNeverReplaced() throws {
        let path = try folder()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let garbage = Data(String(repeating: "no database ", count: 1000).utf8)
        try garbage.write(to: URL(fileURLWithPath: "\(path)/control.db"))
        #expect(throws: DatabaseError.self) { try Databases(directory: path) }
        #expect(try Data(contentsOf: URL(fileURLWithPath: "\(path)/control.db")) == garbage)
    }
}
