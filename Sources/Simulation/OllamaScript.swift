// OllamaScript: Ollama's native API, one object a line (https://github.com/ollama/ollama/blob/main/docs/api.md).

enum OllamaScript {
    static func input(_ body: JSONText, bytes: Int) -> ScriptInput {
        var input = ChatScript.input(body, bytes: bytes)
        input.wantsThinking = body["think"].map { $0.isTrue || $0.string != nil } ?? false
        input.outputTokensMax = body["options"]?["num_predict"]?.int
        if let prompt = body["prompt"]?.string { input.lastUserText = prompt }
        return input
    }

    static func answer(_ turn: ScriptedTurn, body: JSONText, isChat: Bool, options: ScriptOptions) -> ScriptedAnswer {
        let counts: [JSONText.Member] = [
            .init(name: "total_duration", value: 4_883_583_458), .init(name: "load_duration", value: 1_334_875),
            .init(name: "prompt_eval_count", value: .integer(turn.inputTokens)),
            .init(name: "prompt_eval_duration", value: 342_546_000), .init(name: "eval_count", value: .integer(turn.outputTokens)),
            .init(name: "eval_duration", value: 4_535_599_000),
        ]
        func line(_ message: [JSONText.Member], isLast: Bool = false) -> JSONText {
            var members: [JSONText.Member] = [
                .init(name: "model", value: .text(turn.model)), .init(name: "created_at", value: "2026-11-24T10:00:00.123456789Z"),
            ]
            if isChat {
                members.append(.init(name: "message", value: .object([.init(name: "role", value: "assistant")] + message)))
            } else {
                members += message.map { $0.name == "content" ? .init(name: "response", value: $0.value) : $0 }
            }
            if isLast { members.append(.init(name: "done_reason", value: "stop")) }
            members.append(.init(name: "done", value: .bool(isLast)))
            return .object(members + (isLast && options.fault?.kind != .noUsage ? counts : []))
        }
        func content(_ text: String) -> JSONText.Member { .init(name: "content", value: .text(text)) }
        let calls: JSONText = .array(
            turn.toolCalls.map { ["function": ["name": .text($0.name), "arguments": JSONText.parse($0.arguments.utf8) ?? [:]]] })
        var answer: ScriptedAnswer
        if body["stream"] == .bool(false) || options.fault?.kind == .json {
            var message = [content(turn.text)]
            if let thinking = turn.thinking { message.append(.init(name: "thinking", value: .text(thinking))) }
            if !turn.toolCalls.isEmpty { message.append(.init(name: "tool_calls", value: calls)) }
            answer = .json(line(message, isLast: true))
        } else {
            var lines: [JSONText] = []
            if let thinking = turn.thinking {
                lines += Script.pieces(thinking, count: nil).map { line([content(""), .init(name: "thinking", value: .text($0))]) }
            }
            lines += Script.pieces(turn.text, count: options.chunks).map { line([content($0)]) }
            if !turn.toolCalls.isEmpty { lines.append(line([content(""), .init(name: "tool_calls", value: calls)])) }
            lines.append(line([content("")], isLast: true))
            answer = stream(lines, options.fault)
        }
        answer.usage = .object(counts.filter { $0.name.hasSuffix("count") })
        answer.model = turn.model
        return answer
    }

    private static func stream(_ lines: [JSONText], _ fault: Fault?) -> ScriptedAnswer {
        var answer = ScriptedAnswer()
        answer.isStream = true
        answer.headers = [("content-type", "application/x-ndjson")]
        for (index, line) in lines.enumerated() {
            if let fault, fault.number == index {
                switch fault.kind {
                case .cut:
                    answer.steps.append(.cut)
                    return answer
                case .stall:
                    answer.steps.append(.stall)
                    return answer
                case .errorEvent:
                    answer.steps.append(.bytes(Array("{\"error\":\"an error was encountered while running the model\"}\n".utf8)))
                    return answer
                default: break
                }
            }
            answer.steps.append(.bytes(Array((line.json + "\n").utf8)))
        }
        return answer
    }
}
