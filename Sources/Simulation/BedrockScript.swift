// BedrockScript: AWS Bedrock's Converse and InvokeModel, whole and as event streams
// (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html).

import Foundation
import WireFormat

enum BedrockScript {
    /// What a path asks for: the model and the operation; nil for another path.
    static func operation(_ path: String) -> (model: String, name: String)? {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[1] == "model", let model = parts[2].removingPercentEncoding else { return nil }
        return (model, String(parts[3]))
    }

    static func answer(
        _ operation: (model: String, name: String), body: JSONText, text: String, options: ScriptOptions,
        turn: (ScriptInput) -> ScriptedTurn
    ) -> ScriptedAnswer? {
        switch operation.name {
        case "converse", "converse-stream":
            let made = turn(input(body, model: operation.model, text: text))
            return converse(made, streams: operation.name == "converse-stream", options: options)
        case "invoke", "invoke-with-response-stream":
            // Anthropic's own SDK for Bedrock sends its API's version.
            guard body["anthropic_version"]?.string != nil, body["model"] == nil, body["stream"] == nil else {
                return failure(400, "anthropic_version is needed; model and stream are not permitted", number: 0)
            }
            var input = MessagesScript.input(body, bytes: text.utf8.count, text: text)
            input.model = operation.model
            return invoke(turn(input), streams: operation.name != "invoke", options: options)
        default: return nil
        }
    }

    /// An error in AWS's shape.
    static func failure(_ status: Int, _ message: String, number: Int) -> ScriptedAnswer {
        let types = [
            400: "ValidationException", 403: "AccessDeniedException", 404: "ResourceNotFoundException", 408: "ModelTimeoutException",
            424: "ModelErrorException", 429: "ThrottlingException", 500: "InternalServerException", 503: "ServiceUnavailableException",
        ]
        return .json(
            ["message": .text(message)], status: status,
            headers: [
                ("x-amzn-errortype", types[status] ?? "InternalServerException"), ("x-amzn-requestid", requestID(number)),
            ])
    }

    static func requestID(_ number: Int) -> String { "00000000-0000-4000-8000-\(Script.pad(number, 12))" }

    // MARK: Converse

    private static func input(_ body: JSONText, model: String, text: String) -> ScriptInput {
        let messages = body["messages"]?.elements ?? []
        func results(_ message: JSONText) -> Int { (message["content"]?.elements ?? []).count { $0["toolResult"] != nil } }
        let lastUser = messages.lastIndex { $0["role"]?.string == "user" && results($0) == 0 } ?? -1
        let lastText = lastUser < 0 ? "" : (messages[lastUser]["content"]?.elements ?? []).compactMap { $0["text"]?.string }.joined()
        let tools = (body["toolConfig"]?["tools"]?.elements ?? []).compactMap { tool in
            tool["toolSpec"]?["name"]?.string.map { OfferedTool(name: $0, schema: tool["toolSpec"]?["inputSchema"]?["json"]) }
        }
        let thinking = body["additionalModelRequestFields"]?["thinking"]?["type"]?.string
        return ScriptInput(
            model: model, bodyBytes: text.utf8.count, messageCount: messages.count,
            toolResults: messages.dropFirst(lastUser + 1).reduce(0) { $0 + results($1) }, lastUserText: lastText, tools: tools,
            wantsThinking: thinking == "enabled" || thinking == "adaptive",
            usesOneHourCache: text.contains("\"ttl\":\"1h\"") || text.contains("\"ttl\": \"1h\""),
            outputTokensMax: body["inferenceConfig"]?["maxTokens"]?.int)
    }

    private static func usage(_ turn: ScriptedTurn) -> JSONText {
        let input = turn.inputTokens - turn.cachedTokens - turn.writtenTokens
        return [
            "inputTokens": .integer(input), "outputTokens": .integer(turn.outputTokens),
            "totalTokens": .integer(turn.inputTokens + turn.outputTokens), "cacheReadInputTokens": .integer(turn.cachedTokens),
            "cacheWriteInputTokens": .integer(turn.writtenTokens),
            "cacheDetails": [["ttl": turn.writesOneHour ? "1h" : "5m", "inputTokens": .integer(turn.writtenTokens)]],
        ]
    }

    private static func converse(_ turn: ScriptedTurn, streams: Bool, options: ScriptOptions) -> ScriptedAnswer {
        let stop: JSONText = turn.toolCalls.isEmpty ? "end_turn" : "tool_use"
        let usage = usage(turn)
        let shown: JSONText = options.fault?.kind == .noUsage ? [:] : ["usage": usage]
        let metrics: JSONText = ["metrics": ["latencyMs": 7]]
        var answer: ScriptedAnswer
        if streams {
            let end: JSONText = .object(shown.members + metrics.members)
            answer = AWSEventStream(fault: options.fault).answer(events(turn, stop, end, options: options))
        } else {
            let message: JSONText = ["output": ["message": ["role": "assistant", "content": .array(content(turn))]], "stopReason": stop]
            answer = .json(.object(message.members + shown.members + metrics.members))
        }
        answer.usage = usage
        answer.model = turn.model
        return answer
    }

    private static func signature(_ turn: ScriptedTurn) -> String { "c2ltdWxhdGVk\(turn.id)c2lnbmF0dXJl==" }

    private static func content(_ turn: ScriptedTurn) -> [JSONText] {
        var blocks: [JSONText] = []
        if let thinking = turn.thinking {
            blocks.append(["reasoningContent": ["reasoningText": ["text": .text(thinking), "signature": .text(signature(turn))]]])
        }
        blocks.append(["text": .text(turn.text)])
        for call in turn.toolCalls {
            blocks.append([
                "toolUse": [
                    "toolUseId": .text("tooluse_\(call.id)"), "name": .text(call.name),
                    "input": JSONText.parse(call.arguments.utf8) ?? [:],
                ]
            ])
        }
        return blocks
    }

    private static func events(
        _ turn: ScriptedTurn, _ stop: JSONText, _ end: JSONText, options: ScriptOptions
    ) -> [(type: String, data: JSONText)] {
        var events: [(type: String, data: JSONText)] = [("messageStart", ["role": "assistant"])]
        var index = 0
        func block(_ start: JSONText?, _ deltas: [JSONText]) {
            if let start { events.append(("contentBlockStart", ["contentBlockIndex": .integer(index), "start": start])) }
            for delta in deltas {
                events.append(("contentBlockDelta", ["contentBlockIndex": .integer(index), "delta": delta, "p": "abc"]))
            }
            events.append(("contentBlockStop", ["contentBlockIndex": .integer(index)]))
            index += 1
        }
        if let thinking = turn.thinking {
            block(
                nil,
                Script.pieces(thinking, count: nil).map { ["reasoningContent": ["text": .text($0)]] }
                    + [["reasoningContent": ["signature": .text(signature(turn))]]])
        }
        block(nil, Script.pieces(turn.text, count: options.chunks).map { ["text": .text($0)] })
        for call in turn.toolCalls {
            let half = call.arguments.index(call.arguments.startIndex, offsetBy: call.arguments.count / 2)
            block(
                ["toolUse": ["toolUseId": .text("tooluse_\(call.id)"), "name": .text(call.name)]],
                [String(call.arguments[..<half]), String(call.arguments[half...])].map { ["toolUse": ["input": .text($0)]] })
        }
        return events + [("messageStop", ["stopReason": stop]), ("metadata", end)]
    }

    // MARK: InvokeModel

    private static func invoke(_ turn: ScriptedTurn, streams: Bool, options: ScriptOptions) -> ScriptedAnswer {
        guard streams else {
            var answer = MessagesScript.answer(turn, body: [:], options: options)
            answer.headers += [
                ("x-amzn-bedrock-input-token-count", String(turn.inputTokens)),
                ("x-amzn-bedrock-output-token-count", String(turn.outputTokens)),
            ]
            return answer
        }
        var events = MessagesScript.events(turn, options: options).map(\.data)
        if let last = events.indices.last {
            let metrics: JSONText = [
                "inputTokenCount": .integer(turn.inputTokens - turn.cachedTokens - turn.writtenTokens),
                "outputTokenCount": .integer(turn.outputTokens), "invocationLatency": 9, "firstByteLatency": 3,
                "cacheReadInputTokenCount": .integer(turn.cachedTokens), "cacheWriteInputTokenCount": .integer(turn.writtenTokens),
            ]
            events[last] = .object(events[last].members + [.init(name: "amazon-bedrock-invocationMetrics", value: metrics)])
        }
        var answer = AWSEventStream(fault: options.fault).answer(
            events.map { event in
                let bytes = Data(event.json.utf8).base64EncodedString()
                return ("chunk", ["bytes": .text(bytes), "p": "abcdefghij"])
            })
        answer.usage = MessagesScript.usage(turn, output: turn.outputTokens)
        answer.model = turn.model
        return answer
    }
}

/// Writes events as an AWS event stream, with the faults that a stream can have.
struct AWSEventStream {
    var fault: Fault?

    func answer(_ events: [(type: String, data: JSONText)]) -> ScriptedAnswer {
        var answer = ScriptedAnswer()
        answer.isStream = true
        answer.headers = [("content-type", "application/vnd.amazon.eventstream")]
        for (index, event) in events.enumerated() {
            var bytes: [UInt8] = []
            appendAWSEvent(event.type, json: Array(event.data.json.utf8), to: &bytes)
            if let fault, fault.number == index {
                switch fault.kind {
                case .cut:
                    answer.steps.append(.cut)
                    return answer
                case .stall:
                    answer.steps.append(.stall)
                    return answer
                case .errorEvent:
                    var exception: [UInt8] = []
                    appendAWSException("throttlingException", json: Array(#"{"message":"Too many tokens"}"#.utf8), to: &exception)
                    answer.steps.append(.bytes(exception))
                    return answer
                case .garbage: bytes[bytes.count - 5] ^= 1
                default: break
                }
            }
            if fault?.kind == .noDone, index == events.count - 1 { continue }
            answer.steps.append(.bytes(bytes))
        }
        return answer
    }
}
