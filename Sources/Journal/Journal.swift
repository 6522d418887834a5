// Journal: the append-only truth of a node. One lock orders the records; one thread writes what is staged, syncs in groups and keeps the
// next segment ready (`Journal+Durability.swift`).

package import GatewayModel
import Synchronization
package import WireFormat

#if canImport(Glibc)
    import Glibc
#endif

/// The journal of one node. Safe to use from any thread.
package final class Journal: Sendable {
    struct State: ~Copyable {
        var segment: SegmentWriter
        var number = 1
        var spare: SegmentWriter?
        /// Full segments' descriptors that are not synced yet; closed by the sync thread.
        var full: [Int32] = []
        /// A segment got its name and the folder is not synced yet.
        var folderHasChanged = true
        var sequence: Int64 = 0
        var buffer = JSONWriter(capacity: 16_384)
        var time = TimeText()
        var failure: Failure?
        var isClosed = false
        var waiters: [(sequence: Int64, callback: @Sendable (Bool) -> Void)] = []
    }

    /// Why no new turn may begin.
    struct Failure {
        var reason: String
        /// A lack of room ends when there is room again. A failed sync does not end: the kernel may have dropped the pages
        /// that it was for, and says so only once.
        var canEnd: Bool
    }

    /// A record is a leaf of the audit tree, which takes no more.
    static let recordBytesMax = 65_535

    /// This process's place in the order of boots.
    package let boot: String
    package let node: String
    /// `DATA/journal`.
    package let directory: String
    /// The members of every record's header that never change.
    private let originMembers: [UInt8]
    let options: JournalOptions
    let disk: any JournalDisk
    let failpoint: Failpoint
    let state: Guarded<State>
    /// Where records lie until they are written; nil where each is written at once.
    let staging: StagingArea?
    let available = Atomic<Bool>(true)
    /// A sync has failed: what was appended is never called safe again.
    let isBroken = Atomic<Bool>(false)
    /// Turns wait for syncs.
    let isAwaited = Atomic<Bool>(false)
    let synced = Atomic<Int64>(0)
    let appended = Atomic<Int64>(0)
    let syncThread = JournalThread()

    /// Opens a new boot of the journal in `directory` and begins to sync.
    package init(
        directory: String, node: String, options: JournalOptions = JournalOptions(),
        disk: any JournalDisk = SystemDisk(),
        clock: any GatewayClock, failpoint: String? = nil
    ) throws(JournalError) {
        if mkdir(directory, 0o700) != 0, errno != EEXIST {
            throw .cannotOpen(path: directory, reason: describeErrno(errno))
        }
        let boot = try Self.nextBoot(in: directory, at: clock.now())
        let folder = "\(directory)/\(boot)"
        guard mkdir(folder, 0o700) == 0 else { throw .cannotOpen(path: folder, reason: describeErrno(errno)) }
        self.directory = directory
        self.node = node
        self.boot = boot
        var origin = JSONWriter()
        origin.field("node", node)
        origin.field("boot", boot)
        originMembers = [44] + origin.bytes
        self.options = options
        self.disk = disk
        self.failpoint = Failpoint(failpoint)
        do throws(JournalError) {
            let segment = try SegmentWriter(path: "\(folder)/\(Self.segmentName(1))", options: options, disk: disk)
            staging =
                options.stagingBytes > 0 ? StagingArea(folder: folder, size: options.stagingBytes, segment: segment.descriptor) : nil
            state = Guarded(State(segment: segment))
        } catch {
            rmdir(folder)
            throw error
        }
        syncFolder(directory)
        syncThread.start(gather: { [weak self] in self?.gather() ?? false }, { [weak self] in self?.syncOnce() ?? false })
    }

    /// Whether new turns may begin.
    package var isAvailable: Bool { available.load(ordering: .relaxed) }

    /// Why not, when they may not.
    package var failure: String? { state.withLock { $0.failure?.reason } }

    /// The last sequence number that was appended.
    package var lastSequence: Int64 { appended.load(ordering: .acquiring) }

    /// Appends one record. When it returns, the record survives the end of this process; `whenSynced` says when it survives the
    /// machine's, and `writeStaged` lets readers see it. A record that `admits` new work is refused while the journal is unavailable;
    /// others are written while there is room.
    package func append(
        _ kind: RecordKind, at time: Timestamp, admits: Bool = false, _ write: (inout JSONWriter) -> Void
    ) throws(JournalError) -> JournalPosition {
        if admits, !isAvailable { throw .unavailable(reason: failure ?? "unavailable") }
        let sequence: Int64
        do throws(JournalError) {
            sequence = try state.withLock { state throws(JournalError) in try append(kind, time, &state, write) }
        } catch {
            if case .unavailable(let reason) = error { fail(reason, canEnd: true) }
            throw error
        }
        syncThread.wake()
        return JournalPosition(boot: boot, sequence: sequence)
    }

    private func append(
        _ kind: RecordKind, _ time: Timestamp, _ state: inout State, _ write: (inout JSONWriter) -> Void
    ) throws(JournalError) -> Int64 {
        if state.isClosed { throw .unavailable(reason: "the journal is closed") }
        let sequence = state.sequence + 1
        // The frame's place: the record and what goes before it are one write.
        state.buffer.reset(space: SegmentWriter.frameBytes)
        state.buffer.beginObject()
        state.buffer.field("v", 1)
        state.buffer.field("kind", kind.rawValue)
        state.buffer.field("time", utf8: state.time.text(of: time))
        state.buffer.rawMembers(originMembers)
        state.buffer.field("seq", sequence)
        write(&state.buffer)
        state.buffer.endObject()
        let count = state.buffer.count - SegmentWriter.frameBytes
        guard count <= Self.recordBytesMax else { throw .recordTooLarge(bytes: count) }
        if !state.segment.hasRoom(count) { try rotate(&state) }
        let (failpoint, staging) = (failpoint, staging)
        let failure: JournalError? = state.buffer.withUnsafeMutableBytes { frame in
            let crc = CRC32C.checksum(UnsafeRawBufferPointer(rebasing: frame[SegmentWriter.frameBytes...]))
            frame.storeBytes(of: UInt32(count).littleEndian, as: UInt32.self)
            frame.storeBytes(of: crc.littleEndian, toByteOffset: 4, as: UInt32.self)
            do throws(JournalError) {
                try state.segment.append(UnsafeRawBufferPointer(frame), in: staging) { failpoint.isAt(sequence, $0) }
                return nil
            } catch {
                return error
            }
        }
        if let failure { throw failure }
        state.sequence = sequence
        appended.store(sequence, ordering: .releasing)
        return sequence
    }

    /// Goes on in the next segment: the spare one, or a new one when the thread was too slow to make it.
    private func rotate(_ state: inout State) throws(JournalError) {
        // A segment that has a next one is whole: that is what readers go by, and recovery.
        if let failure = staging?.write(), failure != 0 { throw SegmentWriter.cannotWrite(failure) }
        let path = "\(directory)/\(boot)/\(Self.segmentName(state.number + 1))"
        var next: SegmentWriter
        if var spare = state.spare.take() {
            try spare.move(to: path)
            next = spare
        } else {
            next = try SegmentWriter(path: path, options: options, disk: disk)
        }
        staging?.begin(segment: next.descriptor)
        swap(&state.segment, &next)
        state.number += 1
        state.folderHasChanged = true
        let descriptor = dup(next.descriptor)
        if descriptor >= 0 { state.full.append(descriptor) }
    }

    // MARK: Names

    /// Boots sort by time, and a new one sorts behind all that are there, even when the clock has been set back.
    private static func nextBoot(in directory: String, at time: Timestamp) throws(JournalError) -> String {
        let name = bootName(time)
        guard let newest = JournalReader.boots(in: directory).last, newest >= name else { return name }
        guard let number = Int64(newest), number < .max else {
            throw .cannotOpen(path: "\(directory)/\(newest)", reason: "no boot can come after it")
        }
        return bootName(Timestamp(nanoseconds: number + 1))
    }

    /// Twenty digits of nanoseconds.
    static func bootName(_ time: Timestamp) -> String {
        let text = String(max(0, time.nanoseconds))
        return String(repeating: "0", count: max(0, 20 - text.count)) + text
    }

    static func segmentName(_ number: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, 8 - text.count)) + text + ".log"
    }
}

/// The text of a record's time. Records of one second differ in the last digits only.
struct TimeText: ~Copyable {
    private var second = Int64.min
    private let bytes = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 27)

    deinit { bytes.deallocate() }

    /// The 27 bytes of `Timestamp.rfc3339`, which are there until the next call.
    mutating func text(of time: Timestamp) -> UnsafeBufferPointer<UInt8> {
        if time.seconds != second {
            time.withRFC3339 { _ = bytes.update(fromContentsOf: $0) }
            second = time.seconds
            return UnsafeBufferPointer(bytes)
        }
        var micros = UInt32(truncatingIfNeeded: (time.nanoseconds - second * 1_000_000_000) / 1000)
        for index in (20..<26).reversed() {
            bytes[index] = 48 + UInt8(truncatingIfNeeded: micros % 10)
            micros /= 10
        }
        return UnsafeBufferPointer(bytes)
    }
}

/// The kinds of record.
package enum RecordKind: String, Sendable, CaseIterable {
    case nodeStarted = "node.started"
    case nodeStopped = "node.stopped"
    case turnReserved = "turn.reserved"
    case turnSent = "turn.sent"
    case turnProgress = "turn.progress"
    case turnSettled = "turn.settled"
    case turnRefused = "turn.refused"
    case entityChanged = "entity.changed"
    case policyChanged = "policy.changed"
    /// What a client says of its own calls and tools.
    case clientReported = "client.reported"
}
