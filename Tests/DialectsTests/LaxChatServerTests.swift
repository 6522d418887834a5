// Servers of chat completions that bend the dialect: a content that is a list, one index for every call, calls without an id.

import Dialects
import FuzzOracles
import GatewayModel
import Testing

@Suite struct LaxChatServerTests {
    /// What a reader makes of a stream of these deltas.
    private func read(_ deltas: [String], id: String = "0199-abc") throws -> CollectedAnswer {
        let context = AnswerContext(created: 1, model: "m", id: id)
        var reader = try #require(makeEventReader(.openAIChat, context))
        var answer = CollectedAnswer()
        let chunks = deltas.map { #"{"id":"c","model":"m","choices":[{"index":0,"delta":\#($0),"finish_reason":null}]}"# }
        for chunk in chunks + [#"{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#, "[DONE]"] {
            Array(chunk.utf8).withUnsafeBytes { data in
                reader.read(name: UnsafeRawBufferPointer(rebasing: data[0..<0]), data: data) { answer.take($0) }
            }
        }
        return answer
    }

    private func call(_ id: String, _ name: String, _ arguments: String) -> CanonicalPart {
        .toolCall(CanonicalToolCall(id: id, name: name, arguments: arguments))
    }

    private static let thought = #"{"type":"thinking","thinking":[{"type":"text","text":"h"},{"type":"text","text":"mm"}]}"#

    @Test func aContentThatIsAListWasLost() throws {
        let document = #"""
            {"id":"c","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":[\#(Self.thought),
            {"type":"text","text":"The answer is 4."},{"type":"reference","reference_ids":[1]}]},"finish_reason":"stop"}]}
            """#
        var reader = try #require(makeEventReader(.openAIChat, AnswerContext(created: 1, model: "m", id: "i")))
        var whole = CollectedAnswer()
        Array(document.utf8).withUnsafeBytes { bytes in reader.readDocument(bytes) { whole.take($0) } }
        #expect(whole.blocks == [.thinking("hmm", signature: nil), .text("The answer is 4.")])
        let streamed = try read([
            #"{"role":"assistant","content":""}"#, #"{"content":[\#(Self.thought)]}"#, #"{"content":[{"type":"thinking","thinking":"!"}]}"#,
            #"{"content":[{"type":"text","text":"The answer"}]}"#, #"{"content":" is 4."}"#,
        ])
        #expect(streamed.blocks == [.thinking("hmm!", signature: nil), .text("The answer is 4.")])
        #expect(streamed.stop == .endTurn)
    }

    @Test func onlyTheTextOfAListIsMeasured() {
        // What a cut stream is estimated by, from bytes: once the members around each text were counted with it.
        for (delta, bytes) in [
            (#"{"content":[{"type":"text","text":"The answer"}]}"#, 10), (#"{"content":"The answer"}"#, 10),
            (#"{"content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]}]}"#, 2),
        ] {
            let stream = Array((#"data: {"id":"c","choices":[{"index":0,"delta":\#(delta)}]}"# + "\n\n").utf8)
            let reading = meter([stream], endpoint: .chatCompletions, body: .sse, withholds: false).reading
            #expect(reading.contentBytes == Int64(bytes))
        }
    }

    @Test func aRefusalInAListIsARefusal() throws {
        let answer = try read([#"{"content":[{"type":"refusal","refusal":"No."}]}"#])
        #expect(answer.blocks == [.refusal("No.")] && answer.stop == .refusal(nil))
    }

    @Test func argumentsWithoutAnIDWentToTheFirstCallOfTheirIndex() throws {
        let answer = try read([
            #"{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"ls","arguments":""}}]}"#,
            #"{"tool_calls":[{"index":0,"function":{"arguments":"{\"p\":"}}]}"#,
            #"{"tool_calls":[{"index":0,"function":{"arguments":"1}"}}]}"#,
            #"{"tool_calls":[{"index":0,"id":"b","type":"function","function":{"name":"ls","arguments":""}}]}"#,
            #"{"tool_calls":[{"index":0,"id":"","function":{"name":"","arguments":"{\"q\":2}"}}]}"#,
        ])
        #expect(answer.blocks == [call("a", "ls", #"{"p":1}"#), call("b", "ls", #"{"q":2}"#)])
        #expect(answer.stop == .toolUse)
    }

    @Test func argumentsWithNeitherIndexNorIDGoOnWithTheLastCall() throws {
        let answer = try read([
            #"{"tool_calls":[{"id":"a","function":{"name":"ls","arguments":"{}"}}]}"#,
            #"{"tool_calls":[{"id":"b","function":{"name":"cat","arguments":"{\"q\""}}]}"#,
            #"{"tool_calls":[{"function":{"arguments":":2}"}}]}"#,
        ])
        #expect(answer.blocks == [call("a", "ls", "{}"), call("b", "cat", #"{"q":2}"#)])
    }

    @Test func callsOfOneIndexAndWithoutIDsAreApart() throws {
        let answer = try read([
            #"{"tool_calls":[{"index":0,"function":{"name":"ls","arguments":"{\"p\":1}"}}]}"#,
            #"{"tool_calls":[{"index":0,"function":{"name":"ls","arguments":"{\"p\":2}"}}]}"#,
            #"{"tool_calls":[{"index":0,"function":{"name":"cat","arguments":{"q":3}}}]}"#,
        ])
        #expect(
            answer.blocks == [
                call("call_0199abc_0", "ls", #"{"p":1}"#), call("call_0199abc_1", "ls", #"{"p":2}"#),
                call("call_0199abc_2", "cat", #"{"q":3}"#),
            ])
    }

    @Test func aNameThatIsRepeatedBeginsNoCall() throws {
        let answer = try read([
            #"{"tool_calls":[{"index":0,"function":{"name":"ls","arguments":"{\"p\":"}}]}"#,
            #"{"tool_calls":[{"index":0,"function":{"name":"ls","arguments":"1}"}}]}"#,
        ])
        #expect(answer.blocks == [call("call_0199abc_0", "ls", #"{"p":1}"#)])
    }

    @Test func idsThatWereMintedWereTheSameInEveryAnswer() throws {
        let deltas = [#"{"tool_calls":[{"index":0,"function":{"name":"ls","arguments":"{}"}}]}"#]
        let answers = try [read(deltas, id: "0199-abc"), read(deltas, id: "0199-abd")]
        #expect(answers.map(\.blocks) == [[call("call_0199abc_0", "ls", "{}")], [call("call_0199abd_0", "ls", "{}")]])
    }
}
