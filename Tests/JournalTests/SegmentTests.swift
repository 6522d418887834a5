// SegmentTests: many threads, many segments, one order; and readers that come in at any place of it.

import Foundation
import GatewayModel
import Journal
import Synchronization
import Testing

struct SegmentTests {
    @Test func eightThreadsLeaveNoGaps() throws {
        let folder = Folder()
        let journal = try openJournal(folder, segmentBytes: 128 << 10)
        let positions = Mutex<[Int64]>([])
        DispatchQueue.concurrentPerform(iterations: 8) { thread in
            for number in 0..<1000 {
                let position = try? journal.note("\(thread).\(number)", bytes: number % 300)
                positions.withLock { $0.append(position?.sequence ?? -1) }
            }
        }
        #expect(positions.withLock { $0.sorted() } == Array(1...8000))
        let records = folder.all()
        #expect(records.map(\.position.sequence) == Array(1...8000))
        // What one thread wrote stands in the order in which it wrote.
        for thread in 0..<8 {
            let own = records.compactMap { record in
                record.text.firstRange(of: #""entity":"\#(thread)."#).map {
                    record.text[$0.upperBound...].prefix { $0 != "\"" }
                }
            }
            #expect(own == (0..<1000).map { Substring(String($0)) })
        }
        #expect(folder.names(journal.boot).count > 10)
        journal.stop()
        #expect(folder.all().count == 8000)
    }

    @Test func aFullSegmentIsFollowedByTheNextAndNoRecordIsSplit() throws {
        let folder = Folder()
        let journal = try openJournal(folder, segmentBytes: 72 << 10)
        var generator = SeededGenerator(seed: 3)
        for number in 0..<300 { try journal.note("\(number)", bytes: Int.random(in: 0...60_000, using: &generator)) }
        #expect(folder.all().map(\.position.sequence) == Array(1...300))
        journal.stop()
        #expect(folder.all().map(\.position.sequence) == Array(1...300))
        #expect(!folder.names(journal.boot).contains("next"))
    }

    @Test func aReaderGoesOnFromEveryPosition() throws {
        let folder = Folder()
        for boot in 0..<3 {
            let journal = try openJournal(
                folder, segmentBytes: 72 << 10, at: Timestamp(seconds: 1_790_000_000 + Int64(boot)))
            for number in 0..<40 { try journal.note("\(number)", bytes: 3000) }
            journal.stop()
        }
        let all = folder.all().map(\.position)
        #expect(all.count == 120)
        for (index, position) in all.enumerated() {
            #expect(folder.all(after: position).map(\.position) == Array(all[(index + 1)...]))
        }
        // One reader that jumps about finds the same as one that is new.
        var reader = JournalReader(directory: folder.path)
        for index in [100, 3, 50, 51, 0, 118] {
            #expect(reader.read(after: all[index], countMax: 5).map(\.position) == Array(all[(index + 1)...].prefix(5)))
        }
    }

    @Test func aReaderBesideTheWriterMissesNothing() throws {
        let folder = Folder()
        let journal = try openJournal(folder, segmentBytes: 72 << 10)
        let total = 20_000
        let seen = Mutex<[Int64]>([])
        DispatchQueue.concurrentPerform(iterations: 2) { side in
            if side == 0 {
                for number in 0..<total { _ = try? journal.note("\(number)", bytes: number % 500) }
                return
            }
            var reader = JournalReader(directory: folder.path)
            var cursor = JournalPosition.start
            let deadline = ContinuousClock.now + .seconds(60)
            while cursor.sequence < Int64(total), ContinuousClock.now < deadline {
                let batch = reader.read(after: cursor, countMax: 100)
                cursor = batch.last?.position ?? cursor
                seen.withLock { $0 += batch.map(\.position.sequence) }
            }
        }
        journal.stop()
        #expect(seen.withLock { $0 } == Array(1...Int64(total)))
    }

    @Test func aClockThatWasSetBackStillMakesTheNewestBoot() throws {
        let folder = Folder()
        var boots: [String] = []
        for seconds in [2000, 1000, 1000, 3000, 5] as [Int64] {
            let journal = try openJournal(folder, at: Timestamp(seconds: seconds))
            try journal.note("\(seconds)")
            journal.stop()
            boots.append(journal.boot)
        }
        #expect(boots == boots.sorted() && Set(boots).count == 5)
        #expect(folder.all().map(\.position.boot) == boots)
    }

    @Test func aStoppedJournalTakesNothingAndKeepsNoMoreDiskThanItsRecords() throws {
        let folder = Folder()
        let journal = try openJournal(folder, segmentBytes: 8 << 20)
        let position = try journal.note("one")
        journal.stop()
        journal.stop()
        #expect(throws: JournalError.unavailable(reason: "the journal is closed")) { try journal.note("two") }
        #expect(folder.names(journal.boot) == ["00000001.log"])
        #expect(try folder.bytes("\(journal.boot)/00000001.log").count < 300)
        let answer = Mutex<Bool?>(nil)
        journal.whenSynced(position) { isThere in answer.withLock { $0 = isThere } }
        #expect(answer.withLock { $0 } == true)

        let empty = try openJournal(folder)
        empty.stop()
        #expect(folder.names() == [journal.boot])
    }
}
