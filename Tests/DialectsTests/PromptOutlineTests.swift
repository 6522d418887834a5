// Outlines of prompts: what a provider's cache would see change, and what it would not.

import Dialects
import GatewayModel
import Testing

@Suite struct PromptOutlineTests {
    private func read(_ text: String, _ endpoint: Endpoint = .messages) -> PromptOutline {
        Array(text.utf8).withUnsafeBytes { readOutline(endpoint, body: $0) }
    }

    private let plain = #"{"tools":[{"name":"a","input_schema":{}}],"system":"be good","messages":[{"role":"user","content":"hi there"}]}"#

    @Test func markersThatMoveChangeNothing() {
        let marked = #"""
            {"messages":[{"content":[{"type":"text","text":"hi there","cache_control":{"type":"ephemeral"}}],"role":"user"}],
            "system":[{"type":"text","text":"be good","cache_control":{"type":"ephemeral","ttl":"1h"}}],
            "tools":[{"name":"a","input_schema":{},"cache_control":{"type":"ephemeral"}}],"max_tokens":5}
            """#
        #expect(read(marked) == read(plain))
        let blocks =
            #"{"system":[{"text":"be good"},{"cachePoint":{"type":"default"}}],"messages":[{"role":"user","content":[{"text":"x"}]}]}"#
        let without =
            #"{"system":[{"text":"be good"}],"messages":[{"role":"user","content":[{"text":"x"},{"cachePoint":{"type":"default"}}]}]}"#
        #expect(read(blocks, .converse) == read(without, .converse))
    }

    @Test func eachPieceChangesItsOwnHashAlone() {
        let base = read(plain)
        let tools = read(plain.replacing(#""name":"a""#, with: #""name":"b""#))
        #expect(tools.tools != base.tools && tools.system == base.system && tools.messages == base.messages)
        let system = read(plain.replacing("be good", with: "be bad"))
        #expect(system.tools == base.tools && system.system != base.system && system.messages == base.messages)
        let message = read(plain.replacing("hi there", with: "hi, there"))
        #expect(message.tools == base.tools && message.system == base.system && message.messages != base.messages)
        let thinking = read(plain.replacing(#"{"tools""#, with: #"{"thinking":{"type":"enabled"},"tools""#))
        #expect(thinking.settings != base.settings && thinking.tools == base.tools && thinking.messages == base.messages)
        // A text that only looks like a marker is text.
        #expect(read(plain.replacing("hi there", with: #"hi \"cache_control\":{} there"#)).messages != base.messages)
    }

    @Test func aConversationThatGrowsKeepsItsBeginning() {
        let grown = plain.replacing(
            #""hi there"}]"#, with: #""hi there"},{"role":"assistant","content":"yes?"},{"role":"user","content":"go"}]"#)
        #expect(read(grown).messages.count == 3 && read(grown).messages.first == read(plain).messages.first)
        #expect(read(grown).messageCount == 3 && read(plain).messageCount == 1)
        let responses = #"{"instructions":"be good","input":[{"role":"user","content":"a"},{"type":"function_call","name":"x"}]}"#
        #expect(read(responses, .responses).messageCount == 2 && read(responses, .responses).system == read(plain).system)
        let gemini = #"{"systemInstruction":{"parts":[{"text":"be good"}]},"contents":[{"role":"user","parts":[{"text":"a"}]}]}"#
        #expect(read(gemini, .generateContent).messageCount == 1 && read(gemini, .generateContent).system != 0)
    }

    @Test func moreMessagesThanAreKeptAreCounted() {
        let many = (0..<600).map { #"{"role":"user","content":"\#($0)"}"# }.joined(separator: ",")
        let outline = read(#"{"messages":[\#(many)]}"#)
        #expect(outline.messageCount == 600 && outline.messages.count == PromptOutline.messagesMax)
    }
}
