// ConverseRequestReader: a Converse request as a canonical one (protocols.md, sections 4.3 and 9.1). Its model and whether it streams
// stand in the path.

import WireFormat

/// Reads a validated body of `/model/{id}/converse` or `converse-stream`.
package func readConverseRequest(_ body: UnsafeRawBufferPointer) throws(TranslationRefusal) -> CanonicalRequest {
    guard let object = JSONObjectView(body) else { throw TranslationRefusal("body", "is no JSON object") }
    var reader = ConverseRequestReader()
    reader.request.includeUsage = true
    if let system = object["system"] { try reader.readSystem(system) }
    for member in object.members where member.kind != .null { try reader.read(member) }
    return reader.request
}

private struct ConverseRequestReader {
    var request = CanonicalRequest()

    mutating func readSystem(_ member: JSONMember) throws(TranslationRefusal) {
        let blocks = try readBlocks(member, "system")
        if !blocks.isEmpty { request.messages.append(CanonicalMessage(.system, blocks)) }
    }

    mutating func read(_ member: JSONMember) throws(TranslationRefusal) {
        let name = member.key
        switch name {
        case "system": break
        case "messages":
            guard let messages = member.elements else { throw TranslationRefusal("messages", "must be an array") }
            for (index, message) in messages.enumerated() { try readMessage(message, "messages[\(index)]") }
        case "inferenceConfig": readInference(member)
        case "toolConfig": try readTools(member)
        case "outputConfig": try readOutput(member)
        case "additionalModelRequestFields": readAdditional(member)
        case "additionalModelResponseFieldPaths":
            // Thinking tokens are counted wherever a provider says them.
            if (member.elements ?? []).contains(where: { $0.string != "/usage/output_tokens_details" }) { request.note(name) }
        case "requestMetadata":
            for pair in member.object?.members ?? [] {
                if pair.isNamed("user_id") { request.userID = pair.string } else { request.note(name) }
            }
        case "serviceTier": request.serviceTier = member.object?["type"]?.string
        case "performanceConfig": if member.object?["latency"]?.string == "optimized" { request.note(name) }
        case "guardrailConfig", "promptVariables":
            throw TranslationRefusal(name, "is a service of Bedrock's own, which another provider does not have")
        default: request.note(name)
        }
    }

    // MARK: Messages

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
        guard let elements = member.elements else { throw TranslationRefusal(path, "must be an array") }
        var blocks: [CanonicalBlock] = []
        for (index, element) in elements.enumerated() {
            let place = "\(path)[\(index)]"
            // A block is an object whose one member says what it is.
            guard let member = element.object?.members.first(where: { $0.kind != .null }) else {
                throw TranslationRefusal(place, "is no content block")
            }
            if member.isNamed("cachePoint") {
                if !blocks.isEmpty { blocks[blocks.count - 1].cache = cachePeriod(member) }
            } else if let part = try readPart(member, place) {
                blocks.append(CanonicalBlock(part))
            }
        }
        return blocks
    }

    private func cachePeriod(_ member: JSONMember) -> CachePeriod {
        member.object?["ttl"]?.string == "1h" ? .long : .short
    }

    private mutating func readPart(_ member: JSONMember, _ path: String) throws(TranslationRefusal) -> CanonicalPart? {
        let object = member.object
        switch member.key {
        case "text": return .text(member.string ?? "")
        case "json": return .text(String(decoding: member.value, as: UTF8.self))
        case "image":
            let format = object?["format"]?.string ?? ""
            return .image(try readSource(object, "image/\(format)", path), detail: nil)
        case "document": return try readDocument(object, path)
        case "audio":
            guard case .base64(_, let data) = try readSource(object, "", path) else { return nil }
            return .audio(data: data, format: object?["format"]?.string ?? "")
        case "toolUse":
            guard let id = object?["toolUseId"]?.string, let name = object?["name"]?.string else {
                throw TranslationRefusal("\(path).toolUse.toolUseId", "is missing")
            }
            guard object?["type"] == nil else { throw TranslationRefusal("\(path).toolUse.type", "is a call of Bedrock's own tool") }
            let input = object?["input"].map { String(decoding: $0.value, as: UTF8.self) } ?? "{}"
            return .toolCall(CanonicalToolCall(id: id, name: name, arguments: input))
        case "toolResult":
            guard let id = object?["toolUseId"]?.string else { throw TranslationRefusal("\(path).toolResult.toolUseId", "is missing") }
            let content =
                try object?["content"].map { content throws(TranslationRefusal) in
                    try readBlocks(content, "\(path).toolResult.content")
                } ?? []
            return .toolResult(CanonicalToolResult(callID: id, content: content, isError: object?["status"]?.string == "error"))
        case "reasoningContent":
            if let text = object?["reasoningText"]?.object {
                return .thinking(text["text"]?.string ?? "", signature: text["signature"]?.string)
            }
            return .redactedThinking(redactedData(object?["redactedContent"]?.string ?? ""))
        case "guardContent":
            request.note("content[].guardContent")
            return .text(object?["text"]?.object?["text"]?.string ?? "")
        case "citationsContent":
            request.note("content[].citationsContent.citations")
            return .text((object?["content"]?.elements ?? []).compactMap { $0.object?["text"]?.string }.joined())
        case "searchResult": return .text(searchResultText(object))
        default: throw TranslationRefusal("\(path).\(member.key)", "has no counterpart")
        }
    }

    private mutating func readDocument(_ object: JSONObjectView?, _ path: String) throws(TranslationRefusal) -> CanonicalPart {
        if object?["citations"]?.object?["enabled"]?.boolean == true { request.note("content[].document.citations") }
        if object?["context"] != nil { request.note("content[].document.context") }
        let source = object?["source"]?.object
        if let text = source?["text"]?.string { return .text(text) }
        if let pieces = source?["content"]?.elements {
            return .text(pieces.compactMap { $0.object?["text"]?.string }.joined(separator: "\n"))
        }
        let type = ConverseMedia.documentType(object?["format"]?.string ?? "")
        return .document(try readSource(object, type, path), name: object?["name"]?.string)
    }

    private func readSource(_ object: JSONObjectView?, _ type: String, _ path: String) throws(TranslationRefusal) -> CanonicalMedia {
        let source = object?["source"]?.object
        if let data = source?["bytes"]?.string { return .base64(mediaType: type, data: data) }
        guard source?["s3Location"] == nil else {
            throw TranslationRefusal("\(path).source.s3Location", "is in S3, where another provider does not look")
        }
        throw TranslationRefusal("\(path).source", "is missing")
    }

    // MARK: Settings

    private mutating func readInference(_ member: JSONMember) {
        for part in member.object?.members ?? [] where part.kind != .null {
            switch part.key {
            case "maxTokens": request.maxOutputTokens = part.integer
            case "temperature": request.temperature = part.numberText
            case "topP": request.topP = part.numberText
            case "stopSequences": request.stopSequences = (part.elements ?? []).compactMap(\.string)
            default: request.note("inferenceConfig.\(part.key)")
            }
        }
    }

    private mutating func readTools(_ member: JSONMember) throws(TranslationRefusal) {
        for (index, element) in (member.object?["tools"]?.elements ?? []).enumerated() {
            let place = "toolConfig.tools[\(index)]"
            guard let tool = element.object?.members.first(where: { $0.kind != .null }) else {
                throw TranslationRefusal(place, "is no tool")
            }
            if tool.isNamed("cachePoint") {
                if !request.tools.isEmpty { request.tools[request.tools.count - 1].cache = cachePeriod(tool) }
                continue
            }
            guard tool.isNamed("toolSpec"), let spec = tool.object, let name = spec["name"]?.string else {
                throw TranslationRefusal("\(place).\(tool.key)", "is a tool of Bedrock's own, which another provider does not have")
            }
            request.tools.append(
                CanonicalTool(
                    name: name, description: spec["description"]?.string, schema: spec["inputSchema"]?.object?["json"]?.json,
                    strict: spec["strict"]?.boolean))
        }
        guard let choice = member.object?["toolChoice"]?.object?.members.first(where: { $0.kind != .null }) else { return }
        switch choice.key {
        case "auto": request.toolChoice = .auto
        case "any": request.toolChoice = .required
        case "tool": request.toolChoice = .named(choice.object?["name"]?.string ?? "")
        default: throw TranslationRefusal("toolConfig.toolChoice", "is unknown")
        }
    }

    private mutating func readOutput(_ member: JSONMember) throws(TranslationRefusal) {
        for part in member.object?.members ?? [] where part.kind != .null {
            switch part.key {
            case "effort": setReasoning { $0.effort = part.string }
            case "textFormat":
                let definition = part.object?["structure"]?.object?["jsonSchema"]?.object
                // The schema is a text that holds JSON.
                guard let schema = definition?["schema"]?.string else {
                    throw TranslationRefusal("outputConfig.textFormat.structure.jsonSchema.schema", "is missing")
                }
                request.format = .jsonSchema(name: definition?["name"]?.string, schema: Array(schema.utf8), strict: true)
            default: request.note("outputConfig.\(part.key)")
            }
        }
    }

    /// What Claude's callers put here has a meaning elsewhere; other members are a model's own.
    private mutating func readAdditional(_ member: JSONMember) {
        for part in member.object?.members ?? [] where part.kind != .null {
            switch part.key {
            case "thinking", "reasoning_config":
                let thinking = part.object
                setReasoning { $0.read(thinking: thinking) }
            case "reasoning_effort": setReasoning { $0.effort = part.string }
            case "top_k": request.topK = part.numberText
            case "tool_choice":
                if part.object?["disable_parallel_tool_use"]?.boolean == true { request.parallelToolCalls = false }
            default: request.note("additionalModelRequestFields.\(part.key)")
            }
        }
    }

    private mutating func setReasoning(_ change: (inout CanonicalReasoning) -> Void) {
        var reasoning = request.reasoning ?? CanonicalReasoning()
        change(&reasoning)
        request.reasoning = reasoning
    }
}
