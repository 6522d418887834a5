// What of a request decides its exact answer.

import Dialects
import GatewayModel
import Testing

@Suite struct CanonicalBodyTests {
    private func read(_ text: String, _ endpoint: Endpoint = .chatCompletions) -> CanonicalBody {
        Array(text.utf8).withUnsafeBytes { CanonicalBody(endpoint, body: $0) }
    }

    @Test func orderAndWhiteSpaceDoNotMatterAndValuesDo() {
        let plain = read(#"{"model":"m","messages":[{"role":"user","content":"a  b"}],"temperature":0}"#)
        let other = read("{ \"temperature\" : 0,\n \"messages\": [ {\"role\": \"user\", \"content\": \"a  b\"} ],\t\"model\":\"m\"}")
        #expect(plain.bytes == other.bytes)
        for changed in [
            #"{"model":"m","messages":[{"role":"user","content":"a b"}],"temperature":0}"#,
            #"{"model":"m","messages":[{"role":"user","content":"a  b"}],"temperature":0.0}"#,
            #"{"model":"m","messages":[{"role":"user","content":"a  b"}]}"#,
            #"{"model":"n","messages":[{"role":"user","content":"a  b"}],"temperature":0}"#,
            #"{"model":"m","messages":[{"role":"user","content":"a  b"}],"temperature":0,"stream":true}"#,
            #"{"model":"m","messages":[{"role":"user","content":"a  b\" ,"}],"temperature":0}"#,
        ] {
            #expect(read(changed).bytes != plain.bytes, "\(changed)")
        }
    }

    @Test func whoAsksDoesNotMatterWhereNoAnswerHoldsIt() {
        #expect(read(#"{"model":"m","user":"a","prompt_cache_key":"x"}"#).bytes == read(#"{"model":"m","user":"b"}"#).bytes)
        let messages = [#"{"model":"m","metadata":{"user_id":"a"}}"#, #"{"model":"m"}"#]
        #expect(read(messages[0], .messages).bytes == read(messages[1], .messages).bytes)
        // The Responses API gives both back.
        #expect(read(messages[0], .responses).bytes != read(messages[1], .responses).bytes)
    }

    @Test func toolsAndStoredResponsesAreSeen() {
        #expect(read(#"{"model":"m","tools":[{"type":"function"}]}"#).hasTools)
        #expect(!read(#"{"model":"m","tools":[]}"#).hasTools && !read(#"{"model":"m","tools":null}"#).hasTools)
        #expect(read(#"{"toolConfig":{"tools":[]}}"#, .converse).hasTools)
        #expect(read(#"{"model":"m","store":true}"#).isStateful && !read(#"{"model":"m","store":false}"#).isStateful)
        // The Responses API stores unless it is told not to.
        #expect(read(#"{"model":"m"}"#, .responses).isStateful && !read(#"{"model":"m","store":false}"#, .responses).isStateful)
        #expect(read(#"{"model":"m","store":false,"previous_response_id":"resp_1"}"#, .responses).isStateful)
    }
}
