// The committed corpus of the fuzz target `settings`, replayed, whole and cut off at every byte.

import Foundation
import FuzzOracles
import Testing

@Suite struct CorpusTests {
    @Test func theCorpusHoldsHoweverShortTheFileIs() throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "../../Fuzz/corpus/settings")
        let files = try FileManager.default.contentsOfDirectory(at: folder.standardized, includingPropertiesForKeys: nil)
        #expect(files.count >= 20)
        for file in files {
            let bytes = Array(try Data(contentsOf: file))
            for length in 0...bytes.count {
                let finding = checkSettings(Array(bytes.prefix(length)))
                #expect(finding == nil, "settings/\(file.lastPathComponent), \(length) bytes")
            }
        }
    }
}
