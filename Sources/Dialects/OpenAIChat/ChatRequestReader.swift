// ChatRequestReader: a chat completions request as a canonical one (protocols.md, sections 1.1 and 9.1).

import WireFormat

/// Reads a validated body of `/v1/chat/completions`.
package func readChatRequest(_ body: UnsafeRawBufferPointer) throws(TranslationRefusal) -> CanonicalRequest {
    guard let object = JSONObjectView(body) else { throw TranslationRefusal("body", "is no JSON object") }
    var reader = ChatRequestReader()
    for member in object.members where member.kind != .null { try reader.read(member) }
    return reader.request
}

private struct ChatRequestReader {
    var request = CanonicalRequest()

    mutating func read(_ member: JSONMember) throws(TranslationRefusal) {
        let name = member.key
        switch name {
        case "model": request.model = member.string ?? ""
        case "messages":
            guard let messages = member.elements else { throw TranslationRefusal("messages", "must be an array") }
            for (index, message) in messages.enumerated() { try readMessage(message, "messages[\(index)]") }
        case "tools": try readTools(member)
        case "tool_choice": try readToolChoice(member)
        case "parallel_tool_calls": request.parallelToolCalls = member.boolean
        case "max_tokens", "max_completion_tokens":
            if let count = member.integer { request.maxOutputTokens = max(count, request.maxOutputTokens ?? 0) }
        case "temperature": request.temperature = member.numberText
        case "top_p": request.topP = member.numberText
        case "top_k": request.topK = member.numberText
        case "stop": request.stopSequences = member.string.map { [$0] } ?? (member.elements ?? []).compactMap(\.string)
        case "reasoning_effort":
            var reasoning = CanonicalReasoning(effort: member.string)
            reasoning.isOff = reasoning.effort == "none"
            request.reasoning = reasoning
        case "response_format": try readFormat(member)
        case "stream": request.stream = member.boolean ?? false
        case "stream_options": request.includeUsage = member.object?["include_usage"]?.boolean ?? false
        case "safety_identifier": request.userID = member.string
        case "user": request.userID = request.userID ?? member.string
        case "service_tier": request.serviceTier = member.string
        case "verbosity": request.verbosity = member.string
        case "prompt_cache_key": request.promptCacheKey = member.string
        case "n":
            guard member.integer ?? 1 == 1 else { request.sampling[name] = member.json; return }
        case "frequency_penalty", "presence_penalty", "logit_bias", "seed", "logprobs", "top_logprobs":
            request.sampling[name] = member.json
        case "store": if member.boolean == true { note(name) }
        case "functions", "function_call": throw TranslationRefusal(name, "is the form before `tools`; send `tools` and `tool_choice`")
        case "web_search_options": throw TranslationRefusal(name, "is a tool of OpenAI's own, which another provider does not have")
        case "modalities":
            if (member.elements ?? []).contains(where: { $0.string != "text" }) {
                throw TranslationRefusal(name, "asks for more than text")
            }
        case "audio": throw TranslationRefusal(name, "asks for audio")
        default: note(name)
        }
    }

    private mutating func readMessage(_ element: JSONElement, _ path: String) throws(TranslationRefusal) {
        guard let message = element.object, let role = message["role"]?.string else {
            throw TranslationRefusal(path, "must be an object with a role")
        }
        switch role {
        case "system", "developer":
            request.messages.append(CanonicalMessage(.system, marked(try readContent(message, path), message)))
        case "user": request.messages.append(CanonicalMessage(.user, marked(try readContent(message, path), message)))
        case "assistant": try readAssistant(message, path)
        case "tool":
            guard let id = message["tool_call_id"]?.string else { throw TranslationRefusal("\(path).tool_call_id", "is missing") }
            let result = CanonicalToolResult(callID: id, content: try readContent(message, path))
            request.appendResult(CanonicalBlock(.toolResult(result), cache: cachePeriod(message)))
        default: throw TranslationRefusal("\(path).role", "is unknown: \(role)")
        }
        if message["name"] != nil { note("messages[].name") }
    }

    private mutating func readAssistant(_ message: JSONObjectView, _ path: String) throws(TranslationRefusal) {
        var blocks: [CanonicalBlock] = []
        // Thinking goes first: that is where its provider put it.
        if let details = message["reasoning_details"]?.elements {
            for detail in details.compactMap(\.object) { readReasoningDetail(detail, into: &blocks) }
        } else if let text = message["reasoning_content"]?.string ?? message["reasoning"]?.string, !text.isEmpty {
            blocks.append(CanonicalBlock(.thinking(text, signature: nil)))
        }
        blocks += try readContent(message, path)
        if let refusal = message["refusal"]?.string { blocks.append(CanonicalBlock(.refusal(refusal))) }
        for (index, element) in (message["tool_calls"]?.elements ?? []).enumerated() {
            let place = "\(path).tool_calls[\(index)]"
            guard let call = element.object, let id = call["id"]?.string else { throw TranslationRefusal("\(place).id", "is missing") }
            let isCustom = call["type"]?.string == "custom"
            guard let function = (isCustom ? call["custom"] : call["function"])?.object, let name = function["name"]?.string else {
                throw TranslationRefusal("\(place).function", "is missing")
            }
            let arguments = (isCustom ? function["input"] : function["arguments"])?.string ?? ""
            blocks.append(CanonicalBlock(.toolCall(CanonicalToolCall(id: id, name: name, arguments: arguments, isCustom: isCustom))))
        }
        if message["audio"] != nil { throw TranslationRefusal("\(path).audio", "refers to audio that only its provider has") }
        request.messages.append(CanonicalMessage(.assistant, marked(blocks, message)))
    }

    /// A cache mark on a whole message, as several clients and gateways write it for Claude, stands on its last block.
    private mutating func marked(_ blocks: [CanonicalBlock], _ message: JSONObjectView) -> [CanonicalBlock] {
        guard let mark = cachePeriod(message) else { return blocks }
        guard let last = blocks.lastIndex(where: { $0.takesCacheMark }) else {
            note("messages[].cache_control")
            return blocks
        }
        var blocks = blocks
        blocks[last].cache = blocks[last].cache ?? mark
        return blocks
    }

    private func readReasoningDetail(_ detail: JSONObjectView, into blocks: inout [CanonicalBlock]) {
        switch detail["type"]?.string {
        case "reasoning.encrypted": if let data = detail["data"]?.string { blocks.append(CanonicalBlock(.redactedThinking(data))) }
        case "reasoning.text":
            let text = detail["text"]?.string ?? ""
            let signature = detail["signature"]?.string
            // A stream carries text and signature in pieces, which clients send back as they came.
            if case .thinking(let before, nil)? = blocks.last?.part {
                blocks[blocks.count - 1].part = .thinking(before + text, signature: signature)
            } else {
                blocks.append(CanonicalBlock(.thinking(text, signature: signature)))
            }
        default: break
        }
    }

    private mutating func readContent(_ message: JSONObjectView, _ path: String) throws(TranslationRefusal) -> [CanonicalBlock] {
        guard let content = message["content"] else { return [] }
        if let text = content.string { return text.isEmpty ? [] : [.text(text)] }
        guard let parts = content.elements else { throw TranslationRefusal("\(path).content", "must be a string or an array") }
        var blocks: [CanonicalBlock] = []
        for (index, element) in parts.enumerated() {
            let place = "\(path).content[\(index)]"
            guard let part = element.object, let type = part["type"]?.string else { throw TranslationRefusal(place, "has no type") }
            var block: CanonicalBlock
            switch type {
            case "text": block = .text(part["text"]?.string ?? "")
            case "refusal": block = CanonicalBlock(.refusal(part["refusal"]?.string ?? ""))
            case "image_url":
                guard let image = part["image_url"]?.object, let url = image["url"]?.string else {
                    throw TranslationRefusal("\(place).image_url.url", "is missing")
                }
                block = CanonicalBlock(.image(CanonicalMedia(dataURL: url) ?? .url(url), detail: image["detail"]?.string))
            case "input_audio":
                guard let audio = part["input_audio"]?.object, let data = audio["data"]?.string else {
                    throw TranslationRefusal("\(place).input_audio.data", "is missing")
                }
                block = CanonicalBlock(.audio(data: data, format: audio["format"]?.string ?? "wav"))
            case "file":
                guard let file = part["file"]?.object else { throw TranslationRefusal("\(place).file", "is missing") }
                if let id = file["file_id"]?.string {
                    block = CanonicalBlock(.document(.file(id: id), name: nil))
                } else if let data = file["file_data"]?.string {
                    let media = CanonicalMedia(dataURL: data) ?? .base64(mediaType: "application/pdf", data: data)
                    block = CanonicalBlock(.document(media, name: file["filename"]?.string))
                } else {
                    throw TranslationRefusal("\(place).file.file_data", "is missing")
                }
            default: throw TranslationRefusal("\(place).type", "has no counterpart: \(type)")
            }
            if let mark = part["prompt_cache_breakpoint"]?.object { block.cache = mark["ttl"]?.string == "12h" ? .long : .short }
            block.cache = block.cache ?? cachePeriod(part)
            blocks.append(block)
        }
        return blocks
    }

    private mutating func readTools(_ member: JSONMember) throws(TranslationRefusal) {
        for (index, element) in (member.elements ?? []).enumerated() {
            let place = "tools[\(index)]"
            guard let tool = element.object, let type = tool["type"]?.string else { throw TranslationRefusal(place, "has no type") }
            switch type {
            case "function":
                guard let function = tool["function"]?.object, let name = function["name"]?.string else {
                    throw TranslationRefusal("\(place).function.name", "is missing")
                }
                var read = CanonicalTool(
                    name: name, description: function["description"]?.string, schema: function["parameters"]?.json,
                    strict: function["strict"]?.boolean)
                read.cache = cachePeriod(tool) ?? cachePeriod(function)
                request.tools.append(read)
            case "custom":
                guard let custom = tool["custom"]?.object, let name = custom["name"]?.string else {
                    throw TranslationRefusal("\(place).custom.name", "is missing")
                }
                if custom["format"]?.object?["type"]?.string == "grammar" { note("tools[].custom.format") }
                var read = CanonicalTool(name: name, description: custom["description"]?.string, isCustom: true)
                read.cache = cachePeriod(tool) ?? cachePeriod(custom)
                request.tools.append(read)
            default: throw TranslationRefusal("\(place).type", "is a tool of one provider alone: \(type)")
            }
        }
    }

    private mutating func readToolChoice(_ member: JSONMember) throws(TranslationRefusal) {
        switch member.string {
        case "auto": request.toolChoice = .auto
        case "none": request.toolChoice = CanonicalToolChoice.none
        case "required": request.toolChoice = .required
        default:
            guard let object = member.object else { throw TranslationRefusal("tool_choice", "is unknown") }
            if let name = (object["function"] ?? object["custom"])?.object?["name"]?.string {
                request.toolChoice = .named(name)
            } else if let allowed = object["allowed_tools"]?.object {
                let names = (allowed["tools"]?.elements ?? []).compactMap {
                    ($0.object?["function"] ?? $0.object?["custom"])?.object?["name"]?.string ?? $0.object?["name"]?.string
                }
                request.allowTools(names, required: allowed["mode"]?.string == "required")
            } else {
                throw TranslationRefusal("tool_choice", "is unknown")
            }
        }
    }

    private mutating func readFormat(_ member: JSONMember) throws(TranslationRefusal) {
        guard let format = member.object else { return }
        switch format["type"]?.string {
        case "text": break
        case "json_object": request.format = .jsonObject
        case "json_schema":
            guard let inner = format["json_schema"]?.object, let schema = inner["schema"]?.json else {
                throw TranslationRefusal("response_format.json_schema.schema", "is missing")
            }
            request.format = .jsonSchema(name: inner["name"]?.string, schema: schema, strict: inner["strict"]?.boolean)
        default: throw TranslationRefusal("response_format.type", "is unknown")
        }
    }

    private mutating func note(_ name: String) { request.note(name) }
}

extension CanonicalMedia {
    /// The parts of `data:<type>;base64,<data>`; nil for any other text.
    init?(dataURL text: String) {
        guard text.hasPrefix("data:"), let comma = text.firstIndex(of: ",") else { return nil }
        let head = text[text.index(text.startIndex, offsetBy: 5)..<comma]
        guard head.hasSuffix(";base64") else { return nil }
        let type = head.dropLast(";base64".count).split(separator: ";").first.map(String.init) ?? "application/octet-stream"
        self = .base64(mediaType: type, data: String(text[text.index(after: comma)...]))
    }

    /// As an URL, data inlined; nil for a file that only its provider has.
    var url: String? {
        switch self {
        case .base64(let type, let data): "data:\(type);base64,\(data)"
        case .url(let url): url
        case .file: nil
        }
    }
}
