// ResponsesRequestWriter: a canonical request as OpenAI Responses say it (protocols.md, sections 2 and 9.1).

import GatewayModel
import WireFormat

/// Writes a body for `/v1/responses`. Nothing is stored there, and sealed reasoning comes back for the next turn.
package func writeResponsesRequest(
    _ request: CanonicalRequest, for target: TranslationTarget
) throws(TranslationRefusal) -> TranslatedRequest {
    var writer = ResponsesRequestWriter(dropped: request.unmapped, target)
    return TranslatedRequest(body: try writer.write(request, target), dropped: writer.dropped)
}

private struct ResponsesRequestWriter: ~Copyable {
    var json = JSONWriter(capacity: 4096)
    var dropped: [String]
    private let takesCacheMarks: Bool

    init(dropped: [String], _ target: TranslationTarget) {
        self.dropped = dropped
        takesCacheMarks = !target.traits.refusedMembers.contains("prompt_cache_breakpoint")
    }

    mutating func write(_ given: CanonicalRequest, _ target: TranslationTarget) throws(TranslationRefusal) -> [UInt8] {
        let request = given.withoutSampling(atOpenAI: target) { drop($0) }
        if !request.stopSequences.isEmpty { throw TranslationRefusal("stop", "has no counterpart in Responses") }
        if request.sampling["n"] != nil { throw TranslationRefusal("n", "asks for several answers, and Responses give one") }
        json.beginObject()
        json.field("model", target.model)
        json.beginArray("input")
        for message in request.messages { try write(message) }
        json.endArray()
        writeTools(request)
        if let limit = request.maxOutputTokens {
            // It takes no fewer.
            if limit < 16 { drop("max_tokens:\(limit)") }
            json.field("max_output_tokens", max(16, limit))
        }
        if let temperature = request.temperature { json.rawField("temperature", temperature.utf8) }
        if let topP = request.topP { json.rawField("top_p", topP.utf8) }
        if request.topK != nil { drop("top_k") }
        for name in request.sampling.keys.sorted() { drop(name) }
        writeReasoning(request.reasoning)
        writeText(request)
        if let user = request.userID { json.field("safety_identifier", String(user.prefix(128))) }
        if let tier = request.serviceTier {
            if ["auto", "default", "flex", "priority", "fast"].contains(tier) {
                json.field("service_tier", tier)
            } else {
                drop("service_tier")
            }
        }
        json.field("prompt_cache_key", request.promptCacheKey)
        json.field("store", false)
        json.beginArray("include")
        json.element("reasoning.encrypted_content")
        json.endArray()
        if request.stream { json.field("stream", true) }
        json.endObject()
        return json.bytes
    }

    // MARK: Input

    private mutating func write(_ message: CanonicalMessage) throws(TranslationRefusal) {
        switch message.role {
        case .system: try writeMessage("developer", message.blocks, "input_text")
        case .user: try writeMessage("user", message.blocks, "input_text")
        case .assistant: try writeAssistant(message.blocks)
        case .tool:
            for block in message.blocks {
                if case .toolResult(let result) = block.part {
                    try write(result, isCustom: customCalls.contains(result.callID), cache: block.cache)
                }
            }
        }
    }

    private var customCalls: Set<String> = []

    private mutating func writeMessage(_ role: String, _ blocks: [CanonicalBlock], _ textType: String) throws(TranslationRefusal) {
        guard !blocks.isEmpty else { return }
        json.beginObject()
        json.field("type", "message")
        json.field("role", role)
        json.beginArray("content")
        for block in blocks { try writePart(block, textType) }
        json.endArray()
        json.endObject()
    }

    private mutating func writePart(_ block: CanonicalBlock, _ textType: String) throws(TranslationRefusal) {
        switch block.part {
        case .text(let text):
            json.beginObject()
            json.field("type", textType)
            json.field("text", text)
        case .refusal(let text):
            json.beginObject()
            json.field("type", "refusal")
            json.field("refusal", text)
        case .image(let media, let detail):
            guard let url = media.url else { throw TranslationRefusal("image.source.file_id", "names a file of another provider") }
            json.beginObject()
            json.field("type", "input_image")
            json.field("image_url", url)
            json.field("detail", detail)
        case .document(let media, let name):
            json.beginObject()
            json.field("type", "input_file")
            switch media {
            case .base64:
                json.field("filename", name ?? "document.pdf")
                json.field("file_data", media.url)
            case .url(let url): json.field("file_url", url)
            case .file: throw TranslationRefusal("document.source.file_id", "names a file of another provider")
            }
        case .audio(let data, let format):
            json.beginObject()
            json.field("type", "input_audio")
            json.beginObject("input_audio")
            json.field("data", data)
            json.field("format", format)
            json.endObject()
        case .toolCall, .toolResult, .thinking, .redactedThinking: return
        }
        writeMark(block.cache, textType)
        json.endObject()
    }

    private mutating func writeMark(_ cache: CachePeriod?, _ textType: String) {
        guard let cache else { return }
        // What the model said bears none there.
        guard textType != "output_text" else {
            drop("messages[].cache_control")
            return
        }
        guard takesCacheMarks else {
            drop("prompt_cache_breakpoint")
            return
        }
        json.beginObject("prompt_cache_breakpoint")
        json.field("mode", "explicit")
        json.field("ttl", cache == .long ? "12h" : "30m")
        json.endObject()
    }

    private mutating func writeAssistant(_ blocks: [CanonicalBlock]) throws(TranslationRefusal) {
        var texts: [CanonicalBlock] = []
        for block in blocks {
            switch block.part {
            case .thinking(let text, let signature?):
                try writeMessage("assistant", texts, "output_text")
                texts = []
                writeReasoningItem(text, signature)
            case .thinking, .redactedThinking: drop("messages[].thinking")
            case .toolCall(let call):
                try writeMessage("assistant", texts, "output_text")
                texts = []
                if block.cache != nil { drop("messages[].cache_control") }
                write(call)
            default: texts.append(block)
            }
        }
        try writeMessage("assistant", texts, "output_text")
    }

    /// Sealed reasoning that this dialect's reader put into a signature goes back as it was; another provider's is left out.
    private mutating func writeReasoningItem(_ text: String, _ signature: String) {
        guard let (id, sealed) = SealedReasoning.open(signature) else {
            drop("messages[].thinking")
            return
        }
        json.beginObject()
        json.field("type", "reasoning")
        json.field("id", id)
        json.beginArray("summary")
        if !text.isEmpty {
            json.beginObject()
            json.field("type", "summary_text")
            json.field("text", text)
            json.endObject()
        }
        json.endArray()
        json.field("encrypted_content", sealed)
        json.endObject()
    }

    private mutating func write(_ call: CanonicalToolCall) {
        if call.isCustom { customCalls.insert(call.id) }
        json.beginObject()
        json.field("type", call.isCustom ? "custom_tool_call" : "function_call")
        json.field("call_id", call.id)
        json.field("name", call.name)
        if call.isCustom {
            json.field("input", call.arguments)
        } else {
            json.field("arguments", call.arguments.isEmpty ? "{}" : call.arguments)
        }
        json.endObject()
    }

    private mutating func write(
        _ result: CanonicalToolResult, isCustom: Bool, cache: CachePeriod?
    ) throws(TranslationRefusal) {
        json.beginObject()
        json.field("type", isCustom ? "custom_tool_call_output" : "function_call_output")
        json.field("call_id", result.callID)
        let isText = result.content.allSatisfy { if case .text = $0.part { true } else { false } }
        if isText, cache == nil, result.content.allSatisfy({ $0.cache == nil }) {
            json.field("output", (result.isError ? "Error: " : "") + result.content.map(\.text).joined())
        } else {
            json.beginArray("output")
            if result.isError { try writePart(.text("Error: "), "input_text") }
            for (index, piece) in result.content.enumerated() {
                let mark = piece.cache ?? (index == result.content.count - 1 ? cache : nil)
                try writePart(CanonicalBlock(piece.part, cache: mark), "input_text")
            }
            json.endArray()
        }
        json.endObject()
    }

    // MARK: The rest

    private mutating func writeTools(_ request: CanonicalRequest) {
        if !request.tools.isEmpty {
            json.beginArray("tools")
            for tool in request.tools {
                json.beginObject()
                json.field("type", tool.isCustom ? "custom" : "function")
                json.field("name", tool.name)
                json.field("description", tool.description)
                if !tool.isCustom {
                    json.rawField("parameters", tool.schema ?? Array(#"{"type":"object","properties":{}}"#.utf8))
                    // Responses are strict unless told otherwise, and most schemas do not meet that.
                    json.field("strict", tool.strict ?? false)
                }
                json.endObject()
                if tool.cache != nil { drop("tools[].cache_control") }
            }
            json.endArray()
        }
        writeToolChoice(request)
        if let parallel = request.parallelToolCalls { json.field("parallel_tool_calls", parallel) }
    }

    private mutating func writeToolChoice(_ request: CanonicalRequest) {
        func type(_ name: String) -> String { request.tools.contains { $0.isCustom && $0.name == name } ? "custom" : "function" }
        if let allowed = request.allowedTools {
            json.beginObject("tool_choice")
            json.field("type", "allowed_tools")
            json.field("mode", request.toolChoice == .required ? "required" : "auto")
            json.beginArray("tools")
            for name in allowed {
                json.beginObject()
                json.field("type", type(name))
                json.field("name", name)
                json.endObject()
            }
            json.endArray()
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
            json.field("type", type(name))
            json.field("name", name)
            json.endObject()
        }
    }

    private mutating func writeReasoning(_ wish: CanonicalReasoning?) {
        guard let wish else { return }
        json.beginObject("reasoning")
        if wish.isOff {
            json.field("effort", "none")
        } else if let effort = wish.effort {
            json.field("effort", effort)
        } else if let budget = wish.budget {
            json.field("effort", budget <= 1024 ? "low" : budget <= 4096 ? "medium" : "high")
        }
        if !wish.isOff, wish.display != "omitted" { json.field("summary", "auto") }
        json.endObject()
    }

    private mutating func writeText(_ request: CanonicalRequest) {
        guard request.format != nil || request.verbosity != nil else { return }
        json.beginObject("text")
        if let format = request.format { write(format) }
        json.field("verbosity", request.verbosity)
        json.endObject()
    }

    private mutating func write(_ format: CanonicalFormat) {
        json.beginObject("format")
        switch format {
        case .jsonObject: json.field("type", "json_object")
        case .jsonSchema(let name, let schema, let strict):
            json.field("type", "json_schema")
            json.field("name", name ?? "answer")
            json.rawField("schema", schema)
            if let strict { json.field("strict", strict) }
        }
        json.endObject()
    }

    private mutating func drop(_ name: String) {
        if !dropped.contains(name) { dropped.append(name) }
    }
}

/// OpenAI's sealed reasoning as it travels through a client of Messages: in a thinking block's signature.
enum SealedReasoning {
    private static let mark = "weir-reasoning:"

    static func seal(id: String, _ content: String) -> String { "\(mark)\(id):\(content)" }

    /// Nil when the signature is another provider's.
    static func open(_ signature: String) -> (id: String, content: String)? {
        guard signature.hasPrefix(mark) else { return nil }
        let rest = signature.dropFirst(mark.count)
        guard let colon = rest.firstIndex(of: ":") else { return nil }
        return (String(rest[..<colon]), String(rest[rest.index(after: colon)...]))
    }
}
