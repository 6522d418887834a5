// Turns and texts of nothing, which clients send and providers refuse: they are left out, and calls still meet their results.

import Dialects
import GatewayModel
import Testing

private func read(_ text: String, _ dialect: Dialect = .openAIChat) throws -> CanonicalRequest {
    try Array(text.utf8).withUnsafeBytes { try readCanonicalRequest($0, in: dialect) }
}

private func write(_ request: CanonicalRequest, _ dialect: Dialect, model: String) throws -> TranslatedRequest {
    try writeCanonicalRequest(request, in: dialect, for: TranslationTarget(model: model))
}

private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

@Suite struct EmptyContentTests {
    /// A loop in which the model said only white space around its call, the tool said none, and an answer was cut before its first word.
    private static let loop = """
        {"model":"m","messages":[{"role":"system","content":" "},{"role":"user","content":"hi"},
        {"role":"assistant","content":"\\n\\n","tool_calls":[{"id":"c1","type":"function","function":{"name":"ls","arguments":"{}"}}]},
        {"role":"tool","tool_call_id":"c1","content":"\\n"},{"role":"assistant","content":""},{"role":"user","content":"go"}]}
        """

    @Test func blankTextsWereRefusedByAnthropic() throws {
        let written = try write(read(Self.loop), .anthropicMessages, model: "claude-sonnet-4-5")
        #expect(
            text(written.body).contains(
                """
                "messages":[{"role":"user","content":[{"type":"text","text":"hi"}]},\
                {"role":"assistant","content":[{"type":"tool_use","id":"c1","name":"ls","input":{}}]},\
                {"role":"user","content":[{"type":"tool_result","tool_use_id":"c1"},{"type":"text","text":"go"}]}]
                """), "\(text(written.body))")
        #expect(!text(written.body).contains(#""system""#) && written.dropped == [])
    }

    @Test func emptyTurnsWereRefusedByBedrock() throws {
        let written = try write(read(Self.loop), .bedrockConverse, model: "us.anthropic.claude-sonnet-4-5-20250929-v1:0")
        #expect(
            text(written.body).hasPrefix(
                """
                {"messages":[{"role":"user","content":[{"text":"hi"}]},\
                {"role":"assistant","content":[{"toolUse":{"toolUseId":"c1","name":"ls","input":{}}}]},\
                {"role":"user","content":[{"toolResult":{"toolUseId":"c1","content":[]}},{"text":"go"}]}]
                """), "\(text(written.body))")
    }

    @Test(arguments: [Dialect.anthropicMessages, .bedrockConverse])
    func aTurnThatOnlyThoughtIsLeftOutAndItsNeighboursMeet(_ dialect: Dialect) throws {
        var request = CanonicalRequest()
        let foreign = CanonicalBlock(.thinking("hm", signature: "weir-gemini:t:c2ln"))
        request.messages = [
            CanonicalMessage(.user, [.text("a")]), CanonicalMessage(.assistant, [CanonicalBlock(.thinking("hm", signature: nil))]),
            CanonicalMessage(.user, [.text("b")]), CanonicalMessage(.assistant, [foreign]), CanonicalMessage(.user, [.text("c")]),
        ]
        let written = try write(request, dialect, model: "us.anthropic.claude-opus-4-8")
        #expect(written.dropped == ["messages[].thinking", "messages[].reasoning_content"])
        let again = try read(text(written.body), dialect)
        #expect(again.messages == [CanonicalMessage(.user, [.text("a"), .text("b"), .text("c")])])
    }

    @Test func aCacheMarkOnABlankTextGoesToWhatStandsBefore() throws {
        var request = CanonicalRequest()
        request.messages = [CanonicalMessage(.user, [.text("a"), CanonicalBlock(.text(" \n"), cache: .short)])]
        let written = try write(request, .anthropicMessages, model: "claude-opus-4-8")
        #expect(text(written.body).contains(#"[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}]"#) && written.dropped == [])
        request.messages.append(CanonicalMessage(.assistant, [CanonicalBlock(.text(""), cache: .short)]))
        #expect(try write(request, .anthropicMessages, model: "claude-opus-4-8").dropped == ["cache_control"])
    }

    @Test func anErrorWithoutWordsKeepsSome() throws {
        var request = TableRow.conversation()
        request.messages[2].blocks = [CanonicalBlock(.toolResult(CanonicalToolResult(callID: "call_1", content: [], isError: true)))]
        let body = text(try write(request, .anthropicMessages, model: "claude-opus-4-8").body)
        #expect(body.contains(#""content":[{"type":"text","text":"Error"}],"is_error":true"#))
    }

    @Test func anAnswerOfNothingIsNoChatMessage() throws {
        let request = try read(
            """
            {"max_tokens":9,"messages":[{"role":"user","content":"hi"},
            {"role":"assistant","content":[{"type":"thinking","thinking":"x","signature":"c2ln"}]},{"role":"user","content":"go"}]}
            """, .anthropicMessages)
        let written = try write(request, .openAIChat, model: "gpt-4.1")
        #expect(text(written.body).contains(#""messages":[{"role":"user","content":"hi"},{"role":"user","content":"go"}]"#))
        #expect(written.dropped == ["messages[].thinking"])
    }
}
