// The shape of requests of the three dialects that are routed by it.

import Dialects
import GatewayModel
import Testing

@Suite struct RequestShapeTests {
    private func shape(_ endpoint: Endpoint, _ json: String) -> RequestShape {
        Array(json.utf8).withUnsafeBytes { readShape(endpoint, body: $0) }
    }

    @Test func messagesInTheMiddleOfAToolLoop() {
        let found = shape(
            .messages,
            #"""
            {"model":"m","tools":[{"name":"a"},{"name":"b"}],"messages":[
            {"role":"user","content":"Mend it."},
            {"role":"assistant","content":[{"type":"thinking","thinking":"","signature":"c2ln"},{"type":"tool_use","id":"1","name":"a","input":{}}]},
            {"role":"user","content":[{"type":"tool_result","tool_use_id":"1","content":[{"type":"image","source":{}}]},{"type":"text","text":"x"}]},
            {"role":"assistant","content":[{"type":"tool_use","id":"2","name":"a","input":{}},{"type":"tool_use","id":"3","name":"b","input":{}}]},
            {"role":"user","content":[{"type":"tool_result","tool_use_id":"2","content":"ok"},{"type":"tool_result","tool_use_id":"3"}]}]}
            """#)
        #expect(found.toolCount == 2 && found.turnDepth == 5 && found.toolDepth == 2)
        #expect(found.hasImages && found.isSigned && found.isInToolCall)
    }

    @Test func aPersonsNextWordsBeginAnew() {
        let found = shape(
            .messages,
            #"""
            {"messages":[{"role":"user","content":"a"},
            {"role":"assistant","content":[{"type":"tool_use","id":"1","name":"a","input":{}}]},
            {"role":"user","content":[{"type":"tool_result","tool_use_id":"1"}]},
            {"role":"assistant","content":[{"type":"thinking","thinking":"x"}]},
            {"role":"user","content":[{"type":"text","text":"now this"}]}]}
            """#
        )
        #expect(found.toolDepth == 0 && !found.isInToolCall && !found.isSigned && !found.hasImages)
    }

    @Test func chatCompletions() {
        let found = shape(
            .chatCompletions,
            #"""
            {"tools":[{}],"messages":[{"role":"system","content":"s"},
            {"role":"user","content":[{"type":"image_url","image_url":{"url":"u"}}]},
            {"role":"assistant","tool_calls":[{"id":"1"},{"id":"2"}],"content":null},
            {"role":"tool","content":"ok"},
            {"role":"tool","content":"ok"},
            {"role":"assistant","tool_calls":[{"id":"3"}]},
            {"role":"tool","content":"ok"}]}
            """#
        )
        #expect(found.toolCount == 1 && found.toolDepth == 2 && found.hasImages && found.isInToolCall && !found.isSigned)
        #expect(
            shape(.chatCompletions, #"{"messages":[{"role":"assistant","content":"a","reasoning_details":[{"signature":"x"}]}]}"#).isSigned)
    }

    @Test func converseAndGemini() {
        let converse = shape(
            .converse,
            #"""
            {"toolConfig":{"tools":[{"toolSpec":{}},{"toolSpec":{}}]},"messages":[{"role":"user","content":[{"text":"a"},{"image":{}}]},
            {"role":"assistant","content":[{"reasoningContent":{"reasoningText":{"text":"x","signature":"c2ln"}}},{"toolUse":{}}]},
            {"role":"user","content":[{"toolResult":{"toolUseId":"1"}}]}]}
            """#)
        #expect(converse.toolCount == 2 && converse.toolDepth == 1 && converse.isInToolCall && converse.isSigned && converse.hasImages)
        let gemini = shape(
            .generateContent,
            #"""
            {"tools":[{"functionDeclarations":[{"name":"a"},{"name":"b"},{"name":"c"}]}],"contents":[{"role":"user","parts":[{"text":"a"}]},
            {"role":"model","parts":[{"functionCall":{"name":"a"},"thoughtSignature":"c2ln"}]},
            {"role":"user","parts":[{"functionResponse":{"name":"a"}}]}]}
            """#)
        #expect(gemini.toolCount == 3 && gemini.toolDepth == 1 && gemini.isInToolCall && gemini.isSigned && !gemini.hasImages)
    }

    @Test func responsesItemsSideBySideAreOneAnswer() {
        let found = shape(
            .responses,
            #"""
            {"input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"a"}]},
            {"type":"reasoning","encrypted_content":"gAAA","summary":[]},
            {"type":"function_call","call_id":"1"},
            {"type":"function_call","call_id":"2"},
            {"type":"function_call_output","call_id":"1","output":"x"},
            {"type":"function_call_output","call_id":"2","output":[{"type":"input_image","image_url":"u"}]}]}
            """#
        )
        #expect(found.toolDepth == 1 && found.isSigned && found.isInToolCall && found.hasImages && found.turnDepth == 6)
        #expect(shape(.responses, #"{"input":"hello"}"#) == RequestShape())
        #expect(!shape(.responses, #"{"input":[{"type":"reasoning","encrypted_content":null}]}"#).isSigned)
    }
}
