// The committed corpus of the fuzz target `telemetry`, replayed: an input that once broke a parser stays mended.

import Foundation
import FuzzOracles
import Testing

@Suite struct CorpusTests {
    @Test func theCorpusHolds() throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "../../Fuzz/corpus/telemetry")
        let files = try FileManager.default.contentsOfDirectory(at: folder.standardized, includingPropertiesForKeys: nil)
        #expect(files.count >= 20)
        for file in files {
            let finding = checkTelemetry(Array(try Data(contentsOf: file)))
            #expect(finding == nil, "\(file.lastPathComponent)")
        }
    }
}
