// ChatRequestWriter: a canonical request as chat completions say it (protocols.md, section 9.1).

import GatewayModel
import WireFormat

/// Writes a body for `/v1/chat/completions`. A stream always asks for its usage, which Weir meters.
package func writeChatRequest(_ request: CanonicalRequest, for target: TranslationTarget) throws(TranslationRefusal) -> TranslatedRequest {
    var writer = ChatRequestWriter(dropped: request.unmapped, target)
    return TranslatedRequest(body: try writer.write(request, target), dropped: writer.dropped)
}

private struct ChatRequestWriter: ~Copyable {
    var json = JSONWriter(capacity: 4096)
    var dropped: [String]
    private let echoesReasoning: Bool
    private let traits: ProviderTraits
    private var refused: Set<String> { traits.refusedMembers }
    /// The message before is a tool's.
    private var followsResult = false

    init(dropped: [String], _ target: TranslationTarget) {
        self.dropped = dropped
        echoesReasoning = target.echoesReasoning
        traits = target.traits
    }

    /// Whether the server takes a member. What it refuses is named.
    private mutating func takes(_ name: String) -> Bool {
        guard refused.contains(name) else { return true }
        drop(name)
        return false
    }

    mutating func write(_ given: CanonicalRequest, _ target: TranslationTarget) throws(TranslationRefusal) -> [UInt8] {
        let request = given.withoutSampling(atOpenAI: target) { drop($0) }
        json.beginObject()
        json.field("model", target.model)
        json.beginArray("messages")
        for message in request.messages { try write(message) }
        json.endArray()
        writeTools(request)
        if let limit = request.maxOutputTokens {
            if target.traits.usesMaxTokens { json.field("max_tokens", limit) } else { json.field("max_completion_tokens", limit) }
        }
        if let temperature = request.temperature { json.rawField("temperature", temperature.utf8) }
        if let topP = request.topP { json.rawField("top_p", topP.utf8) }
        if request.topK != nil { drop("top_k") }
        writeStops(request.stopSequences)
        writeReasoning(request.reasoning)
        if let verbosity = request.verbosity, takes("verbosity") { json.field("verbosity", verbosity) }
        writeFormat(request.format)
        for (name, value) in request.sampling.sorted(by: { $0.key < $1.key }) where takes(name) { json.rawField(named: name, value) }
        if let user = request.userID, takes("safety_identifier") { json.field("safety_identifier", String(user.prefix(128))) }
        if let tier = request.serviceTier, takes("service_tier") {
            // Anthropic's words for a tier are not OpenAI's.
            if ["auto", "default", "flex", "priority"].contains(tier) { json.field("service_tier", tier) } else { drop("service_tier") }
        }
        if let key = request.promptCacheKey, takes("prompt_cache_key") { json.field("prompt_cache_key", key) }
        if request.stream {
            json.field("stream", true)
            if !refused.contains("stream_options") {
                json.beginObject("stream_options")
                json.field("include_usage", true)
                json.endObject()
            }
        }
        json.endObject()
        return json.bytes
    }

    // MARK: Messages

    private mutating func write(_ message: CanonicalMessage) throws(TranslationRefusal) {
        switch message.role {
        case .system: try writePlain("system", message.blocks)
        case .user: try writePlain("user", message.blocks)
        case .assistant: try writeAssistant(message.blocks)
        case .tool: try writeResults(message.blocks)
        }
    }

    private mutating func writePlain(_ role: String, _ blocks: [CanonicalBlock]) throws(TranslationRefusal) {
        if followsResult, role == "user", traits.refusesUserBehindTool { writeDone() }
        followsResult = false
        json.beginObject()
        json.field("role", role)
        try writeContent(blocks)
        json.endObject()
    }

    /// What the model may have said of a tool's result, where a user may not speak right behind it. OpenCode says the same there.
    private mutating func writeDone() {
        json.beginObject()
        json.field("role", "assistant")
        json.field("content", "Done.")
        json.endObject()
    }

    /// One text without a cache mark is a string, which every server reads.
    private mutating func writeContent(_ blocks: [CanonicalBlock]) throws(TranslationRefusal) {
        if blocks.count == 1, blocks[0].cache == nil, case .text(let text) = blocks[0].part {
            json.field("content", text)
            return
        }
        json.beginArray("content")
        for block in blocks { try writePart(block) }
        json.endArray()
    }

    private mutating func writePart(_ block: CanonicalBlock) throws(TranslationRefusal) {
        switch block.part {
        case .text(let text):
            json.beginObject()
            json.field("type", "text")
            json.field("text", text)
        case .refusal(let text):
            json.beginObject()
            json.field("type", "refusal")
            json.field("refusal", text)
        case .image(let media, let detail):
            guard let url = media.url else { throw TranslationRefusal("image.source.file_id", "names a file of another provider") }
            json.beginObject()
            json.field("type", "image_url")
            json.beginObject("image_url")
            json.field("url", url)
            json.field("detail", detail)
            json.endObject()
        case .document(let media, let name):
            guard case .base64(let type, _) = media, let url = media.url else {
                throw TranslationRefusal("document.source", "must be base64 data to go to a chat completions model")
            }
            json.beginObject()
            json.field("type", "file")
            json.beginObject("file")
            json.field("filename", name ?? (type == "application/pdf" ? "document.pdf" : "document"))
            json.field("file_data", url)
            json.endObject()
        case .audio(let data, let format):
            json.beginObject()
            json.field("type", "input_audio")
            json.beginObject("input_audio")
            json.field("data", data)
            json.field("format", format)
            json.endObject()
        case .toolCall, .toolResult, .thinking, .redactedThinking: return
        }
        writeMark(block.cache)
        json.endObject()
    }

    private mutating func writeMark(_ cache: CachePeriod?) {
        guard let cache, takes("prompt_cache_breakpoint") else { return }
        json.beginObject("prompt_cache_breakpoint")
        json.field("mode", "explicit")
        json.field("ttl", cache == .long ? "12h" : "30m")
        json.endObject()
    }

    private mutating func writeAssistant(_ blocks: [CanonicalBlock]) throws(TranslationRefusal) {
        var content: [CanonicalBlock] = []
        var calls: [CanonicalToolCall] = []
        var refusal: String?
        var reasoning: String?
        for block in blocks {
            switch block.part {
            case .toolCall(let call):
                calls.append(call)
                if block.cache != nil { drop("messages[].cache_control") }
            case .thinking(let text, nil) where echoesReasoning: reasoning = (reasoning ?? "") + text
            // Another provider's thinking proves nothing here, and its signature would be refused.
            case .thinking, .redactedThinking: drop("messages[].thinking")
            case .refusal(let text): refusal = (refusal ?? "") + text
            case .text(let text) where text.isEmpty: if block.cache != nil { drop("messages[].cache_control") }
            default: content.append(block)
            }
        }
        guard !content.isEmpty || !calls.isEmpty || refusal != nil else {
            // A message that says and calls nothing is refused, whatever it thought.
            if reasoning != nil { drop("messages[].thinking") }
            return
        }
        followsResult = false
        json.beginObject()
        json.field("role", "assistant")
        if content.isEmpty { json.rawField("content", "null".utf8) } else { try writeContent(content) }
        json.field("refusal", refusal)
        // Some refuse a tool loop without it, even where it is empty.
        if echoesReasoning, reasoning != nil || !calls.isEmpty { json.field("reasoning_content", reasoning ?? "") }
        if !calls.isEmpty {
            json.beginArray("tool_calls")
            for call in calls {
                json.beginObject()
                json.field("id", fitted(call.id))
                json.field("type", call.isCustom ? "custom" : "function")
                if call.isCustom { json.beginObject("custom") } else { json.beginObject("function") }
                json.field("name", call.name)
                if call.isCustom {
                    json.field("input", call.arguments)
                } else {
                    json.field("arguments", call.arguments.isEmpty ? "{}" : call.arguments)
                }
                json.endObject()
                json.endObject()
            }
            json.endArray()
        }
        json.endObject()
    }

    /// A tool message holds text alone: images follow in a user message right behind the last result.
    private mutating func writeResults(_ blocks: [CanonicalBlock]) throws(TranslationRefusal) {
        var media: [CanonicalBlock] = []
        for block in blocks {
            guard case .toolResult(let result) = block.part else { continue }
            var texts: [CanonicalBlock] = []
            for piece in result.content {
                if case .text = piece.part { texts.append(piece) } else { media.append(CanonicalBlock(piece.part)) }
            }
            if result.isError { texts.insert(.text("Error: "), at: 0) }
            json.beginObject()
            json.field("role", "tool")
            json.field("tool_call_id", fitted(result.callID))
            // One text, and with it the last mark that stood in or behind it.
            let mark = block.cache ?? result.content.last { $0.cache != nil }?.cache
            try writeContent([CanonicalBlock(.text(texts.map(\.text).joined()), cache: mark)])
            json.endObject()
            followsResult = true
        }
        if !media.isEmpty { try writePlain("user", media) }
    }

    private func fitted(_ id: String) -> String { traits.callIDBytes.map { fittedCallID(id, count: $0) } ?? id }

    // MARK: The rest

    private mutating func writeTools(_ request: CanonicalRequest) {
        if !request.tools.isEmpty {
            json.beginArray("tools")
            for tool in request.tools {
                json.beginObject()
                json.field("type", tool.isCustom ? "custom" : "function")
                if tool.isCustom { json.beginObject("custom") } else { json.beginObject("function") }
                json.field("name", tool.name)
                json.field("description", tool.description)
                if let schema = tool.schema { json.rawField("parameters", schema) }
                if let strict = tool.strict { json.field("strict", strict) }
                json.endObject()
                json.endObject()
                if tool.cache != nil { drop("tools[].cache_control") }
            }
            json.endArray()
        }
        writeToolChoice(request)
        if let parallel = request.parallelToolCalls, !request.tools.isEmpty { json.field("parallel_tool_calls", parallel) }
    }

    private mutating func writeToolChoice(_ request: CanonicalRequest) {
        // A choice among no tools is an error there.
        guard !request.tools.isEmpty else { return }
        func isCustom(_ name: String) -> Bool { request.tools.contains { $0.isCustom && $0.name == name } }
        if let allowed = request.allowedTools {
            json.beginObject("tool_choice")
            json.field("type", "allowed_tools")
            json.beginObject("allowed_tools")
            json.field("mode", request.toolChoice == .required ? "required" : "auto")
            json.beginArray("tools")
            for name in allowed {
                json.beginObject()
                writeName(name, isCustom: isCustom(name))
                json.endObject()
            }
            json.endArray()
            json.endObject()
            json.endObject()
            return
        }
        switch request.toolChoice {
        case nil: break
        case .auto?: json.field("tool_choice", "auto")
        case CanonicalToolChoice.none?: json.field("tool_choice", "none")
        case .required?: json.field("tool_choice", "required")
        case .named(let name)?:
            json.beginObject("tool_choice")
            writeName(name, isCustom: isCustom(name))
            json.endObject()
        }
    }

    /// Which tool is meant, in an object that is open.
    private mutating func writeName(_ name: String, isCustom: Bool) {
        json.field("type", isCustom ? "custom" : "function")
        if isCustom { json.beginObject("custom") } else { json.beginObject("function") }
        json.field("name", name)
        json.endObject()
    }

    private mutating func writeStops(_ stops: [String]) {
        guard !stops.isEmpty else { return }
        // OpenAI takes four.
        if stops.count > 4 { drop("stop_sequences[4...]") }
        json.beginArray("stop")
        for stop in stops.prefix(4) { json.element(stop) }
        json.endArray()
    }

    private mutating func writeReasoning(_ reasoning: CanonicalReasoning?) {
        guard let reasoning else { return }
        if reasoning.isOff {
            json.field("reasoning_effort", "none")
        } else if let effort = reasoning.effort {
            json.field("reasoning_effort", effort)
        } else if let budget = reasoning.budget {
            json.field("reasoning_effort", budget <= 1024 ? "low" : budget <= 4096 ? "medium" : "high")
        }
    }

    private mutating func writeFormat(_ format: CanonicalFormat?) {
        switch format {
        case nil: return
        case .jsonObject?:
            json.beginObject("response_format")
            json.field("type", "json_object")
        case .jsonSchema(let name, let schema, let strict)?:
            json.beginObject("response_format")
            json.field("type", "json_schema")
            json.beginObject("json_schema")
            json.field("name", name ?? "answer")
            json.rawField("schema", schema)
            if let strict { json.field("strict", strict) }
            json.endObject()
        }
        json.endObject()
    }

    private mutating func drop(_ name: String) {
        if !dropped.contains(name) { dropped.append(name) }
    }
}

extension CanonicalBlock {
    /// The text of a text block.
    var text: String { if case .text(let text) = part { text } else { "" } }
}
