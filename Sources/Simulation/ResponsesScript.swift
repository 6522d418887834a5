// ResponsesScript: OpenAI Responses (https://platform.openai.com/docs/api-reference/responses-streaming).

enum ResponsesScript {
    static func input(_ body: JSONText, bytes: Int) -> ScriptInput {
        let items = body["input"]?.elements ?? []
        let outputs: Set = ["function_call_output", "custom_tool_call_output", "local_shell_call_output"]
        let lastUser = items.lastIndex { $0["role"]?.string == "user" } ?? -1
        return ScriptInput(
            model: body["model"]?.string ?? "", bodyBytes: bytes, messageCount: max(1, items.count),
            toolResults: items.dropFirst(lastUser + 1).count { outputs.contains($0["type"]?.string ?? "") },
            lastUserText: body["input"]?.string ?? (lastUser >= 0 ? ChatScript.text(items[lastUser]["content"]) : ""),
            startedAgent: items.last { outputs.contains($0["type"]?.string ?? "") }.flatMap {
                startedAgent($0["output"])
            },
            tools: offeredTools(body, items), wantsThinking: body["reasoning"]?.members.isEmpty == false,
            usesOneHourCache: false,
            outputTokensMax: body["max_output_tokens"]?.int)
    }

    static func answer(_ turn: ScriptedTurn, body: JSONText, options: ScriptOptions) -> ScriptedAnswer {
        let usage = usage(turn)
        let shown = options.fault?.kind == .noUsage ? nil : usage
        let full = response(turn, status: "completed", output: output(turn), usage: shown, body: body)
        let streams = body["stream"]?.isTrue == true && options.fault?.kind != .json
        // What goes on in the background is only promised; retrieving it gives it whole.
        let queued = response(turn, status: "queued", output: [], usage: nil, body: body)
        let whole = body["background"]?.isTrue == true ? queued : full
        var answer = streams ? stream(turn, full: full, body: body, options: options) : .json(whole)
        answer.usage = usage
        answer.model = turn.model
        answer.responseID = "resp_sim\(turn.id)"
        return answer
    }

    static func usage(_ turn: ScriptedTurn) -> JSONText {
        [
            "input_tokens": .integer(turn.inputTokens),
            "input_tokens_details": ["cached_tokens": .integer(turn.cachedTokens)],
            "output_tokens": .integer(turn.outputTokens),
            "output_tokens_details": ["reasoning_tokens": .integer(turn.reasoningTokens)],
            "total_tokens": .integer(turn.inputTokens + turn.outputTokens),
        ]
    }

    /// The whole response object, as retrieve gives it too.
    static func response(
        _ turn: ScriptedTurn, status: String, output: [JSONText], usage: JSONText?, body: JSONText
    ) -> JSONText {
        [
            "id": .text("resp_sim\(turn.id)"), "object": "response", "created_at": .integer(turn.created),
            "status": .text(status), "error": nil, "incomplete_details": nil,
            "instructions": body["instructions"] ?? .null,
            "max_output_tokens": body["max_output_tokens"] ?? .null, "model": .text(turn.model),
            "output": .array(output), "background": body["background"] ?? false,
            "parallel_tool_calls": true, "previous_response_id": body["previous_response_id"] ?? .null,
            "reasoning": body["reasoning"] ?? ["effort": nil, "summary": nil], "store": body["store"] ?? true,
            "temperature": 1, "text": ["format": ["type": "text"]], "tool_choice": "auto", "tools": body["tools"] ?? [],
            "top_p": 1, "truncation": "disabled", "service_tier": "default", "usage": usage ?? .null, "metadata": [:],
        ]
    }

    static func output(_ turn: ScriptedTurn) -> [JSONText] {
        var items: [JSONText] = []
        if let thinking = turn.thinking { items.append(reasoning(turn, thinking)) }
        items.append(message(turn, status: "completed", text: turn.text))
        for (index, call) in turn.toolCalls.enumerated() { items.append(callItem(turn, call, index, done: true)) }
        return items
    }

    private static func reasoning(_ turn: ScriptedTurn, _ thinking: String?) -> JSONText {
        [
            "id": .text("rs_sim\(turn.id)"), "type": "reasoning",
            "summary": thinking.map { [["type": "summary_text", "text": .text($0)]] } ?? [],
            "encrypted_content": .text("c2ltdWxhdGVk\(turn.id)"),
        ]
    }

    private static func message(_ turn: ScriptedTurn, status: String, text: String?) -> JSONText {
        [
            "id": .text("msg_sim\(turn.id)"), "type": "message", "status": .text(status), "role": "assistant",
            "content": text.map { [part($0)] } ?? [],
        ]
    }

    private static func part(_ text: String) -> JSONText {
        ["type": "output_text", "annotations": [], "logprobs": [], "text": .text(text)]
    }

    struct Events {
        var all: [(name: String?, data: JSONText)] = []

        mutating func add(_ name: String, _ members: JSONText) {
            all.append(
                (
                    name,
                    .object(
                        [
                            .init(name: "type", value: .text(name)),
                            .init(name: "sequence_number", value: .integer(all.count)),
                        ]
                            + members.members)
                ))
        }
    }

    private static func stream(
        _ turn: ScriptedTurn, full: JSONText, body: JSONText, options: ScriptOptions
    ) -> ScriptedAnswer {
        var events = Events()
        let begun = response(turn, status: "in_progress", output: [], usage: nil, body: body)
        events.add("response.created", ["response": begun])
        events.add("response.in_progress", ["response": begun])
        var index = 0
        if let thinking = turn.thinking {
            addReasoning(&events, turn, thinking, index)
            index += 1
        }
        addMessage(&events, turn, index, options)
        index += 1
        for (number, call) in turn.toolCalls.enumerated() {
            addCall(&events, turn, call, number, at: index)
            index += 1
        }
        events.add("response.completed", ["response": full])
        return EventStream(fault: options.fault).answer(
            events.all, done: false,
            error: ["type": "error", "code": "server_error", "message": "The server had an error", "param": nil])
    }

    private static func addReasoning(_ events: inout Events, _ turn: ScriptedTurn, _ thinking: String, _ index: Int) {
        let item: JSONText = .text("rs_sim\(turn.id)")
        let place: JSONText = .integer(index)
        events.add("response.output_item.added", ["output_index": place, "item": reasoning(turn, nil)])
        events.add(
            "response.reasoning_summary_part.added",
            ["item_id": item, "output_index": place, "summary_index": 0, "part": ["type": "summary_text", "text": ""]])
        events.add(
            "response.reasoning_summary_text.delta",
            ["item_id": item, "output_index": place, "summary_index": 0, "delta": .text(thinking)])
        events.add(
            "response.reasoning_summary_text.done",
            ["item_id": item, "output_index": place, "summary_index": 0, "text": .text(thinking)])
        events.add(
            "response.reasoning_summary_part.done",
            [
                "item_id": item, "output_index": place, "summary_index": 0,
                "part": ["type": "summary_text", "text": .text(thinking)],
            ])
        events.add("response.output_item.done", ["output_index": place, "item": reasoning(turn, thinking)])
    }

    private static func addMessage(_ events: inout Events, _ turn: ScriptedTurn, _ index: Int, _ options: ScriptOptions) {
        let item: JSONText = .text("msg_sim\(turn.id)")
        let place: JSONText = .integer(index)
        events.add(
            "response.output_item.added",
            ["output_index": place, "item": message(turn, status: "in_progress", text: nil)])
        events.add(
            "response.content_part.added",
            ["item_id": item, "output_index": place, "content_index": 0, "part": part("")])
        let pieces = Script.pieces(turn.text, count: options.chunks)
        for piece in pieces {
            events.add(
                "response.output_text.delta",
                ["item_id": item, "output_index": place, "content_index": 0, "delta": .text(piece), "logprobs": []])
        }
        let text = pieces.joined()
        events.add(
            "response.output_text.done",
            ["item_id": item, "output_index": place, "content_index": 0, "text": .text(text), "logprobs": []])
        events.add(
            "response.content_part.done",
            ["item_id": item, "output_index": place, "content_index": 0, "part": part(text)])
        events.add(
            "response.output_item.done",
            ["output_index": place, "item": message(turn, status: "completed", text: text)])
    }
}
