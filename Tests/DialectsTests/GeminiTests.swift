// Gemini's dialect: signatures and ids survive clients that know neither, reasons and counts mean what they say, on any split of the bytes.

import Dialects
import FuzzOracles
import GatewayModel
import Testing
import WireFormat

private func read(_ text: String, _ dialect: Dialect) throws -> CanonicalRequest {
    try Array(text.utf8).withUnsafeBytes { try readCanonicalRequest($0, in: dialect) }
}

private func write(_ request: CanonicalRequest, _ dialect: Dialect, model: String) throws -> TranslatedRequest {
    try writeCanonicalRequest(request, in: dialect, for: TranslationTarget(model: model))
}

private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

@Suite struct GeminiTests {
    private static let context = AnswerContext(created: 1, model: "m", id: "0199-abc", includeUsage: true)

    /// An answer of Gemini 3: a thought, a text, two calls of which the first is signed, none with an id.
    private static let chunks = [
        #"""
        {"candidates":[{"content":{"parts":[{"text":"Let me look.","thought":true}],"role":"model"},\#
        "index":0}],"usageMetadata":{"promptTokenCount":100,"totalTokenCount":100},\#
        "modelVersion":"gemini-3.5-flash","responseId":"r1"}
        """#,
        #"{"candidates":[{"content":{"parts":[{"text":"I look."}],"role":"model"},"index":0}]}"#,
        #"""
        {"candidates":[{"content":{"parts":[{"functionCall":{"name":"ls","args":{"path": "é"}},\#
        "thoughtSignature":"U0lH"},{"functionCall":{"name":"pwd","args":{}}}],"role":"model"},\#
        "finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":100,\#
        "cachedContentTokenCount":40,"candidatesTokenCount":7,"thoughtsTokenCount":5,\#
        "toolUsePromptTokenCount":3,"totalTokenCount":115}}
        """#,
    ]

    private func answer(to client: Dialect) throws -> [UInt8] {
        let document = "[" + Self.chunks.joined(separator: ",") + "]"
        var translator = try #require(AnswerTranslator(from: .gemini, to: client, context: Self.context))
        return Array(document.utf8).withUnsafeBytes { translator.document($0) }
    }

    @Test func aSignatureComesBackOnItsCallThroughAClientOfChat() throws {
        let message = try answer(to: .openAIChat).withUnsafeBytes { bytes in
            try #require(JSONObjectView(bytes)?["choices"]?.elements?.first?.object?["message"]?.json)
        }
        let body = text(
            try write(
                read(
                    #"{"model":"m","messages":[{"role":"user","content":"go"},\#(text(message)),"#
                        + #"{"role":"tool","tool_call_id":"gcall_0199abc_0","content":"a.txt"},"#
                        + #"{"role":"tool","tool_call_id":"gcall_0199abc_1","content":"/"}]}"#, .openAIChat), .gemini,
                model: "gemini-3.5-flash"
            ).body)
        #expect(body.contains(#"{"functionCall":{"name":"ls","args":{"path": "é"}},"thoughtSignature":"U0lH"}"#), "\(body)")
        #expect(body.contains(#"{"functionCall":{"name":"pwd","args":{}}}"#))
        #expect(body.contains(#"{"functionResponse":{"name":"ls","response":{"output":"a.txt"}}},{"functionResponse":{"name":"pwd""#))
        #expect(!body.contains("gcall_"))
    }

    @Test(arguments: [Dialect.anthropicMessages, .openAIResponses])
    func aSignatureComesBackOnItsCallThroughOtherClients(_ client: Dialect) throws {
        let history = try answer(to: client).withUnsafeBytes { bytes -> String in
            let answer = try #require(JSONObjectView(bytes))
            if client == .anthropicMessages {
                let content = text(try #require(answer["content"]?.json))
                return #"""
                    {"model":"m","max_tokens":9,"messages":[{"role":"user","content":"go"},{"role":"assistant",\#
                    "content":\#(content)},
                    """#
                        + #"{"role":"user","content":[{"type":"tool_result","tool_use_id":"gcall_0199abc_0","content":"a.txt"},"#
                        + #"{"type":"tool_result","tool_use_id":"gcall_0199abc_1","is_error":true,"content":"no"}]}]}"#
            }
            let items = text(try #require(answer["output"]?.json)).dropFirst().dropLast()
            return #"{"model":"m","input":[{"type":"message","role":"user","content":"go"},\#(items),"#
                + #"{"type":"function_call_output","call_id":"gcall_0199abc_0","output":"a.txt"},"#
                + #"{"type":"function_call_output","call_id":"gcall_0199abc_1","output":"no"}]}"#
        }
        let written = try write(read(history, client), .gemini, model: "gemini-3.5-flash")
        let body = text(written.body)
        #expect(body.contains(#""name":"ls","args":{"path": "é"}},"thoughtSignature":"U0lH"}"#), "\(body)")
        #expect(!written.dropped.contains("messages[].thinking"))
        if client == .anthropicMessages { #expect(body.contains(#"{"functionResponse":{"name":"pwd","response":{"error":"no"}}}"#)) }
    }

    @Test func aLostSignatureIsReplacedByTheMarkerAndNamed() throws {
        let history =
            #"""
            {"model":"m","messages":[{"role":"user","content":"a"},{"role":"assistant","content":null,\#
            "tool_calls":[{"id":"x","type":"function","function":{"name":"ls","arguments":"{}"}}]},\#
            {"role":"tool","tool_call_id":"x","content":"1"},
            """#
                + #"""
                {"role":"user","content":"b"},{"role":"assistant","content":null,"tool_calls":[{"id":"y",\#
                "type":"function","function":{"name":"ls","arguments":"{}"}},{"id":"z","type":"function",\#
                "function":{"name":"ls","arguments":"{}"}}]},{"role":"tool","tool_call_id":"y","content":"2"},\#
                {"role":"tool","tool_call_id":"z","content":"3"}]}
                """#
        let written = try write(read(history, .openAIChat), .gemini, model: "gemini-3.5-flash")
        // Only the running turn's first call needs one.
        #expect(text(written.body).split(separator: "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I=").count == 2)
        #expect(text(written.body).contains(#"{"functionCall":{"id":"y","name":"ls","args":{}},"thoughtSignature":"c2tpc"#))
        #expect(written.dropped == ["messages[].thinking"])
        #expect(try write(read(history, .openAIChat), .gemini, model: "gemini-2.5-flash").dropped == [])
    }

    @Test func anothersSignatureIsTakenOutOnASwitchOfProvider() throws {
        let history =
            #"""
            {"model":"m","max_tokens":9,"messages":[{"role":"user","content":"a"},{"role":"assistant",\#
            "content":[{"type":"thinking","thinking":"t","signature":"anthropic=="},\#
            {"type":"redacted_thinking","data":"zz"},{"type":"text","text":"x"}]},{"role":"user",\#
            "content":"b"}]}
            """#
        let toGemini = try write(read(history, .anthropicMessages), .gemini, model: "gemini-3.5-flash")
        #expect(!text(toGemini.body).contains("anthropic==") && toGemini.dropped == ["messages[].thinking"])
        let fromGemini = history.replacing("anthropic==", with: "weir-gemini:c0:U0lH")
        let toClaude = try write(read(fromGemini, .anthropicMessages), .anthropicMessages, model: "claude-opus-4-8")
        #expect(!text(toClaude.body).contains("U0lH") && text(toClaude.body).contains(#""data":"zz""#))
    }

    @Test func anotherProvidersThinkingSurvivesAClientOfGemini() throws {
        let claude =
            #"""
            {"id":"m","type":"message","model":"claude","content":[{"type":"thinking","thinking":"Let me",\#
            "signature":"s1g=="},{"type":"redacted_thinking","data":"zz"},{"type":"tool_use","id":"t1",\#
            "name":"ls","input":{}}],"stop_reason":"tool_use","usage":{"input_tokens":1,"output_tokens":2}}
            """#
        var translator = try #require(AnswerTranslator(from: .anthropicMessages, to: .gemini, context: Self.context))
        let answer = Array(claude.utf8).withUnsafeBytes { translator.document($0) }
        let content = try answer.withUnsafeBytes { bytes in
            text(try #require(JSONObjectView(bytes)?["candidates"]?.elements?.first?.object?["content"]?.json))
        }
        let history =
            #"""
            {"contents":[{"role":"user","parts":[{"text":"go"}]},\#(content),{"role":"user",\#
            "parts":[{"functionResponse":{"name":"ls","response":{"result":1}}}]}]}
            """#
        let body = text(try write(read(history, .gemini), .anthropicMessages, model: "claude-opus-4-8").body)
        #expect(
            body.contains(
                #"""
                {"type":"thinking","thinking":"Let me","signature":"s1g=="},{"type":"redacted_thinking",\#
                "data":"zz"}
                """#), "\(body)")
        #expect(body.contains(#"{"type":"tool_result","tool_use_id":"t1","content":[{"type":"text","text":"{\"result\":1}"}]}"#))
    }

    @Test(arguments: [
        ("STOP", "stop"), ("MAX_TOKENS", "length"), ("SAFETY", "content_filter"), ("RECITATION", "content_filter"),
        ("BLOCKLIST", "content_filter"), ("PROHIBITED_CONTENT", "content_filter"), ("SPII", "content_filter"),
        ("LANGUAGE", "content_filter"), ("OTHER", "content_filter"), ("IMAGE_SAFETY", "content_filter"),
        ("MODEL_ARMOR", "content_filter"), ("CONTINUATION", "length"),
    ])
    func eachReasonMeansWhatTheTableSays(_ reason: String, _ told: String) throws {
        let document = #"{"candidates":[{"content":{"parts":[{"text":"x"}]},"finishReason":"\#(reason)"}]}"#
        var translator = try #require(AnswerTranslator(from: .gemini, to: .openAIChat, context: Self.context))
        let body = text(Array(document.utf8).withUnsafeBytes { translator.document($0) })
        #expect(body.contains(#""finish_reason":"\#(told)""#), "\(body)")
    }

    @Test(arguments: [
        "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "MISSING_THOUGHT_SIGNATURE", "TOO_MANY_TOOL_CALLS", "MALFORMED_RESPONSE",
    ])
    func whatIsNoEndIsAnError(_ reason: String) throws {
        let document = #"{"candidates":[{"finishReason":"\#(reason)","finishMessage":"bad"}]}"#
        for client in translatableDialects where client != .gemini {
            var translator = try #require(AnswerTranslator(from: .gemini, to: client, context: Self.context))
            let body = text(Array(document.utf8).withUnsafeBytes { translator.document($0) })
            // AWS's errors are a message alone; their status says that they are errors.
            #expect(body.contains("\(reason): bad") && (body.contains(#""error""#) || client.isBedrock), "\(client): \(body)")
        }
    }

    @Test func aBlockedPromptIsAContentFilter() throws {
        let document = #"""
            {"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"},"usageMetadata":{"promptTokenCount":9,\#
            "totalTokenCount":9}}
            """#
        var translator = try #require(AnswerTranslator(from: .gemini, to: .anthropicMessages, context: Self.context))
        #expect(text(Array(document.utf8).withUnsafeBytes { translator.document($0) }).contains(#""stop_reason":"refusal""#))
        var meter = ResponseMeter(endpoint: .generateContent, body: .json, withholdsUsageEvent: false, lineBytesMax: 1 << 20)
        Array(document.utf8).withUnsafeBytes { meter.consume($0) }
        meter.finish { _ in }
        #expect(meter.reading.isComplete && meter.reading.finishReason == "PROHIBITED_CONTENT" && meter.reading.usage.input == 9)
    }

    @Test(arguments: [true, false])
    func bothKindsOfStreamAreMeteredOnAnySplit(_ isEvents: Bool) throws {
        let stream = Array(
            (isEvents ? Self.chunks.map { "data: \($0)\r\n\r\n" }.joined() : "[" + Self.chunks.joined(separator: ",\r\n") + "]").utf8)
        for size in [1, 2, 3, 7, 64, stream.count] {
            var meter = ResponseMeter(
                endpoint: .streamGenerateContent, body: isEvents ? .sse : .objects, withholdsUsageEvent: false, lineBytesMax: 1 << 20)
            var rest = stream[...]
            while !rest.isEmpty {
                Array(rest.prefix(size)).withUnsafeBytes { meter.consume($0) }
                rest = rest.dropFirst(size)
            }
            meter.finish { _ in }
            let usage = meter.reading.usage
            #expect(usage.input == 60 && usage.cacheRead == 40 && usage.toolPrompt == 3 && usage.output == 12 && usage.reasoning == 5)
            #expect(meter.reading.isComplete && meter.reading.toolCalls == 2 && meter.reading.modelServed == "gemini-3.5-flash")
            #expect(meter.reading.usageSource == .provider && meter.reading.responseID == "r1")
        }
    }

    @Test func anErrorIsReadAloneAndInAnArray() throws {
        let error = #"{"error":{"code":429,"message":"Quota exceeded","status":"RESOURCE_EXHAUSTED"}}"#
        for body in [error, "[\(error)]"] {
            let told = text(Array(body.utf8).withUnsafeBytes { translatedError($0, to: .anthropicMessages, status: 429) })
            #expect(told == #"{"type":"error","error":{"type":"rate_limit_error","message":"Quota exceeded"}}"#)
        }
        let told = text(Array(error.utf8).withUnsafeBytes { translatedError($0, to: .ollama, status: 429) })
        #expect(told == #"{"error":"Quota exceeded"}"#)
    }

    @Test func snakeCaseAndTheOlderSchemasAreRead() throws {
        let request = try read(
            #"""
            {"system_instruction":{"parts":[{"text":"Be brief."}]},"contents":{"parts":[{"text":"hi"},\#
            {"inline_data":{"mime_type":"image/png","data":"AA=="}}]},\#
            "tools":[{"function_declarations":[{"name":"ls","description":"d","parameters":{"type":"OBJECT",\#
            "properties":{"n":{"type":"INTEGER","nullable":true},"a":{"type":"ARRAY",\#
            "items":{"type":"STRING"},"minItems":"1"}},"required":["n"]}}]}],\#
            "tool_config":{"function_calling_config":{"mode":"ANY","allowed_function_names":["ls"]}},\#
            "generation_config":{"max_output_tokens":9,"thinking_config":{"thinking_budget":0},\#
            "response_mime_type":"application/json"}}
            """#,
            .gemini)
        let body = text(try write(request, .openAIChat, model: "m").body)
        #expect(
            body.contains(
                #"""
                "parameters":{"type":"object","properties":{"n":{"type":["integer","null"]},"a":{"type":"array",\#
                "items":{"type":"string"},"minItems":1}},"required":["n"]}
                """#
            ), "\(body)")
        #expect(
            body.contains(
                #"""
                "messages":[{"role":"system","content":"Be brief."},{"role":"user","content":[{"type":"text",\#
                "text":"hi"},
                """#))
        #expect(body.contains(#""tool_choice":{"type":"function","function":{"name":"ls"}}"#))
        #expect(body.contains(#""max_completion_tokens":9,"reasoning_effort":"none","response_format":{"type":"json_object"}"#))
    }

    @Test(arguments: [
        (#"{"contents":[],"cachedContent":"cachedContents/1"}"#, "cachedContent"),
        (#"{"contents":[],"tools":[{"googleSearch":{}}]}"#, "tools"),
        (#"{"contents":[],"generationConfig":{"candidateCount":2}}"#, "n"),
        (#"{"contents":[],"generationConfig":{"responseModalities":["IMAGE"]}}"#, "generationConfig.responseModalities"),
        (#"{"contents":[{"parts":[{"fileData":{"fileUri":"gs://b/o","mimeType":"image/png"}}]}]}"#, "file_id"),
        (#"{"contents":[{"parts":[{"functionResponse":{"name":"x","response":{}}}]}]}"#, "contents[0].parts[0].functionResponse.name"),
    ])
    func whatNoOtherProviderHasIsRefusedByName(_ body: String, _ parameter: String) {
        let refusal = #expect(throws: TranslationRefusal.self) {
            try write(read(body, .gemini), .anthropicMessages, model: "claude-opus-4-8")
        }
        #expect(refusal?.parameter == parameter)
    }

    @Test func thinkingIsALevelOrABudgetByTheModelsGeneration() throws {
        let request = try read(#"{"model":"m","reasoning_effort":"high","messages":[{"role":"user","content":"x"}]}"#, .openAIChat)
        #expect(
            text(try write(request, .gemini, model: "gemini-3.5-flash").body).contains(
                #""thinkingConfig":{"includeThoughts":true,"thinkingLevel":"HIGH"}"#))
        #expect(
            text(try write(request, .gemini, model: "gemini-2.5-pro").body).contains(
                #""thinkingConfig":{"includeThoughts":true,"thinkingBudget":4096}"#))
        let off = try read(#"{"model":"m","reasoning_effort":"none","messages":[{"role":"user","content":"x"}]}"#, .openAIChat)
        #expect(text(try write(off, .gemini, model: "gemini-2.5-flash").body).contains(#""thinkingConfig":{"thinkingBudget":0}"#))
        #expect(try write(off, .gemini, model: "gemini-3.5-flash").dropped == ["reasoning_effort:none"])
    }

    @Test func theModelOfThePathIsReadAndTheOtherSpellingOfAMemberRefused() throws {
        let body = Array(#"{"contents":[],"generationConfig":{"maxOutputTokens":7,"candidateCount":2}}"#.utf8)
        let head = try body.withUnsafeBytes { try readRequest(.streamGenerateContent, model: "gemini-2.5-pro", body: $0, depthMax: 64) }
        #expect(head.model == "gemini-2.5-pro" && head.stream && head.maxOutputTokens == 7 && head.choiceCount == 2)
        let twice = Array(#"{"contents":[],"generationConfig":{"maxOutputTokens":7},"generation_config":{"maxOutputTokens":9}}"#.utf8)
        #expect(throws: GatewayError.duplicateField(name: "generationConfig")) {
            try twice.withUnsafeBytes { try readRequest(.generateContent, model: "gemini-2.5-pro", body: $0, depthMax: 64) }
        }
    }

    @Test func refusalsAreInGooglesForm() {
        let reply = errorReply(
            .modelNotAllowed(keyID: "k", model: "m", allowed: ["a"]), endpoint: .generateContent, client: .other,
            requestID: RequestID(time: Timestamp(seconds: 1), random: 1, random12: 1))
        #expect(reply.status == 403)
        let body = text(reply.body)
        #expect(body.hasPrefix(#"{"error":{"code":403,"message":"#) && body.contains(#""status":"PERMISSION_DENIED""#))
    }
}
