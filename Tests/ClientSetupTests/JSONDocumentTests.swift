// JSONDocumentTests: editing JSON leaves every other byte as it was.

import ClientSetup
import Testing

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
        #expect(try edited(after, .json, .remove(["env"])) == before)
    }

    @Test(arguments: [
        ("", "{\n  \"k\": true\n}\n"),
        ("\u{FEFF}{}", "\u{FEFF}{\n  \"k\": true\n}"),
        ("// only a comment\n", "// only a comment\n{\n  \"k\": true\n}\n"),
        ("{}", "{\n  \"k\": true\n}"),
        ("{ // mine\n}", "{ // mine\n  \"k\": true\n}"),
        ("{\"a\":1}", "{\"a\":1, \"k\": true}"),
        ("{\"a\":1,}", "{\"a\":1, \"k\": true,}"),
        ("{\r\n\t\"a\": 1\r\n}\r\n", "{\r\n\t\"a\": 1,\r\n\t\"k\": true\r\n}\r\n"),
        ("{\n    \"a\": 1, // c\n    /* d */\n}\n", "{\n    \"a\": 1, // c\n    /* d */\n    \"k\": true,\n}\n"),
        ("{\"k\": /* no */ false}", "{\"k\": /* no */ true}"),
        ("{\n  \"a\\u0041\": \"}\",\n  \"//\": \"/*\"\n}", "{\n  \"a\\u0041\": \"}\",\n  \"//\": \"/*\",\n  \"k\": true\n}"),
        ("{\"k\": 1, \"k\": 2}", "{\"k\": 1, \"k\": true}"),
    ])
    func aMemberIsSetInAnyStyle(_ before: String, _ after: String) throws {
        #expect(try edited(before, .json, .set(["k"], true)) == after)
        #expect(try edited(after, .json, .set(["k"], true)) == after, "the second time changes nothing")
    }

    @Test func aCommentIsNotLostWithTheMemberBehindIt() throws {
        let before = "{\n  \"a\": 1, // one\n  \"b\": 2, \"c\": 3\n}"
        #expect(try edited(before, .json, .remove(["b"])) == "{\n  \"a\": 1, // one\n \"c\": 3\n}")
        #expect(try edited(before, .json, .remove(["c"])) == "{\n  \"a\": 1, // one\n  \"b\": 2\n}")
    }

    @Test(arguments: [
        ("{\n  \"a\": 1\n  \"b\": 2\n}", 3, "comma"), ("{\n\"a\": [1, 2\n}", 3, "comma"), ("{\"a\": tru}", 1, "tru"),
        ("{\n\n\"a", 3, "no end"), ("{} x", 1, "follows"), ("{\"a\" 1}", 1, "colon"), ("{ /* never", 1, "comment"),
        ("[1]", 1, "not an object"), ("{\"k\": 5}", 1, "not an object"), ("{'a': 1}", 1, "quotes"),
    ])
    func whatIsNoJSONIsRefusedWithItsLine(_ text: String, _ line: Int, _ words: String) {
        do {
            _ = try edited(text, .json, .set(["k", "l"], true))
            Issue.record("\(text) was taken")
        } catch let fault as MalformedFile {
            #expect(fault.line == line && fault.message.contains(words), "\(fault)")
        } catch {
            Issue.record(error)
        }
    }

    @Test func whatIsNoTextIsRefused() {
        #expect(throws: MalformedFile.self) { try FileEdit("f", .json, [.set(["k"], 1)]).change(from: [123, 255, 125]) }
        let deep = String(repeating: "[", count: 5000)
        #expect(throws: MalformedFile.self) { try edited(deep, .json, .set(["k"], 1)) }
    }

    @Test func aValueIsRenderedInTheStyleOfTheFile() throws {
        let after = try edited("{\n\t\"p\": {\n\t\t\"q\": 1\n\t}\n}", .json, .set(["p", "r"], ["a": ["x", 1], "b": [["c": true]]]))
        let lines = [
            "{", "\t\"p\": {", "\t\t\"q\": 1,", "\t\t\"r\": {", "\t\t\t\"a\": [\"x\", 1],", "\t\t\t\"b\": [", "\t\t\t\t{",
            "\t\t\t\t\t\"c\": true", "\t\t\t\t}", "\t\t\t]", "\t\t}", "\t}", "}",
        ]
        #expect(after == lines.joined(separator: "\n"))
    }
}
