// Requests between dialects: what both can say survives both ways; what one cannot say is named or refused.

import Dialects
import FuzzOracles
import GatewayModel
import Testing
import WireFormat

private func refusal(_ body: () throws -> Void) -> TranslationRefusal? {
    do { try body() } catch { return error as? TranslationRefusal }
    return nil
}

private func read(_ text: String, _ dialect: Dialect) throws -> CanonicalRequest {
    try Array(text.utf8).withUnsafeBytes { try readCanonicalRequest($0, in: dialect) }
}

private func write(_ request: CanonicalRequest, _ dialect: Dialect, model: String = "m") throws -> TranslatedRequest {
    try writeCanonicalRequest(request, in: dialect, for: TranslationTarget(model: model))
}

private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

@Suite struct RequestTranslationTests {
    @Test(arguments: translatableDialects.filter { $0 != .ollama })
    func whatEveryDialectSaysSurvives(_ dialect: Dialect) throws {
        for seed in 0..<UInt64(400) {
            var random = Seeded(seed)
            let request = commonRequest(&random, dialect)
            // A newer Gemini wants calls signed.
            let written = try write(request, dialect, model: dialect == .gemini ? "gemini-2.5-pro" : "m")
            #expect(written.dropped == [], "seed \(seed)")
            var again = try read(text(written.body), dialect)
            if dialect == .gemini {
                // These stand in the path.
                again.model = request.model
                again.stream = request.stream
                again.includeUsage = request.includeUsage
            }
            #expect(again == request, "seed \(seed): \(text(written.body))")
        }
    }

    @Test func aChatToolLoopBecomesMessages() throws {
        let request = try read(
            """
            {"model":"fast","max_tokens":500,"stream":true,"messages":[{"role":"system","content":"Be brief."},
            {"role":"user","content":"list"},{"role":"assistant","content":null,"tool_calls":[
            {"id":"call:1","type":"function","function":{"name":"ls","arguments":"{\\"path\\": \\".\\"}"}},
            {"id":"b","type":"function","function":{"name":"pwd","arguments":""}}]},
            {"role":"tool","tool_call_id":"call:1","content":"a.txt"},{"role":"tool","tool_call_id":"b","content":"/"},
            {"role":"user","content":"and now?"}],"tools":[{"type":"function","function":{"name":"ls","description":"d",
            "parameters":{"type":"object","properties":{"path":{"type":"string"}}}}}],"tool_choice":"required",
            "parallel_tool_calls":false,"seed":7}
            """, .openAIChat)
        let written = try write(request, .anthropicMessages, model: "claude-sonnet-4-5")
        #expect(
            text(written.body) == """
                {"model":"claude-sonnet-4-5","max_tokens":500,"system":[{"type":"text","text":"Be brief."}],"messages":[\
                {"role":"user","content":[{"type":"text","text":"list"}]},\
                {"role":"assistant","content":[{"type":"tool_use","id":"call_1","name":"ls","input":{"path": "."}},\
                {"type":"tool_use","id":"b","name":"pwd","input":{}}]},\
                {"role":"user","content":[{"type":"tool_result","tool_use_id":"call_1","content":[{"type":"text","text":"a.txt"}]},\
                {"type":"tool_result","tool_use_id":"b","content":[{"type":"text","text":"/"}]},{"type":"text","text":"and now?"}]}],\
                "tools":[{"name":"ls","description":"d","input_schema":{"type":"object","properties":{"path":{"type":"string"}}}}],\
                "tool_choice":{"type":"any","disable_parallel_tool_use":true},"stream":true}
                """)
        #expect(written.dropped == ["seed"])
    }

    @Test func aToolResultsImageAndErrorReachChat() throws {
        let request = try read(
            """
            {"model":"m","max_tokens":10,"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"shot","input":{}}]},
            {"role":"user","content":[{"type":"tool_result","tool_use_id":"t","is_error":true,"content":[{"type":"text","text":"no display"},
            {"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}}]},{"type":"text","text":"look"}]}]}
            """, .anthropicMessages)
        let body = text(try write(request, .openAIChat).body)
        #expect(body.contains(#"{"role":"tool","tool_call_id":"t","content":"Error: no display"}"#))
        #expect(body.contains(#"{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]},{"role":"user","content":"look"}"#))
    }

    @Test func signedThinkingSurvivesAChatClient() throws {
        let history = """
            {"model":"m","reasoning_effort":"high","messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"",
            "reasoning_details":[{"type":"reasoning.text","text":"Let me ","index":0},{"type":"reasoning.text","text":"see","index":0},
            {"type":"reasoning.text","signature":"sig==","index":0},{"type":"reasoning.encrypted","data":"xx","index":1}],
            "tool_calls":[{"id":"t","type":"function","function":{"name":"ls","arguments":"{}"}}]},
            {"role":"tool","tool_call_id":"t","content":"ok"}],"tools":[{"type":"function","function":{"name":"ls"}}]}
            """
        let body = text(try write(read(history, .openAIChat), .anthropicMessages, model: "claude-opus-4-8").body)
        #expect(body.contains(#"{"type":"thinking","thinking":"Let me see","signature":"sig=="},{"type":"redacted_thinking","data":"xx"}"#))
        #expect(body.contains(#""thinking":{"type":"adaptive","display":"summarized"},"output_config":{"effort":"high"}"#))
    }

    @Test func withoutItsThinkingAToolContinuationGoesOnWithoutThinking() throws {
        let history = """
            {"model":"m","reasoning_effort":"high","messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"",
            "tool_calls":[{"id":"t","type":"function","function":{"name":"ls","arguments":"{}"}}]},
            {"role":"tool","tool_call_id":"t","content":"ok"}],"tools":[{"type":"function","function":{"name":"ls"}}]}
            """
        let written = try write(read(history, .openAIChat), .anthropicMessages, model: "claude-sonnet-4-5")
        #expect(!text(written.body).contains("thinking"))
        #expect(written.dropped == ["thinking"])
    }

    @Test func codexNamespacesAndFreeTextTools() throws {
        let request = try read(
            """
            {"model":"m","instructions":"be","input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"go"}]},
            {"type":"custom_tool_call","call_id":"c","name":"apply_patch","input":"*** Begin"},
            {"type":"custom_tool_call_output","call_id":"c","output":"ok"},
            {"type":"function_call","call_id":"f","name":"spawn","namespace":"agents","arguments":"{\\"n\\":1}"},
            {"type":"function_call_output","call_id":"f","output":"started"}],
            "tools":[{"type":"custom","name":"apply_patch","description":"p","format":{"type":"grammar","syntax":"lark","definition":"x"}},
            {"type":"namespace","name":"agents","tools":[{"type":"function","name":"spawn","parameters":{"type":"object"}}]},
            {"type":"web_search"}],"store":false,"include":["reasoning.encrypted_content"],"client_metadata":{"a":"b"}}
            """, .openAIResponses)
        let written = try write(request, .anthropicMessages)
        let body = text(written.body)
        #expect(body.contains(#"{"type":"tool_use","id":"c","name":"apply_patch","input":{"input":"*** Begin"}}"#))
        #expect(body.contains(#"{"type":"tool_use","id":"f","name":"agents__spawn","input":{"n":1}}"#))
        #expect(body.contains(#"{"name":"agents__spawn","input_schema":{"type":"object"}}"#))
        #expect(written.dropped == ["tools[].format", "tools[].web_search"])
    }

    @Test(arguments: [
        (Dialect.openAIChat, Dialect.anthropicMessages, #"{"model":"m","n":2,"messages":[]}"#, "n"),
        (
            .openAIChat, .anthropicMessages,
            #"{"model":"m","messages":[{"role":"user","content":[{"type":"file","file":{"file_id":"f"}}]}]}"#, "file_id"
        ),
        (.openAIChat, .openAIResponses, #"{"model":"m","stop":["x"],"messages":[]}"#, "stop"),
        (.openAIChat, .anthropicMessages, #"{"model":"m","web_search_options":{},"messages":[]}"#, "web_search_options"),
        (.openAIResponses, .anthropicMessages, #"{"model":"m","input":"x","previous_response_id":"r"}"#, "previous_response_id"),
        (.openAIResponses, .openAIChat, #"{"model":"m","input":"x","tools":[{"type":"web_search"}]}"#, "tools"),
        (.anthropicMessages, .openAIChat, #"{"model":"m","max_tokens":0,"messages":[]}"#, "max_tokens"),
        (.anthropicMessages, .openAIChat, #"{"model":"m","max_tokens":9,"container":"c","messages":[]}"#, "container"),
        (
            .anthropicMessages, .openAIChat,
            #"{"model":"m","max_tokens":9,"messages":[],"tools":[{"type":"bash_20250124","name":"bash"}]}"#, "tools[0].type"
        ),
    ])
    func whatCannotBeSaidIsRefusedByName(_ from: Dialect, _ to: Dialect, _ body: String, _ parameter: String) {
        #expect(refusal { _ = try write(read(body, from), to) }?.parameter == parameter)
    }

    @Test(arguments: Fixture.all.filter { $0.expected.unmetered != true && $0.endpoint.isMetered })
    func everyRecordedRequestIsTranslatedOrRefusedByName(_ fixture: Fixture) throws {
        let from = fixture.endpoint.dialect
        guard translatableDialects.contains(from) else { return }
        for to in translatableDialects where to != from {
            do {
                let request = try fixture.request.withUnsafeBytes { try readCanonicalRequest($0, in: from) }
                let body = try write(request, to).body
                _ = try read(text(body), to)
            } catch let refusal as TranslationRefusal {
                #expect(!refusal.parameter.isEmpty && !refusal.reason.isEmpty)
            }
        }
    }

    /// Features that each of the three dialects has. Order and grouping as the dialect's own reader gives them.
    private func commonRequest(_ random: inout Seeded, _ dialect: Dialect) -> CanonicalRequest {
        var request = CanonicalRequest()
        request.model = "m"
        request.stream = Bool.random(using: &random)
        request.includeUsage = request.stream
        if dialect.isBedrock {
            // The path says both.
            request.model = ""
            request.stream = false
            request.includeUsage = true
        }
        request.maxOutputTokens = Int64.random(in: 16...9000, using: &random)
        if Bool.random(using: &random) { request.messages.append(CanonicalMessage(.system, [.text(word(&random))])) }
        for turn in 0..<Int.random(in: 1...4, using: &random) {
            var blocks: [CanonicalBlock] = [.text(word(&random))]
            if Bool.random(using: &random) {
                blocks.append(CanonicalBlock(.image(.base64(mediaType: "image/png", data: "AA=="), detail: nil)))
            }
            request.messages.append(CanonicalMessage(.user, blocks))
            guard Bool.random(using: &random) else {
                request.messages.append(CanonicalMessage(.assistant, [.text(word(&random))]))
                continue
            }
            let ids = (0..<Int.random(in: 1...3, using: &random)).map { "call_\(turn)_\($0)" }
            request.messages.append(
                CanonicalMessage(
                    .assistant,
                    (Bool.random(using: &random) ? [.text(word(&random))] : [])
                        + ids.map {
                            CanonicalBlock(.toolCall(CanonicalToolCall(id: $0, name: "tool", arguments: #"{"x":"é\n","n":1.50}"#)))
                        }))
            request.messages.append(
                CanonicalMessage(
                    .tool,
                    ids.map { CanonicalBlock(.toolResult(CanonicalToolResult(callID: $0, content: [.text(word(&random))]))) }))
            request.messages.append(CanonicalMessage(.assistant, [.text(word(&random))]))
        }
        request.tools = [CanonicalTool(name: "tool", description: word(&random), schema: Array(#"{"type":"object"}"#.utf8))]
        if dialect == .openAIResponses { request.tools[0].strict = false }
        request.toolChoice = [nil, .auto, CanonicalToolChoice.none, .required, .named("tool")].randomElement(using: &random) ?? nil
        // Converse has no "none".
        if dialect == .bedrockConverse, request.toolChoice == CanonicalToolChoice.none { request.toolChoice = .auto }
        if Bool.random(using: &random) { request.temperature = "0.30" }
        if Bool.random(using: &random) { request.topP = "0.95" }
        if Bool.random(using: &random), dialect != .gemini { request.userID = "u" }
        return request
    }

    private func word(_ random: inout Seeded) -> String {
        let pieces = ["hello", "\"quoted\"", "line\nbreak", "tab\t", "emoji 🧵", "\u{0}nul", "é", "\\", "</system>", " "]
        let text = (0..<Int.random(in: 1...5, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
        // A blank text is an error at Bedrock, and left out.
        return text.allSatisfy { $0 == " " } ? "x" + text : text
    }
}
