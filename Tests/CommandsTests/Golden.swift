// Golden: compares text with a file under Fixtures/cli; WEIR_REGENERATE=1 writes the file anew, and the difference is read.

import Foundation
import Testing

/// The repository's folder.
let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

func expectGolden(_ text: String, _ name: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
    let file = repository.appendingPathComponent("Fixtures/cli/\(name).txt")
    if ProcessInfo.processInfo.environment["WEIR_REGENERATE"] == "1" {
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }
    let golden = FileManager.default.contents(atPath: file.path).map { String(decoding: $0, as: UTF8.self) }
    #expect(
        text == golden, "differs from Fixtures/cli/\(name).txt; WEIR_REGENERATE=1 writes it anew",
        sourceLocation: sourceLocation)
}
