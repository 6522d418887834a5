// Journal: the append-only truth of a node. One lock orders the copies into the mapped segment; one thread syncs in groups and
// keeps the next segment ready.

package import GatewayModel
import Synchronization
package import WireFormat

#if canImport(Glibc)
    import Glibc
#endif

/// The journal of one node. Safe to use from any thread.
package final class Journal: Sendable {
    private struct State: ~Copyable {
        var segment: SegmentWriter
        var spare: SegmentWriter?
        /// Full segments that are not synced yet; closed by the sync thread.
        var full: [FullSegment] = []
        var sequence: Int64 = 0
        var buffer = JSONWriter(capacity: 4096)
        var failure: String?
        var isClosed = false
        var waiters: [(sequence: Int64, callback: @Sendable (Bool) -> Void)] = []
    }

    /// A descriptor that must be synced and closed.
    private struct FullSegment {
        var descriptor: Int32
    }

    /// This process's place in the order of boots.
    package let boot: String
    package let node: String
    /// `DATA/journal`.
    package let directory: String
    private let options: JournalOptions
    private let disk: any JournalDisk
    private let clock: any GatewayClock
    private let failpoint: Failpoint
    private let state: Guarded<State>
    private let available = Atomic<Bool>(true)
    private let synced = Atomic<Int64>(0)
    private let appended = Atomic<Int64>(0)
    private let syncThread = JournalThread()

    /// Opens a new boot of the journal in `directory` and begins to sync.
    package init(
        directory: String, node: String, options: JournalOptions = JournalOptions(), disk: any JournalDisk = SystemDisk(),
        clock: any GatewayClock, failpoint: String? = nil
    ) throws(JournalError) {
        let boot = Self.bootName(clock.now())
        let folder = "\(directory)/\(boot)"
        for path in [directory, folder] where mkdir(path, 0o700) != 0 && errno != EEXIST {
            throw .cannotOpen(path: path, reason: describeErrno(errno))
        }
        self.directory = directory
        self.node = node
        self.boot = boot
        self.options = options
        self.disk = disk
        self.clock = clock
        self.failpoint = Failpoint(failpoint)
        let first = try SegmentWriter(path: "\(folder)/\(Self.segmentName(1))", number: 1, options: options, disk: disk)
        state = Guarded(State(segment: first))
        syncThread.start { [weak self] in self?.syncOnce() ?? false }
    }

    /// Whether new turns may begin.
    package var isAvailable: Bool { available.load(ordering: .relaxed) }

    /// Why not, when they may not.
    package var failure: String? { state.withLock { $0.failure } }

    /// The last sequence number that was appended.
    package var lastSequence: Int64 { appended.load(ordering: .acquiring) }

    /// Appends one record. When it returns, the record survives the end of this process; `whenSynced` says when it
    /// survives the machine's. A record that `admits` new work is refused while the journal is unavailable; others are
    /// written while there is room.
    package func append(
        _ kind: RecordKind, at time: Timestamp, admits: Bool = false, _ write: (inout JSONWriter) -> Void
    ) throws(JournalError) -> JournalPosition {
        if admits, !isAvailable { throw .unavailable(reason: failure ?? "unavailable") }
        let sequence: Int64
        do throws(JournalError) {
            sequence = try state.withLock { state throws(JournalError) in try append(kind, time, &state, write) }
        } catch {
            if case .unavailable(let reason) = error { fail(reason) }
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
        state.buffer.reset()
        state.buffer.beginObject()
        state.buffer.field("v", 1)
        state.buffer.field("kind", kind.rawValue)
        state.buffer.field("time", time.rfc3339)
        state.buffer.field("node", node)
        state.buffer.field("boot", boot)
        state.buffer.field("seq", sequence)
        write(&state.buffer)
        state.buffer.endObject()
        let count = state.buffer.bytes.count
        guard count <= 65_535 else { throw .recordTooLarge(bytes: count) }
        if !state.segment.hasRoom(count) { try rotate(&state) }
        let bytes = state.buffer.bytes
        let crc = bytes.withUnsafeBytes { CRC32C.checksum($0) }
        let failpoint = failpoint
        var failure: JournalError?
        bytes.withUnsafeBytes { record in
            do throws(JournalError) {
                try state.segment.append(record, crc: crc) { failpoint.pass(sequence, $0) }
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        state.sequence = sequence
        appended.store(sequence, ordering: .releasing)
        return sequence
    }

    /// Goes on in the next segment: the spare one, or a new one when the thread was too slow to make it.
    private func rotate(_ state: inout State) throws(JournalError) {
        var next: SegmentWriter
        if let spare = state.spare.take() {
            next = spare
        } else {
            next = try makeSegment(state.segment.number + 1)
        }
        swap(&state.segment, &next)
        let descriptor = dup(next.descriptor)
        if descriptor >= 0 { state.full.append(FullSegment(descriptor: descriptor)) }
    }

    private func makeSegment(_ number: Int) throws(JournalError) -> SegmentWriter {
        try SegmentWriter(
            path: "\(directory)/\(boot)/\(Self.segmentName(number))", number: number, options: options, disk: disk)
    }

    // MARK: Durability

    /// Calls back, on the sync thread, once the record is on the disk (true) or the disk has failed (false).
    package func whenSynced(_ position: JournalPosition, _ callback: @escaping @Sendable (Bool) -> Void) {
        let isThere = synced.load(ordering: .acquiring) >= position.sequence
        if isThere || !isAvailable {
            callback(isThere)
            return
        }
        state.withLock { $0.waiters.append((position.sequence, callback)) }
        syncThread.wake()
    }

    /// One round of the sync thread. True when there is more to do soon.
    private func syncOnce() -> Bool {
        let (descriptor, full, target, needsSpare, number) = state.withLock { state in
            let full = state.full
            state.full = []
            return (dup(state.segment.descriptor), full, state.sequence, state.spare == nil && !state.isClosed, state.segment.number)
        }
        var failure: Int32 = 0
        if target > synced.load(ordering: .relaxed) || !full.isEmpty {
            for segment in full {
                failure = max(failure, disk.synchronise(segment.descriptor))
                close(segment.descriptor)
            }
            if descriptor >= 0 { failure = max(failure, disk.synchronise(descriptor)) }
        }
        if descriptor >= 0 { close(descriptor) }
        if failure != 0 {
            // A failed sync may have dropped the pages that it was for: never again trust this file with new work.
            fail("fdatasync failed: \(describeErrno(failure))")
        } else {
            synced.store(target, ordering: .releasing)
        }
        if needsSpare, failure == 0 { prepareSpare(number + 1) }
        let hasFailed = !isAvailable
        let ready = state.withLock { state in
            let ready = state.waiters.filter { hasFailed || $0.sequence <= target }
            state.waiters.removeAll { hasFailed || $0.sequence <= target }
            return ready
        }
        for waiter in ready { waiter.callback(!hasFailed || waiter.sequence <= synced.load(ordering: .relaxed)) }
        usleep(UInt32(options.syncMilliseconds) * 1000)
        return appended.load(ordering: .acquiring) > target
    }

    private func prepareSpare(_ number: Int) {
        do throws(JournalError) {
            let spare = try makeSegment(number)
            var holder: SegmentWriter? = consume spare
            state.withLock { state in
                guard state.spare == nil, let spare = holder.take(), spare.number == state.segment.number + 1 else { return }
                state.spare = consume spare
            }
        } catch {
            // The present segment goes on; new turns stop now, while there is room to settle those that run.
            if case .unavailable(let reason) = error { fail(reason) }
        }
    }

    private func fail(_ reason: String) {
        available.store(false, ordering: .releasing)
        state.withLock { state in if state.failure == nil { state.failure = reason } }
    }

    /// Waits until everything that is appended now is on the disk, or the disk has failed.
    package func syncNow() {
        let target = lastSequence
        while synced.load(ordering: .acquiring) < target, isAvailable {
            syncThread.wake()
            usleep(1000)
        }
    }

    /// Syncs what is appended and stops.
    package func stop() {
        let descriptor = state.withLock { state in
            state.isClosed = true
            state.spare = nil
            return dup(state.segment.descriptor)
        }
        syncThread.stop()
        if descriptor >= 0 {
            _ = disk.synchronise(descriptor)
            close(descriptor)
        }
    }

    // MARK: Names

    /// Twenty digits of nanoseconds: boots sort by time.
    static func bootName(_ time: Timestamp) -> String {
        let text = String(max(0, time.nanoseconds))
        return String(repeating: "0", count: max(0, 20 - text.count)) + text
    }

    static func segmentName(_ number: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, 8 - text.count)) + text + ".log"
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
}
