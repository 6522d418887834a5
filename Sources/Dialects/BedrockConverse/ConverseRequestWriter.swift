// ConverseRequestWriter: a canonical request as Converse says it (protocols.md, sections 4.3 and 9.1).

import WireFormat

/// Writes a body for `/model/{id}/converse` or `converse-stream`.
package func writeConverseRequest(
    _ request: CanonicalRequest, for target: TranslationTarget
) throws(TranslationRefusal) -> TranslatedRequest {
    var writer = ConverseRequestWriter(target.model, dropped: request.unmapped)
    return TranslatedRequest(body: try writer.write(request, target), dropped: writer.dropped)
}

private struct ConverseRequestWriter: ~Copyable {
    var json = JSONWriter(capacity: 4096)
    var dropped: [String]
    private let isClaude: Bool
    private var marks = 0
    private var documents = 0
    private var documentNames: Set<String> = []

    init(_ model: String, dropped: [String]) {
        isClaude = isBedrockClaude(model)
        self.dropped = dropped
    }

    mutating func write(_ given: CanonicalRequest, _ target: TranslationTarget) throws(TranslationRefusal) -> [UInt8] {
        let turns = CanonicalTurn.merged(given.messages) { drop($0) }
        let limit = given.maxOutputTokens ?? target.maxOutputTokens
        let thinking = isClaude ? claudeThinking(given, turns, limit: limit, model: target.knownModel) { drop($0) } : .none
        let request = isClaude ? given.withoutSampling(for: target.knownModel, thinking) { drop($0) } : given
        json.beginObject()
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
        writeInference(request, limit: needsLimit(thinking) ? limit : request.maxOutputTokens)
        try writeTools(request, turns)
        writeOutput(request, thinking)
        writeAdditional(request, thinking, model: target.model)
        if request.sampling["n"] != nil { throw TranslationRefusal("n", "asks for several answers, and Bedrock gives one") }
        for name in request.sampling.keys.sorted() { drop(name) }
        if request.verbosity != nil { drop("verbosity") }
        writeUser(request.userID)
        writeTier(request.serviceTier)
        json.endObject()
        return json.bytes
    }

    /// A budget of thinking is a part of a limit that must be there.
    private func needsLimit(_ thinking: ClaudeThinking) -> Bool {
        if case .budget = thinking { true } else { false }
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
        guard try write(block.part) else { return }
        var mark = block.cache
        // Inside a result none may stand, so it goes behind.
        if case .toolResult(let result) = block.part { mark = mark ?? result.content.last { $0.cache != nil }?.cache }
        writeMark(mark)
    }

    /// Writes one block; false when nothing of it is left.
    private mutating func write(_ part: CanonicalPart) throws(TranslationRefusal) -> Bool {
        switch part {
        case .text(let text), .refusal(let text):
            json.beginObject()
            json.field("text", text)
        case .image(let media, let detail):
            if let detail, detail != "auto" { drop("image_url.detail") }
            json.beginObject()
            json.beginObject("image")
            try writeMedia(media, "image_url.url", ConverseMedia.imageFormat)
            json.endObject()
        case .document(let media, let name):
            json.beginObject()
            json.beginObject("document")
            json.field("name", uniqueName(name))
            try writeMedia(media, "file.file_data", ConverseMedia.documentFormat)
            json.endObject()
        case .audio(let data, let format):
            guard !isClaude else { throw TranslationRefusal("input_audio", "cannot be read by an Anthropic model") }
            json.beginObject()
            json.beginObject("audio")
            json.field("format", format)
            json.beginObject("source")
            json.field("bytes", data)
            json.endObject()
            json.endObject()
        case .toolCall(let call):
            json.beginObject()
            json.beginObject("toolUse")
            json.field("toolUseId", bedrockToolID(call.id))
            json.field("name", call.name)
            json.rawField("input", argumentsObject(call))
            json.endObject()
        case .toolResult(let result): try write(result)
        case .thinking(let text, let signature):
            // Claude refuses thinking that nobody signed, and other models take none back: it is in no turn.
            guard let signature else { return false }
            json.beginObject()
            json.beginObject("reasoningContent")
            json.beginObject("reasoningText")
            json.field("text", text)
            json.field("signature", signature)
            json.endObject()
            json.endObject()
        case .redactedThinking(let data):
            json.beginObject()
            json.beginObject("reasoningContent")
            json.field("redactedContent", redactedContent(data))
            json.endObject()
        }
        json.endObject()
        return true
    }

    private mutating func write(_ result: CanonicalToolResult) throws(TranslationRefusal) {
        json.beginObject()
        json.beginObject("toolResult")
        json.field("toolUseId", bedrockToolID(result.callID))
        json.beginArray("content")
        for piece in result.content { _ = try write(piece.part) }
        json.endArray()
        if result.isError { json.field("status", "error") }
        json.endObject()
    }

    /// At most four cache marks; the first ones count, since they cover the longest-lived prefix.
    private mutating func writeMark(_ cache: CachePeriod?) {
        guard let cache else { return }
        marks += 1
        guard marks <= 4 else {
            drop("prompt_cache_breakpoint")
            return
        }
        json.beginObject()
        json.beginObject("cachePoint")
        json.field("type", "default")
        if cache == .long { json.field("ttl", "1h") }
        json.endObject()
        json.endObject()
    }

    private mutating func writeMedia(
        _ media: CanonicalMedia, _ parameter: String, _ format: (String) -> String?
    ) throws(TranslationRefusal) {
        switch media {
        case .base64(let type, let data):
            guard let format = format(type) else { throw TranslationRefusal(parameter, "is of a type that Bedrock does not take: \(type)") }
            json.field("format", format)
            json.beginObject("source")
            json.field("bytes", data)
            json.endObject()
        case .url(let url):
            let ending = url.split(separator: ".").last.map { String($0).lowercased() } ?? ""
            let types = ["image/\(ending == "jpg" ? "jpeg" : ending)", ConverseMedia.documentType(ending)]
            guard url.hasPrefix("s3://"), let format = types.compactMap(format).first else {
                throw TranslationRefusal(parameter, "is a URL, and Bedrock takes bytes or an object in S3")
            }
            json.field("format", format)
            json.beginObject("source")
            json.beginObject("s3Location")
            json.field("uri", url)
            json.endObject()
            json.endObject()
        case .file: throw TranslationRefusal("file_id", "names a file of another provider")
        }
    }

    /// Two documents of one name are an error there.
    private mutating func uniqueName(_ name: String?) -> String {
        let name = ConverseMedia.documentName(name)
        documents += 1
        if documentNames.insert(name).inserted { return name }
        let other = "\(name.prefix(190)) \(documents)"
        documentNames.insert(other)
        return other
    }

    // MARK: Settings

    private mutating func writeInference(_ request: CanonicalRequest, limit: Int64?) {
        guard limit != nil || request.temperature != nil || request.topP != nil || !request.stopSequences.isEmpty else { return }
        json.beginObject("inferenceConfig")
        if let limit { json.field("maxTokens", limit) }
        if let temperature = request.temperature {
            // Converse's range ends at 1, OpenAI's at 2.
            if let value = Double(temperature), value > 1 {
                drop("temperature")
                json.field("temperature", 1)
            } else {
                json.rawField("temperature", temperature.utf8)
            }
        }
        if let topP = request.topP { json.rawField("topP", topP.utf8) }
        if !request.stopSequences.isEmpty {
            json.beginArray("stopSequences")
            for stop in request.stopSequences { json.element(stop) }
            json.endArray()
        }
        json.endObject()
    }

    private mutating func writeTools(_ request: CanonicalRequest, _ turns: [CanonicalTurn]) throws(TranslationRefusal) {
        var tools = request.tools
        let called = turns.flatMap(\.blocks).compactMap { if case .toolCall(let call) = $0.part { call.name } else { nil } }
        if request.toolChoice == CanonicalToolChoice.none {
            // There is no "none". Without tools none can be called, but a history that has calls needs them.
            guard called.isEmpty else {
                throw TranslationRefusal("tool_choice", "cannot be \"none\" where earlier turns called tools")
            }
            return
        }
        if tools.isEmpty {
            // Calls in the history want their tools described, whatever the client still offers.
            var seen: Set<String> = []
            tools = called.filter { seen.insert($0).inserted }.map { CanonicalTool(name: $0) }
        }
        guard !tools.isEmpty else { return }
        json.beginObject("toolConfig")
        json.beginArray("tools")
        for tool in tools {
            json.beginObject()
            json.beginObject("toolSpec")
            json.field("name", tool.name)
            if let description = tool.description, !description.isEmpty { json.field("description", description) }
            json.beginObject("inputSchema")
            json.rawField("json", tool.isCustom ? Array(freeTextSchema.utf8) : tool.schema ?? Array(emptySchema.utf8))
            json.endObject()
            if tool.strict == true { json.field("strict", true) }
            json.endObject()
            json.endObject()
            writeMark(tool.cache)
        }
        json.endArray()
        switch request.toolChoice {
        case .auto?: writeChoice("auto")
        case .required?: writeChoice("any")
        case .named(let name)?: writeChoice("tool", name)
        default: break
        }
        json.endObject()
    }

    private mutating func writeChoice(_ kind: StaticString, _ name: String? = nil) {
        json.beginObject("toolChoice")
        json.beginObject(kind)
        json.field("name", name)
        json.endObject()
        json.endObject()
    }

    private mutating func writeOutput(_ request: CanonicalRequest, _ thinking: ClaudeThinking) {
        var effort: String?
        if case .adaptive(let wish, _) = thinking { effort = wish }
        var wanted: (name: String?, schema: [UInt8])?
        switch request.format {
        case nil: break
        case .jsonObject?: drop("response_format")
        case .jsonSchema(let name, let schema, _)?: wanted = (name, schema)
        }
        guard effort != nil || wanted != nil else { return }
        json.beginObject("outputConfig")
        if let wanted {
            json.beginObject("textFormat")
            json.field("type", "json_schema")
            json.beginObject("structure")
            json.beginObject("jsonSchema")
            json.field("schema", String(decoding: wanted.schema, as: UTF8.self))
            json.field("name", wanted.name)
            json.endObject()
            json.endObject()
            json.endObject()
        }
        json.field("effort", effort)
        json.endObject()
    }

    /// What Converse has no member for and a model's own JSON has.
    private mutating func writeAdditional(_ request: CanonicalRequest, _ thinking: ClaudeThinking, model: String) {
        var own = JSONWriter(capacity: 256)
        own.beginObject()
        var isThinking = false
        if isClaude {
            switch thinking {
            case .none: break
            case .off:
                own.beginObject("thinking")
                own.field("type", "disabled")
                own.endObject()
            case .adaptive(_, let display):
                isThinking = true
                own.beginObject("thinking")
                own.field("type", "adaptive")
                own.field("display", display)
                own.endObject()
            case .budget(let budget):
                isThinking = true
                own.beginObject("thinking")
                own.field("type", "enabled")
                own.field("budget_tokens", budget)
                own.endObject()
            }
            if request.parallelToolCalls == false, !request.tools.isEmpty {
                own.beginObject("tool_choice")
                switch request.toolChoice {
                case .required?: own.field("type", "any")
                case .named(let name)?:
                    own.field("type", "tool")
                    own.field("name", name)
                default: own.field("type", "auto")
                }
                own.field("disable_parallel_tool_use", true)
                own.endObject()
            }
            if let topK = request.topK { own.rawField("top_k", topK.utf8) }
        } else {
            if let effort = request.reasoning?.effort {
                if isBedrockOpenAI(model) { own.field("reasoning_effort", effort) } else { drop("reasoning_effort") }
            } else if request.reasoning != nil {
                drop("thinking")
            }
            if request.parallelToolCalls == false { drop("parallel_tool_calls") }
            if request.topK != nil { drop("top_k") }
        }
        own.endObject()
        if own.count > 2 { json.rawField("additionalModelRequestFields", own.bytes) }
        // Thinking tokens are no part of Converse's usage: they are asked for.
        guard isThinking else { return }
        json.beginArray("additionalModelResponseFieldPaths")
        json.element("/usage/output_tokens_details")
        json.endArray()
    }

    /// AWS writes it into its invocation log.
    private mutating func writeUser(_ user: String?) {
        guard let user, !user.isEmpty else { return }
        let fits = user.utf8.count <= 256 && user.utf8.allSatisfy { isMetadataByte($0) }
        guard fits else {
            drop("user")
            return
        }
        json.beginObject("requestMetadata")
        json.field("user_id", user)
        json.endObject()
    }

    private mutating func writeTier(_ tier: String?) {
        guard let tier, tier != "auto" else { return }
        guard ["default", "flex", "priority", "reserved"].contains(tier) else {
            drop("service_tier")
            return
        }
        json.beginObject("serviceTier")
        json.field("type", tier)
        json.endObject()
    }

    private mutating func drop(_ name: String) {
        if !dropped.contains(name) { dropped.append(name) }
    }
}

/// Letters, digits, space and `:_@$#=/+,-.`
private func isMetadataByte(_ byte: UInt8) -> Bool {
    byte >= 48 && byte <= 57 || byte >= 65 && byte <= 90 || byte >= 97 && byte <= 122 || " :_@$#=/+,-.".utf8.contains(byte)
}
