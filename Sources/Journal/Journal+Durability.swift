// Journal+Durability: what one background thread does for a journal: it writes what is staged, syncs in groups, keeps a spare segment
// ready, and says when the disk has failed. A failed sync is never retried and trusted; a lack of room ends when there is room again.

import GatewayModel
import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

extension Journal {
    /// How often a full disk is asked for room again.
    private static let roomRetryMicroseconds: UInt32 = 200_000

    /// Says whether turns wait for syncs, as `journal.sync: always` has it. Where they do not, records gather before a sync.
    package func setAwaited(_ isAwaited: Bool) { self.isAwaited.store(isAwaited, ordering: .relaxed) }

    /// Calls back, on the sync thread or at once, when the record is on the disk (true) or the disk has failed (false).
    package func whenSynced(_ position: JournalPosition, _ callback: @escaping @Sendable (Bool) -> Void) {
        let isThere = synced.load(ordering: .acquiring) >= position.sequence
        if isThere || isBroken.load(ordering: .acquiring) {
            callback(isThere)
            return
        }
        let isClosed = state.withLock { state in
            if !state.isClosed { state.waiters.append((position.sequence, callback)) }
            return state.isClosed
        }
        if isClosed { callback(synced.load(ordering: .acquiring) >= position.sequence) } else { syncThread.wake() }
    }

    /// Waits until everything that is appended now is on the disk, or the disk has failed. True when it is there.
    @discardableResult
    package func syncNow() -> Bool {
        let target = lastSequence
        while synced.load(ordering: .acquiring) < target, !isBroken.load(ordering: .acquiring) {
            syncThread.wake()
            usleep(1000)
        }
        return synced.load(ordering: .acquiring) >= target
    }

    /// Writes what is staged, so that who reads the segments sees every record that was appended before this call. False when the disk
    /// does not take it: then it stays staged, and new turns stop.
    @discardableResult
    package func writeStaged() -> Bool {
        guard let failure = staging?.write(), failure != 0 else { return true }
        if case .unavailable(let reason) = SegmentWriter.cannotWrite(failure) { fail(reason, canEnd: true) }
        return false
    }

    /// Before a round of the sync thread; gives whether time has passed. Where nobody waits for a sync, records gather first: those of a
    /// short turn are one sync and not two, and the disk's work does not stand between a request and its provider.
    func gather() -> Bool {
        if isAwaited.load(ordering: .relaxed) { return false }
        pause()
        return true
    }

    private func pause() { usleep(UInt32(options.syncMilliseconds) * 1000) }

    /// One round of the sync thread. True when there was something to do, or is.
    func syncOnce() -> Bool {
        let before = synced.load(ordering: .relaxed)
        let target = synchronise()
        let lacksRoom = target == nil || !prepareSpare()
        answerWaiters()
        let hasSynced = synced.load(ordering: .relaxed) > before
        if lacksRoom {
            usleep(Self.roomRetryMicroseconds)
        } else if hasSynced, isAwaited.load(ordering: .relaxed) {
            pause()
        }
        return lacksRoom || hasSynced || appended.load(ordering: .acquiring) > target ?? 0
    }

    /// Puts what is appended on the disk and gives up to where; nil when it could not be written.
    private func synchronise() -> Int64? {
        let (descriptor, full, target, folderHasChanged) = state.withLock { state in
            let full = state.full
            let folderHasChanged = state.folderHasChanged
            state.full = []
            state.folderHasChanged = false
            return (dup(state.segment.descriptor), full, state.sequence, folderHasChanged)
        }
        defer { for one in full + [descriptor] where one >= 0 { close(one) } }
        let isWritten = writeStaged()
        guard !isBroken.load(ordering: .relaxed),
            target > synced.load(ordering: .relaxed) || !full.isEmpty || folderHasChanged
        else { return isWritten ? target : nil }
        var failure: Int32 = descriptor < 0 ? EMFILE : 0
        for one in full + [descriptor] where one >= 0 { failure = max(failure, disk.synchronise(one)) }
        if folderHasChanged { failure = max(failure, syncFolder("\(directory)/\(boot)")) }
        if failure != 0 {
            isBroken.store(true, ordering: .releasing)
            fail("fdatasync failed: \(describeErrno(failure))", canEnd: false)
        } else if isWritten {
            synced.store(target, ordering: .releasing)
        }
        return isWritten ? target : nil
    }

    /// Makes the next segment before it is needed. False when there is no room for it: then new turns stop, and the present
    /// segment has the room to settle those that run.
    private func prepareSpare() -> Bool {
        guard state.withLock({ $0.spare == nil && !$0.isClosed }) else {
            endLackOfRoom()
            return true
        }
        let path = "\(directory)/\(boot)/next"
        unlink(path)
        do throws(JournalError) {
            var spare: SegmentWriter? = try SegmentWriter(path: path, options: options, disk: disk)
            state.withLock { $0.spare = spare.take() }
            endLackOfRoom()
            return true
        } catch {
            if case .unavailable(let reason) = error { fail(reason, canEnd: true) }
            return false
        }
    }

    private func endLackOfRoom() {
        state.withLock { state in
            guard state.failure?.canEnd == true else { return }
            state.failure = nil
            available.store(true, ordering: .releasing)
        }
    }

    private func answerWaiters() {
        let isBroken = isBroken.load(ordering: .acquiring)
        let target = synced.load(ordering: .acquiring)
        let ready = state.withLock { state in
            let ready = state.waiters.filter { isBroken || $0.sequence <= target }
            state.waiters.removeAll { isBroken || $0.sequence <= target }
            return ready
        }
        for waiter in ready { waiter.callback(waiter.sequence <= target) }
    }

    /// Stops admission.
    func fail(_ reason: String, canEnd: Bool) {
        state.withLock { state in
            if state.isClosed { return }
            available.store(false, ordering: .releasing)
            // What cannot end stands over what can.
            if state.failure == nil || (state.failure?.canEnd == true && !canEnd) {
                state.failure = Failure(reason: reason, canEnd: canEnd)
            }
        }
    }

    /// Makes new names in a folder durable.
    @discardableResult
    func syncFolder(_ path: String) -> Int32 {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return errno }
        defer { close(descriptor) }
        return disk.synchronise(descriptor)
    }

    /// Syncs what is appended, gives back what was allocated ahead, and stops.
    package func stop() {
        let wasClosed = state.withLock { state in
            defer { state.isClosed = true }
            return state.isClosed
        }
        if wasClosed { return }
        syncThread.stop()
        let isWritten = synchronise() != nil
        answerWaiters()
        let (left, isEmpty) = state.withLock { state in
            let left = state.waiters
            state.waiters = []
            // What could not be written stays staged, for the next boot.
            if isWritten {
                state.segment.cut()
                staging?.remove()
            }
            if var spare = state.spare.take() { spare.cut() }
            return (left, state.sequence == 0)
        }
        for waiter in left { waiter.callback(false) }
        if isEmpty { rmdir("\(directory)/\(boot)") }
    }
}
