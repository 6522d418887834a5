// JournalKit: a folder of its own for each test, a clock that stands still, a disk that fails when told to, and a crash: the
// folder as it lies while the journal is open.

import Foundation
import GatewayModel
import Journal
import Synchronization
import Testing
import WireFormat

struct FixedClock: GatewayClock {
    var time = Timestamp(seconds: 1_790_000_000)
    func now() -> Timestamp { time }
}

/// A disk whose two operations give what a test sets.
final class FakeDisk: JournalDisk {
    private struct Failures {
        var allocate: Int32 = 0
        var synchronise: Int32 = 0
        var allocations = 0
    }

    private let failures = Mutex(Failures())
    private let system = SystemDisk()

    func fail(allocate: Int32? = nil, synchronise: Int32? = nil) {
        failures.withLock {
            if let allocate { $0.allocate = allocate }
            if let synchronise { $0.synchronise = synchronise }
        }
    }

    var allocations: Int { failures.withLock { $0.allocations } }

    func allocate(_ descriptor: Int32, bytes: Int) -> Int32 {
        let failure = failures.withLock {
            $0.allocations += 1
            return $0.allocate
        }
        return failure != 0 ? failure : system.allocate(descriptor, bytes: bytes)
    }

    func synchronise(_ descriptor: Int32) -> Int32 {
        let failure = failures.withLock { $0.synchronise }
        return failure != 0 ? failure : system.synchronise(descriptor)
    }
}

/// A folder that goes with its owner.
final class Folder: Sendable {
    let path = NSTemporaryDirectory() + "weir-journal-\(UUID().uuidString)"
    /// Those that write here.
    private let journals = Mutex<[Journal]>([])

    func add(_ journal: Journal) { journals.withLock { $0.append(journal) } }

    init() { try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// The folder as a crash at this moment would leave it.
    ///
    /// - Parameter isWritten: the crash comes after everything has been written into the segments, and the staging file is lost.
    func crashed(isWritten: Bool = false) throws -> Folder {
        let copy = Folder()
        if isWritten { for journal in journals.withLock({ $0 }) { journal.writeStaged() } }
        defer {
            if isWritten {
                for boot in copy.names() { try? FileManager.default.removeItem(atPath: "\(copy.path)/\(boot)/staged") }
            }
        }
        for name in try FileManager.default.contentsOfDirectory(atPath: path) {
            try FileManager.default.copyItem(atPath: "\(path)/\(name)", toPath: "\(copy.path)/\(name)")
        }
        return copy
    }

    func names(_ inner: String = "") -> [String] { listFolder("\(path)/\(inner)").sorted() }

    func bytes(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)")))
    }

    func write(_ bytes: some Sequence<UInt8>, to name: String) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
    }

    /// - Parameter isWritten: with what is staged, as a reader finds it that has it written.
    func all(after cursor: JournalPosition = .start, isWritten: Bool = true) -> [JournalRecord] {
        if isWritten { for journal in journals.withLock({ $0 }) { journal.writeStaged() } }
        var reader = JournalReader(directory: path)
        var records: [JournalRecord] = []
        var next = cursor
        while true {
            let batch = reader.read(after: next, countMax: 7)
            guard let last = batch.last else { return records }
            records += batch
            next = last.position
        }
    }
}

func openJournal(
    _ folder: Folder, disk: any JournalDisk = SystemDisk(), segmentBytes: Int = 1 << 20,
    at time: Timestamp = FixedClock().time
) throws -> Journal {
    var options = JournalOptions()
    options.segmentBytes = segmentBytes
    options.syncMilliseconds = 1
    let journal = try Journal(
        directory: folder.path, node: "test", options: options, disk: disk, clock: FixedClock(time: time))
    folder.add(journal)
    return journal
}

extension Journal {
    /// A record with a text of so many bytes.
    @discardableResult
    func note(_ text: String, bytes: Int = 0, admits: Bool = false) throws -> JournalPosition {
        try append(.entityChanged, at: FixedClock().time, admits: admits) { writer in
            writer.field("entity", text)
            writer.field("filler", String(repeating: "x", count: bytes))
        }
    }
}

func makeTurn(_ number: UInt64, at time: Timestamp = FixedClock().time, reserved: Int64 = 1000) -> TurnRecord {
    var turn = TurnRecord(
        requestID: RequestID(time: time, random: number, random12: 0),
        principal: Principal(keyID: "k123456789", workspace: "default", team: "web", developer: "maria"),
        attribution: Attribution(), endpoint: .chatCompletions, modelAsked: "gpt-5.2", received: time)
    turn.provider = "openai"
    turn.model = "gpt-5.2"
    turn.reserved = NanoUSD(reserved)
    return turn
}

extension JournalRecord {
    var turn: TurnRecord? { json.withUnsafeBytes { decodeTurn($0) } }
    var text: String { String(decoding: json, as: UTF8.self) }
}

/// Waits for a condition that another thread brings about.
func eventually(_ what: Comment, within seconds: Double = 60, _ condition: () -> Bool) {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while !condition(), ContinuousClock.now < deadline { usleep(500) }
    #expect(condition(), what)
}

/// SplitMix64: one seed, one history.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
