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
}
