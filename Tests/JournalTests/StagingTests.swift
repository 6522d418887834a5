// StagingTests: records that lie in the staging file alone survive their process, and come to where they belong once.

import Foundation
import GatewayModel
import Journal
import Synchronization
import Testing

struct StagingTests {
    /// A journal whose thread writes nothing: what is appended stays staged.
    private func openStill(_ folder: Folder, segmentBytes: Int = 1 << 20, at seconds: Int64 = 1_790_000_000) throws -> Journal {
        var options = JournalOptions()
        options.segmentBytes = segmentBytes
        options.syncMilliseconds = 3_600_000
        options.stagingBytes = 128 << 10
        return try Journal(
            directory: folder.path, node: "test", options: options, clock: FixedClock(time: Timestamp(seconds: seconds)))
    }

    @Test func whatIsStagedIsReadOnceItIsWritten() throws {
        let folder = Folder()
        let journal = try openStill(folder)
        for number in 0..<50 { try journal.note("\(number)", bytes: number * 7) }
        #expect(folder.all(isWritten: false).isEmpty, "it lies in the staging file alone")
        #expect(journal.writeStaged())
        #expect(folder.all(isWritten: false).map(\.position.sequence) == Array(1...50))
        #expect(folder.names(journal.boot).contains("staged"))
    }

    @Test func whatACrashLeftStagedIsWrittenByTheNextBoot() throws {
        let folder = Folder()
        let first = try openStill(folder)
        for number in 0..<20 { try first.note("\(number)", bytes: 100) }
        first.writeStaged()
        for number in 20..<60 { try first.note("\(number)", bytes: number) }
        let crashed = try folder.crashed()
        let second = try openJournal(crashed, at: Timestamp(seconds: 1_790_000_001))
        defer { second.stop() }
        let report = try second.recover()
        #expect(report.records == 60 && report.damaged.isEmpty)
        #expect(crashed.all().filter { $0.position.boot == first.boot }.map(\.position.sequence) == Array(1...60))
        #expect(!crashed.names(first.boot).contains("staged"))
    }

    /// Records of many sizes run round the staging file again and again, over segments, and a crash comes at every one of some moments.
    @Test(arguments: 1...6) func everyRecordIsThereOnceWhereverACrashComes(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let folder = Folder()
        let journal = try openStill(folder, segmentBytes: 512 << 10)
        for _ in 0..<12 {
            for _ in 0..<Int.random(in: 1...40, using: &generator) {
                try journal.note("x", bytes: Int.random(in: 0...9000, using: &generator))
            }
            if Bool.random(using: &generator) { journal.writeStaged() }
            let crashed = try folder.crashed()
            let next = try openJournal(crashed, at: Timestamp(seconds: 1_790_000_100))
            let report = try next.recover()
            next.stop()
            #expect(report.damaged.isEmpty)
            let found = crashed.all().filter { $0.position.boot == journal.boot }.map(\.position.sequence)
            #expect(found == Array(1...journal.lastSequence), "seed \(seed)")
        }
    }

    @Test func whatIsStagedBehindDamageIsNotLost() throws {
        let folder = Folder()
        let first = try openStill(folder)
        for number in 0..<20 { try first.note("\(number)", bytes: 200) }
        first.writeStaged()
        for number in 20..<30 { try first.note("\(number)", bytes: 200) }
        let crashed = try folder.crashed()
        let path = "\(first.boot)/00000001.log"
        var bytes = try crashed.bytes(path)
        bytes[1000] ^= 1
        try crashed.write(bytes, to: path)
        let second = try openJournal(crashed, at: Timestamp(seconds: 1_790_000_001))
        defer { second.stop() }
        let report = try second.recover()
        #expect(report.damaged == [first.boot] && report.records >= 29)
        #expect(crashed.all().last { $0.position.boot == first.boot }?.position.sequence == 30)
    }

    @Test func aTornStagedRecordEndsTheBoot() throws {
        let folder = Folder()
        let first = try openStill(folder)
        for number in 0..<9 { try first.note("\(number)", bytes: 50) }
        let crashed = try folder.crashed()
        let path = "\(first.boot)/staged"
        var bytes = try crashed.bytes(path)
        // In the last record's text.
        let last = try #require(bytes.lastIndex(of: UInt8(ascii: "x")))
        bytes[last] = UInt8(ascii: "y")
        try crashed.write(bytes, to: path)
        let second = try openJournal(crashed, at: Timestamp(seconds: 1_790_000_001))
        defer { second.stop() }
        #expect(try second.recover().records == 8)
    }

    @Test func recoveryThatIsCutShortWritesTheRestTheNextTime() throws {
        let folder = Folder()
        let first = try openStill(folder)
        for number in 0..<9 { try first.note("\(number)", bytes: 50) }
        let staged = try folder.bytes("\(first.boot)/staged")
        first.writeStaged()
        let crashed = try folder.crashed()
        // Half of the records had been written, and the staging file was there still.
        let path = "\(first.boot)/00000001.log"
        var segment = try crashed.bytes(path)
        for index in 900..<segment.count { segment[index] = 0 }
        try crashed.write(segment, to: path)
        try crashed.write(staged, to: "\(first.boot)/staged")
        let second = try openJournal(crashed, at: Timestamp(seconds: 1_790_000_001))
        defer { second.stop() }
        #expect(try second.recover().records == 9)
        #expect(crashed.all().filter { $0.position.boot == first.boot }.map(\.position.sequence) == Array(1...9))
    }

    @Test func aJournalWithoutAStagingFileWritesEachRecord() throws {
        let folder = Folder()
        var options = JournalOptions()
        options.segmentBytes = 1 << 20
        options.syncMilliseconds = 3_600_000
        options.stagingBytes = 0
        let journal = try Journal(directory: folder.path, node: "test", options: options, clock: FixedClock())
        try journal.note("one")
        #expect(folder.all(isWritten: false).count == 1)
        #expect(!folder.names(journal.boot).contains("staged"))
    }
}
