// The committed corpora of the fuzz targets of wire formats, replayed: an input that once broke a parser stays mended.

import Foundation
import FuzzOracles
import Testing

@Suite struct CorpusTests {
    static let targets: [(name: String, check: @Sendable ([UInt8]) -> Finding?)] = [
        ("json", { checkJSON($0) }), ("sse", { checkSSE($0) }), ("http", { checkHTTP($0) }),
        ("eventstream", { checkEventStream($0) }),
    ]

    @Test(arguments: 0..<targets.count) func theCorpusHolds(_ index: Int) throws {
        let (name, check) = Self.targets[index]
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(
            path: "../../Fuzz/corpus/\(name)")
        let files = try FileManager.default.contentsOfDirectory(
            at: folder.standardized, includingPropertiesForKeys: nil)
        #expect(files.count >= 20)
        for file in files {
            let finding = check(Array(try Data(contentsOf: file)))
            #expect(finding == nil, "\(name)/\(file.lastPathComponent)")
        }
    }
}
