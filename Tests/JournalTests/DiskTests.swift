// DiskTests: a disk that is full or broken stops new work, lets running turns settle, and is never trusted beyond what it said.

import GatewayModel
import Journal
import Synchronization
import Testing

#if canImport(Glibc)
    import Glibc
#endif

struct DiskTests {
    /// Writes more than one segment holds. A spare that is allocated is not yet in its place, and until then a record may find no room.
    private func fillTheFirstSegment(_ journal: Journal) {
        eventually("the spare takes over") {
            while journal.lastSequence < 40 {
                guard (try? journal.note("filler", bytes: 2000)) != nil else { return false }
            }
            return true
        }
    }

    @Test func aFullDiskStopsNewTurnsAndStillSettlesThoseThatRun() throws {
        let (folder, disk) = (Folder(), FakeDisk())
        disk.fail(synchronise: 0)
        let journal = try openJournal(folder, disk: disk, segmentBytes: 72 << 10)
        defer { journal.stop() }
        let turn = makeTurn(1)
        _ = try journal.turnReserved(turn)
        eventually("the spare is made") { disk.allocations >= 2 }
        disk.fail(allocate: ENOSPC)
        // The spare takes over; another cannot be made.
        fillTheFirstSegment(journal)
        eventually("admission stops") { !journal.isAvailable }
        #expect(journal.failure == "no room for a journal segment: No space left on device")
        #expect(throws: JournalError.self) { try journal.turnReserved(makeTurn(2)) }
        _ = try journal.turnSettled(turn)
        #expect(folder.all().last?.turn == turn)
        #expect(folder.all().map(\.position.sequence) == Array(1...journal.lastSequence))
    }

    @Test func roomAgainLetsNewTurnsBegin() throws {
        let (folder, disk) = (Folder(), FakeDisk())
        let journal = try openJournal(folder, disk: disk, segmentBytes: 72 << 10)
        defer { journal.stop() }
        eventually("the spare is made") { disk.allocations >= 2 }
        disk.fail(allocate: ENOSPC)
        fillTheFirstSegment(journal)
        eventually("admission stops") { !journal.isAvailable }
        disk.fail(allocate: 0)
        eventually("admission begins again") { journal.isAvailable }
        #expect(journal.failure == nil)
        _ = try journal.turnReserved(makeTurn(1))
    }

    @Test func aDiskWithoutAnyRoomRefusesAndLeavesNoGap() throws {
        let (folder, disk) = (Folder(), FakeDisk())
        let journal = try openJournal(folder, disk: disk, segmentBytes: 72 << 10)
        eventually("the spare is made") { disk.allocations >= 2 }
        disk.fail(allocate: ENOSPC)
        var written: Int64 = 0
        do {
            while written < 1000 { written = try journal.note("filler", bytes: 2000).sequence }
            Issue.record("two segments held a thousand records")
        } catch {
            #expect(
                error as? JournalError == .unavailable(reason: "no room for a journal segment: No space left on device")
            )
        }
        // A short record still fits where a long one does not, and takes the next number.
        #expect(try journal.note("short").sequence == written + 1)
        disk.fail(allocate: 0)
        eventually("room again") { journal.isAvailable }
        try journal.note("after", bytes: 2000)
        journal.stop()
        #expect(folder.all().map(\.position.sequence) == Array(1...(written + 2)))
    }

    @Test func aDiskThatIsFullAtTheStartLeavesNoBoot() throws {
        let (folder, disk) = (Folder(), FakeDisk())
        disk.fail(allocate: ENOSPC)
        #expect(throws: JournalError.unavailable(reason: "no room for a journal segment: No space left on device")) {
            try openJournal(folder, disk: disk)
        }
        #expect(folder.names().isEmpty)
    }

    @Test func aFailedSyncIsNeverRetriedAndTrusted() throws {
        let (folder, disk) = (Folder(), FakeDisk())
        let journal = try openJournal(folder, disk: disk)
        defer { journal.stop() }
        #expect(journal.syncNow())
        disk.fail(synchronise: EIO)
        let lost = try journal.note("lost")
        eventually("admission stops") { !journal.isAvailable }
        #expect(journal.failure == "fdatasync failed: Input/output error")
        disk.fail(synchronise: 0)
        // The kernel says so only once; what it dropped it does not bring back.
        let later = try journal.note("later")
        let answers = Mutex<[Bool]>([])
        for position in [lost, later] {
            journal.whenSynced(position) { isThere in answers.withLock { $0.append(isThere) } }
        }
        eventually("both are answered") { answers.withLock { $0.count == 2 } }
        #expect(answers.withLock { $0 } == [false, false])
        #expect(!journal.syncNow())
        #expect(!journal.isAvailable)
        #expect(throws: JournalError.unavailable(reason: "fdatasync failed: Input/output error")) {
            try journal.turnReserved(makeTurn(1))
        }
    }

    @Test func everyWaiterIsAnsweredOnce() throws {
        let folder = Folder()
        let journal = try openJournal(folder)
        let answers = Mutex<[Int64: [Bool]]>([:])
        for number in 0..<500 {
            let position = try journal.note("\(number)")
            journal.whenSynced(position) { isThere in
                answers.withLock { $0[position.sequence, default: []].append(isThere) }
            }
        }
        journal.stop()
        eventually("all are answered") { answers.withLock { $0.count == 500 } }
        #expect(answers.withLock { $0.values.allSatisfy { $0 == [true] } })
    }

    @Test func waitersOfABrokenDiskAreToldSo() throws {
        let (folder, disk) = (Folder(), FakeDisk())
        let journal = try openJournal(folder, disk: disk)
        defer { journal.stop() }
        #expect(journal.syncNow())
        disk.fail(synchronise: EIO)
        let answer = Mutex<Bool?>(nil)
        let position = try journal.note("one")
        journal.whenSynced(position) { isThere in answer.withLock { $0 = isThere } }
        eventually("it is answered") { answer.withLock { $0 } != nil }
        #expect(answer.withLock { $0 } == false)
    }
}
