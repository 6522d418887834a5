// RandomEditTests: for any file and any edit: what was set is there, what was there before is still there byte for byte, the second
// time changes nothing, and undoing gives the file back, with what the user wrote in between.

import ClientSetup
import Testing

@Suite struct RandomEditTests {
    private static let names = ["a", "b", "provider", "env", "weir", "x y"]

    private static func space(_ random: inout SeededNumbers) -> String {
        random.pick(["", "", " ", "\n", "\n  ", "\t", " /* c */ ", "\n// line\n", "\r\n    "])
    }

    private static func json(_ random: inout SeededNumbers, depth: Int) -> String {
        if depth == 0 || random.chance(30) {
            return random.pick(["1", "-2.5e3", "true", "null", "\"}\"", "\"\\\"//\"", "[1, {\"z\": 2}]", "[ ]"])
        }
        var text = "{"
        let count = Int.random(in: 0...4, using: &random)
        for (index, name) in names.shuffled(using: &random).prefix(count).enumerated() {
            text += space(&random) + "\"\(name)\"" + space(&random) + ":" + space(&random) + json(&random, depth: depth - 1)
            text += space(&random) + (index + 1 < count || random.chance(20) ? "," : "")
        }
        return text + space(&random) + "}"
    }

    private static func toml(_ random: inout SeededNumbers) -> String {
        var text = random.pick(["", "# c\n", "\n"])
        for name in ["a", "b", "c"] where random.chance(50) {
            text +=
                "\(name) = \(random.pick(["1", "\"x\"", "[\n 1, # n\n]", "'''\n[env]\n'''", "{ p = 1 }"]))\(random.pick(["", " # t"]))\n"
        }
        for table in ["env", "provider.weir", "other"] where random.chance(50) {
            text += random.pick(["", "\n", "# about it\n"]) + "[\(table)]\n"
            for name in ["p", "q"] where random.chance(60) { text += "\(name) = \(random.pick(["true", "\"[x]\"", "1.5"]))\n" }
        }
        return text
    }

    private static func yaml(_ random: inout SeededNumbers) -> String {
        var text = random.pick(["", "# c\n", "---\n"])
        for name in ["a", "b", "env", "models"] where random.chance(60) {
            let value = random.pick([
                " 1", " \"x: y\"", "\n  p: 1\n  q: [2, 3]", "\n- name: n\n  v: 1\n- name: m", "\n  - name: n", " |\n  text: here\n   more",
                " # none",
            ])
            text += "\(name):\(value)\n\(random.pick(["", "\n", "# c\n"]))"
        }
        return text
    }

    @Test(arguments: 0..<400) func anyJSONFile(_ seed: Int) throws {
        var random = SeededNumbers(state: UInt64(seed))
        var before = Self.json(&random, depth: 3)
        if !before.hasPrefix("{") { before = "{}" }
        before = Self.space(&random) + before + random.pick(["", "\n", "// end"])
        let path = Array(Self.names.shuffled(using: &random).prefix(Int.random(in: 1...3, using: &random)))
        try check(before, .json, path, random.pick(["v", true, ["k": ["n": 1]], ["l", 2]]), user: [.set(["user"], "was here")])
    }

    @Test(arguments: 0..<400) func anyTOMLFile(_ seed: Int) throws {
        var random = SeededNumbers(state: UInt64(seed))
        let path = random.pick([
            ["a"], ["m"], ["env", "p"], ["env", "z"], ["provider", "weir", "p"], ["provider", "weir", "auth", "c"], ["new", "q"],
        ])
        try check(Self.toml(&random), .toml, path, random.pick(["v", true, ["s", "t"]]), user: [.set(["user"], "was here")])
    }

    @Test(arguments: 0..<400) func anyYAMLFile(_ seed: Int) throws {
        var random = SeededNumbers(state: UInt64(seed))
        let path = random.pick([["a"], ["m"], ["env", "z"], ["models", "name=w"], ["models", "name=n"], ["deep", "er", "q"]])
        let value: SettingValue = path.last?.contains("=") == true ? ["v": 2, "h": ["i": "j"]] : random.pick(["v", true, ["k": "n"]])
        try check(Self.yaml(&random), .yaml, path, value, user: [.set(["user"], "was here")])
    }

    /// Bytes go, come and change places. Refusing is fine; what is taken must be readable afterwards, and the same the second time.
    @Test(arguments: [FileFormat.json, .toml, .yaml, .dotenv, .block], 0..<300) func anyBytes(_ format: FileFormat, _ seed: Int) throws {
        var random = SeededNumbers(state: UInt64(seed))
        let text: String
        switch format {
        case .json: text = Self.json(&random, depth: 3)
        case .toml: text = Self.toml(&random)
        case .yaml: text = Self.yaml(&random)
        default: text = "export A='b c' # d\n# >>> weir >>>\nB=\"x\\ny\"\r\n# <<< weir <<<\nC=\n"
        }
        var bytes = Array(text.utf8)
        for _ in 0..<Int.random(in: 1...6, using: &random) where !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0: bytes.remove(at: place)
            case 1: bytes.insert(random.pick(Array("{}[]\"'#:=,-.|>\n\r\t \\/*&!u0".utf8)), at: place)
            case 2: bytes[place] = UInt8.random(in: 0...255, using: &random)
            default: bytes.removeLast(bytes.count - place)
            }
        }
        let path = format == .block ? [] : format == .dotenv ? ["A"] : ["provider", "weir"]
        let edit = FileEdit("f", format, [.set(path, "v")])
        guard let change = try? edit.change(from: bytes) else { return }
        #expect(try edit.change(from: change.after).isSame, "\(String(decoding: bytes, as: UTF8.self))")
        let step = try UndoFile(change, modeBefore: nil).step(current: change.after).step
        #expect(step == (change.isSame ? .nothing : .write(bytes)))
    }

    private func check(_ before: String, _ format: FileFormat, _ path: [String], _ value: SettingValue, user: [SettingsEdit]) throws {
        let edit = FileEdit("f", format, [.set(path, value)])
        let known = try format.parse(Array(before.utf8))
        let change: FileChange
        do throws(MalformedFile) { change = try edit.change(from: Array(before.utf8)) } catch {
            // Only where something else stands in the way.
            let isBlocked =
                (1..<max(path.count, 2)).contains { known.at(path.prefix($0)) != nil } || format == .toml || known.members.isEmpty
            #expect(isBlocked, "\(error): \(before)")
            return
        }
        let after = String(decoding: change.after, as: UTF8.self)
        #expect(try edit.change(from: change.after).isSame, "twice: \(after)")
        // Inside empty braces nothing but space may go.
        let solid = before.filter { !$0.isWhitespace }
        if change.members.first?.old == nil, format != .yaml { #expect(isPart(solid, of: after), "\(before)\n->\n\(after)") }
        let file = UndoFile(change, modeBefore: nil)
        #expect(try file.step(current: change.after).step == (change.isSame ? .nothing : .write(Array(before.utf8))))
        // The user writes something; taking ours out leaves it and what was there before.
        guard let theirs = try? FileEdit("f", format, user).change(from: change.after) else { return }
        let expected = try FileEdit("f", format, user).change(from: Array(before.utf8)).after
        let left: [UInt8]
        switch try file.step(current: theirs.after).step {
        case .write(let bytes): left = bytes
        case .nothing: left = theirs.after
        case .remove: left = []
        }
        #expect(try format.parse(left) == format.parse(expected), "\(before)\n->\n\(after)\n->\n\(String(decoding: left, as: UTF8.self))")
    }
}
