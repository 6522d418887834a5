// MessagesRequestReader: an Anthropic Messages request as a canonical one (protocols.md, sections 3.2 and 9.1).

import WireFormat

/// Reads a validated body of `/v1/messages`.
package func readMessagesRequest(_ body: UnsafeRawBufferPointer) throws(TranslationRefusal) -> CanonicalRequest {
    guard let object = JSONObjectView(body) else { throw TranslationRefusal("body", "is no JSON object") }
    var reader = MessagesRequestReader()
    // The system prompt goes first, wherever the client wrote it.
    if let system = object["system"] { try reader.readSystem(system) }
    for member in object.members where member.kind != .null { try reader.read(member) }
    return reader.request
}

private struct MessagesRequestReader {
    var request = CanonicalRequest()

    mutating func readSystem(_ member: JSONMember) throws(TranslationRefusal) {
        let blocks = try readBlocks(member, "system")
        if !blocks.isEmpty { request.messages.append(CanonicalMessage(.system, blocks)) }
    }

    mutating func read(_ member: JSONMember) throws(TranslationRefusal) {
        let name = member.key
        switch name {
        case "system": break
        case "model": request.model = member.string ?? ""
        case "messages":
            guard let messages = member.elements else { throw TranslationRefusal("messages", "must be an array") }
            for (index, message) in messages.enumerated() { try readMessage(message, "messages[\(index)]") }
        case "max_tokens":
            if member.integer == 0 { throw TranslationRefusal("max_tokens", "of 0 warms a cache that another provider does not have") }
            request.maxOutputTokens = member.integer
        case "tools": try readTools(member)
        case "tool_choice": try readToolChoice(member)
        case "thinking": readThinking(member)
        case "output_config": try readOutputConfig(member)
        case "stop_sequences": request.stopSequences = (member.elements ?? []).compactMap(\.string)
        case "temperature": request.temperature = member.numberText
        case "top_p": request.topP = member.numberText
        case "top_k": request.topK = member.numberText
        case "stream":
            request.stream = member.boolean ?? false
            request.includeUsage = true
        case "metadata": request.userID = member.object?["user_id"]?.string
        case "service_tier": if member.string == "standard_only" { request.serviceTier = "default" }
        case "speed": if member.string != "standard" { request.note(name) }
        case "container", "mcp_servers", "fallbacks", "thread":
            throw TranslationRefusal(name, "is a service of Anthropic's own, which another provider does not have")
        default: request.note(name)
        }
    }

    private mutating func readMessage(_ element: JSONElement, _ path: String) throws(TranslationRefusal) {
        guard let message = element.object, let role = message["role"]?.string, let content = message["content"] else {
            throw TranslationRefusal(path, "must be an object with role and content")
        }
        let blocks = try readBlocks(content, "\(path).content")
        switch role {
        case "system": request.messages.append(CanonicalMessage(.system, blocks))
        case "assistant": request.messages.append(CanonicalMessage(.assistant, blocks))
        case "user": request.appendUserTurn(blocks)
        default: throw TranslationRefusal("\(path).role", "is unknown: \(role)")
        }
    }

    private mutating func readBlocks(_ member: JSONMember, _ path: String) throws(TranslationRefusal) -> [CanonicalBlock] {
        if let text = member.string { return text.isEmpty ? [] : [.text(text)] }
        guard let elements = member.elements else { throw TranslationRefusal(path, "must be a string or an array") }
        var blocks: [CanonicalBlock] = []
        for (index, element) in elements.enumerated() {
            let place = "\(path)[\(index)]"
            guard let object = element.object, let type = object["type"]?.string else { throw TranslationRefusal(place, "has no type") }
            guard let part = try readPart(object, type, place) else { continue }
            blocks.append(CanonicalBlock(part, cache: cachePeriod(object)))
        }
        return blocks
    }

    private mutating func readPart(_ object: JSONObjectView, _ type: String, _ path: String) throws(TranslationRefusal) -> CanonicalPart? {
        switch type {
        case "text":
            if object["citations"] != nil { request.note("content[].citations") }
            return .text(object["text"]?.string ?? "")
        case "image": return .image(try readSource(object, path), detail: nil)
        case "document":
            guard let source = object["source"]?.object else { throw TranslationRefusal("\(path).source", "is missing") }
            if object["citations"]?.object?["enabled"]?.boolean == true { request.note("content[].citations") }
            if source["type"]?.string == "text" { return .text(source["data"]?.string ?? "") }
            return .document(try readSource(object, path), name: object["title"]?.string)
        case "thinking":
            // Weir gives thinking that nobody signed an empty signature.
            let signature = object["signature"]?.string.flatMap { $0.isEmpty ? nil : $0 }
            return .thinking(object["thinking"]?.string ?? "", signature: signature)
        case "redacted_thinking": return .redactedThinking(object["data"]?.string ?? "")
        case "tool_use":
            guard let id = object["id"]?.string, let name = object["name"]?.string else {
                throw TranslationRefusal("\(path).id", "is missing")
            }
            let input = object["input"].map { String(decoding: $0.value, as: UTF8.self) } ?? "{}"
            return .toolCall(CanonicalToolCall(id: id, name: name, arguments: input))
        case "tool_result":
            guard let id = object["tool_use_id"]?.string else { throw TranslationRefusal("\(path).tool_use_id", "is missing") }
            let content = try object["content"].map { member throws(TranslationRefusal) in try readBlocks(member, "\(path).content") } ?? []
            return .toolResult(CanonicalToolResult(callID: id, content: content, isError: object["is_error"]?.boolean ?? false))
        case "search_result": return .text(searchResultText(object))
        case "tool_reference":
            request.note("content[].tool_reference")
            return nil
        default: throw TranslationRefusal("\(path).type", "has no counterpart: \(type)")
        }
    }

    private func readSource(_ object: JSONObjectView, _ path: String) throws(TranslationRefusal) -> CanonicalMedia {
        guard let source = object["source"]?.object else { throw TranslationRefusal("\(path).source", "is missing") }
        switch source["type"]?.string {
        case "base64":
            return .base64(mediaType: source["media_type"]?.string ?? "application/octet-stream", data: source["data"]?.string ?? "")
        case "url": return .url(source["url"]?.string ?? "")
        case "file": return .file(id: source["file_id"]?.string ?? "")
        default: throw TranslationRefusal("\(path).source.type", "is unknown")
        }
    }

    private mutating func readTools(_ member: JSONMember) throws(TranslationRefusal) {
        for (index, element) in (member.elements ?? []).enumerated() {
            let place = "tools[\(index)]"
            guard let tool = element.object, let name = tool["name"]?.string else {
                throw TranslationRefusal("\(place).name", "is missing")
            }
            if let type = tool["type"]?.string, type != "custom" {
                throw TranslationRefusal("\(place).type", "is a tool of Anthropic's own, which another provider does not have: \(type)")
            }
            var read = CanonicalTool(
                name: name, description: tool["description"]?.string, schema: tool["input_schema"]?.json, strict: tool["strict"]?.boolean)
            read.cache = cachePeriod(tool)
            request.tools.append(read)
            for hint: StaticString in ["defer_loading", "input_examples", "allowed_callers"] where tool[hint] != nil {
                request.note("tools[].\(hint)")
            }
        }
    }

    private mutating func readToolChoice(_ member: JSONMember) throws(TranslationRefusal) {
        guard let choice = member.object else { throw TranslationRefusal("tool_choice", "must be an object") }
        switch choice["type"]?.string {
        case "auto": request.toolChoice = .auto
        case "none": request.toolChoice = CanonicalToolChoice.none
        case "any": request.toolChoice = .required
        case "tool": request.toolChoice = .named(choice["name"]?.string ?? "")
        default: throw TranslationRefusal("tool_choice.type", "is unknown")
        }
        if choice["disable_parallel_tool_use"]?.boolean == true { request.parallelToolCalls = false }
    }

    private mutating func readThinking(_ member: JSONMember) {
        guard let thinking = member.object else { return }
        var reasoning = request.reasoning ?? CanonicalReasoning()
        reasoning.read(thinking: thinking)
        request.reasoning = reasoning
    }

    private mutating func readOutputConfig(_ member: JSONMember) throws(TranslationRefusal) {
        guard let config = member.object else { return }
        for part in config.members where part.kind != .null {
            switch part.key {
            case "effort":
                // An effort without thinking still says how much to work.
                var reasoning = request.reasoning ?? CanonicalReasoning()
                reasoning.effort = part.string
                request.reasoning = reasoning
            case "format":
                guard let schema = part.object?["schema"]?.json else {
                    throw TranslationRefusal("output_config.format.schema", "is missing")
                }
                request.format = .jsonSchema(name: nil, schema: schema, strict: true)
            default: request.note("output_config.\(part.key)")
            }
        }
    }
}
