// YAMLDocumentTests: editing YAML leaves every other byte as it was.

import ClientSetup
import Testing

@Suite struct YAMLDocumentTests {
    @Test func aNameIsReplacedWhereItStandsAndTheCommentStays() throws {
        let before = "# mine\nmodel: gpt-4o   # old\nread:\n- a.md\n- b.md\nauto-commits: false\n"
        let after = try edited(before, .yaml, .set(["model"], "openai/gpt-5.2"), .set(["openai-api-base"], "http://x/v1"))
        #expect(
            after
                == "# mine\nmodel: openai/gpt-5.2   # old\nread:\n- a.md\n- b.md\nauto-commits: false\nopenai-api-base: \"http://x/v1\"\n")
    }

    @Test func anElementGoesIntoTheList() throws {
        let before = """
            name: Local
            models:
              - name: Mine
                provider: ollama
                requestOptions:
                  headers: {a: b}

            # rules
            rules: []
            """
        let after = try edited(before, .yaml, .set(["models", "name=Weir gpt"], ["provider": "openai", "model": "gpt-5"]))
        #expect(
            after == """
                name: Local
                models:
                  - name: Mine
                    provider: ollama
                    requestOptions:
                      headers: {a: b}
                  - name: "Weir gpt"
                    provider: openai
                    model: gpt-5

                # rules
                rules: []
                """)
    }

    @Test func aHeaderGoesDeepIntoAListAtTheRoot() throws {
        let path = ["name=aider/extra_params", "extra_params", "extra_headers", "x-weir-repo"]
        let fresh = try edited(nil, .yaml, .set(path, "github.com/acme/shop"))
        #expect(
            fresh == "- name: aider/extra_params\n  extra_params:\n    extra_headers:\n      x-weir-repo: github.com/acme/shop\n")
        let existing = "- name: openai/x\n  edit_format: diff\n- name: aider/extra_params\n  extra_params:\n    max_tokens: 9\n"
        let merged = try edited(existing, .yaml, .set(path, "github.com/acme/shop"))
        #expect(merged == existing + "    extra_headers:\n      x-weir-repo: github.com/acme/shop\n")
        #expect(try edited(merged, .yaml, .set(path, "github.com/acme/shop")) == merged)
        #expect(try edited(merged, .yaml, .remove(Array(path.prefix(3)))) == existing)
    }

    @Test(arguments: [
        ("models:\n  p: 1\n", 2, "list"), ("- a\n- b\n", 1, "mapping"), ("models: [{name: x}]\n", 1, "not edited"),
        ("a: 1\n\tb: 2\n", 2, "name"),
        ("a: 1\na: 2\n", 2, "twice"), ("--- {a: 1}\n", 1, "---"), ("a: 1\n---\nb: 2\n", 2, "several"), ("a: \"open\n", 1, "no end"),
        ("a: b: c\n", 1, "colon"), ("a: [1, 2\n", 1, "closed"), ("just words\n", 1, "not edited"),
    ])
    func whatCannotBeEditedIsRefusedWithItsLine(_ text: String, _ line: Int, _ words: String) {
        do {
            let after = try edited(text, .yaml, .set(["models", "name=Weir"], ["v": "1"]))
            Issue.record("\(text) was taken: \(after)")
        } catch let fault as MalformedFile {
            #expect(fault.line == line && fault.message.contains(words), "\(fault)")
        } catch {
            Issue.record(error)
        }
    }
}
