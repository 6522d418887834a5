// UndoTests: what was connected is given back: to the byte where nobody was there since, member by member where somebody was.

import ClientSetup
import Testing

@Suite struct UndoTests {
    private let edit = FileEdit(
        "f", .json, [.set(["model"], "weir/gpt"), .set(["provider", "weir"], ["npm": "x", "models": ["a": [:]]]), .remove(["old"])])

    private func connected(_ text: String?, times: Int = 1) throws -> (record: UndoRecord, bytes: [UInt8]) {
        var record = UndoRecord(client: "c", gateway: "g")
        var bytes = text.map { Array($0.utf8) }
        for _ in 0..<times {
            let change = try edit.change(from: bytes)
            try record.add(change, modeBefore: 0o644)
            bytes = change.after
        }
        return (record, try #require(bytes))
    }

    private func undone(_ record: UndoRecord, _ text: String) throws -> String? {
        switch try #require(record.files.first).step(current: Array(text.utf8)).step {
        case .nothing: text
        case .remove: nil
        case .write(let bytes): String(decoding: bytes, as: UTF8.self)
        }
    }

    @Test(arguments: [
        "{}", "{ }\n\n", "{\"model\":\"mine\",\"old\":[1,2]}",
        "{\r\n  // c\r\n  \"model\": \"mine\", // d\r\n  \"provider\": {\"x\": {}},\r\n}\r\n",
        "\u{FEFF}// nothing\n", "",
    ])
    func aFileIsGivenBackToTheByteEvenAfterTwice(_ before: String) throws {
        for times in 1...3 {
            let (record, bytes) = try connected(before, times: times)
            #expect(try undone(record, String(decoding: bytes, as: UTF8.self)) == before)
        }
    }

    @Test func aNewFileIsRemoved() throws {
        let (record, bytes) = try connected(nil, times: 2)
        #expect(try undone(record, String(decoding: bytes, as: UTF8.self)) == nil)
    }

    @Test func whatTheUserWroteSinceStaysAndOldValuesComeBack() throws {
        let before = "{\n  \"model\": \"mine\",\n  \"old\": [1, 2]\n}\n"
        let (record, bytes) = try connected(before)
        let changed = try edited(
            String(decoding: bytes, as: UTF8.self), .json, .set(["theme"], "dark"), .set(["provider", "weir", "models", "b"], [:]))
        let after = try #require(try undone(record, changed))
        let settings = try FileFormat.json.parse(Array(after.utf8))
        #expect(settings == ["model": "mine", "theme": "dark", "old": [1, 2]], "\(after)")
    }

    @Test func aValueThatTheUserChangedSinceIsTheirs() throws {
        let (record, bytes) = try connected("{\n  \"model\": \"mine\"\n}\n")
        let changed = try edited(String(decoding: bytes, as: UTF8.self), .json, .set(["model"], "theirs"))
        let (step, kept) = try #require(record.files.first).step(current: Array(changed.utf8))
        #expect(kept == [["model"]])
        #expect(step == .write(Array("{\n  \"model\": \"theirs\"\n}\n".utf8)))
    }

    @Test func aNewFileToWhichTheUserAddedIsKept() throws {
        let (record, bytes) = try connected(nil)
        let changed = try edited(String(decoding: bytes, as: UTF8.self), .json, .set(["theme"], "dark"))
        #expect(try undone(record, changed) == "{\n  \"theme\": \"dark\"\n}\n")
        let commented = "// mine\n" + String(decoding: bytes, as: UTF8.self)
        #expect(try undone(record, commented)?.hasPrefix("// mine\n") == true)
    }

    @Test func connectingAgainAfterTheUserWasThereKeepsWhatTheyWrote() throws {
        var (record, bytes) = try connected("{\n  \"model\": \"mine\"\n}\n")
        let changed = try edited(String(decoding: bytes, as: UTF8.self), .json, .set(["theme"], "dark"))
        let again = try FileEdit("f", .json, [.set(["model"], "weir/other")]).change(from: Array(changed.utf8))
        try record.add(again, modeBefore: 0o644)
        bytes = again.after
        #expect(try undone(record, String(decoding: bytes, as: UTF8.self)) == "{\n  \"model\": \"mine\",\n  \"theme\": \"dark\"\n}\n")
    }

    @Test func aFileThatIsGoneIsLeftGone() throws {
        let (record, _) = try connected("{}")
        #expect(try #require(record.files.first).step(current: nil).step == .nothing)
    }

    @Test func aDifferenceShowsWhatGoesAndWhatComes() {
        let before = (1...20).map { "line \($0)\n" }.joined()
        let after = before.replacing("line 10\n", with: "line ten\nline more\n")
        #expect(
            LineDifference(from: before, to: after).text
                == "  @@\n   line 7\n   line 8\n   line 9\n  -line 10\n  +line ten\n  +line more\n   line 11\n   line 12\n   line 13\n")
        #expect(LineDifference(from: "a\n", to: "a\n").text == "")
    }
}
