// FaultTests: every fault of a configuration is told with its file, its line and its mend, and nothing is guessed.

import Foundation
import GatewayModel
import ServerConfiguration
import Testing

@Suite struct FaultTests {
    /// Text, the line of its one fault, and a word of it.
    private static let table: [(String, Int, String)] = [
        ("lisen: 1.2.3.4:80\n", 1, "did you mean \"listen\"?"),
        ("\nlimits:\n  json_dept_max: 9\n", 3, "limits.json_depth_max"),
        ("wholly_unknown: 1\n", 1, "docs/configuration.md"), ("limits:\n  json_depth_max: 7\n", 2, "8 to 128"),
        ("limits:\n  json_depth_max: nine\n", 2, "8 to 128"), ("limits: 5\n", 1, "mapping"),
        ("limits: [a]\n", 1, "mapping"),
        ("journal:\n  sync: sometimes\n", 2, "interval or always"), ("listen: [a]\n", 1, "single value"),
        ("require_labels: repository\n", 1, "must be a list"), ("require_labels: [repository, repo]\n", 1, "\"repo\""),
        ("- a\n- b\n", 1, "mapping of settings"), ("just text\n", 1, "mapping of settings"),
        ("data: 'a\n", 2, "not valid YAML"),
        ("a: b: c\n", 1, "not valid YAML"), ("data: a\ndata: b\n", 1, "twice"),
        ("? [a, b]\n: c\n", 1, "name must be text"),
        ("providers: {}\n", 1, "must be a list"), ("providers:\n  - openai\n", 2, "must be a mapping"),
        ("providers:\n  - name: x\n", 2, "needs a kind"), ("providers:\n  - kind: opnai\n", 2, "cannot be \"opnai\""),
        ("providers:\n  - kind: openai\n    modles: [a]\n", 3, "did you mean \"models\"?"),
        (provider("models: gpt-5"), 3, "must be a list"),
        (provider("models: []"), 3, "empty"), (provider("models: [[a]]"), 3, "single values"),
        (provider("aliases: [a]"), 3, "mapping"),
        (provider("aliases:", "  fast: [a]"), 4, "one model"), (provider("name: [a]"), 3, "single value"),
        (provider("name: Open AI"), 3, "a-z, 0-9"), (provider("base_url: {}"), 3, "single value"),
        (provider("base_url: http://example.com"), 3, "in clear"), (provider("base_url: https://h#x"), 3, "fragment"),
        (provider("base_url: ${NOWHERE}"), 3, "https://"),
        (provider("allow_private_addresses: maybe"), 3, "true or false"),
        (provider("hang_up: drian"), 3, "cancel, drain"), (provider("dialects: openai_chat"), 3, "must be a list"),
        (provider("dialects: [openai_chta]"), 3, "not known"), (provider("api_key: sk-canary"), 3, "${NAME}"),
        (provider("api_key:"), 3, "${NAME}"), (provider("api_key: [a]"), 3, "${NAME}"),
        (provider("api_key: ${UNSET}"), 3, "export UNSET"),
        (provider("api_key: file:/nowhere/at/all"), 3, "cannot be read"),
        (provider("trust_roots: []"), 3, "single value"),
        ("providers:\n  - kind: openai\n  - kind: openai\n", 3, "two providers named"),
        ("providers:\n  - kind: vllm\n", 2, "needs a base_url"), ("prices: {}\n", 1, "must be a list"),
        ("prices:\n  - x\n", 2, "must be a mapping"),
        ("prices:\n  - provider: a\n    input: 1\n", 2, "needs provider and model"),
        ("prices:\n  - {provider: a, model: b}\n", 2, "needs an amount"),
        ("prices:\n  - {provider: a, model: b, inptu: 1}\n", 2, "did you mean \"input\"?"),
        ("prices:\n  - {provider: a, model: b, input: -1}\n", 2, "is no price"),
        ("prices:\n  - {provider: a, model: b, input: 0.0000000001}\n", 2, "is no price"),
        ("prices:\n  - {provider: a, model: b, input: cheap}\n", 2, "is no price"),
        ("prices:\n  - {provider: a, model: b, input: 1, context_over: many}\n", 2, "number of tokens"),
        ("prices:\n  - {provider: a, model: b, input: 1, context_over: -1}\n", 2, "number of tokens"),
        ("prices:\n  - {provider: a, model: b, input: 1, service_tier: [flex]}\n", 2, "single value"),
        ("prices:\n  - {provider: a, model: b, input: 1, valid_from: soon}\n", 2, "no date"),
        (
            "prices:\n  - {provider: a, model: b, input: 1, valid_from: 2026-12-01, valid_to: 2026-11-01}\n", 2,
            "before it begins"
        ),
    ]

    @Test(arguments: table.map(\.0))
    func aFaultIsToldWithItsPlaceAndItsMend(_ text: String) throws {
        let (_, line, word) = try #require(Self.table.first { $0.0 == text })
        let found = faults(text)
        let first = try #require(found.first, "nothing was found wrong")
        #expect(found.count == 1, "\(found)")
        #expect(first.file == "weir.yaml" && first.line == line)
        #expect("\(first.message) \(first.mend)".contains(word), "\(first)")
        #expect(!first.mend.isEmpty && first.description.hasPrefix("weir.yaml:\(line):"))
        #expect(!first.description.contains("sk-canary"))
    }

    @Test func everyFaultIsToldAndNotOnlyTheFirst() {
        let found = faults("lisen: a\nlimits:\n  json_depth_max: 1\nproviders:\n  - kind: openai\n    api_key: clear\n")
        #expect(found.map(\.line) == [1, 3, 6])
    }

    @Test func faultsWithoutAPlaceNameTheFileOrTheVariable() throws {
        #expect(faults("listen: nowhere\n").first?.mend.contains("127.0.0.1:8787") == true)
        #expect(faults("tls:\n  certificate: a\n").first?.message.contains("go together") == true)
        let variable = try #require(faults("", ["WEIR_LIMITS_JSON_DEPTH_MAX": "lots"]).first)
        #expect(variable.file == "environment" && variable.message.contains("WEIR_LIMITS_JSON_DEPTH_MAX"))
        #expect(
            faults("", ["OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "nowhere"]).first?.message.contains("OPENAI_BASE_URL")
                == true)
    }

    @Test func aFileThatIsNotThereOrTooLargeIsAFault() throws {
        let missing = #expect(throws: ConfigurationFaults.self) {
            try ConfigurationReader.read(path: "/nowhere/weir.yaml", environment: [:])
        }
        #expect(missing?.faults.first?.description.contains("/nowhere/weir.yaml") == true)
        let large = FileManager.default.temporaryDirectory.appendingPathComponent("weir-\(UUID().uuidString).yaml")
        defer { try? FileManager.default.removeItem(at: large) }
        try Data(repeating: 35, count: (1 << 20) + 1).write(to: large)
        let tooLarge = #expect(throws: ConfigurationFaults.self) {
            try ConfigurationReader.read(path: large.path, environment: [:])
        }
        #expect(tooLarge?.faults.first?.message.contains("1 MiB") == true)
    }

    // MARK: Aliases

    @Test(arguments: [
        "a: &a [x]\nb: *a\n", "a: &a [x]\nb: [*a, *a]\n", "a: &a [x]\nb:\n  - *a\n", "a: &a [x]\nb: {c: *a}\n",
        "a: &a [x]\n? *a\n: c\n", "*a : b\n", "a: &a [x]\nb: [y,*a]\n",
    ])
    func anAliasIsRefusedBeforeItCanGrow(_ text: String) throws {
        let found = faults(text)
        #expect(found.count == 1 && found[0].message.contains("alias") && found[0].line > 0)
    }

    @Test func aBombOfAliasesIsRefusedAtOnce() {
        var text = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n"
        for level in 1...60 {
            text +=
                "a\(level): &a\(level) [" + Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ",") + "]\n"
        }
        text += "? *a60\n: boom\n"
        let clock = ContinuousClock()
        let time = clock.measure { #expect(faults(text).first?.message.contains("alias") == true) }
        #expect(time < .seconds(2))
    }

    @Test func aStarThatIsNoAliasIsFine() throws {
        let text = """
            # a comment with *stars* - *here
            data: 'it''s *not one'
            providers:
              - kind: vllm
                base_url: http://10.0.0.1:8000/v1
                models: ["*", 'a-*', qwen-*]
                aliases: {"quoted \\" *too": b}
            prices:
              - {provider: vllm, model: "*", input: 0.1}
            """
        #expect(try settings(text).providers.first?.models == ["*", "a-*", "qwen-*"])
        #expect(try settings(text).prices.first?.model == "*")
    }

    @Test func deepNestingAndOddBytesAreAFaultAndNoCrash() {
        #expect(!faults("a: " + String(repeating: "[", count: 5000) + String(repeating: "]", count: 5000)).isEmpty)
        #expect(!faults("a: \u{0}\n").isEmpty)
        #expect(!faults("\u{7}\n").isEmpty)
        #expect(faults("").isEmpty && faults("# nothing\n").isEmpty && faults("---\n").isEmpty)
    }
}
