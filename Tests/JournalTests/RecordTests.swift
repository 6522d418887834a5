// RecordTests: how a record lies in its segment, and what a reader makes of a segment that was cut or damaged.

import GatewayModel
import Journal
import Testing

struct RecordTests {
    @Test func theChecksumIsCastagnoli() {
        func checksum(_ bytes: [UInt8]) -> UInt32 { bytes.withUnsafeBytes { CRC32C.checksum($0) } }
        #expect(checksum(Array("123456789".utf8)) == 0xE306_9283)
        // RFC 3720, appendix B.4.
        #expect(checksum(Array(repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(checksum(Array(repeating: 0xFF, count: 32)) == 0x62A8_AB43)
        #expect(checksum(Array(0..<32)) == 0x46DD_794E)
        #expect(checksum([]) == 0)
        var generator = SeededGenerator(seed: 1)
        for count in 0..<200 {
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
            #expect(checksum(bytes) == bitByBit(bytes))
        }
    }

    private func bitByBit(_ bytes: [UInt8]) -> UInt32 {
        var crc: UInt32 = .max
        for byte in bytes {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0x82F6_3B78 : crc >> 1 }
        }
        return ~crc
    }

    @Test func aRecordIsItsLengthItsChecksumAndOneJSONObject() throws {
        let folder = Folder()
        let journal = try openJournal(folder)
        try journal.note("team")
        journal.stop()
        let bytes = try folder.bytes("\(journal.boot)/00000001.log")
        let count = Int(bytes[0]) | Int(bytes[1]) << 8
        let json = Array(bytes[8..<8 + count])
        let stored = bytes[4..<8].enumerated().reduce(UInt32(0)) { $0 | UInt32($1.element) << UInt32($1.offset * 8) }
        #expect(stored == json.withUnsafeBytes { CRC32C.checksum($0) })
        #expect(
            String(decoding: json, as: UTF8.self)
                == #"{"v":1,"kind":"entity.changed","time":"2026-09-21T14:13:20.000000Z","node":"test","boot":""#
                + journal.boot
                + #"","seq":1,"entity":"team","filler":""}"#)
        #expect(bytes.count == (8 + count + 3) & ~3)
    }

    @Test func aSegmentCutAnywhereKeepsTheWholeRecordsBeforeTheCut() throws {
        let (folder, journal) = try crashedJournal(records: 6)
        let path = "\(journal)/00000001.log"
        let whole = try folder.bytes(path)
        let ends = self.ends(whole)
        #expect(ends.count == 6)
        for cut in 0...ends[5] + 4 {
            // A file that ends there, and one whose rest was never written.
            try folder.write(whole[..<cut], to: path)
            #expect(folder.all().count == ends.count { $0 <= cut })
            try folder.write(whole[..<cut] + Array(repeating: 0, count: 64), to: path)
            #expect(folder.all().count == ends.count { $0 <= cut })
        }
    }

    @Test func aFlippedBitEndsTheBootThere() throws {
        let (folder, journal) = try crashedJournal(records: 4)
        let path = "\(journal)/00000001.log"
        let whole = try folder.bytes(path)
        let ends = self.ends(whole)
        for bit in stride(from: 0, to: ends[3] * 8, by: 3) {
            let place = bit / 8
            guard let record = ends.firstIndex(where: { $0 > place }) else { continue }
            // What fills a record up to four bytes means nothing.
            guard record == 0 || place >= (ends[record - 1] + 3) & ~3 else { continue }
            var damaged = whole
            damaged[place] ^= 1 << UInt8(bit % 8)
            try folder.write(damaged, to: path)
            #expect(folder.all().map(\.position.sequence) == Array(1...4).prefix(record).map(Int64.init))
        }
    }

    @Test func aRecordOfMoreThan65535BytesIsRefusedAndTheNextIsNot() throws {
        let folder = Folder()
        let journal = try openJournal(folder)
        defer { journal.stop() }
        #expect(throws: JournalError.self) { try journal.note("large", bytes: 65_535) }
        #expect(journal.isAvailable)
        try journal.note("large but fitting", bytes: 65_300)
        #expect(folder.all().map(\.position.sequence) == [1])
    }

    /// A folder as a crash leaves it, and its boot.
    private func crashedJournal(records: Int) throws -> (folder: Folder, boot: String) {
        let folder = Folder()
        let journal = try openJournal(folder, segmentBytes: 128 << 10)
        for number in 0..<records { try journal.note("record \(number)", bytes: number * 3) }
        defer { journal.stop() }
        return (try folder.crashed(isWritten: true), journal.boot)
    }

    /// Where each record of a segment ends, without its padding.
    private func ends(_ bytes: [UInt8]) -> [Int] {
        var ends: [Int] = []
        var offset = 0
        while offset + 8 < bytes.count {
            let count = Int(bytes[offset]) | Int(bytes[offset + 1]) << 8
            if count == 0 { break }
            ends.append(offset + 8 + count)
            offset = (offset + 8 + count + 3) & ~3
        }
        return ends
    }
}
