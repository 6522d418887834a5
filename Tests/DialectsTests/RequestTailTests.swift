// What the end of a request shows of the last tool calls, in each dialect.

import Dialects
import FuzzOracles
import GatewayModel
import Testing

@Suite struct RequestTailTests {
    private func tail(_ endpoint: Endpoint, _ text: String) throws -> RequestTail {
        let bytes = Array(text.utf8)
        let head = try parseBody(endpoint, bytes).get()
        return bytes.withUnsafeBytes { readRequestTail(endpoint, head, body: $0) }
    }

    /// A conversation whose last round calls a tool with these arguments and gets this result.
    private func body(_ endpoint: Endpoint, id: String, arguments: String, result: String, person: String? = nil) -> String {
        let start: String
        var end: String
        switch endpoint {
        case .messages:
            start = #"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"fix it"},"#
            end = """
                {"role":"assistant","content":[{"type":"text","text":"\(id)"},{"type":"tool_use","id":"\(id)","name":"Bash","input":\(arguments)}]},
                {"role":"user","content":[{"type":"tool_result","tool_use_id":"\(id)","content":"\(result)"}]}
                """
        case .responses:
            start = #"{"model":"m","input":[{"role":"user","content":"fix it"},"#
            end = """
                {"type":"function_call","call_id":"\(id)","name":"shell","arguments":"\(arguments.replacing("\"", with: "\\\""))"},
                {"type":"function_call_output","call_id":"\(id)","output":"\(result)"}
                """
        case .converse:
            start = #"{"messages":[{"role":"user","content":[{"text":"fix it"}]},"#
            end = """
                {"role":"assistant","content":[{"text":"\(id)"},{"toolUse":{"toolUseId":"\(id)","name":"Bash","input":\(arguments)}}]},
                {"role":"user","content":[{"toolResult":{"toolUseId":"\(id)","content":[{"text":"\(result)"}]}}]}
                """
        case .generateContent:
            start = #"{"contents":[{"role":"user","parts":[{"text":"fix it"}]},"#
            end = """
                {"role":"model","parts":[{"functionCall":{"id":"\(id)","name":"shell","args":\(arguments)}}]},
                {"role":"user","parts":[{"functionResponse":{"id":"\(id)","name":"shell","response":{"output":"\(result)"}}}]}
                """
        default:
            start = #"{"model":"m","messages":[{"role":"user","content":"fix it"},"#
            end = """
                {"role":"assistant","tool_calls":[{"id":"\(id)","type":"function","function":{"name":"bash","arguments":"\
                \(arguments.replacing("\"", with: "\\\""))"}}]},
                {"role":"tool","tool_call_id":"\(id)","content":"\(result)"}
                """
        }
        if let person { end += #",{"role":"user","content":"\#(person)"}"# }
        return start + end + "]}"
    }

    @Test(arguments: [Endpoint.chatCompletions, .messages, .responses, .converse, .generateContent, .ollamaChat])
    func theSameCallIsTheSameWhateverItsIdAndAnotherIsNot(_ endpoint: Endpoint) throws {
        let first = try tail(endpoint, body(endpoint, id: "a1", arguments: #"{"cmd":"ls"}"#, result: "x"))
        let again = try tail(endpoint, body(endpoint, id: "b2", arguments: #"{"cmd":"ls"}"#, result: "x"))
        #expect(first == again && first.calls != 0 && first.results != 0)
        let otherCall = try tail(endpoint, body(endpoint, id: "a1", arguments: #"{"cmd":"pwd"}"#, result: "x"))
        #expect(otherCall.calls != first.calls && otherCall.results == first.results)
        let otherResult = try tail(endpoint, body(endpoint, id: "a1", arguments: #"{"cmd":"ls"}"#, result: "y"))
        #expect(otherResult.calls == first.calls && otherResult.results != first.results)
    }

    @Test(arguments: [Endpoint.chatCompletions, .messages, .responses, .converse, .generateContent, .ollamaChat])
    func whenAPersonSpokeLastThereAreNoCalls(_ endpoint: Endpoint) throws {
        #expect(try tail(endpoint, body(endpoint, id: "a", arguments: "{}", result: "x", person: "and now?")) == RequestTail())
    }

    @Test func onlyTheLastRoundOfAResponsesRequestCounts() throws {
        func round(_ command: String, _ output: String) -> String {
            #"{"type":"reasoning","summary":[]},{"type":"function_call","call_id":"c","name":"shell","arguments":"\#(command)"},"#
                + #"{"type":"function_call_output","call_id":"c","output":"\#(output)"}"#
        }
        let one = try tail(.responses, #"{"model":"m","input":[\#(round("ls", "x"))]}"#)
        let three = try tail(.responses, #"{"model":"m","input":[\#(round("a", "1")),\#(round("b", "2")),\#(round("ls", "x"))]}"#)
        #expect(one == three && one.calls != 0)
    }

    @Test(arguments: [
        #"{"model":"m","messages":[]}"#, #"{"model":"m","messages":["text",5,null]}"#, #"{"model":"m","messages":[{"role":"tool"}]}"#,
        #"{"model":"m","messages":[{"role":"assistant","tool_calls":[7,{"function":null}]}]}"#, #"{"model":"m","messages":"text"}"#,
    ])
    func whatIsNotUnderstoodShowsNoCalls(_ text: String) throws { #expect(try tail(.chatCompletions, text).calls == 0) }
}
