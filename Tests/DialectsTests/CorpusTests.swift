// The committed corpus of the fuzz target `request`, replayed.

import Foundation
import FuzzOracles
import Testing

@Suite struct CorpusTests {
    @Test func theRequestCorpusHolds() throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(
            path: "../../Fuzz/corpus/request")
        let files = try FileManager.default.contentsOfDirectory(
            at: folder.standardized, includingPropertiesForKeys: nil)
        #expect(files.count >= 20)
        for file in files { #expect(checkBody(Array(try Data(contentsOf: file))) == nil, "\(file.lastPathComponent)") }
    }
}
