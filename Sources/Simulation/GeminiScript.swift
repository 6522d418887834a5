// GeminiScript: generateContent as Google answers it, over server-sent events or as one array that grows
// (https://ai.google.dev/api/generate-content).

import Foundation

enum GeminiScript {
    /// The model and the method of a path like `/v1beta/models/gemini-2.5-pro:generateContent`, also below Vertex's publishers.
    static func call(_ path: String) -> (model: String, method: String)? {
        guard let start = path.range(of: "/models/"), let colon = path.lastIndex(of: ":"), colon > start.upperBound else { return nil }
        return (String(path[start.upperBound..<colon]), String(path[path.index(after: colon)...]))
    }

    static func input(_ body: JSONText, model: String, bytes: Int) -> ScriptInput {
        let contents = body["contents"]?.elements ?? []
        func results(_ content: JSONText) -> Int {
            (content["parts"]?.elements ?? []).count { $0["functionResponse"] != nil }
        }
        let lastUser = contents.lastIndex { $0["role"]?.string != "model" && results($0) == 0 } ?? -1
        let declared = (body["tools"]?.elements ?? []).flatMap { $0["functionDeclarations"]?.elements ?? [] }
        let tools = declared.compactMap { tool -> OfferedTool? in
            let schema = tool["parametersJsonSchema"] ?? tool["parameters_json_schema"] ?? tool["parameters"]
            return tool["name"]?.string.map { OfferedTool(name: $0, schema: schema) }
        }
        let generation = body["generationConfig"]
        // Google reads both spellings of a name, and its own SDK sends both.
        let thinking = generation?["thinkingConfig"]
        let mode = body["toolConfig"]?["functionCallingConfig"]?["mode"]?.string
        let parts = lastUser >= 0 ? contents[lastUser]["parts"]?.elements ?? [] : []
        let text = parts.compactMap { $0["text"]?.string }.joined(separator: "\n")
        return ScriptInput(
            model: model, bodyBytes: bytes, messageCount: contents.count,
            toolResults: contents.dropFirst(lastUser + 1).reduce(0) { $0 + results($1) }, lastUserText: text,
            tools: mode == "NONE" ? [] : tools,
            wantsThinking: (thinking?["includeThoughts"] ?? thinking?["include_thoughts"])?.isTrue == true, usesOneHourCache: false,
            outputTokensMax: generation?["maxOutputTokens"]?.int)
    }

    /// What Gemini 3 refuses: a call of the running turn without the signature that it was made with.
    static func lacksSignature(_ body: JSONText, model: String) -> Bool {
        guard model.hasPrefix("gemini-3") || model.hasPrefix("gemini-4") else { return false }
        let contents = body["contents"]?.elements ?? []
        let lastUser = contents.lastIndex { content in
            content["role"]?.string != "model" && (content["parts"]?.elements ?? []).allSatisfy { $0["functionResponse"] == nil }
        }
        // Of the calls of one step the first one carries it, also where a client keeps each chunk of a stream as a content.
        var isSigned = false
        for content in contents.dropFirst((lastUser ?? -1) + 1) {
            guard content["role"]?.string == "model" else {
                isSigned = false
                continue
            }
            guard let call = (content["parts"]?.elements ?? []).first(where: { $0["functionCall"] != nil }), !isSigned else { continue }
            if call["thoughtSignature"]?.string == nil { return true }
            isSigned = true
        }
        return false
    }

    static func refusal(_ message: String) -> ScriptedAnswer {
        .json(["error": ["code": 400, "message": .text(message), "status": "INVALID_ARGUMENT"]], status: 400)
    }

    static func answer(
        _ turn: ScriptedTurn, streams: Bool, usesEvents: Bool, options: ScriptOptions, givesIDs: Bool
    ) -> ScriptedAnswer {
        let usage = usage(turn)
        let chunks = chunks(turn, usage: options.fault?.kind == .noUsage ? nil : usage, options: options, givesIDs: givesIDs)
        var answer: ScriptedAnswer
        if streams, options.fault?.kind != .json {
            let error: JSONText = ["error": ["code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"]]
            answer =
                usesEvents
                ? EventStream(fault: options.fault).answer(chunks.map { (nil, $0) }, done: false, error: error)
                : array(chunks)
        } else {
            answer = .json(whole(chunks))
        }
        answer.usage = usage
        answer.model = turn.model
        return answer
    }

    private static func usage(_ turn: ScriptedTurn) -> JSONText {
        [
            "promptTokenCount": .integer(turn.inputTokens),
            "candidatesTokenCount": .integer(turn.outputTokens - turn.reasoningTokens),
            "totalTokenCount": .integer(turn.inputTokens + turn.outputTokens),
            "cachedContentTokenCount": .integer(turn.cachedTokens),
            "promptTokensDetails": [["modality": "TEXT", "tokenCount": .integer(turn.inputTokens)]],
            "thoughtsTokenCount": .integer(turn.reasoningTokens),
        ]
    }

    private static func signature(_ turn: ScriptedTurn) -> JSONText { .text("c2ltdWxhdGVk\(turn.id)c2lnbmF0dXJl") }

    private static func chunks(
        _ turn: ScriptedTurn, usage: JSONText?, options: ScriptOptions, givesIDs: Bool
    ) -> [JSONText] {
        var parts: [JSONText] = []
        if let thinking = turn.thinking { parts.append(["text": .text(thinking), "thought": true]) }
        parts += Script.pieces(turn.text, count: options.chunks).map { ["text": .text($0)] }
        for (index, call) in turn.toolCalls.enumerated() {
            var function: [JSONText.Member] = [
                .init(name: "name", value: .text(call.name)),
                .init(name: "args", value: JSONText.parse(call.arguments.utf8) ?? [:]),
            ]
            if givesIDs { function.insert(.init(name: "id", value: .text(call.id)), at: 0) }
            var part: [JSONText.Member] = [.init(name: "functionCall", value: .object(function))]
            // Of parallel calls the first one carries the signature.
            if index == 0 { part.append(.init(name: "thoughtSignature", value: signature(turn))) }
            parts.append(.object(part))
        }
        return parts.enumerated().map { index, part in
            let isLast = index == parts.count - 1
            var candidate: [JSONText.Member] = [
                .init(name: "content", value: ["parts": .array([part]), "role": "model"]), .init(name: "index", value: 0),
            ]
            if isLast { candidate.insert(.init(name: "finishReason", value: "STOP"), at: 1) }
            var chunk: [JSONText.Member] = [.init(name: "candidates", value: .array([.object(candidate)]))]
            if let usage { chunk.append(.init(name: "usageMetadata", value: isLast ? usage : partial(usage))) }
            chunk.append(.init(name: "modelVersion", value: .text(turn.model)))
            chunk.append(.init(name: "responseId", value: .text("sim\(turn.id)")))
            return .object(chunk)
        }
    }

    /// Earlier chunks count less output.
    private static func partial(_ usage: JSONText) -> JSONText {
        let total = JSONText.Member(name: "totalTokenCount", value: usage["promptTokenCount"] ?? 0)
        return .object(usage.members.filter { $0.name.hasPrefix("prompt") } + [total])
    }

    /// The chunks of a stream as the one response that they are.
    private static func whole(_ chunks: [JSONText]) -> JSONText {
        var parts: [JSONText] = []
        for part in chunks.flatMap({ $0["candidates"]?.elements.first?["content"]?["parts"]?.elements ?? [] }) {
            // Texts of one kind are one part there.
            if let text = part["text"]?.string, let last = parts.last, let before = last["text"]?.string,
                last["thought"] == part["thought"]
            {
                parts[parts.count - 1] = .object(
                    [.init(name: "text", value: .text(before + text))] + last.members.filter { $0.name != "text" })
            } else {
                parts.append(part)
            }
        }
        let last = chunks.last?.members ?? []
        return .object(
            [
                .init(
                    name: "candidates",
                    value: [["content": ["parts": .array(parts), "role": "model"], "finishReason": "STOP", "index": 0]])
            ] + last.filter { $0.name != "candidates" })
    }

    private static func array(_ chunks: [JSONText]) -> ScriptedAnswer {
        var answer = ScriptedAnswer()
        answer.isStream = true
        answer.headers = [("content-type", "application/json; charset=UTF-8")]
        for (index, chunk) in chunks.enumerated() {
            answer.steps.append(.bytes(Array(((index == 0 ? "[" : ",\r\n") + chunk.json).utf8)))
        }
        answer.steps.append(.bytes(Array("]\n".utf8)))
        return answer
    }
}
