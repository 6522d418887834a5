// MessagesRequestWriter: a canonical request as Anthropic Messages say it (protocols.md, sections 3.2 and 9.1).

import GatewayModel
import WireFormat

/// Writes a body for `/v1/messages`.
package func writeMessagesRequest(
    _ request: CanonicalRequest, for target: TranslationTarget
) throws(TranslationRefusal) -> TranslatedRequest {
    var writer = MessagesRequestWriter(dropped: request.unmapped)
    return TranslatedRequest(body: try writer.write(request, target), dropped: writer.dropped)
}

private struct MessagesRequestWriter: ~Copyable {
    var json = JSONWriter(capacity: 4096)
    var dropped: [String]
    private var marks = 0

    init(dropped: [String]) { self.dropped = dropped }

    mutating func write(_ given: CanonicalRequest, _ target: TranslationTarget) throws(TranslationRefusal) -> [UInt8] {
        let turns = CanonicalTurn.merged(given.messages) { drop($0) }
        let limit = given.maxOutputTokens ?? target.maxOutputTokens
        let thinking = claudeThinking(given, turns, limit: limit, model: target.knownModel) { drop($0) }
        let request = given.withoutSampling(for: target.knownModel, thinking) { drop($0) }
        json.beginObject()
        if target.traits.layout == .vertex {
            json.field("anthropic_version", vertexAnthropicVersion)
        } else {
            json.field("model", target.model)
        }
        json.field("max_tokens", limit)
        try writeSystem(request.messages.prefix { $0.role == .system })
        json.beginArray("messages")
        for turn in turns {
            json.beginObject()
            json.field("role", turn.isUser ? "user" : "assistant")
            json.beginArray("content")
            if turn.hasLateSystem { drop("messages[].role:system") }
            for block in turn.blocks { try write(block) }
            json.endArray()
            json.endObject()
        }
        json.endArray()
        writeTools(request)
        write(thinking, request)
        if let temperature = request.temperature { writeTemperature(temperature) }
        if let topP = request.topP { json.rawField("top_p", topP.utf8) }
        if let topK = request.topK { json.rawField("top_k", topK.utf8) }
        if !request.stopSequences.isEmpty {
            json.beginArray("stop_sequences")
            for stop in request.stopSequences { json.element(stop) }
            json.endArray()
        }
        if request.sampling["n"] != nil { throw TranslationRefusal("n", "asks for several answers, and Anthropic gives one") }
        for name in request.sampling.keys.sorted() { drop(name) }
        if request.verbosity != nil { drop("verbosity") }
        if let user = request.userID {
            json.beginObject("metadata")
            json.field("user_id", user)
            json.endObject()
        }
        if let tier = request.serviceTier, tier != "auto" {
            if tier == "default" { json.field("service_tier", "standard_only") } else { drop("service_tier") }
        }
        if request.stream { json.field("stream", true) }
        json.endObject()
        return json.bytes
    }

    // MARK: Messages

    private mutating func writeSystem(_ messages: ArraySlice<CanonicalMessage>) throws(TranslationRefusal) {
        let blocks = messages.flatMap(\.blocks).withoutBlanks { drop($0) }.filter { !$0.text.isEmpty }
        guard !blocks.isEmpty else { return }
        json.beginArray("system")
        for block in blocks { try write(block) }
        json.endArray()
    }

    private mutating func write(_ block: CanonicalBlock) throws(TranslationRefusal) {
        switch block.part {
        case .text(let text), .refusal(let text):
            begin("text")
            json.field("text", text)
        case .image(let media, let detail):
            if let detail, detail != "auto" { drop("image_url.detail") }
            begin("image")
            try writeSource(media, "image_url.url")
        case .document(let media, let name):
            begin("document")
            try writeSource(media, "file.file_data")
            json.field("title", name)
        case .audio: throw TranslationRefusal("input_audio", "cannot be read by an Anthropic model")
        case .toolCall(let call):
            begin("tool_use")
            json.field("id", anthropicID(call.id))
            json.field("name", call.name)
            json.rawField("input", argumentsObject(call))
        case .toolResult(let result):
            begin("tool_result")
            json.field("tool_use_id", anthropicID(result.callID))
            if !result.content.isEmpty {
                json.beginArray("content")
                for piece in result.content { try write(piece) }
                json.endArray()
            }
            if result.isError { json.field("is_error", true) }
        case .thinking(let text, let signature):
            // Thinking that nobody signed is in no turn.
            guard let signature else { return }
            begin("thinking")
            json.field("thinking", text)
            json.field("signature", signature)
        case .redactedThinking(let data):
            begin("redacted_thinking")
            json.field("data", data)
        }
        writeMark(block.cache)
        json.endObject()
    }

    private mutating func begin(_ type: String) {
        json.beginObject()
        json.field("type", type)
    }

    /// At most four cache marks; the first ones count, since they cover the longest-lived prefix.
    private mutating func writeMark(_ cache: CachePeriod?) {
        guard let cache else { return }
        marks += 1
        guard marks <= 4 else {
            drop("prompt_cache_breakpoint")
            return
        }
        json.beginObject("cache_control")
        json.field("type", "ephemeral")
        if cache == .long { json.field("ttl", "1h") }
        json.endObject()
    }

    private mutating func writeSource(_ media: CanonicalMedia, _ parameter: String) throws(TranslationRefusal) {
        json.beginObject("source")
        switch media {
        case .base64(let type, let data) where type.hasPrefix("text/"):
            // Texts go as texts there.
            guard let bytes = Array(data.utf8).withUnsafeBytes({ Base64.decode($0) }) else {
                throw TranslationRefusal(parameter, "is no base64")
            }
            json.field("type", "text")
            json.field("media_type", "text/plain")
            json.field("data", String(decoding: bytes, as: UTF8.self))
        case .base64(let type, let data):
            json.field("type", "base64")
            json.field("media_type", type)
            json.field("data", data)
        case .url(let url):
            guard url.hasPrefix("http://") || url.hasPrefix("https://") else {
                throw TranslationRefusal(parameter, "is neither an http URL nor base64 data")
            }
            json.field("type", "url")
            json.field("url", url)
        case .file: throw TranslationRefusal("file_id", "names a file of another provider")
        }
        json.endObject()
    }

    // MARK: Tools

    private mutating func writeTools(_ request: CanonicalRequest) {
        if !request.tools.isEmpty {
            json.beginArray("tools")
            for tool in request.tools {
                json.beginObject()
                json.field("name", tool.name)
                json.field("description", tool.description)
                json.rawField("input_schema", tool.isCustom ? Array(freeTextSchema.utf8) : tool.schema ?? Array(emptySchema.utf8))
                if tool.strict == true { json.field("strict", true) }
                writeMark(tool.cache)
                json.endObject()
            }
            json.endArray()
        }
        // A choice among no tools is an error there.
        guard !request.tools.isEmpty else { return }
        let choice: (type: String, name: String?)? =
            switch request.toolChoice {
            case nil: request.parallelToolCalls == false ? ("auto", nil) : nil
            case .auto?: ("auto", nil)
            case CanonicalToolChoice.none?: ("none", nil)
            case .required?: ("any", nil)
            case .named(let name)?: ("tool", name)
            }
        guard let choice else { return }
        json.beginObject("tool_choice")
        json.field("type", choice.type)
        json.field("name", choice.name)
        if request.parallelToolCalls == false, choice.type != "none" { json.field("disable_parallel_tool_use", true) }
        json.endObject()
    }

    // MARK: Thinking

    private mutating func write(_ thinking: ClaudeThinking, _ request: CanonicalRequest) {
        var effort: String?
        switch thinking {
        case .none: break
        case .off:
            json.beginObject("thinking")
            json.field("type", "disabled")
            json.endObject()
        case .adaptive(let wish, let display):
            effort = wish
            json.beginObject("thinking")
            json.field("type", "adaptive")
            json.field("display", display)
            json.endObject()
        case .budget(let budget):
            json.beginObject("thinking")
            json.field("type", "enabled")
            json.field("budget_tokens", budget)
            json.endObject()
        }
        var schema: [UInt8]?
        switch request.format {
        case nil: break
        case .jsonObject?: drop("response_format")
        case .jsonSchema(_, let wanted, _)?: schema = wanted
        }
        guard effort != nil || schema != nil else { return }
        json.beginObject("output_config")
        json.field("effort", effort)
        if let schema {
            json.beginObject("format")
            json.field("type", "json_schema")
            json.rawField("schema", schema)
            json.endObject()
        }
        json.endObject()
    }

    /// Anthropic's range ends at 1, OpenAI's at 2.
    private mutating func writeTemperature(_ text: String) {
        if let value = Double(text), value > 1 {
            drop("temperature")
            json.field("temperature", 1)
        } else {
            json.rawField("temperature", text.utf8)
        }
    }

    private mutating func drop(_ name: String) {
        if !dropped.contains(name) { dropped.append(name) }
    }
}

/// Anthropic's tool ids are letters, digits, `_` and `-`. Calls and results are changed alike, so they still meet.
func anthropicID(_ id: String) -> String {
    let fits: (UInt8) -> Bool = { $0 >= 48 && $0 <= 57 || $0 >= 65 && $0 <= 90 || $0 >= 97 && $0 <= 122 || $0 == 95 || $0 == 45 }
    if !id.isEmpty, id.utf8.allSatisfy(fits) { return id }
    return id.isEmpty ? "call" : String(decoding: id.utf8.map { fits($0) ? $0 : 95 }, as: UTF8.self)
}
