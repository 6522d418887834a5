// HiddenUseTests: what a request can make its provider bill that its bytes do not show, in the words of each dialect.

import Dialects
import GatewayModel
import Testing
import WireFormat

@Suite struct HiddenUseTests {
    private func use(_ endpoint: Endpoint, _ json: String) -> HiddenUse {
        Array(json.utf8).withUnsafeBytes { HiddenUse(endpoint, body: $0, callsUnlessCapped: 1) }
    }

    @Test func aConversationOfTextAndTheClientsOwnToolsHidesNothing() {
        let chat = use(
            .chatCompletions,
            #"""
            {"model":"m","tools":[{"type":"function","function":{"name":"a"}},{"type":"custom","custom":{"name":"b"}}],"messages":[
            {"role":"user","content":[{"type":"text","text":"an \"image_url\" in words"}]},
            {"role":"assistant","audio":null,"tool_calls":[{"id":"1","type":"function","function":{"name":"a","arguments":"{}"}}]},
            {"role":"tool","tool_call_id":"1","content":"{\"type\":\"image\"}"}]}
            """#)
        #expect(chat == HiddenUse.none)
        let messages = use(
            .messages,
            #"""
            {"model":"m","max_tokens":64,"system":[{"type":"text","text":"s"}],"tools":[{"name":"a","input_schema":{}}],"messages":[
            {"role":"assistant","content":[{"type":"thinking","thinking":"","signature":"x"},
            {"type":"tool_use","id":"1","name":"a","input":{"type":"document","content":[{"type":"image"}]}}]},
            {"role":"user","content":[{"type":"tool_result","tool_use_id":"1","content":[{"type":"text","text":"t"}]},
            {"type":"document","source":{"type":"text","media_type":"text/plain","data":"words"}}]}]}
            """#)
        var none = HiddenUse.none
        none.outputCap = 64
        #expect(messages == none)
        let responses = use(
            .responses,
            #"""
            {"model":"m","tools":[{"type":"function","name":"a"},{"type":"namespace","name":"n","tools":[{"type":"function","name":"b"}]},
            {"type":"local_shell"}],"input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"x"}]},
            {"type":"reasoning","encrypted_content":"e","summary":[]},{"type":"function_call","call_id":"1","name":"a","arguments":"{}"},
            {"type":"function_call_output","call_id":"1","output":"done"}]}
            """#)
        #expect(responses == HiddenUse.none)
    }

    @Test(
        arguments: [
            (
                .chatCompletions,
                #"{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://a.test/b.png"}}]}]}"#
            ),
            (
                .chatCompletions,
                #"{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBO"}}]}]}"#
            ),
            (.messages, #"{"messages":[{"role":"user","content":[{"type":"image","source":{"type":"file","file_id":"f"}}]}]}"#),
            (
                .messages,
                #"{"messages":[{"role":"user","content":[{"type":"tool_result","content":[{"type":"image","source":{"type":"url"}}]}]}]}"#
            ),
            (.responses, #"{"input":[{"role":"user","content":[{"type":"input_image","file_id":"f"}]}]}"#),
            (.responses, #"{"input":[{"type":"computer_call_output","output":{"type":"computer_screenshot","image_url":"data:x"}}]}"#),
            (.responses, #"{"input":[{"type":"image_generation_call","result":"iVBO"}]}"#),
            (.generateContent, #"{"contents":[{"parts":[{"inlineData":{"mimeType":"image/png","data":"iVBO"}}]}]}"#),
            (.generateContent, #"{"contents":[{"parts":[{"file_data":{"mime_type":"image/png","file_uri":"gs://a"}}]}]}"#),
            (
                .generateContent,
                #"{"contents":{"parts":[{"functionResponse":{"parts":[{"inlineData":{"mimeType":"image/png","data":""}}]}}]}}"#
            ),
            (.converse, #"{"messages":[{"role":"user","content":[{"image":{"format":"png","source":{"s3Location":{"uri":"s3://a"}}}}]}]}"#),
            (.converse, #"{"messages":[{"content":[{"toolResult":{"content":[{"image":{"source":{"bytes":"iVBO"}}}]}}]}]}"#),
            (.ollamaChat, #"{"messages":[{"role":"user","content":"x","images":["iVBO"]}]}"#),
        ] as [(Endpoint, String)])
    func aPictureIsCountedOnce(_ endpoint: Endpoint, _ json: String) {
        let found = use(endpoint, json)
        #expect(found.images == 1 && found.fillsContext == nil && found.unbounded == nil)
    }

    @Test func theBytesOfAPictureAreNoText() {
        let data = String(repeating: "A", count: 5000)
        let found = use(
            .messages, #"{"messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","data":"\#(data)"}}]}]}"#)
        #expect(found.images == 1 && found.mediaBytes == 5002)
    }

    @Test(
        arguments: [
            (.messages, #"{"messages":[{"content":[{"type":"document","source":{"type":"url","url":"https://a.test"}}]}]}"#, "document"),
            (.messages, #"{"messages":[{"content":[{"type":"container_upload","file_id":"f"}]}]}"#, "container_upload"),
            (.messages, #"{"messages":[{"content":[{"type":"something_new"}]}]}"#, "something_new"),
            (.chatCompletions, #"{"messages":[{"content":[{"type":"file","file":{"file_id":"f"}}]}]}"#, "file"),
            (.chatCompletions, #"{"messages":[{"content":[{"type":"input_audio","input_audio":{"data":"x"}}]}]}"#, "input_audio"),
            (.responses, #"{"input":[{"role":"user","content":[{"type":"input_file","file_url":"https://a.test"}]}]}"#, "input_file"),
            (.responses, #"{"input":[{"type":"item_reference","id":"i"}]}"#, "item_reference"),
            (.responses, #"{"input":"x","previous_response_id":"resp_1"}"#, "previous_response_id"),
            (.responses, #"{"input":"x","conversation":{"id":"conv_1"}}"#, "conversation"),
            (.generateContent, #"{"contents":[],"cachedContent":"cachedContents/1"}"#, "cachedContent"),
            (.generateContent, #"{"contents":[{"parts":[{"fileData":{"mimeType":"video/mp4","fileUri":"gs://a"}}]}]}"#, "fileData"),
            (.converse, #"{"messages":[{"content":[{"document":{"format":"pdf","name":"a","source":{"bytes":"JVBE"}}}]}]}"#, "document"),
        ] as [(Endpoint, String, String)])
    func whatCanFillTheContextIsNamed(_ endpoint: Endpoint, _ json: String, _ name: String) {
        #expect(use(endpoint, json).fillsContext == name)
    }

    @Test func cappedSearchesAreCountedAndAskTheModelAgain() {
        let found = use(.messages, #"{"tools":[{"type":"web_search_20250305","name":"web_search","max_uses":3}]}"#)
        #expect(found.searches == 3 && found.furtherCalls == 3 && found.furtherOutputs == 3 && found.unbounded == nil)
        let fetches = use(.messages, #"{"tools":[{"type":"web_fetch_20250910","name":"web_fetch","max_uses":2}]}"#)
        #expect(fetches.fetches == 2 && fetches.furtherCalls == 2)
        let capped = use(.responses, #"{"tools":[{"type":"web_search"},{"type":"tool_search"}],"max_tool_calls":4}"#)
        #expect(capped.searches == 4 && capped.furtherCalls == 4 && !capped.needsCallCap)
        let open = use(.responses, #"{"tools":[{"type":"namespace","tools":[{"type":"web_search","external_web_access":false}]}]}"#)
        #expect(open.searches == 1 && open.furtherCalls == 1 && open.needsCallCap)
        #expect(use(.messages, #"{"context_management":{"edits":[{"type":"compact_20260112"}]}}"#).furtherCalls == 1)
    }

    @Test(
        arguments: [
            (.messages, #"{"tools":[{"name":"a"},{"type":"web_search_20250305"}]}"#, "tools[1].max_uses"),
            (.messages, #"{"tools":[{"type":"web_search_20260209","max_uses":3}]}"#, "tools[0] (web_search_20260209)"),
            (.messages, #"{"tools":[{"type":"code_execution_20250825"}]}"#, "tools[0] (code_execution_20250825)"),
            (.messages, #"{"mcp_servers":[{"url":"https://a.test"}]}"#, "mcp_servers"),
            (.messages, #"{"fallbacks":[{"model":"m"}]}"#, "fallbacks"),
            (.responses, #"{"tools":[{"type":"code_interpreter"}],"max_tool_calls":1}"#, "tools[0] (code_interpreter)"),
            (.responses, #"{"tools":[{"type":"file_search"}],"max_tool_calls":1}"#, "tools[0] (file_search)"),
            (.responses, #"{"tools":[{"type":"shell","environment":{"type":"container_auto"}}]}"#, "tools[0] (shell)"),
            (.responses, #"{"prompt":{"id":"p"}}"#, "prompt"),
            (.chatCompletions, #"{"web_search_options":{}}"#, "web_search_options"),
            (.chatCompletions, #"{"tools":[{"type":"builtin_function"}]}"#, "tools[0] (builtin_function)"),
            (.chatCompletions, #"{"max_tokens":"many"}"#, "max_tokens"),
            (.generateContent, #"{"tools":[{"functionDeclarations":[]},{"googleSearch":{}}]}"#, "tools[1].googleSearch"),
            (.converse, #"{"toolConfig":{"tools":[{"systemTool":{"name":"nova_grounding"}}]}}"#, "toolConfig.tools[0].systemTool"),
            (.ollamaChat, #"{"options":{"num_predict":-1}}"#, "num_predict"),
        ] as [(Endpoint, String, String)])
    func whatNothingBoundsIsNamed(_ endpoint: Endpoint, _ json: String, _ name: String) {
        #expect(use(endpoint, json).unbounded?.name == name)
    }

    @Test func emptyListsOfServersAndFallbacksAreNothing() {
        #expect(use(.messages, #"{"mcp_servers":[],"fallbacks":[ ],"plugins":[]}"#) == HiddenUse.none)
    }

    @Test(
        arguments: [
            (.chatCompletions, #"{"n":3,"max_tokens":5,"max_completion_tokens":9}"#, 9, 3),
            (.completions, #"{"best_of":4,"n":2,"max_tokens":7}"#, 7, 4),
            (.generateContent, #"{"generationConfig":{"maxOutputTokens":11,"candidateCount":2}}"#, 11, 2),
            (.converse, #"{"inferenceConfig":{"maxTokens":12}}"#, 12, 1),
            (.invokeModel, #"{"inferenceConfig":{"max_new_tokens":13}}"#, 13, 1),
            (.ollamaChat, #"{"options":{"num_predict":14}}"#, 14, 1),
        ] as [(Endpoint, String, Int64, Int64)])
    func whatTheBodyAsksForIsRead(_ endpoint: Endpoint, _ json: String, _ cap: Int64, _ choices: Int64) {
        let found = use(endpoint, json)
        #expect(found.outputCap == cap && found.choices == choices)
    }

    @Test(
        arguments: [
            (.chatCompletions, #"{"model":"m"}"#, #"{"model":"m","max_completion_tokens":9}"#),
            (.messages, #"{"model":"m"}"#, #"{"model":"m","max_tokens":9}"#),
            (.generateContent, #"{"contents":[]}"#, #"{"contents":[],"generationConfig":{"maxOutputTokens":9}}"#),
            (.generateContent, #"{"generation_config":{"seed":1}}"#, #"{"generation_config":{"maxOutputTokens":9,"seed":1}}"#),
            (.converse, #"{"inferenceConfig":{}}"#, #"{"inferenceConfig":{"maxTokens":9}}"#),
            (.converse, #"{}"#, #"{"inferenceConfig":{"maxTokens":9}}"#),
            (.ollamaChat, #"{"options":null}"#, #"{"options":{"num_predict":9}}"#),
        ] as [(Endpoint, String, String)])
    func aCapIsAskedForWhereTheDialectHasIt(_ endpoint: Endpoint, _ json: String, _ wanted: String) {
        let written = Array(json.utf8).withUnsafeBytes { body in
            applySplices(capSplices(endpoint, body: body, output: 9, hostedCalls: nil, usesMaxTokens: false), to: body)
        }
        #expect(String(decoding: written, as: UTF8.self) == wanted)
        #expect(written.withUnsafeBytes { HiddenUse(endpoint, body: $0, callsUnlessCapped: 1).outputCap } == 9)
    }

    @Test func hostedCallsAreAskedForBesideTheOutput() {
        let written = Array(#"{"model":"m"}"#.utf8).withUnsafeBytes { body in
            applySplices(capSplices(.responses, body: body, output: 9, hostedCalls: 1, usesMaxTokens: false), to: body)
        }
        #expect(String(decoding: written, as: UTF8.self) == #"{"model":"m","max_tool_calls":1,"max_output_tokens":9}"#)
    }
}
