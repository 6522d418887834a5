// TOMLDocumentTests: editing TOML leaves every other byte as it was, in whichever way a table is written.

import ClientSetup
import Testing

@Suite struct TOMLDocumentTests {
    private let base = ["model_providers", "weir", "base_url"]

    @Test(arguments: [
        ("", "[model_providers.weir]\nbase_url = \"u\"\n"),
        ("model = \"o3\"", "model = \"o3\"\n\n[model_providers.weir]\nbase_url = \"u\"\n"),
        ("a = 1\r\n", "a = 1\r\n\r\n[model_providers.weir]\r\nbase_url = \"u\"\r\n"),
        (
            "[model_providers.weir] # mine\nname = 'x' # n\n\n# next\n[z]\n",
            "[model_providers.weir] # mine\nname = 'x' # n\nbase_url = \"u\"\n\n# next\n[z]\n"
        ),
        ("[model_providers.weir]\n\n[z]\n", "[model_providers.weir]\nbase_url = \"u\"\n\n[z]\n"),
        ("model_providers.weir.name = \"x\"\n[z]\n", "model_providers.weir.name = \"x\"\nmodel_providers.weir.base_url = \"u\"\n[z]\n"),
        ("[model_providers]\nweir.name = \"x\"\n", "[model_providers]\nweir.name = \"x\"\nweir.base_url = \"u\"\n"),
        ("model_providers = { weir = { name = \"x\" } }\n", "model_providers = { weir = { name = \"x\", base_url = \"u\" } }\n"),
        ("[model_providers]\nweir = {}\n", "[model_providers]\nweir = { base_url = \"u\" }\n"),
        ("[model_providers.weir]\nbase_url = '''\nold''' # keep", "[model_providers.weir]\nbase_url = \"u\" # keep"),
        ("[model_providers.\"weir\"]\n\"base_url\" = 'u' # same", "[model_providers.\"weir\"]\n\"base_url\" = 'u' # same"),
    ])
    func aNameIsSetInAnyStyle(_ before: String, _ after: String) throws {
        #expect(try edited(before, .toml, .set(base, "u")) == after)
        #expect(try edited(after, .toml, .set(base, "u")) == after, "the second time changes nothing")
    }

    @Test func aRootNameStandsBeforeTheFirstTable() throws {
        #expect(try edited("# c\n[z]\nk = 1\n", .toml, .set(["m"], "w")) == "m = \"w\"\n# c\n[z]\nk = 1\n")
        #expect(try edited("a = [\n  1, # one\n]\n\n[z]\n", .toml, .set(["m"], "w")) == "a = [\n  1, # one\n]\nm = \"w\"\n\n[z]\n")
    }

    @Test func aRootNameStandsBehindTheFilesOwnPreface() throws {
        #expect(try edited("# my file\n# v2\n\n# about z\n[z]\n", .toml, .set(["m"], 1)) == "# my file\n# v2\nm = 1\n\n# about z\n[z]\n")
        #expect(try edited("# only\n", .toml, .set(["m"], 1)) == "m = 1\n# only\n")
    }

    @Test func aTableInsideAStringIsNoTable() throws {
        let text =
            "notes = \"\"\"\n[model_providers.weir]\nbase_url = \"no\"\n\\\"\"\"\n\"\"\"\n'a b'.c = '''[x]'''\nt = 1979-05-27 07:32:00\n"
        let after = try edited(text, .toml, .set(base, "u"))
        #expect(after == text + "\n[model_providers.weir]\nbase_url = \"u\"\n")
        #expect(try FileFormat.toml.parse(Array(after.utf8)).at(base) == "u")
    }

    @Test func anElementOfAListOfTablesIsNotOurs() throws {
        let text = "[[model_providers.weir]]\nbase_url = 1\n[[model_providers.weir]]\nbase_url = 2\n"
        #expect(throws: MalformedFile.self) { try edited(text, .toml, .set(base, "u")) }
    }

    @Test(arguments: [
        ("a = \n", 1), ("a = 1\na = 2\n", 2), ("x = \"open\n", 1), ("[t\n", 1), ("a = [1, 2\n", 1), ("a = 1 b = 2\n", 1),
        ("model_providers = 5\n", 1), ("[model_providers.weir.base_url]\n", 1), ("a = yes\n", 1),
    ])
    func whatIsNoTOMLIsRefusedWithItsLine(_ text: String, _ line: Int) {
        do {
            _ = try edited(text, .toml, .set(base, "u"))
            Issue.record("\(text) was taken")
        } catch let fault as MalformedFile {
            #expect(fault.line == line, "\(fault)")
        } catch {
            Issue.record(error)
        }
    }

    @Test func whatWasSetIsTakenOutAgain() throws {
        for before in ["", "model = \"o3\"\n", "[a]\nb = 1\n", "[model_providers.x]\nname = 'y'\n", "x = 1"] {
            let change = try FileEdit(
                "f", .toml, [.set(["model_provider"], "weir"), .set(base, "u"), .set(["model_providers", "weir", "auth", "command"], "c")]
            )
            .change(from: Array(before.utf8))
            let file = UndoFile(change, modeBefore: nil)
            // A line of the user's makes it a structural undo.
            let mine = "# mine\n"
            let (step, kept) = try file.step(current: Array(mine.utf8) + change.after)
            #expect(step == .write(Array((mine + before).utf8)) || (before == "x = 1" && step == .write(Array("# mine\nx = 1\n".utf8))))
            #expect(kept == [])
        }
    }
}
