// Converse requests: what the table of translations marks as mapped comes back as it was; what has no place is named or refused.

import Dialects
import FuzzOracles
import GatewayModel
import Testing
import WireFormat

private let claude = "us.anthropic.claude-opus-4-8"

private func read(_ text: String, _ dialect: Dialect = .bedrockConverse) throws -> CanonicalRequest {
    try Array(text.utf8).withUnsafeBytes { try readCanonicalRequest($0, in: dialect) }
}

private func write(_ request: CanonicalRequest, _ dialect: Dialect = .bedrockConverse, model: String = claude) throws -> TranslatedRequest {
    try writeCanonicalRequest(request, in: dialect, for: TranslationTarget(model: model))
}

private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

@Suite struct ConverseRequestTests {
    @Test func whatTheTableMapsComesBackAsItWas() throws {
        for seed in 0..<UInt64(400) {
            var random = Seeded(seed)
            let request = richRequest(&random)
            let written = try write(request)
            #expect(written.dropped == [], "seed \(seed)")
            let again = try read(text(written.body))
            #expect(again == request, "seed \(seed): \(text(written.body))")
        }
    }

    /// Everything that Converse and Claude say alike.
    private func richRequest(_ random: inout Seeded) -> CanonicalRequest {
        var request = CanonicalRequest()
        request.includeUsage = true
        var marks = Int.random(in: 0...4, using: &random)
        func block(_ part: CanonicalPart) -> CanonicalBlock {
            guard marks > 0, Bool.random(using: &random) else { return CanonicalBlock(part) }
            marks -= 1
            return CanonicalBlock(part, cache: Bool.random(using: &random) ? .long : .short)
        }
        request.messages.append(CanonicalMessage(.system, [block(.text("Be brief.")), block(.text("é"))]))
        for turn in 0..<Int.random(in: 1...3, using: &random) {
            request.messages.append(
                CanonicalMessage(
                    .user,
                    [
                        block(.text("look \(turn)")), block(.image(.base64(mediaType: "image/webp", data: "AAAA"), detail: nil)),
                        block(.document(.base64(mediaType: "application/pdf", data: "AA=="), name: "report \(turn)")),
                    ]))
            let signed = Bool.random(using: &random)
            request.messages.append(
                CanonicalMessage(
                    .assistant,
                    [
                        CanonicalBlock(signed ? .thinking("", signature: "c2ln") : .redactedThinking(turn == 0 ? "not base64!" : "AAAA")),
                        block(.text("I will.")),
                        block(.toolCall(CanonicalToolCall(id: "tooluse_\(turn).a:b", name: "look", arguments: #"{"n": 1.50}"#))),
                        block(.toolCall(CanonicalToolCall(id: "t\(turn)", name: "look", arguments: "{}"))),
                    ]))
            request.messages.append(
                CanonicalMessage(
                    .tool,
                    [
                        block(
                            .toolResult(
                                CanonicalToolResult(
                                    callID: "tooluse_\(turn).a:b",
                                    content: [
                                        .text("18 degrees"),
                                        CanonicalBlock(.image(.base64(mediaType: "image/png", data: "AA=="), detail: nil)),
                                    ]))),
                        block(.toolResult(CanonicalToolResult(callID: "t\(turn)", content: [.text("broken")], isError: true))),
                    ]))
            request.messages.append(CanonicalMessage(.assistant, [block(.text("done"))]))
        }
        request.messages.append(CanonicalMessage(.user, [.text("and now?")]))
        request.tools = [CanonicalTool(name: "look", description: "d", schema: Array(#"{"type":"object"}"#.utf8), strict: true)]
        request.maxOutputTokens = 900
        if Bool.random(using: &random) {
            var reasoning = CanonicalReasoning(effort: "high")
            reasoning.isAdaptive = true
            reasoning.display = "omitted"
            request.reasoning = reasoning
            request.toolChoice = .auto
        } else {
            request.toolChoice = [nil, .auto, .required, .named("look")].randomElement(using: &random) ?? nil
        }
        if Bool.random(using: &random) { request.parallelToolCalls = false }
        // A Claude takes a temperature or a `top_p`; while it thinks, no temperature but 1 and no `top_k`.
        switch Int.random(in: 0...2, using: &random) {
        case 0: request.temperature = request.reasoning == nil ? "0.30" : "1"
        case 1: request.topP = "0.95"
        default: break
        }
        if request.reasoning == nil, Bool.random(using: &random) { request.topK = "40" }
        if Bool.random(using: &random) { request.stopSequences = ["\n\nHuman:", "STOP"] }
        if Bool.random(using: &random) { request.userID = "maria@acme" }
        if Bool.random(using: &random) { request.serviceTier = "flex" }
        if Bool.random(using: &random) {
            request.format = .jsonSchema(name: "shape", schema: Array(#"{"type":"object","x":"\"é\""}"#.utf8), strict: true)
        }
        return request
    }

    @Test func aChatToolLoopBecomesConverse() throws {
        let request = try read(
            """
            {"model":"fast","max_tokens":500,"stream":true,"messages":[{"role":"system","content":"Be brief."},
            {"role":"user","content":"list"},{"role":"assistant","content":null,"tool_calls":[
            {"id":"call 1","type":"function","function":{"name":"ls","arguments":"{\\"path\\": \\".\\"}"}},
            {"id":"b","type":"function","function":{"name":"pwd","arguments":""}}]},
            {"role":"tool","tool_call_id":"call 1","content":"a.txt"},{"role":"tool","tool_call_id":"b","content":"/"},
            {"role":"user","content":"and now?"}],"tools":[{"type":"function","function":{"name":"ls","description":"d",
            "parameters":{"type":"object"}}}],"tool_choice":"required","parallel_tool_calls":false,"seed":7}
            """, .openAIChat)
        let written = try write(request)
        #expect(
            text(written.body) == """
                {"system":[{"text":"Be brief."}],"messages":[{"role":"user","content":[{"text":"list"}]},\
                {"role":"assistant","content":[{"toolUse":{"toolUseId":"call_1","name":"ls","input":{"path": "."}}},\
                {"toolUse":{"toolUseId":"b","name":"pwd","input":{}}}]},\
                {"role":"user","content":[{"toolResult":{"toolUseId":"call_1","content":[{"text":"a.txt"}]}},\
                {"toolResult":{"toolUseId":"b","content":[{"text":"/"}]}},{"text":"and now?"}]}],\
                "inferenceConfig":{"maxTokens":500},"toolConfig":{"tools":[{"toolSpec":{"name":"ls","description":"d",\
                "inputSchema":{"json":{"type":"object"}}}}],"toolChoice":{"any":{}}},\
                "additionalModelRequestFields":{"tool_choice":{"type":"any","disable_parallel_tool_use":true}}}
                """)
        #expect(written.dropped == ["seed"])
    }

    @Test func aHistoryOfCallsDescribesItsToolsThoughNoneAreOffered() throws {
        let request = try read(
            """
            {"model":"m","messages":[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"id":"a","type":"function",
            "function":{"name":"ls","arguments":"{}"}}]},{"role":"tool","tool_call_id":"a","content":"y"}]}
            """, .openAIChat)
        #expect(text(try write(request).body).contains(#""toolConfig":{"tools":[{"toolSpec":{"name":"ls""#))
    }

    static let refused: [(from: Dialect, body: String, parameter: String)] = [
        (.openAIChat, #"{"model":"m","n":2,"messages":[]}"#, "n"),
        (
            .openAIChat,
            #"{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://a.b/c.png"}}]}]}"#,
            "image_url.url"
        ),
        (
            .openAIChat,
            #"{"model":"m","tool_choice":"none","messages":[{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f"}}]}]}"#,
            "tool_choice"
        ),
        (
            .openAIChat,
            #"{"model":"m","messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"AA==","format":"wav"}}]}]}"#,
            "input_audio"
        ),
    ]

    @Test(arguments: 0..<refused.count) func whatChangesTheMeaningIsRefused(_ index: Int) throws {
        let (from, body, parameter) = Self.refused[index]
        let request = try read(body, from)
        #expect { try write(request) } throws: { ($0 as? TranslationRefusal)?.parameter == parameter }
    }

    static let refusedElsewhere: [(body: String, parameter: String)] = [
        (#"{"messages":[],"guardrailConfig":{"guardrailIdentifier":"g"}}"#, "guardrailConfig"),
        (#"{"messages":[],"promptVariables":{"a":{"text":"b"}}}"#, "promptVariables"),
        (#"{"messages":[],"toolConfig":{"tools":[{"systemTool":{"name":"nova_grounding"}}]}}"#, "toolConfig.tools[0].systemTool"),
        (#"{"messages":[{"role":"user","content":[{"video":{"format":"mp4"}}]}]}"#, "messages[0].content[0].video"),
        (
            #"{"messages":[{"role":"user","content":[{"image":{"format":"png","source":{"s3Location":{"uri":"s3://b/k"}}}}]}]}"#,
            "messages[0].content[0].source.s3Location"
        ),
    ]

    @Test(arguments: 0..<refusedElsewhere.count) func whatOnlyBedrockHasIsRefused(_ index: Int) {
        let (body, parameter) = Self.refusedElsewhere[index]
        #expect { try read(body) } throws: { ($0 as? TranslationRefusal)?.parameter == parameter }
    }

    @Test func whatIsLeftOutIsNamed() throws {
        let request = try read(
            #"{"messages":[],"performanceConfig":{"latency":"optimized"},"requestMetadata":{"team":"web","user_id":"u"},"#
                + #""additionalModelResponseFieldPaths":["/x"],"additionalModelRequestFields":{"top_k":5,"inferenceConfig":{}}}"#)
        #expect(
            request.unmapped == [
                "performanceConfig", "requestMetadata", "additionalModelResponseFieldPaths", "additionalModelRequestFields.inferenceConfig",
            ])
        #expect(request.userID == "u" && request.topK == "5")
        var unsaid = CanonicalRequest()
        unsaid.reasoning = CanonicalReasoning(effort: "high")
        unsaid.topK = "5"
        unsaid.parallelToolCalls = false
        unsaid.serviceTier = "scale"
        unsaid.format = .jsonObject
        unsaid.userID = "two\nlines"
        let dropped = try write(unsaid, model: "amazon.nova-2-lite").dropped
        #expect(Set(dropped) == ["reasoning_effort", "top_k", "parallel_tool_calls", "service_tier", "response_format", "user"])
    }

    @Test func eachFamilyThinksInItsOwnWords() throws {
        var request = CanonicalRequest()
        request.reasoning = CanonicalReasoning(effort: "high")
        #expect(text(try write(request, model: "us.anthropic.claude-sonnet-4-5-20250929-v1:0").body).contains(#""budget_tokens":4096"#))
        #expect(text(try write(request).body).contains(#""outputConfig":{"effort":"high"}"#))
        #expect(text(try write(request, model: "openai.gpt-oss-120b-1:0").body).contains(#"{"reasoning_effort":"high"}"#))
    }

    @Test func documentsOfOneNameAreToldApart() throws {
        var request = CanonicalRequest()
        let document = CanonicalBlock(.document(.base64(mediaType: "application/pdf", data: "AA=="), name: "a_b/c.pdf"))
        request.messages = [CanonicalMessage(.user, [document, document])]
        let body = text(try write(request).body)
        #expect(body.contains(#""name":"a b c pdf""#) && body.contains(#""name":"a b c pdf 2""#))
    }

    @Test func aLongToolIDIsShortenedAlikeInCallAndResult() throws {
        var request = CanonicalRequest()
        let id = String(repeating: "x", count: 90)
        request.messages = [
            CanonicalMessage(.assistant, [CanonicalBlock(.toolCall(CanonicalToolCall(id: id, name: "f", arguments: "{}")))]),
            CanonicalMessage(.tool, [CanonicalBlock(.toolResult(CanonicalToolResult(callID: id, content: [])))]),
        ]
        let again = try read(text(try write(request).body))
        guard case .toolCall(let call) = again.messages[0].blocks[0].part, case .toolResult(let result) = again.messages[1].blocks[0].part
        else {
            Issue.record("the call or its result is gone")
            return
        }
        #expect(call.id == result.callID && call.id.utf8.count <= 64)
    }

    // MARK: InvokeModel

    @Test func messagesGoIntoTheEnvelopeAndOutOfItUnchanged() throws {
        let body = #"{"model":"m","stream":true,"max_tokens":5,"thinking":{"type":"adaptive"},"future":[1.50, {"a":null}],"messages":[]}"#
        let invoke = Array(body.utf8).withUnsafeBytes { invokeBody(ofMessages: $0, betas: ["effort-2025-11-24", "new-2099-01-01"]) }
        #expect(
            text(invoke.body)
                == #"{"anthropic_version":"bedrock-2023-05-31","anthropic_beta":["effort-2025-11-24"],"max_tokens":5,"#
                + #""thinking":{"type":"adaptive"},"future":[1.50, {"a":null}],"messages":[]}"#)
        #expect(invoke.dropped == ["anthropic-beta:new-2099-01-01"])
        let back = invoke.body.withUnsafeBytes { messagesBody(ofInvoke: $0, model: "m", streams: true) }
        #expect(
            text(back.request.body)
                == #"{"model":"m","stream":true,"max_tokens":5,"thinking":{"type":"adaptive"},"future":[1.50, {"a":null}],"messages":[]}"#)
        #expect(back.betas == ["effort-2025-11-24"])
    }

    @Test func anotherVendorsBodyIsRefusedElsewhere() {
        #expect { try read(#"{"inputText":"hi"}"#, .bedrockInvoke) } throws: { ($0 as? TranslationRefusal)?.parameter == "body" }
    }
}
