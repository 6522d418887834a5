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
        for _ in 0..<2 {
            let databases = try Databases(directory: path)
            #expect(databases.movedAside == nil)
            for (pool, version) in [(databases.ledger, 1), (databases.control, 2)] {
                #expect(try pool.read { try Int.fetchOne($0, sql: "SELECT MAX(version) FROM schema_version") } == version)
                try pool.close()
            }
        }
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
            #expect(error.message == "the database has schema 99, newer than this Weir (1): run the newer one")
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
            let projection = try LedgerProjection(databases.ledger)
            #expect(projection.cursor == .start)
            try projection.apply(shop.records())
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
