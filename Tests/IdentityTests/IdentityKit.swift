// IdentityKit: a directory over a real store in a folder of its own, with a clock that a test sets.

import Foundation
import GatewayModel
import Identity
import Storage
import Synchronization
import Testing

/// A clock that stands until it is moved.
final class SetClock: GatewayClock {
    private let time: Mutex<Timestamp>

    init(_ time: Timestamp) { self.time = Mutex(time) }

    func now() -> Timestamp { time.withLock { $0 } }
    func advance(seconds: Int64) { time.withLock { $0 = $0.adding(seconds: seconds) } }
}

/// What the journal would have been told.
struct Change: Sendable, Hashable {
    var entity: String
    var id: String
    var before: String?
    var after: String?
}

final class Changes: Sendable {
    private let list = Mutex<[Change]>([])
    private let isFull = Mutex(false)
    var all: [Change] { list.withLock { $0 } }

    /// Takes no more, as a journal on a full disk.
    func fill(_ isFull: Bool) { self.isFull.withLock { $0 = isFull } }

    func append(_ change: Change) throws {
        if isFull.withLock({ $0 }) { throw IdentityError(.unavailable, "journal_unavailable", "the disk is full", mend: "make room") }
        list.withLock { $0.append(change) }
    }
}

/// A data folder with a directory in it.
final class DirectoryFixture {
    let folder: String
    let store: ControlStore
    let directory: Directory
    let clock: SetClock
    let changes = Changes()

    init() throws {
        folder =
            FileManager.default.temporaryDirectory.appendingPathComponent("weir-identity-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        clock = SetClock(try #require(Timestamp(rfc3339: "2026-11-24T12:00:00Z")))
        store = ControlStore(try Databases(directory: folder).control)
        let changes = changes
        directory = Directory(
            store: store, pepper: try Pepper(directory: folder, random: SystemRandom()), clock: clock,
            random: SystemRandom()
        ) { try changes.append(Change(entity: $0, id: $1, before: $2, after: $3)) }
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    /// A key for maria in web.
    func key(_ fill: (inout KeySpecification) -> Void = { _ in }) throws -> (text: String, key: StoredKey) {
        var specification = KeySpecification()
        specification.developer = "maria"
        specification.team = "web"
        fill(&specification)
        return try directory.createKey(specification)
    }

    /// Every byte that lies in the data folder, but for the pepper's own file.
    func stored() throws -> Data {
        var bytes = Data()
        for name in try FileManager.default.contentsOfDirectory(atPath: folder).sorted() where name != "pepper" {
            bytes += FileManager.default.contents(atPath: "\(folder)/\(name)") ?? Data()
        }
        return bytes
    }
}

/// The code of a refusal.
func code(_ body: () throws -> Void) -> String? {
    do {
        try body()
        return nil
    } catch let error as IdentityError {
        return error.code
    } catch {
        return "\(error)"
    }
}
