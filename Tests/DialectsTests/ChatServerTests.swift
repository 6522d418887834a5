// Chat completions of servers other than OpenAI's, and of clients that write Claude's cache marks in them.

import Dialects
import GatewayModel
import Testing

private func read(_ text: String, _ dialect: Dialect) throws -> CanonicalRequest {
    try Array(text.utf8).withUnsafeBytes { try readCanonicalRequest($0, in: dialect) }
}

private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

@Suite struct ChatServerTests {
    /// As its preset says.
    private static let mistral = TranslationTarget(
        model: "mistral-large-4",
        traits: ProviderTraits(
            usesMaxTokens: true, refusedMembers: ["prompt_cache_breakpoint"], refusesUserBehindTool: true, callIDBytes: 9))

    /// A turn of Claude Code's: a reminder stands behind the result.
    private static let loop = """
        {"model":"m","max_tokens":100,"system":[{"type":"text","text":"S","cache_control":{"type":"ephemeral"}}],
        "messages":[{"role":"user","content":"hi"},
        {"role":"assistant","content":[{"type":"tool_use","id":"toolu_01AbCdEf","name":"ls","input":{}}]},
        {"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_01AbCdEf","content":"a"},
        {"type":"text","text":"remember"}]}]}
        """

    @Test func cacheMarksGoToOpenAIsModelsAlone() throws {
        let request = try read(Self.loop, .anthropicMessages)
        for dialect in [Dialect.openAIChat, .openAIResponses] {
            let there = try writeCanonicalRequest(request, in: dialect, for: Self.mistral)
            #expect(!text(there.body).contains("prompt_cache_breakpoint") && there.dropped == ["prompt_cache_breakpoint"])
            let openAI = try writeCanonicalRequest(request, in: dialect, for: TranslationTarget(model: "gpt-6.1-sol"))
            #expect(text(openAI.body).contains("prompt_cache_breakpoint") && openAI.dropped == [])
        }
    }

    @Test func mistralRefusedAUserBehindATool() throws {
        let body = text(try writeCanonicalRequest(read(Self.loop, .anthropicMessages), in: .openAIChat, for: Self.mistral).body)
        #expect(
            body.contains(
                #""content":"a"},{"role":"assistant","content":"Done."},{"role":"user","content":"remember"}]"#), "\(body)")
        let elsewhere = try writeCanonicalRequest(
            read(Self.loop, .anthropicMessages), in: .openAIChat, for: TranslationTarget(model: "gpt-4.1"))
        #expect(!text(elsewhere.body).contains("Done."))
    }

    @Test func anImageOfAToolsStandsBehindAnAssistantToo() throws {
        var request = TableRow.conversation()
        let image = CanonicalBlock(.image(.base64(mediaType: "image/png", data: "AAAA"), detail: nil))
        let result = CanonicalToolResult(callID: "call_1", content: [.text("seen"), image])
        request.messages[2].blocks = [CanonicalBlock(.toolResult(result))]
        request.messages[3].blocks = []
        let body = text(try writeCanonicalRequest(request, in: .openAIChat, for: Self.mistral).body)
        #expect(
            body.contains(
                #""content":"seen"},{"role":"assistant","content":"Done."},{"role":"user","content":[{"type":"image_url""#), "\(body)")
        #expect(body.split(separator: "Done.").count == 2)
    }

    @Test(arguments: ["toolu_01AbCdEf", "call_1", "a", "", "abcdefghi9", "ab-defghi"])
    func mistralRefusedIDsThatAreNotNineLettersAndDigits(_ id: String) throws {
        let call = try #require(try ids(id))
        #expect(call.utf8.count == 9 && call.utf8.allSatisfy { $0 >= 48 && $0 <= 57 || $0 >= 65 && $0 <= 90 || $0 >= 97 && $0 <= 122 })
        #expect(try ids(id) == call)
        #expect(try ids("\(id)x") != call)
    }

    @Test func anIDOfMistralsOwnStays() throws {
        #expect(try ids("D681PevKs") == "D681PevKs")
    }

    /// The id of a call as it is written; nil when its result has another.
    private func ids(_ id: String) throws -> String? {
        var request = CanonicalRequest()
        request.messages = [
            CanonicalMessage(.assistant, [CanonicalBlock(.toolCall(CanonicalToolCall(id: id, name: "f", arguments: "{}")))]),
            CanonicalMessage(.tool, [CanonicalBlock(.toolResult(CanonicalToolResult(callID: id, content: [.text("x")])))]),
        ]
        let again = try read(text(writeCanonicalRequest(request, in: .openAIChat, for: Self.mistral).body), .openAIChat)
        guard case .toolCall(let call) = again.messages[0].blocks[0].part, case .toolResult(let result) = again.messages[1].blocks[0].part
        else { return nil }
        return call.id == result.callID ? call.id : nil
    }

    // MARK: Claude's cache marks in chat completions

    @Test func cacheControlInChatCompletionsVanished() throws {
        let request = try read(
            """
            {"model":"m","max_tokens":99,"messages":[{"role":"system","content":"S","cache_control":{"type":"ephemeral","ttl":"1h"}},
            {"role":"user","content":[{"type":"text","text":"hi","cache_control":{"type":"ephemeral"}}]},
            {"role":"assistant","content":null,"cache_control":{"type":"ephemeral","ttl":"5m"},
            "tool_calls":[{"id":"c","type":"function","function":{"name":"ls","arguments":"{}"}}]},
            {"role":"tool","tool_call_id":"c","content":"a","cache_control":{"type":"ephemeral"}}],
            "tools":[{"type":"function","function":{"name":"ls"},"cache_control":{"type":"ephemeral"}}]}
            """, .openAIChat)
        #expect(request.tools[0].cache == .short && request.messages.map { $0.blocks.last?.cache } == [.long, .short, .short, .short])
        var untooled = request
        untooled.tools[0].cache = nil
        let written = try writeCanonicalRequest(untooled, in: .anthropicMessages, for: TranslationTarget(model: "claude-opus-4-8"))
        let body = text(written.body)
        #expect(body.contains(#"{"type":"text","text":"S","cache_control":{"type":"ephemeral","ttl":"1h"}}"#), "\(body)")
        #expect(body.contains(#"{"type":"text","text":"hi","cache_control":{"type":"ephemeral"}}"#))
        #expect(body.contains(#""name":"ls","input":{},"cache_control":{"type":"ephemeral"}}"#))
        #expect(body.contains(#"{"type":"text","text":"a"}],"cache_control":{"type":"ephemeral"}}"#))
        #expect(written.dropped == [])
        // It is Claude that has four, and others have fewer places.
        let gemini = try writeCanonicalRequest(request, in: .gemini, for: TranslationTarget(model: "gemini-2.5-pro"))
        #expect(gemini.dropped == ["cache_control"])
        let responses = try writeCanonicalRequest(request, in: .openAIResponses, for: TranslationTarget(model: "gpt-6.1-sol"))
        #expect(responses.dropped == ["messages[].cache_control", "tools[].cache_control"])
    }

    @Test func aMarkWithoutAPlaceIsNamed() throws {
        let request = try read(
            #"{"messages":[{"role":"user","content":"","cache_control":{"type":"ephemeral"}}],"cache_control":{"type":"ephemeral"}}"#,
            .openAIChat)
        #expect(request.unmapped == ["messages[].cache_control", "cache_control"])
    }
}
