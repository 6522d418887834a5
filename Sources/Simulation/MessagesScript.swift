// MessagesScript: Anthropic Messages and count_tokens (https://docs.anthropic.com/en/docs/build-with-claude/streaming).

enum MessagesScript {
    static func input(_ body: JSONText, bytes: Int, text raw: String) -> ScriptInput {
        let messages = body["messages"]?.elements ?? []
        func results(_ message: JSONText) -> Int {
            (message["content"]?.elements ?? []).count { $0["type"]?.string == "tool_result" }
        }
        // A message of the user's that carries tool results is an answer, not a question.
        let lastUser = messages.lastIndex { $0["role"]?.string == "user" && results($0) == 0 } ?? -1
        let tools = (body["tools"]?.elements ?? []).compactMap { tool in
            tool["name"]?.string.map { OfferedTool(name: $0, schema: tool["input_schema"]) }
        }
        let thinking = body["thinking"]?["type"]?.string
        return ScriptInput(
            model: body["model"]?.string ?? "", bodyBytes: bytes, messageCount: messages.count,
            toolResults: messages.dropFirst(lastUser + 1).reduce(0) { $0 + results($1) },
            lastUserText: lastUser >= 0 ? ChatScript.text(messages[lastUser]["content"]) : "", tools: tools,
            wantsThinking: thinking == "enabled" || thinking == "adaptive",
            usesOneHourCache: raw.contains("\"ttl\":\"1h\"") || raw.contains("\"ttl\": \"1h\""),
            outputTokensMax: body["max_tokens"]?.int)
    }

    /// What Anthropic refuses of thinking that comes back: a signature that it did not make, and a tool loop without its thinking.
    static func refusal(_ body: JSONText) -> ScriptedAnswer? {
        let messages = body["messages"]?.elements ?? []
        func refuse(_ message: String) -> ScriptedAnswer {
            .json(
                ["type": "error", "error": ["type": "invalid_request_error", "message": .text(message)], "request_id": "req_sim"],
                status: 400)
        }
        for (index, message) in messages.enumerated() where message["role"]?.string == "assistant" {
            for (place, block) in (message["content"]?.elements ?? []).enumerated() where block["type"]?.string == "thinking" {
                guard block["signature"]?.string?.hasPrefix("c2ltdWxhdGVk") == true else {
                    return refuse("messages.\(index).content.\(place): Invalid `signature` in `thinking` block")
                }
            }
        }
        guard body["thinking"]?["type"]?.string == "enabled", messages.count > 1,
            (messages.last?["content"]?.elements ?? []).contains(where: { $0["type"]?.string == "tool_result" })
        else { return nil }
        let index = messages.count - 2
        let first = messages[index]["content"]?.elements.first?["type"]?.string ?? "text"
        guard first != "thinking", first != "redacted_thinking" else { return nil }
        return refuse(
            "messages.\(index).content.0.type: Expected `thinking` or `redacted_thinking`, but found `\(first)`. When `thinking` is "
                + "enabled, a final `assistant` message must start with a thinking block (preceeding the lastmost set of `tool_use` and "
                + "`tool_result` blocks).")
    }

    static func answer(_ turn: ScriptedTurn, body: JSONText, options: ScriptOptions) -> ScriptedAnswer {
        let usage = usage(turn, output: turn.outputTokens)
        let streams = body["stream"]?.isTrue == true && options.fault?.kind != .json
        let shown = options.fault?.kind == .noUsage ? nil : usage
        var answer =
            streams ? stream(turn, options: options) : .json(message(turn, usage: shown, content: content(turn)))
        answer.usage = usage
        answer.model = turn.model
        return answer
    }

    static func usage(_ turn: ScriptedTurn, output: Int) -> JSONText {
        let input = turn.inputTokens - turn.cachedTokens - turn.writtenTokens
        return [
            "input_tokens": .integer(input), "cache_creation_input_tokens": .integer(turn.writtenTokens),
            "cache_read_input_tokens": .integer(turn.cachedTokens),
            "cache_creation": [
                "ephemeral_5m_input_tokens": .integer(turn.writesOneHour ? 0 : turn.writtenTokens),
                "ephemeral_1h_input_tokens": .integer(turn.writesOneHour ? turn.writtenTokens : 0),
            ], "output_tokens": .integer(output), "service_tier": "standard",
        ]
    }

    private static func content(_ turn: ScriptedTurn) -> [JSONText] {
        var blocks: [JSONText] = []
        if let thinking = turn.thinking {
            blocks.append(["type": "thinking", "thinking": .text(thinking), "signature": .text(signature(turn))])
        }
        blocks.append(["type": "text", "text": .text(turn.text)])
        for call in turn.toolCalls {
            blocks.append([
                "type": "tool_use", "id": .text("toolu_\(call.id)"), "name": .text(call.name),
                "input": JSONText.parse(call.arguments.utf8) ?? [:],
            ])
        }
        return blocks
    }

    private static func message(_ turn: ScriptedTurn, usage: JSONText?, content: [JSONText], ended: Bool = true)
        -> JSONText
    {
        let message: JSONText = [
            "id": .text("msg_sim\(turn.id)"), "type": "message", "role": "assistant", "model": .text(turn.model),
            "content": .array(content),
            "stop_reason": ended ? (turn.toolCalls.isEmpty ? "end_turn" : "tool_use") : nil, "stop_sequence": nil,
        ]
        return .object(message.members + (usage.map { [.init(name: "usage", value: $0)] } ?? []))
    }

    private static func signature(_ turn: ScriptedTurn) -> String { "c2ltdWxhdGVk\(turn.id)c2lnbmF0dXJl==" }

    private static func stream(_ turn: ScriptedTurn, options: ScriptOptions) -> ScriptedAnswer {
        EventStream(fault: options.fault).answer(
            events(turn, options: options), done: false,
            error: ["type": "error", "error": ["type": "overloaded_error", "message": "Overloaded"]])
    }

    /// The events of a stream, whatever carries them.
    static func events(_ turn: ScriptedTurn, options: ScriptOptions) -> [(name: String?, data: JSONText)] {
        var events: [(name: String?, data: JSONText)] = []
        func add(_ name: String, _ members: JSONText) {
            events.append((name, .object([.init(name: "type", value: .text(name))] + members.members)))
        }
        let hidesUsage = options.fault?.kind == .noUsage
        let begun = hidesUsage ? nil : usage(turn, output: 1)
        add("message_start", ["message": message(turn, usage: begun, content: [], ended: false)])
        add("ping", [:])
        var index = 0
        func block(_ start: JSONText, _ deltas: [JSONText]) {
            add("content_block_start", ["index": .integer(index), "content_block": start])
            for delta in deltas { add("content_block_delta", ["index": .integer(index), "delta": delta]) }
            add("content_block_stop", ["index": .integer(index)])
            index += 1
        }
        if let thinking = turn.thinking {
            block(
                ["type": "thinking", "thinking": "", "signature": ""],
                Script.pieces(thinking, count: nil).map { ["type": "thinking_delta", "thinking": .text($0)] }
                    + [["type": "signature_delta", "signature": .text(signature(turn))]])
        }
        block(
            ["type": "text", "text": ""],
            Script.pieces(turn.text, count: options.chunks).map { ["type": "text_delta", "text": .text($0)] })
        for call in turn.toolCalls {
            let half = call.arguments.index(call.arguments.startIndex, offsetBy: call.arguments.count / 2)
            block(
                ["type": "tool_use", "id": .text("toolu_\(call.id)"), "name": .text(call.name), "input": [:]],
                ["", String(call.arguments[..<half]), String(call.arguments[half...])].map {
                    ["type": "input_json_delta", "partial_json": .text($0)]
                })
        }
        let delta: JSONText = [
            "delta": ["stop_reason": turn.toolCalls.isEmpty ? "end_turn" : "tool_use", "stop_sequence": nil]
        ]
        let total: JSONText = hidesUsage ? [:] : ["usage": usage(turn, output: turn.outputTokens)]
        add("message_delta", .object(delta.members + total.members))
        add("message_stop", [:])
        return events
    }
}
