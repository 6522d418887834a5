// The one pass over a request body: what Weir acts on, what it refuses as ambiguous, and the splices.

import Dialects
import FuzzOracles
import GatewayModel
import Testing
import WireFormat

@Suite struct RequestReaderTests {
    private func head(_ text: String, _ endpoint: Endpoint = .chatCompletions) throws -> RequestHead {
        try parseBody(endpoint, Array(text.utf8)).get()
    }

    private func refusal(_ text: String, _ endpoint: Endpoint = .chatCompletions) -> GatewayError? {
        if case .failure(let error) = parseBody(endpoint, Array(text.utf8)) { error } else { nil }
    }

    private func spliced(_ text: String, _ splices: [Splice?]) -> String {
        String(
            decoding: Array(text.utf8).withUnsafeBytes { applySplices(splices.compactMap { $0 }, to: $0) },
            as: UTF8.self)
    }

    @Test func whatWeirActsOnIsRead() throws {
        let chat = try head(
            #"""
            {"messages":[{"role":"system","content":"s"},{"role":"user","content":"u"},{"role":"user","content":"v"}],
            "model":"gpt-5","stream":true,"stream_options":{"include_usage":true},"max_completion_tokens":77,
            "max_tokens":5,"n":3,"service_tier":"flex","user":"u1","safety_identifier":"s1","prompt_cache_key":"p1",
            "tools":[{},{}],"unknown":{"model":"no"}}
            """#
        )
        #expect(chat.model == "gpt-5" && chat.stream && chat.includesUsage && chat.usageSplice == nil)
        #expect(chat.maxOutputTokens == 77 && chat.choiceCount == 3 && chat.serviceTier == "flex")
        #expect(chat.user == "u1" && chat.safetyIdentifier == "s1" && chat.promptCacheKey == "p1")
        #expect(chat.messageCount >= 2 && chat.openerHash != 0)
        let responses = try head(
            #"""
            {"model":"m","input":"hi","max_output_tokens":9,"previous_response_id":"resp_1","background":true,
            "client_metadata":{"a":"b"}}
            """#,
            .responses)
        #expect(responses.maxOutputTokens == 9 && responses.previousResponseID == "resp_1" && responses.isBackground)
        #expect(responses.clientMetadata != nil && responses.messageCount == 1 && !responses.stream)
        let messages = try head(#"{"model":"c","max_tokens":8,"metadata":{"user_id":"u"}}"#, .messages)
        #expect(messages.metadataUserID == "u" && messages.maxOutputTokens == 8)
    }

    @Test func theOpenerIsTheFirstUserMessage() throws {
        let one = try head(
            #"{"model":"m","messages":[{"role":"system","content":"a"},{"role":"user","content":"hello"}]}"#)
        let later = try head(
            #"{"model":"m","messages":[{"role":"system","content":"b"},{"role":"user","content":"hello"},{"role":"user","content":"x"}]}"#
        )
        let other = try head(#"{"model":"m","messages":[{"role":"user","content":"hello!"}]}"#)
        #expect(one.openerHash == later.openerHash && one.openerHash != other.openerHash)
    }

    static let actedOn = [
        "model", "stream", "stream_options", "max_tokens", "max_completion_tokens", "max_output_tokens", "n",
        "service_tier",
        "previous_response_id", "background", "metadata",
    ]

    @Test(arguments: actedOn) func aSecondSpellingOfWhatWeirActsOnIsRefused(_ name: String) {
        let escaped = #"\u00\#(String(name.utf8.first ?? 0, radix: 16))\#(name.dropFirst())"#
        let upperEscaped = #"\u00\#(String((name.utf8.first ?? 0) - 32, radix: 16))\#(name.dropFirst())"#
        let capital = name.prefix(1).uppercased() + name.dropFirst()
        for other in [name, name.uppercased(), capital, escaped, upperEscaped] {
            let model = name == "model" ? "" : #""model":"m","#
            #expect(
                refusal("{\(model)\"\(name)\":\"x\",\"\(other)\":\"x\"}") == .duplicateField(name: name), "\(other)")
            #expect(
                refusal("{\(model)\"\(other)\":\"x\",\"\(name)\":\"x\"}") == .duplicateField(name: name), "\(other)")
        }
    }

    @Test func aCaseVariantAloneIsRefusedToo() {
        #expect(refusal(#"{"model":"m","Stream":true}"#) == .duplicateField(name: "stream"))
        #expect(refusal(#"{"Model":"m"}"#) == .duplicateField(name: "model"))
        // Go's decoder, which Ollama uses, takes these two letters for s and k.
        #expect(refusal(#"{"model":"m","ſtream":true}"#) == .duplicateField(name: "stream"))
        #expect(refusal("{\"model\":\"m\",\"max_to\u{212A}ens\":1}") == .duplicateField(name: "max_tokens"))
    }

    @Test func theUsageOptionMustNotStandTwice() {
        for options in [
            #"{"include_usage":true,"include_usage":false}"#, #"{"include_usage":false,"include\u005fusage":true}"#,
            #"{"include_usage":false,"Include_Usage":true}"#,
        ] {
            #expect(
                refusal(#"{"model":"m","stream":true,"stream_options":\#(options)}"#)
                    == .duplicateField(name: "stream_options.include_usage"), "\(options)")
        }
    }

    @Test func membersThatWeirLeavesAloneMayRepeat() throws {
        #expect(
            try head(#"{"model":"m","temperature":1,"temperature":2,"Temperature":3,"modell":1,"mode":2}"#).model == "m"
        )
        #expect(try head(#"{"x":{"model":1,"model":2},"model":"m"}"#).model == "m")
    }

    @Test func anEscapedNameIsTheName() throws {
        #expect(try head(#"{"\u006dod\u0065l":"a\/b"}"#).model == "a/b")
    }

    @Test(arguments: [
        ("", "malformed_json"), ("[]", "malformed_json"), ("\"x\"", "malformed_json"), ("{", "malformed_json"),
        (#"{"model":"m"}x"#, "malformed_json"),
        (#"{"model":"m",}"#, "malformed_json"), (#"{"model":1}"#, "malformed_json"),
        (#"{"model":null}"#, "malformed_json"), ("{}", "missing_model"),
        (#"{"model":""}"#, "missing_model"), (#"{"model":"a\u0000b"}"#, "model_not_found"),
        (#"{"model":"a\nb"}"#, "model_not_found"),
    ])
    func whatCannotBeActedOnIsRefused(_ text: String, _ code: String) {
        #expect(refusal(text)?.code == code)
    }

    @Test func depthAndLengthAreLimited() {
        let deep = String(repeating: "[", count: 128) + String(repeating: "]", count: 128)
        #expect(refusal("{\"model\":\"m\",\"x\":\(deep)}") == .jsonTooDeep(max: 128))
        #expect(refusal("{\"model\":\"\(String(repeating: "m", count: 257))\"}")?.code == "model_not_found")
    }

    static let usageForms: [(String, String)] = [
        (#"{"model":"m","stream":true}"#, #"{"model":"m","stream":true,"stream_options":{"include_usage":true}}"#),
        (
            #"{"stream":true,"model":"m"} \#n"#,
            #"{"stream":true,"model":"m","stream_options":{"include_usage":true}} \#n"#
        ),
        (
            #"{"model":"m","stream":true,"stream_options":{}}"#,
            #"{"model":"m","stream":true,"stream_options":{"include_usage":true}}"#
        ),
        (
            #"{"model":"m","stream":true,"stream_options": { } }"#,
            #"{"model":"m","stream":true,"stream_options": { "include_usage":true} }"#
        ),
        (
            #"{"stream_options":{"include_obfuscation":false},"model":"m","stream":true}"#,
            #"{"stream_options":{"include_obfuscation":false,"include_usage":true},"model":"m","stream":true}"#
        ),
        (
            #"{"model":"m","stream":true,"stream_options":{"include_usage":false,"x":1}}"#,
            #"{"model":"m","stream":true,"stream_options":{"include_usage":true,"x":1}}"#
        ),
        (
            #"{"model":"m","stream":true,"stream_options":{"include_usage":null}}"#,
            #"{"model":"m","stream":true,"stream_options":{"include_usage":true}}"#
        ),
        (
            #"{"model":"m","stream":true,"stream_options":null}"#,
            #"{"model":"m","stream":true,"stream_options":{"include_usage":true}}"#
        ),
    ]

    @Test(arguments: usageForms) func usageIsAskedForByOneSplice(_ text: String, _ expected: String) throws {
        let head = try head(text)
        #expect(spliced(text, [head.usageSplice]) == expected)
        #expect(try self.head(expected).usageSplice == nil)
    }

    @Test func usageIsNotAskedForWhereItComesAnyhow() throws {
        #expect(try head(#"{"model":"m"}"#).usageSplice == nil)
        #expect(try head(#"{"model":"m","stream":false}"#).usageSplice == nil)
        #expect(try head(#"{"model":"m","stream":true,"stream_options":{"include_usage":true}}"#).usageSplice == nil)
        for endpoint in [Endpoint.responses, .messages, .embeddings] {
            #expect(try head(#"{"model":"m","stream":true}"#, endpoint).usageSplice == nil)
        }
    }

    @Test func theModelSpliceChangesTheModelAlone() throws {
        let text = #"{ "a":[1, 2],"model" : "fa\u0073t" ,"b":"\u00e9","stream":true}"#
        let head = try head(text)
        #expect(head.model == "fast")
        #expect(
            spliced(text, [modelSplice(head, "qwen/\"q\"\n")])
                == #"{ "a":[1, 2],"model" : "qwen/\"q\"\n" ,"b":"\u00e9","stream":true}"#)
        let both = spliced(text, [modelSplice(head, "x"), head.usageSplice])
        #expect(
            both == #"{ "a":[1, 2],"model" : "x" ,"b":"\u00e9","stream":true,"stream_options":{"include_usage":true}}"#)
    }

    @Test func everyTruncationOfABodyIsRefused() {
        let bytes = Array(
            #"{"model":"m","stream":true,"messages":[{"role":"user","content":"\u00e9"}],"stream_options":{"include_usage":false}}"#
                .utf8)
        for count in 0..<bytes.count { #expect(refusal(String(decoding: bytes[..<count], as: UTF8.self)) != nil) }
    }

    @Test func randomBodiesKeepTheirProperties() {
        var random = Seeded(9)
        let names = Self.actedOn + ["messages", "input", "user", "client_metadata", "x", "ſtream", #"mod\u0065l"#]
        let values = [
            "\"m\"", "true", "false", "null", "1", "-1", "{}", "[]", #"{"include_usage":false}"#,
            #"{"include_usage":true,"a":[]}"#, #"[{"role":"user","content":"x"}]"#,
        ]
        for _ in 0..<5000 {
            let members = (0..<random.below(6)).map { _ in
                "\"\(names[random.below(names.count)])\":\(values[random.below(values.count)])"
            }
            let text = "{" + ([#""model":"m""#] + members).joined(separator: random.chance(2) ? "," : " ,\n") + "}"
            let finding = checkBody([UInt8(random.below(5))] + Array(text.utf8))
            #expect(finding == nil, "\(text)")
        }
    }
}
