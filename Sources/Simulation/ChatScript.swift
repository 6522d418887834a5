// ChatScript: chat completions, completions and embeddings as OpenAI answers them
// (https://platform.openai.com/docs/api-reference/chat/streaming).

enum ChatScript {
    static func input(_ body: JSONText, bytes: Int) -> ScriptInput {
        let messages = body["messages"]?.elements ?? []
        let lastUser = messages.lastIndex { $0["role"]?.string == "user" } ?? -1
        let tools = (body["tools"]?.elements ?? []).compactMap { tool in
            tool["function"].flatMap { function in
                function["name"]?.string.map { OfferedTool(name: $0, schema: function["parameters"]) }
            }
        }
        return ScriptInput(
            model: body["model"]?.string ?? "", bodyBytes: bytes, messageCount: messages.count,
            toolResults: messages.dropFirst(lastUser + 1).count { $0["role"]?.string == "tool" },
            lastUserText: lastUser >= 0 ? text(messages[lastUser]["content"]) : "", tools: tools,
            wantsThinking: body["reasoning_effort"]?.string != nil, usesOneHourCache: false,
            outputTokensMax: body["max_completion_tokens"]?.int ?? body["max_tokens"]?.int)
    }

    /// The text of a message's content, whichever form it has.
    static func text(_ content: JSONText?) -> String {
        guard let content else { return "" }
        return content.string ?? content.elements.compactMap { $0["text"]?.string }.joined(separator: "\n")
    }

    static func answer(_ turn: ScriptedTurn, body: JSONText, options: ScriptOptions) -> ScriptedAnswer {
        let usage = usage(turn)
        let streams = body["stream"]?.isTrue == true && options.fault?.kind != .json
        var answer =
            streams
            ? stream(turn, usage: usage, body: body, options: options) : plain(turn, usage: usage, options: options)
        answer.usage = usage
        answer.model = turn.model
        return answer
    }

    static func usage(_ turn: ScriptedTurn) -> JSONText {
        [
            "prompt_tokens": .integer(turn.inputTokens), "completion_tokens": .integer(turn.outputTokens),
            "total_tokens": .integer(turn.inputTokens + turn.outputTokens),
            "prompt_tokens_details": ["cached_tokens": .integer(turn.cachedTokens), "audio_tokens": 0],
            "completion_tokens_details": [
                "reasoning_tokens": .integer(turn.reasoningTokens), "audio_tokens": 0, "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            ],
        ]
    }

    private static func plain(_ turn: ScriptedTurn, usage: JSONText, options: ScriptOptions) -> ScriptedAnswer {
        var message: [JSONText.Member] = [
            .init(name: "role", value: "assistant"), .init(name: "content", value: .text(turn.text)),
            .init(name: "refusal", value: nil),
        ]
        if !turn.toolCalls.isEmpty {
            message.append(
                .init(
                    name: "tool_calls",
                    value: .array(
                        turn.toolCalls.map {
                            [
                                "id": .text($0.id), "type": "function",
                                "function": ["name": .text($0.name), "arguments": .text($0.arguments)],
                            ]
                        })))
        }
        var members: [JSONText.Member] = [
            .init(name: "id", value: .text("chatcmpl-sim\(turn.id)")), .init(name: "object", value: "chat.completion"),
            .init(name: "created", value: .integer(turn.created)), .init(name: "model", value: .text(turn.model)),
            .init(
                name: "choices",
                value: [
                    [
                        "index": 0, "message": .object(message), "logprobs": nil,
                        "finish_reason": turn.toolCalls.isEmpty ? "stop" : "tool_calls",
                    ]
                ]),
        ]
        if options.fault?.kind != .noUsage { members.append(.init(name: "usage", value: usage)) }
        members.append(.init(name: "service_tier", value: "default"))
        return .json(.object(members))
    }

    private static func stream(
        _ turn: ScriptedTurn, usage: JSONText, body: JSONText, options: ScriptOptions
    ) -> ScriptedAnswer {
        let includesUsage = body["stream_options"]?["include_usage"]?.isTrue == true
        func chunk(_ choices: JSONText, usage: JSONText? = nil) -> JSONText {
            var members: [JSONText.Member] = [
                .init(name: "id", value: .text("chatcmpl-sim\(turn.id)")),
                .init(name: "object", value: "chat.completion.chunk"),
                .init(name: "created", value: .integer(turn.created)), .init(name: "model", value: .text(turn.model)),
                .init(name: "service_tier", value: "default"), .init(name: "choices", value: choices),
            ]
            if includesUsage { members.append(.init(name: "usage", value: usage ?? .null)) }
            return .object(members)
        }
        func delta(_ delta: JSONText, finish: JSONText = nil) -> JSONText {
            chunk([["index": 0, "delta": delta, "logprobs": nil, "finish_reason": finish]])
        }
        var events: [JSONText] = [delta(["role": "assistant", "content": "", "refusal": nil])]
        if let thinking = turn.thinking { events.append(delta(["reasoning_content": .text(thinking)])) }
        for piece in Script.pieces(turn.text, count: options.chunks) { events.append(delta(["content": .text(piece)])) }
        for (index, call) in turn.toolCalls.enumerated() {
            events.append(
                delta([
                    "tool_calls": [
                        [
                            "index": .integer(index), "id": .text(call.id), "type": "function",
                            "function": ["name": .text(call.name), "arguments": ""],
                        ]
                    ]
                ]))
            let half = call.arguments.index(call.arguments.startIndex, offsetBy: call.arguments.count / 2)
            for part in [call.arguments[..<half], call.arguments[half...]] where !part.isEmpty {
                events.append(
                    delta(["tool_calls": [["index": .integer(index), "function": ["arguments": .text(String(part))]]]]))
            }
        }
        events.append(delta([:], finish: turn.toolCalls.isEmpty ? "stop" : "tool_calls"))
        if includesUsage, options.fault?.kind != .noUsage { events.append(chunk([], usage: usage)) }
        return EventStream(fault: options.fault).answer(
            events.map { (nil, $0) }, done: true,
            error: ["error": ["message": "The server had an error", "type": "server_error", "code": "server_error"]])
    }

    // MARK: The two older endpoints

    static func completion(_ turn: ScriptedTurn, body: JSONText, options: ScriptOptions) -> ScriptedAnswer {
        let usage = usage(turn)
        func object(_ text: String, _ finish: JSONText, _ usage: JSONText?) -> JSONText {
            [
                "id": .text("cmpl-sim\(turn.id)"), "object": "text_completion", "created": .integer(turn.created),
                "model": .text(turn.model),
                "choices": usage != nil && text.isEmpty
                    ? [] : [["text": .text(text), "index": 0, "logprobs": nil, "finish_reason": finish]],
                "usage": usage ?? .null,
            ]
        }
        var answer: ScriptedAnswer
        if body["stream"]?.isTrue == true {
            var events = Script.pieces(turn.text, count: options.chunks).map { object($0, nil, nil) }
            if body["stream_options"]?["include_usage"]?.isTrue == true { events.append(object("", nil, usage)) }
            answer = EventStream(fault: options.fault).answer(
                events.map { (nil, $0) }, done: true, error: ["error": ["message": "failed"]])
        } else {
            answer = .json(object(turn.text, "stop", usage))
        }
        answer.usage = usage
        answer.model = turn.model
        return answer
    }

    static func embeddings(_ turn: ScriptedTurn) -> ScriptedAnswer {
        let usage: JSONText = ["prompt_tokens": .integer(turn.inputTokens), "total_tokens": .integer(turn.inputTokens)]
        var answer = ScriptedAnswer.json([
            "object": "list", "model": .text(turn.model),
            "data": [["object": "embedding", "index": 0, "embedding": [.real(0.25), .real(-0.5), .real(0.125)]]],
            "usage": usage,
        ])
        answer.usage = usage
        answer.model = turn.model
        return answer
    }
}
