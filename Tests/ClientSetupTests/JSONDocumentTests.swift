// JSONDocumentTests: editing JSON leaves every other byte as it was.

import ClientSetup
import Testing

/// A file after edits, as text.
func edited(_ before: String?, _ format: FileFormat, _ edits: SettingsEdit...) throws -> String {
    let change = try FileEdit("f", format, edits).change(from: before.map { Array($0.utf8) })
    return String(decoding: change.after, as: UTF8.self)
}

@Suite struct JSONDocumentTests {
    @Test func aMemberGoesBehindTheLastOneAndCommentsStay() throws {
        let before = """
            {
              // mine
              "a": 1, /* two */ "b": [1, 2], // tail
              "c": {"x": "y"} // last
            }

            """
        let after = try edited(before, .json, .set(["env", "K"], "v"))
        #expect(
            after == """
                {
                  // mine
                  "a": 1, /* two */ "b": [1, 2], // tail
                  "c": {"x": "y"}, // last
                  "env": {
                    "K": "v"
                  }
                }

                """)
    }
}
