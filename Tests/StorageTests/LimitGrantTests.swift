// LimitGrantTests: a grant comes back for the counter that it was made for, also where that has no value.

import Foundation
import GRDB
import GatewayModel
import Storage
import Testing

@Suite struct LimitGrantTests {
    private func withStore(_ body: (ControlStore, DatabasePool) throws -> Void) throws {
        let path = NSTemporaryDirectory() + "weir-grants-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let databases = try Databases(directory: path)
        try body(ControlStore(databases.control), databases.control)
        try databases.ledger.close()
        try databases.control.close()
    }

    @Test(
        arguments: [
            [], [""], ["maria"], ["", ""], ["maria", ""], ["", "", ""], ["é\u{301}", "a\u{1F}b"], ["\u{1F}"], ["\u{1E}"],
            ["\u{1E}[\"a\"]"], ["\u{1E}[]"], ["[\"a\"]"],
        ] as [[String]])
    func aGrantIsReadBackForTheCounterThatItWasMadeForAndNotForNone(_ group: [String]) throws {
        try withStore { (store: ControlStore, _: DatabasePool) throws in
            let grant = LimitGrantRecord(
                id: "grant_1", rule: "web", group: group, amount: 5, expires: nil, by: "ops", reason: "",
                created: Timestamp(seconds: 1_790_000_000))
            try store.insert(grant: grant)
            #expect(try store.limitGrants() == [grant])
        }
    }

    @Test(
        arguments: [
            ("", []), ("maria", ["maria"]), ("maria\u{1F}shop", ["maria", "shop"]), ("\u{1F}", ["", ""]), ("[\"a\"]", ["[\"a\"]"]),
        ] as [(String, [String])])
    func whatOlderVersionsStoredIsReadAsItWas(_ stored: String, _ group: [String]) throws {
        try withStore { (store: ControlStore, pool: DatabasePool) throws in
            try pool.write { database in
                try database.execute(
                    sql: """
                        INSERT INTO limit_grant (id, rule, group_values, amount, granted_by, reason, created)
                        VALUES ('grant_1', 'web', ?, 5, 'ops', '', '2026-11-24T12:00:00Z')
                        """, arguments: [stored])
            }
            #expect(try store.limitGrants().map(\.group) == [group])
        }
    }
}
