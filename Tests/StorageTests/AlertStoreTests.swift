// What was told, and what is owed, as rows.

import Foundation
import GRDB
import GatewayModel
import Storage
import Testing

@Suite struct AlertStoreTests {
    private static let now = Timestamp(seconds: 1_790_000_000)

    private func withStore(_ body: (ControlStore) throws -> Void) throws {
        let path = NSTemporaryDirectory() + "weir-alerts-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let databases = try Databases(directory: path)
        try body(ControlStore(databases.control))
        try databases.ledger.close()
        try databases.control.close()
    }

    private func row(_ name: String, at seconds: Int64 = 0, again: Int64 = 3600) -> AlertRow {
        AlertRow(
            name: name, told: Self.now.adding(seconds: seconds), again: Self.now.adding(seconds: seconds + again), body: "{\"\(name)\":1}")
    }

    @Test func anAlertIsNewsOnceUntilItMayBeToldAgain() throws {
        try withStore { (store: ControlStore) throws in
            #expect(try store.claim(alerts: [row("a"), row("b"), row("a")], for: ["ops"]) == ["a", "b"])
            #expect(try store.claim(alerts: [row("a", at: 3599), row("c", at: 3599)], for: ["ops"]) == ["c"])
            #expect(try store.claim(alerts: [row("a", at: 3600)], for: ["ops"]) == ["a"])
            #expect(try store.claim(alerts: [row("a", at: 3601)], for: ["ops"]).isEmpty)
        }
    }

    @Test func anAlertIsOwedToEachReceiverUntilThatOneHasIt() throws {
        try withStore { (store: ControlStore) throws in
            _ = try store.claim(alerts: [row("a")], for: ["ops", "chat"])
            _ = try store.claim(alerts: [row("b", at: 1)], for: ["ops"])
            try store.settle(alerts: ["a"], of: "ops")
            let owed = try store.owedAlerts(since: Self.now, max: 10)
            #expect(owed.map(\.name) == ["a", "b"] && owed.map(\.receiver) == ["chat", "ops"] && owed[0].body == "{\"a\":1}")
            #expect(owed.map(\.told) == [Self.now, Self.now.adding(seconds: 1)])
            #expect(try store.owedAlerts(since: Self.now.adding(seconds: 1), max: 10).map(\.name) == ["b"])
            #expect(try store.owedAlerts(since: Self.now, max: 1).map(\.name) == ["b"])
        }
    }

    @Test func whatMayBeToldAgainIsForgottenAndTheLatestOfTheRestAreKept() throws {
        try withStore { (store: ControlStore) throws in
            let names = (0..<10).map { "n\($0)" }
            for (number, name) in names.enumerated() {
                _ = try store.claim(alerts: [row(name, at: Int64(number), again: number == 9 ? 1 : 86_400)], for: ["ops"])
            }
            try store.forgetAlerts(at: Self.now.adding(seconds: 100), owedBefore: Self.now.adding(seconds: 8), max: 5)
            #expect(try store.owedAlerts(since: Self.now, max: 100).map(\.name) == ["n8", "n9"])
            // Of the nine that were not over, five are known still.
            let again = try store.claim(alerts: names.map { row($0, at: 200) }, for: [])
            #expect(again == ["n0", "n1", "n2", "n3", "n9"])
        }
    }
}
