// ResponsesRequestReader: a Responses request as a canonical one (protocols.md, sections 2.2, 2.3 and 9.1).

import WireFormat

/// Reads a validated body of `/v1/responses`.
package func readResponsesRequest(_ body: UnsafeRawBufferPointer) throws(TranslationRefusal) -> CanonicalRequest {
    guard let object = JSONObjectView(body) else { throw TranslationRefusal("body", "is no JSON object") }
    var reader = ResponsesRequestReader()
    if let instructions = object["instructions"]?.string, !instructions.isEmpty {
        reader.request.messages.append(CanonicalMessage(.system, [.text(instructions)]))
    }
    // The tools first: calls in the history are named by them.
    if let tools = object["tools"] { try reader.readTools(tools, "tools", namespace: nil) }
    for member in object.members where member.kind != .null { try reader.read(member) }
    try reader.refuseToBeLeftWithoutTools()
    return reader.request
}

private struct ResponsesRequestReader {
    var request = CanonicalRequest()
    private var hostedTools: [String] = []

    init() {}

    mutating func read(_ member: JSONMember) throws(TranslationRefusal) {
        let name = member.key
        switch name {
        case "instructions", "tools": break
        case "model": request.model = member.string ?? ""
        case "input": try readInput(member)
        case "tool_choice": try readToolChoice(member)
        case "parallel_tool_calls": request.parallelToolCalls = member.boolean
        case "max_output_tokens": request.maxOutputTokens = member.integer
        case "temperature": request.temperature = member.numberText
        case "top_p": request.topP = member.numberText
        case "reasoning":
            guard let wish = member.object else { return }
            var reasoning = CanonicalReasoning(effort: wish["effort"]?.string)
            reasoning.isOff = reasoning.effort == "none"
            reasoning.display = wish["summary"]?.string
            if reasoning.effort != nil || reasoning.display != nil { request.reasoning = reasoning }
        case "text": try readText(member)
        case "stream":
            request.stream = member.boolean ?? false
            request.includeUsage = true
        case "safety_identifier": request.userID = member.string
        case "user": request.userID = request.userID ?? member.string
        case "service_tier": request.serviceTier = member.string
        case "prompt_cache_key": request.promptCacheKey = member.string
        case "previous_response_id", "conversation", "prompt":
            throw TranslationRefusal(name, "refers to what only its provider keeps; send the whole input instead")
        case "background":
            if member.boolean == true { throw TranslationRefusal(name, "needs a provider that works in the background") }
        case "store": if member.boolean == true { request.note(name) }
        // What is asked for is what a translated answer has anyway, or is read by Weir itself.
        case "include":
            for item in (member.elements ?? []).compactMap(\.string) where item != "reasoning.encrypted_content" {
                request.note("include:\(item)")
            }
        case "client_metadata", "stream_options": break
        case "truncation": if member.string != "disabled" { request.note(name) }
        case "top_logprobs": if member.integer != 0 { request.note(name) }
        default: request.note(name)
        }
    }

    // MARK: Input

    private mutating func readInput(_ member: JSONMember) throws(TranslationRefusal) {
        if let text = member.string {
            request.messages.append(CanonicalMessage(.user, [.text(text)]))
            return
        }
        guard let items = member.elements else { throw TranslationRefusal("input", "must be a string or an array") }
        for (index, element) in items.enumerated() {
            guard let item = element.object else { throw TranslationRefusal("input[\(index)]", "must be an object") }
            try readItem(item, "input[\(index)]")
        }
    }

    private mutating func readItem(_ item: JSONObjectView, _ path: String) throws(TranslationRefusal) {
        let type = item["type"]?.string ?? "message"
        switch type {
        case "message": try readMessage(item, path)
        case "function_call", "custom_tool_call":
            guard let id = item["call_id"]?.string, let name = item["name"]?.string else {
                throw TranslationRefusal("\(path).call_id", "is missing")
            }
            let isCustom = type == "custom_tool_call"
            let call = CanonicalToolCall(
                id: id, name: CanonicalTool.flatName(name, in: item["namespace"]?.string),
                arguments: (isCustom ? item["input"] : item["arguments"])?.string ?? "", isCustom: isCustom)
            append(.assistant, CanonicalBlock(.toolCall(call)))
        case "function_call_output", "custom_tool_call_output":
            guard let id = item["call_id"]?.string else { throw TranslationRefusal("\(path).call_id", "is missing") }
            let content = try item["output"].map { output throws(TranslationRefusal) in try readContent(output, "\(path).output") } ?? []
            append(.tool, CanonicalBlock(.toolResult(CanonicalToolResult(callID: id, content: content))))
        case "reasoning": readReasoning(item)
        case "additional_tools": if let tools = item["tools"] { try readTools(tools, "\(path).tools", namespace: nil) }
        // A hosted tool's call is history: what came of it stands in the messages.
        case "web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call": request.note("input[].\(type)")
        case "item_reference": throw TranslationRefusal(path, "refers to an item that only its provider keeps")
        default: throw TranslationRefusal("\(path).type", "has no counterpart: \(type)")
        }
    }

    /// Items of one speaker are one message.
    private mutating func append(_ role: CanonicalRole, _ block: CanonicalBlock) {
        if request.messages.last?.role == role {
            request.messages[request.messages.count - 1].blocks.append(block)
        } else {
            request.messages.append(CanonicalMessage(role, [block]))
        }
    }

    private mutating func readMessage(_ item: JSONObjectView, _ path: String) throws(TranslationRefusal) {
        let role = item["role"]?.string ?? ""
        let blocks = try item["content"].map { content throws(TranslationRefusal) in try readContent(content, "\(path).content") } ?? []
        switch role {
        case "system", "developer": request.messages.append(CanonicalMessage(.system, blocks))
        case "user": request.messages.append(CanonicalMessage(.user, blocks))
        case "assistant": for block in blocks { append(.assistant, block) }
        default: throw TranslationRefusal("\(path).role", "is unknown: \(role)")
        }
    }

    private mutating func readContent(_ member: JSONMember, _ path: String) throws(TranslationRefusal) -> [CanonicalBlock] {
        if let text = member.string { return text.isEmpty ? [] : [.text(text)] }
        guard let parts = member.elements else { throw TranslationRefusal(path, "must be a string or an array") }
        var blocks: [CanonicalBlock] = []
        for (index, element) in parts.enumerated() {
            let place = "\(path)[\(index)]"
            guard let part = element.object, let type = part["type"]?.string else { throw TranslationRefusal(place, "has no type") }
            var block: CanonicalBlock
            switch type {
            case "input_text", "output_text", "text": block = .text(part["text"]?.string ?? "")
            case "refusal": block = CanonicalBlock(.refusal(part["refusal"]?.string ?? ""))
            case "input_image":
                if let id = part["file_id"]?.string {
                    block = CanonicalBlock(.image(.file(id: id), detail: nil))
                } else {
                    guard let url = part["image_url"]?.string else { throw TranslationRefusal("\(place).image_url", "is missing") }
                    block = CanonicalBlock(.image(CanonicalMedia(dataURL: url) ?? .url(url), detail: part["detail"]?.string))
                }
            case "input_file":
                let name = part["filename"]?.string
                if let data = part["file_data"]?.string {
                    let media = CanonicalMedia(dataURL: data) ?? .base64(mediaType: "application/pdf", data: data)
                    block = CanonicalBlock(.document(media, name: name))
                } else if let url = part["file_url"]?.string {
                    block = CanonicalBlock(.document(.url(url), name: name))
                } else {
                    block = CanonicalBlock(.document(.file(id: part["file_id"]?.string ?? ""), name: name))
                }
            case "input_audio":
                let audio = part["input_audio"]?.object
                block = CanonicalBlock(.audio(data: audio?["data"]?.string ?? "", format: audio?["format"]?.string ?? "wav"))
            default: throw TranslationRefusal("\(place).type", "has no counterpart: \(type)")
            }
            if let mark = part["prompt_cache_breakpoint"]?.object { block.cache = mark["ttl"]?.string == "12h" ? .long : .short }
            blocks.append(block)
        }
        return blocks
    }

    /// Only thinking that Weir itself put there can be said elsewhere; OpenAI's own is sealed.
    private mutating func readReasoning(_ item: JSONObjectView) {
        if let sealed = item["encrypted_content"]?.string, let blocks = SignedThinking.open(sealed) {
            for block in blocks { append(.assistant, CanonicalBlock(block)) }
        } else {
            request.note("input[].reasoning")
        }
    }

    // MARK: Tools and shape

    mutating func readTools(_ member: JSONMember, _ path: String, namespace: String?) throws(TranslationRefusal) {
        for (index, element) in (member.elements ?? []).enumerated() {
            let place = "\(path)[\(index)]"
            guard let tool = element.object, let type = tool["type"]?.string else { throw TranslationRefusal(place, "has no type") }
            guard ["function", "custom", "namespace"].contains(type) else {
                hostedTools.append(type)
                request.note("tools[].\(type)")
                continue
            }
            guard let name = tool["name"]?.string else { throw TranslationRefusal("\(place).name", "is missing") }
            if type == "namespace" {
                guard namespace == nil else { throw TranslationRefusal(place, "is a namespace inside a namespace") }
                if let tools = tool["tools"] { try readTools(tools, "\(place).tools", namespace: name) }
                continue
            }
            var read = CanonicalTool(
                name: CanonicalTool.flatName(name, in: namespace), description: tool["description"]?.string,
                schema: type == "function" ? tool["parameters"]?.json : nil, strict: tool["strict"]?.boolean,
                isCustom: type == "custom")
            read.namespace = namespace
            if type == "custom", tool["format"]?.object?["type"]?.string == "grammar" { request.note("tools[].format") }
            request.tools.append(read)
        }
    }

    /// A hosted tool is never faked. Beside others the model can do without it; alone it was what the request is for.
    func refuseToBeLeftWithoutTools() throws(TranslationRefusal) {
        guard let type = hostedTools.first, request.tools.isEmpty else { return }
        throw TranslationRefusal("tools", "asks for a tool of OpenAI's own, which another provider does not have: \(type)")
    }

    private mutating func readToolChoice(_ member: JSONMember) throws(TranslationRefusal) {
        switch member.string {
        case "auto": request.toolChoice = .auto
        case "none": request.toolChoice = CanonicalToolChoice.none
        case "required": request.toolChoice = .required
        default:
            guard let choice = member.object, let type = choice["type"]?.string else {
                throw TranslationRefusal("tool_choice", "is unknown")
            }
            switch type {
            case "function", "custom": request.toolChoice = .named(choice["name"]?.string ?? "")
            case "allowed_tools":
                let names = (choice["tools"]?.elements ?? []).compactMap { $0.object?["name"]?.string }
                request.allowTools(names, required: choice["mode"]?.string == "required")
            default: throw TranslationRefusal("tool_choice", "forces a tool of OpenAI's own: \(type)")
            }
        }
    }

    private mutating func readText(_ member: JSONMember) throws(TranslationRefusal) {
        guard let text = member.object else { return }
        request.verbosity = text["verbosity"]?.string
        guard let format = text["format"]?.object else { return }
        switch format["type"]?.string {
        case "json_object": request.format = .jsonObject
        case "json_schema":
            guard let schema = format["schema"]?.json else { throw TranslationRefusal("text.format.schema", "is missing") }
            request.format = .jsonSchema(name: format["name"]?.string, schema: schema, strict: format["strict"]?.boolean)
        default: break
        }
    }
}

/// Signed thinking as it travels through a client of Responses: in `encrypted_content`, which clients send back untouched
/// (protocols.md, section 9.3).
enum SignedThinking {
    /// No provider's own sealed content begins so.
    private static let mark = "weir-thinking:"

    static func seal(_ text: String, signature: String?) -> String {
        var json = JSONWriter(capacity: text.utf8.count + 256)
        json.beginArray()
        json.beginObject()
        json.field("type", "thinking")
        json.field("thinking", text)
        json.field("signature", signature)
        json.endObject()
        json.endArray()
        return mark + String(decoding: json.bytes, as: UTF8.self)
    }

    static func seal(redacted data: String) -> String {
        var json = JSONWriter(capacity: data.utf8.count + 64)
        json.beginArray()
        json.beginObject()
        json.field("type", "redacted_thinking")
        json.field("data", data)
        json.endObject()
        json.endArray()
        return mark + String(decoding: json.bytes, as: UTF8.self)
    }

    /// Nil when somebody else sealed it.
    static func open(_ sealed: String) -> [CanonicalPart]? {
        guard sealed.hasPrefix(mark) else { return nil }
        var blocks: [CanonicalPart] = []
        let text = Array(sealed.utf8.dropFirst(mark.utf8.count))
        text.withUnsafeBytes { bytes in
            visitJSONElements(bytes) { kind, value in
                guard let block = JSONElement(kind: kind, value: value).object else { return true }
                if block["type"]?.string == "redacted_thinking" {
                    blocks.append(.redactedThinking(block["data"]?.string ?? ""))
                } else {
                    blocks.append(.thinking(block["thinking"]?.string ?? "", signature: block["signature"]?.string))
                }
                return true
            }
        }
        return blocks
    }
}
