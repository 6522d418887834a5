// OllamaRequestWriter: a canonical request as `/api/chat` says it (protocols.md, section 6).

import WireFormat

/// Writes a body for `/api/chat`.
package func writeOllamaRequest(
    _ request: CanonicalRequest, for target: TranslationTarget
) throws(TranslationRefusal) -> TranslatedRequest {
    var writer = OllamaRequestWriter(dropped: request.unmapped)
    return TranslatedRequest(body: try writer.write(request, target), dropped: writer.dropped)
}

private struct OllamaRequestWriter: ~Copyable {
    var json = JSONWriter(capacity: 4096)
    var dropped: [String]
    private var names: [String: String] = [:]

    init(dropped: [String]) { self.dropped = dropped }

    mutating func write(_ request: CanonicalRequest, _ target: TranslationTarget) throws(TranslationRefusal) -> [UInt8] {
        json.beginObject()
        json.field("model", target.model)
        json.beginArray("messages")
        for message in request.messages { try write(message) }
        json.endArray()
        writeTools(request)
        writeThinking(request.reasoning, model: target.model)
        switch request.format {
        case nil: break
        case .jsonObject?: json.field("format", "json")
        case .jsonSchema(_, let schema, _)?: json.rawField("format", schema)
        }
        try writeOptions(request)
        json.field("stream", request.stream)
        for (name, isThere) in [
            ("user", request.userID != nil), ("verbosity", request.verbosity != nil),
            ("service_tier", request.serviceTier.map { $0 != "auto" && $0 != "default" } ?? false),
        ] where isThere { drop(name) }
        json.endObject()
        return json.bytes
    }

    // MARK: Messages

    private mutating func write(_ message: CanonicalMessage) throws(TranslationRefusal) {
        switch message.role {
        case .system: try writePlain("system", message.blocks)
        case .user: try writePlain("user", message.blocks)
        case .assistant: try writePlain("assistant", message.blocks)
        case .tool:
            var media: [CanonicalBlock] = []
            for block in message.blocks {
                guard case .toolResult(let result) = block.part else { continue }
                guard let name = names[result.callID] else {
                    throw TranslationRefusal("tool_call_id", "answers no call of this conversation: \(result.callID)")
                }
                json.beginObject()
                json.field("role", "tool")
                json.field("tool_name", name)
                json.field("content", (result.isError ? "Error: " : "") + result.content.map(\.text).joined())
                json.endObject()
                if block.cache != nil || result.content.contains(where: { $0.cache != nil }) { drop("cache_control") }
                media += result.content.filter { if case .text = $0.part { false } else { true } }
            }
            // A result holds text alone: images follow in a message of the user's.
            if !media.isEmpty { try writePlain("user", media) }
        }
    }

    private mutating func writePlain(_ role: String, _ blocks: [CanonicalBlock]) throws(TranslationRefusal) {
        var text = ""
        var thinking: String?
        var images: [String] = []
        var calls: [CanonicalToolCall] = []
        for block in blocks {
            if block.cache != nil { drop("cache_control") }
            switch block.part {
            case .text(let piece), .refusal(let piece): text += text.isEmpty || role == "assistant" ? piece : "\n\(piece)"
            case .image(.base64(_, let data), let detail):
                if let detail, detail != "auto" { drop("image_url.detail") }
                images.append(data)
            case .image: throw TranslationRefusal("image_url.url", "must be base64 data to go to an Ollama model")
            case .document: throw TranslationRefusal("file", "cannot be read by an Ollama model")
            case .audio: throw TranslationRefusal("input_audio", "cannot be read by an Ollama model")
            case .toolCall(let call): calls.append(call)
            case .thinking(let piece, nil): thinking = (thinking ?? "") + piece
            case .thinking, .redactedThinking: drop("messages[].thinking")
            case .toolResult: break
            }
        }
        json.beginObject()
        json.field("role", role)
        json.field("content", text)
        json.field("thinking", thinking)
        if !images.isEmpty {
            json.beginArray("images")
            for image in images { json.element(image) }
            json.endArray()
        }
        if !calls.isEmpty {
            json.beginArray("tool_calls")
            for call in calls {
                names[call.id] = call.name
                json.beginObject()
                json.beginObject("function")
                json.field("name", call.name)
                json.rawField("arguments", argumentsObject(call))
                json.endObject()
                json.endObject()
            }
            json.endArray()
        }
        json.endObject()
    }

    // MARK: The rest

    private mutating func writeTools(_ request: CanonicalRequest) {
        switch request.toolChoice {
        case CanonicalToolChoice.none?: return
        case .required?, .named?: drop("tool_choice")
        case .auto?, nil: break
        }
        guard !request.tools.isEmpty else { return }
        if request.parallelToolCalls == false { drop("parallel_tool_calls") }
        json.beginArray("tools")
        for tool in request.tools {
            json.beginObject()
            json.field("type", "function")
            json.beginObject("function")
            json.field("name", tool.name)
            json.field("description", tool.description)
            json.rawField("parameters", tool.isCustom ? Array(freeTextSchema.utf8) : tool.schema ?? Array(#"{"type":"object"}"#.utf8))
            json.endObject()
            json.endObject()
            if tool.strict == true { drop("tools[].strict") }
            if tool.cache != nil { drop("cache_control") }
        }
        json.endArray()
    }

    /// Only gpt-oss has levels; the others think or do not.
    private mutating func writeThinking(_ reasoning: CanonicalReasoning?, model: String) {
        guard let reasoning else { return }
        if reasoning.isOff || reasoning.effort == "none" {
            json.field("think", false)
        } else if model.hasPrefix("gpt-oss"), let effort = reasoning.effort {
            json.field("think", ["minimal": "low", "low": "low", "medium": "medium"][effort] ?? "high")
        } else {
            if let effort = reasoning.effort { drop("reasoning_effort:\(effort)") }
            json.field("think", true)
        }
    }

    private mutating func writeOptions(_ request: CanonicalRequest) throws(TranslationRefusal) {
        json.beginObject("options")
        if let limit = request.maxOutputTokens { json.field("num_predict", limit) }
        if let temperature = request.temperature { json.rawField("temperature", temperature.utf8) }
        if let topP = request.topP { json.rawField("top_p", topP.utf8) }
        if let topK = request.topK { json.rawField("top_k", topK.utf8) }
        if !request.stopSequences.isEmpty {
            json.beginArray("stop")
            for stop in request.stopSequences { json.element(stop) }
            json.endArray()
        }
        for (name, value) in request.sampling.sorted(by: { $0.key < $1.key }) {
            switch name {
            case "seed", "presence_penalty", "frequency_penalty": json.rawField(named: name, value)
            case "n": throw TranslationRefusal("n", "asks for several answers, and Ollama gives one")
            default: drop(name)
            }
        }
        json.endObject()
    }

    private mutating func drop(_ name: String) {
        if !dropped.contains(name) { dropped.append(name) }
    }
}
