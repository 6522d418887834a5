// DotenvDocumentTests: lines of `NAME=value`, and blocks in a shell's profile.

import ClientSetup
import Testing

@Suite struct DotenvDocumentTests {
    @Test(arguments: [
        ("", "K=v\n"), ("A=1", "A=1\nK=v"), ("A=1\r\n", "A=1\r\nK=v\r\n"), ("export K='old' # why\nA=2\n", "export K=v # why\nA=2\n"),
        ("# K=x\nK = \"a\nb\"\nZ=1\n", "# K=x\nK = v\nZ=1\n"), ("K=1\nK=2\n", "K=1\nK=v\n"), ("K=v#1\n", "K=v\n"), ("K=\n", "K=v\n"),
    ])
    func aLineIsSet(_ before: String, _ after: String) throws {
        #expect(try edited(before, .dotenv, .set(["K"], "v")) == after)
        #expect(try edited(after, .dotenv, .set(["K"], "v")) == after)
    }

    @Test(arguments: ["a b", "it's", "$HOME", "a\"b\\c", "x#y", "üñí", ""])
    func anyTextComesBack(_ value: String) throws {
        let text = try edited("", .dotenv, .set(["K"], .string(value)))
        #expect(try FileFormat.dotenv.parse(Array(text.utf8))["K"] == .string(value), "\(text)")
    }

    @Test func aBlockIsPutInOnceAndTakenOutWhole() throws {
        let before = "alias ll='ls -l'\r\n"
        let once = try edited(before, .block, .set([], "export A=1\nexport B=2"))
        #expect(once.hasPrefix(before) && once.contains("export A=1\r\nexport B=2\r\n"))
        #expect(try edited(once, .block, .set([], "export A=1\nexport B=2")) == once)
        let other = try edited(once, .block, .set([], "export A=3"))
        #expect(other.contains("A=3") && !other.contains("B=2"))
        #expect(try edited(other, .block, .remove([])) == before)
        #expect(throws: MalformedFile.self) { try edited("# >>> weir >>>\nexport A=1\n", .block, .set([], "x")) }
    }
}
