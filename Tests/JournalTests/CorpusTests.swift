// The committed corpus of the fuzz target `journal`, replayed, and random damage to a good segment.

import Foundation
import FuzzOracles
import JournalOracle
import Testing

@Suite struct CorpusTests {
    private func withFolder(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "weir-journal-corpus-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder.path)
    }

    @Test func theJournalCorpusHolds() throws {
        let corpus = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(
            path: "../../Fuzz/corpus/journal")
        let files = try FileManager.default.contentsOfDirectory(
            at: corpus.standardized, includingPropertiesForKeys: nil)
        #expect(files.count >= 20)
        try withFolder { folder in
            for file in files {
                let input = Array(try Data(contentsOf: file))
                #expect(checkJournal(input, folder: folder) == nil, "\(file.lastPathComponent)")
            }
        }
    }

    @Test func noDamageOfAGoodSegmentMakesARecord() throws {
        let good = (1...9).map {
            #"{"v":1,"kind":"turn.sent","time":"2026-11-24T10:00:00.000000Z","seq":\#($0),"id":"x"}"#
        }
        let lines = Array(good.joined(separator: "\n").utf8)
        var random = Seeded(4)
        try withFolder { folder in
            for _ in 0..<300 {
                // Framed, and then any of: a flipped bit, a cut tail, a second segment. The tail makes each damage another one.
                let input = [1 | UInt8(random.below(16))] + lines + [10] + Array("\(random.next())".utf8)
                #expect(checkJournal(input, folder: folder) == nil)
            }
        }
    }
}
