// GeminiRequestWriter: a canonical request as generateContent says it (protocols.md, sections 5 and 9.1).

import WireFormat

/// Writes a body for `:generateContent` and `:streamGenerateContent`. The model and whether it streams stand in the path.
package func writeGeminiRequest(
    _ request: CanonicalRequest, for target: TranslationTarget
) throws(TranslationRefusal) -> TranslatedRequest {
    var writer = GeminiRequestWriter(request, GeminiModel(target.model))
    return TranslatedRequest(body: try writer.write(request), dropped: writer.dropped)
}

private struct GeminiRequestWriter: ~Copyable {
    var json = JSONWriter(capacity: 4096)
    var dropped: [String]
    private let model: GeminiModel
    /// The function that each call of the conversation called.
    private var names: [String: String] = [:]

    init(_ request: CanonicalRequest, _ model: GeminiModel) {
        dropped = request.unmapped
        self.model = model
        for message in request.messages {
            for block in message.blocks { if case .toolCall(let call) = block.part { names[call.id] = call.name } }
        }
    }

    mutating func write(_ request: CanonicalRequest) throws(TranslationRefusal) -> [UInt8] {
        json.beginObject()
        let turns = Turn.merged(request.messages)
        json.beginArray("contents")
        let running = (turns.lastIndex { $0.role == .user } ?? -1) + 1
        for (index, turn) in turns.enumerated() { try write(turn, isRunning: index >= running) }
        json.endArray()
        try writeSystem(request.messages.prefix { $0.role == .system }.flatMap(\.blocks))
        writeTools(request)
        try writeGeneration(request)
        if let tier = request.serviceTier, tier != "auto", tier != "default" {
            if tier == "flex" || tier == "priority" { json.field("serviceTier", tier) } else { drop("service_tier") }
        }
        if request.userID != nil { drop("user") }
        if request.verbosity != nil { drop("verbosity") }
        json.endObject()
        return json.bytes
    }

    // MARK: Messages

    private mutating func writeSystem(_ blocks: [CanonicalBlock]) throws(TranslationRefusal) {
        let texts = blocks.filter { !$0.text.isEmpty }
        guard !texts.isEmpty else { return }
        json.beginObject("systemInstruction")
        json.beginArray("parts")
        for block in texts { try write(block) }
        json.endArray()
        json.endObject()
    }

    private mutating func write(_ turn: Turn, isRunning: Bool) throws(TranslationRefusal) {
        if turn.hasLateSystem { drop("messages[].role:system") }
        let blocks = turn.blocks.filter { !$0.isEmptyText }
        guard !blocks.isEmpty else { return }
        json.beginObject()
        json.field("role", turn.role == .assistant ? "model" : "user")
        json.beginArray("parts")
        if turn.role == .assistant {
            try writeAnswer(blocks, isRunning: isRunning)
        } else {
            for block in blocks { try write(block) }
        }
        json.endArray()
        json.endObject()
    }

    /// An answer of the model's: each signature goes back to the part that it stood on.
    private mutating func writeAnswer(_ blocks: [CanonicalBlock], isRunning: Bool) throws(TranslationRefusal) {
        var onCalls: [Int: String] = [:]
        var onText: String?
        for block in blocks {
            guard case .thinking(_, let carried?) = block.part, let signature = GeminiSignature(carried: carried) else { continue }
            switch signature.place {
            case .call(let number): onCalls[number] = signature.value
            case .text: onText = signature.value
            case .thought: break
            }
        }
        let lastText = blocks.lastIndex { !$0.text.isEmpty }
        var calls = 0
        for (index, block) in blocks.enumerated() {
            switch block.part {
            case .toolCall(let call):
                if block.cache != nil { drop("cache_control") }
                var signature = onCalls[calls]
                if signature == nil, calls == 0, onCalls.isEmpty, isRunning, model.wantsSignatures {
                    signature = GeminiSignature.skip
                    drop("messages[].thinking")
                }
                write(call, signature)
                calls += 1
            case .thinking(let text, let carried):
                writeThought(text, carried)
            case .redactedThinking: drop("messages[].thinking")
            default: try write(block, signature: index == lastText ? onText : nil)
            }
        }
        if lastText == nil, let onText {
            json.beginObject()
            json.field("text", "")
            json.field("thoughtSignature", onText)
            json.endObject()
        }
    }

    /// A shown thought goes back as Google's own clients send it. Another provider's signature has been taken out before.
    private mutating func writeThought(_ text: String, _ carried: String?) {
        let signature = carried.flatMap { GeminiSignature(carried: $0) }
        let isSigned = signature?.place == .thought
        guard !text.isEmpty || isSigned else { return }
        json.beginObject()
        json.field("text", text)
        json.field("thought", true)
        if isSigned { json.field("thoughtSignature", signature?.value) }
        json.endObject()
    }

    private mutating func write(_ call: CanonicalToolCall, _ signature: String?) {
        json.beginObject()
        json.beginObject("functionCall")
        if !GeminiCallID.isMinted(call.id) { json.field("id", call.id) }
        json.field("name", call.name)
        json.rawField("args", argumentsObject(call))
        json.endObject()
        json.field("thoughtSignature", signature)
        json.endObject()
    }

    private mutating func write(_ block: CanonicalBlock, signature: String? = nil) throws(TranslationRefusal) {
        if block.cache != nil { drop("cache_control") }
        if case .toolResult(let result) = block.part {
            try write(result)
            return
        }
        json.beginObject()
        switch block.part {
        case .text(let text), .refusal(let text): json.field("text", text)
        case .image(let media, let detail):
            if let detail, detail != "auto" { drop("image_url.detail") }
            try writeMedia(media, "image_url.url")
        case .document(let media, let name):
            if name != nil { drop("file.filename") }
            try writeMedia(media, "file.file_data")
        case .audio(let data, let format): try writeMedia(.base64(mediaType: "audio/\(format)", data: data), "input_audio")
        case .toolCall, .toolResult, .thinking, .redactedThinking: break
        }
        json.field("thoughtSignature", signature)
        json.endObject()
    }

    private mutating func writeMedia(_ media: CanonicalMedia, _ parameter: String) throws(TranslationRefusal) {
        switch media {
        case .base64(let type, let data):
            json.beginObject("inlineData")
            json.field("mimeType", type)
            json.field("data", data)
        case .url(let url):
            guard url.hasPrefix("http://") || url.hasPrefix("https://") else {
                throw TranslationRefusal(parameter, "is neither an http URL nor base64 data")
            }
            json.beginObject("fileData")
            json.field("mimeType", mediaType(ofURL: url))
            json.field("fileUri", url)
        case .file: throw TranslationRefusal("file_id", "names a file of another provider")
        }
        json.endObject()
    }

    private mutating func write(_ result: CanonicalToolResult) throws(TranslationRefusal) {
        guard let name = names[result.callID] else {
            throw TranslationRefusal("tool_call_id", "answers no call of this conversation: \(result.callID)")
        }
        if result.content.contains(where: { $0.cache != nil }) { drop("cache_control") }
        let text = result.content.map(\.text).joined()
        let media = result.content.filter { $0.text.isEmpty && !$0.isEmptyText }
        json.beginObject()
        json.beginObject("functionResponse")
        if !GeminiCallID.isMinted(result.callID) { json.field("id", result.callID) }
        json.field("name", name)
        json.beginObject("response")
        if result.isError { json.field("error", text) } else { json.field("output", text) }
        json.endObject()
        if !media.isEmpty, model.readsMediaInResponses {
            json.beginArray("parts")
            for block in media { try write(block) }
            json.endArray()
        }
        json.endObject()
        json.endObject()
        // Older models read pictures beside a response and not in it.
        if !model.readsMediaInResponses { for block in media { try write(block) } }
    }

    // MARK: Tools

    private mutating func writeTools(_ request: CanonicalRequest) {
        guard !request.tools.isEmpty else { return }
        json.beginArray("tools")
        json.beginObject()
        json.beginArray("functionDeclarations")
        for tool in request.tools {
            json.beginObject()
            json.field("name", tool.name)
            json.field("description", tool.description)
            if tool.isCustom {
                json.rawField("parametersJsonSchema", freeTextSchema.utf8)
            } else if let schema = tool.schema {
                json.rawField("parametersJsonSchema", schema)
            }
            if tool.strict == true { drop("tools[].strict") }
            if tool.cache != nil { drop("cache_control") }
            json.endObject()
        }
        json.endArray()
        json.endObject()
        json.endArray()
        if request.parallelToolCalls == false { drop("parallel_tool_calls") }
        guard let choice = request.toolChoice else { return }
        json.beginObject("toolConfig")
        json.beginObject("functionCallingConfig")
        switch choice {
        case .auto: json.field("mode", "AUTO")
        case .none: json.field("mode", "NONE")
        case .required: json.field("mode", "ANY")
        case .named(let name):
            json.field("mode", "ANY")
            writeAllowed([name])
        }
        if let allowed = request.allowedTools { writeAllowed(allowed) }
        json.endObject()
        json.endObject()
    }

    private mutating func writeAllowed(_ names: [String]) {
        json.beginArray("allowedFunctionNames")
        for name in names { json.element(name) }
        json.endArray()
    }

    // MARK: Generation

    private mutating func writeGeneration(_ request: CanonicalRequest) throws(TranslationRefusal) {
        json.beginObject("generationConfig")
        if let temperature = request.temperature { json.rawField("temperature", temperature.utf8) }
        if let topP = request.topP { json.rawField("topP", topP.utf8) }
        if let topK = request.topK { json.rawField("topK", topK.utf8) }
        if let limit = request.maxOutputTokens { json.field("maxOutputTokens", limit) }
        if !request.stopSequences.isEmpty {
            // Gemini takes five.
            if request.stopSequences.count > 5 { drop("stop_sequences[5...]") }
            json.beginArray("stopSequences")
            for stop in request.stopSequences.prefix(5) { json.element(stop) }
            json.endArray()
        }
        for (name, value) in request.sampling.sorted(by: { $0.key < $1.key }) {
            switch name {
            case "seed": json.rawField("seed", value)
            case "frequency_penalty": json.rawField("frequencyPenalty", value)
            case "presence_penalty": json.rawField("presencePenalty", value)
            case "n": throw TranslationRefusal("n", "asks for several answers, and a translated answer carries one")
            default: drop(name)
            }
        }
        switch request.format {
        case nil: break
        case .jsonObject?: json.field("responseMimeType", "application/json")
        case .jsonSchema(_, let schema, _)?:
            json.field("responseMimeType", "application/json")
            json.rawField("responseJsonSchema", schema)
        }
        writeThinking(request.reasoning)
        json.endObject()
    }

    private mutating func writeThinking(_ reasoning: CanonicalReasoning?) {
        guard let reasoning else { return }
        json.beginObject("thinkingConfig")
        if reasoning.isOff || reasoning.effort == "none" {
            if model.canStopThinking {
                json.field("thinkingBudget", 0)
            } else {
                // It always thinks: as little as it can.
                drop("reasoning_effort:none")
                if model.thinksByLevel { json.field("thinkingLevel", "MINIMAL") } else { json.field("thinkingBudget", 128) }
            }
        } else {
            json.field("includeThoughts", reasoning.display != "omitted")
            if let budget = reasoning.budget {
                json.field("thinkingBudget", fitted(budget))
            } else if let effort = reasoning.effort {
                if model.thinksByLevel {
                    json.field("thinkingLevel", effort == "max" ? "XHIGH" : effort.uppercased())
                } else {
                    let budgets: [String: Int64] = [
                        "minimal": 512, "low": 1024, "medium": 2048, "high": 4096, "xhigh": 8192, "max": 16_384,
                    ]
                    json.field("thinkingBudget", budgets[effort] ?? 2048)
                }
            }
        }
        json.endObject()
    }

    /// The budget as this model takes it; a changed one is named. Below nothing the model decides, and nothing switches it off.
    private mutating func fitted(_ budget: Int64) -> Int64 {
        guard let range = model.thinkingBudgets, budget > 0 || budget == 0 && !model.canStopThinking else { return budget }
        guard !range.contains(budget) else { return budget }
        drop("thinking.budget_tokens:\(budget)")
        return min(max(budget, range.lowerBound), range.upperBound)
    }

    private mutating func drop(_ name: String) {
        if !dropped.contains(name) { dropped.append(name) }
    }
}

/// One content as Gemini wants them: neighbours of one speaker are one, results of functions stand by themselves.
private struct Turn {
    var role: CanonicalRole
    var blocks: [CanonicalBlock]
    var hasLateSystem = false

    static func merged(_ messages: [CanonicalMessage]) -> [Turn] {
        var turns: [Turn] = []
        for message in messages.drop(while: { $0.role == .system }) {
            var turn = Turn(role: message.role, blocks: message.blocks)
            if message.role == .system {
                turn = Turn(role: .user, blocks: [message.asTaggedText], hasLateSystem: true)
            }
            if let last = turns.last, last.role == turn.role {
                turns[turns.count - 1].blocks += turn.blocks
                if turn.hasLateSystem { turns[turns.count - 1].hasLateSystem = true }
            } else {
                turns.append(turn)
            }
        }
        return turns
    }
}

extension CanonicalBlock {
    /// A text of nothing, which is an error there.
    fileprivate var isEmptyText: Bool {
        switch part {
        case .text(let text), .refusal(let text): text.isEmpty
        default: false
        }
    }
}

/// The media type that a URL's ending says.
private func mediaType(ofURL url: String) -> String? {
    let path = url.split(separator: "?").first.map(String.init) ?? url
    let types = [
        (".png", "image/png"), (".jpg", "image/jpeg"), (".jpeg", "image/jpeg"), (".webp", "image/webp"), (".gif", "image/gif"),
        (".heic", "image/heic"), (".pdf", "application/pdf"),
    ]
    return types.first { path.lowercased().hasSuffix($0.0) }?.1
}
