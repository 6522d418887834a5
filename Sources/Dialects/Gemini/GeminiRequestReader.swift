// GeminiRequestReader: a generateContent request as a canonical one (protocols.md, sections 5 and 9.1). Google's servers take
// lowerCamelCase and snake_case alike, so both are read.

import WireFormat

/// Reads a validated body of `:generateContent`. The model and whether it streams stand in the path.
package func readGeminiRequest(_ body: UnsafeRawBufferPointer) throws(TranslationRefusal) -> CanonicalRequest {
    guard let object = JSONObjectView(body) else { throw TranslationRefusal("body", "is no JSON object") }
    var reader = GeminiRequestReader()
    // The system prompt goes first, wherever the client wrote it.
    for member in object.members where member.kind != .null && camelName(member.key) == "systemInstruction" {
        try reader.readSystem(member)
    }
    for member in object.members where member.kind != .null { try reader.read(member) }
    try reader.refuseToBeLeftWithoutTools()
    reader.request.includeUsage = true
    return reader.request
}

private struct GeminiRequestReader {
    var request = CanonicalRequest()
    private var hostedTools: [String] = []
    /// Calls that no response has come for, in order.
    private var openCalls: [(id: String, name: String)] = []
    private var callCount = 0

    mutating func read(_ member: JSONMember) throws(TranslationRefusal) {
        let name = camelName(member.key)
        switch name {
        case "systemInstruction", "model": break
        case "contents":
            // One content may stand without its array.
            if let object = member.object {
                try readContent(object, "contents")
            } else if let contents = member.elements {
                for (index, element) in contents.enumerated() {
                    guard let content = element.object else { throw TranslationRefusal("contents[\(index)]", "must be an object") }
                    try readContent(content, "contents[\(index)]")
                }
            } else {
                throw TranslationRefusal("contents", "must be an array")
            }
        case "tools": try readTools(member)
        case "toolConfig": try readToolConfig(member)
        case "generationConfig":
            for part in member.object?.members ?? [] where part.kind != .null { try readGeneration(part) }
        case "serviceTier": request.serviceTier = member.string?.lowercased()
        case "labels": request.note(name)
        case "cachedContent": throw TranslationRefusal(name, "names a cache of Google's, which another provider does not have")
        case "safetySettings": request.note(name)
        default: request.note(name)
        }
    }

    mutating func readSystem(_ member: JSONMember) throws(TranslationRefusal) {
        if let text = member.string {
            request.messages.append(CanonicalMessage(.system, [.text(text)]))
            return
        }
        let parts = member.object?["parts"]?.elements ?? []
        let blocks = parts.compactMap { $0.object?["text"]?.string }.filter { !$0.isEmpty }.map { CanonicalBlock.text($0) }
        if !blocks.isEmpty { request.messages.append(CanonicalMessage(.system, blocks)) }
    }

    // MARK: Contents

    private mutating func readContent(_ content: JSONObjectView, _ path: String) throws(TranslationRefusal) {
        let role = content["role"]?.string ?? "user"
        guard ["user", "model", "function", "tool"].contains(role) else {
            throw TranslationRefusal("\(path).role", "is unknown: \(role)")
        }
        var results: [CanonicalBlock] = []
        var blocks: [CanonicalBlock] = []
        for (index, element) in (content["parts"]?.elements ?? []).enumerated() {
            let place = "\(path).parts[\(index)]"
            guard let part = element.object else { throw TranslationRefusal(place, "must be an object") }
            let members = Dictionary(part.members.map { (camelName($0.key), $0) }) { _, last in last }
            if let response = members["functionResponse"]?.object {
                results.append(CanonicalBlock(.toolResult(try readResponse(response, "\(place).functionResponse"))))
            } else {
                try readPart(members, place, into: &blocks)
            }
        }
        if role == "model" {
            append(.assistant, blocks)
        } else {
            if !results.isEmpty { append(.tool, results) }
            if !blocks.isEmpty || results.isEmpty { append(.user, blocks) }
        }
    }

    /// Neighbours of one speaker are one message: a stream's chunks come back as contents of their own.
    private mutating func append(_ role: CanonicalRole, _ blocks: [CanonicalBlock]) {
        guard request.messages.last?.role == role else {
            request.messages.append(CanonicalMessage(role, blocks))
            return
        }
        request.messages[request.messages.count - 1].blocks += blocks
        guard role == .assistant else { return }
        request.messages[request.messages.count - 1].blocks = joined(request.messages[request.messages.count - 1].blocks)
    }

    /// Thinking that a stream cut into pieces, put together again: its signature holds for the whole of it.
    private func joined(_ blocks: [CanonicalBlock]) -> [CanonicalBlock] {
        var out: [CanonicalBlock] = []
        for block in blocks {
            if case .thinking(let text, let signature) = block.part, case .thinking(let before, nil)? = out.last?.part {
                out[out.count - 1].part = .thinking(before + text, signature: signature)
            } else {
                out.append(block)
            }
        }
        return out
    }

    private mutating func readPart(
        _ part: [String: JSONMember], _ path: String, into blocks: inout [CanonicalBlock]
    ) throws(TranslationRefusal) {
        let signature = part["thoughtSignature"]?.string.flatMap { $0 == GeminiSignature.skip ? nil : $0 }
        if let call = part["functionCall"]?.object {
            if let signature, ForeignSignature.open(signature) == nil {
                let calls = blocks.count { if case .toolCall = $0.part { true } else { false } }
                blocks.append(CanonicalBlock(.thinking("", signature: GeminiSignature(signature, on: .call(calls)).carried)))
            }
            guard let name = call["name"]?.string else { throw TranslationRefusal("\(path).functionCall.name", "is missing") }
            let id = call["id"]?.string ?? MintedCallID.make(GeminiCallID.mark, "c", callCount)
            callCount += 1
            openCalls.append((id, name))
            let arguments = call["args"].map { String(decoding: $0.value, as: UTF8.self) } ?? "{}"
            blocks.append(CanonicalBlock(.toolCall(CanonicalToolCall(id: id, name: name, arguments: arguments))))
            return
        }
        let isThought = part["thought"]?.boolean ?? false
        let text = part["text"]?.string
        if isThought {
            try readThought(text ?? "", signature, into: &blocks)
            return
        }
        if let text {
            if !text.isEmpty { blocks.append(.text(text)) }
        } else if let data = part["inlineData"]?.object {
            blocks.append(CanonicalBlock(try readInline(data, "\(path).inlineData")))
        } else if let file = part["fileData"]?.object {
            blocks.append(CanonicalBlock(try readFile(file, "\(path).fileData")))
        } else if part["executableCode"] != nil || part["codeExecutionResult"] != nil || part["toolCall"] != nil
            || part["toolResponse"] != nil
        {
            request.note("contents[].parts[].hosted_tool")
        } else if let other = part.keys.filter({ $0 != "thoughtSignature" }).min() {
            throw TranslationRefusal("\(path).\(other)", "has no counterpart")
        }
        if let signature { try readThought("", signature, on: .text, into: &blocks) }
        for name in ["mediaResolution", "videoMetadata"] where part[name] != nil { request.note("contents[].parts[].\(name)") }
    }

    private func readThought(
        _ text: String, _ signature: String?, on place: GeminiSignature.Place = .thought, into blocks: inout [CanonicalBlock]
    ) throws(TranslationRefusal) {
        var part = CanonicalPart.thinking(text, signature: nil)
        if let signature {
            if let foreign = ForeignSignature.open(signature) {
                part = foreign.isRedacted ? .redactedThinking(foreign.value) : .thinking(text, signature: foreign.value)
            } else {
                part = .thinking(text, signature: GeminiSignature(signature, on: place).carried)
            }
        }
        blocks.append(CanonicalBlock(part))
        blocks = joined(blocks)
    }

    private func readInline(_ data: JSONObjectView, _ path: String) throws(TranslationRefusal) -> CanonicalPart {
        guard let type = (data["mimeType"] ?? data["mime_type"])?.string, let text = data["data"]?.string else {
            throw TranslationRefusal("\(path).mimeType", "is missing")
        }
        let standard = text.contains { $0 == "-" || $0 == "_" } ? decodeBase64(text).map(base64) ?? text : text
        if type.hasPrefix("image/") { return .image(.base64(mediaType: type, data: standard), detail: nil) }
        if type.hasPrefix("audio/") { return .audio(data: standard, format: String(type.dropFirst(6))) }
        guard type == "application/pdf" || type.hasPrefix("text/") else {
            throw TranslationRefusal(path, "is of a type that another provider does not read: \(type)")
        }
        return .document(.base64(mediaType: type, data: standard), name: data["displayName"]?.string)
    }

    private func readFile(_ file: JSONObjectView, _ path: String) throws(TranslationRefusal) -> CanonicalPart {
        guard let uri = (file["fileUri"] ?? file["file_uri"])?.string else { throw TranslationRefusal("\(path).fileUri", "is missing") }
        let type = (file["mimeType"] ?? file["mime_type"])?.string ?? ""
        let isOwn = !uri.hasPrefix("http") || uri.hasPrefix("https://generativelanguage.googleapis.com/")
        let media: CanonicalMedia = isOwn ? .file(id: uri) : .url(uri)
        return type == "application/pdf" || type.hasPrefix("text/") ? .document(media, name: nil) : .image(media, detail: nil)
    }

    private mutating func readResponse(_ response: JSONObjectView, _ path: String) throws(TranslationRefusal) -> CanonicalToolResult {
        guard let name = response["name"]?.string else { throw TranslationRefusal("\(path).name", "is missing") }
        let given = response["id"]?.string
        let place = openCalls.firstIndex { given == nil ? $0.name == name : $0.id == given }
        guard let id = place.map({ openCalls.remove(at: $0).id }) ?? given else {
            throw TranslationRefusal("\(path).name", "answers no call of this conversation: \(name)")
        }
        var content: [CanonicalBlock] = []
        var isError = false
        if let body = response["response"] {
            if let text = body.object?["error"], body.object?.members.count == 1 {
                isError = true
                content.append(.text(text.string ?? String(decoding: text.value, as: UTF8.self)))
            } else if let text = body.object?["output"]?.string, body.object?.members.count == 1 {
                if !text.isEmpty { content.append(.text(text)) }
            } else {
                content.append(.text(String(decoding: body.value, as: UTF8.self)))
            }
        }
        for (index, element) in (response["parts"]?.elements ?? []).enumerated() {
            guard let part = element.object else { continue }
            if let data = (part["inlineData"] ?? part["inline_data"])?.object {
                content.append(CanonicalBlock(try readInline(data, "\(path).parts[\(index)].inlineData")))
            } else if let file = (part["fileData"] ?? part["file_data"])?.object {
                content.append(CanonicalBlock(try readFile(file, "\(path).parts[\(index)].fileData")))
            }
        }
        return CanonicalToolResult(callID: id, content: content, isError: isError)
    }

    // MARK: Tools

    private mutating func readTools(_ member: JSONMember) throws(TranslationRefusal) {
        let tools = member.elements ?? []
        for (index, element) in tools.enumerated() {
            for kind in element.object?.members ?? [] where kind.kind != .null {
                guard camelName(kind.key) == "functionDeclarations" else {
                    hostedTools.append(camelName(kind.key))
                    request.note("tools[].\(camelName(kind.key))")
                    continue
                }
                for (number, declared) in (kind.elements ?? []).enumerated() {
                    let place = "tools[\(index)].functionDeclarations[\(number)]"
                    guard let function = declared.object, let name = function["name"]?.string else {
                        throw TranslationRefusal("\(place).name", "is missing")
                    }
                    let schema =
                        (function["parametersJsonSchema"] ?? function["parameters_json_schema"])?.json
                        ?? function["parameters"].map { jsonSchema(fromOpenAPI: $0.value) }
                    request.tools.append(CanonicalTool(name: name, description: function["description"]?.string, schema: schema))
                }
            }
        }
    }

    /// A hosted tool is never faked. Beside others the model can do without it; alone it was what the request is for.
    func refuseToBeLeftWithoutTools() throws(TranslationRefusal) {
        guard let type = hostedTools.first, request.tools.isEmpty else { return }
        throw TranslationRefusal("tools", "asks for a tool of Google's own, which another provider does not have: \(type)")
    }

    private mutating func readToolConfig(_ member: JSONMember) throws(TranslationRefusal) {
        guard let object = member.object, let config = (object["functionCallingConfig"] ?? object["function_calling_config"])?.object
        else { return }
        let names = ((config["allowedFunctionNames"] ?? config["allowed_function_names"])?.elements ?? []).compactMap(\.string)
        switch config["mode"]?.string?.uppercased() {
        case "AUTO", "MODE_UNSPECIFIED", nil: request.toolChoice = .auto
        case "VALIDATED":
            request.toolChoice = .auto
            request.note("toolConfig.functionCallingConfig.mode:VALIDATED")
        case "NONE": request.toolChoice = CanonicalToolChoice.none
        case "ANY":
            request.toolChoice = names.count == 1 ? .named(names[0]) : .required
            if names.count > 1 { request.allowTools(names, required: true) }
        default: throw TranslationRefusal("toolConfig.functionCallingConfig.mode", "is unknown")
        }
    }

    // MARK: Generation

    private mutating func readGeneration(_ member: JSONMember) throws(TranslationRefusal) {
        let name = camelName(member.key)
        switch name {
        case "temperature": request.temperature = member.numberText
        case "topP": request.topP = member.numberText
        case "topK": request.topK = member.numberText
        case "maxOutputTokens": request.maxOutputTokens = member.integer
        case "stopSequences": request.stopSequences = (member.elements ?? []).compactMap(\.string)
        case "candidateCount": if let count = member.integer, count != 1 { request.sampling["n"] = member.json }
        case "seed": request.sampling["seed"] = member.json
        case "presencePenalty": request.sampling["presence_penalty"] = member.json
        case "frequencyPenalty": request.sampling["frequency_penalty"] = member.json
        case "responseMimeType":
            switch member.string {
            case "application/json": if request.format == nil { request.format = .jsonObject }
            case "text/plain", nil: break
            case let type?: throw TranslationRefusal("generationConfig.responseMimeType", "cannot be had elsewhere: \(type)")
            }
        case "responseJsonSchema": request.format = .jsonSchema(name: nil, schema: member.json, strict: nil)
        case "responseSchema":
            request.format = .jsonSchema(name: nil, schema: jsonSchema(fromOpenAPI: member.value), strict: nil)
        case "thinkingConfig": readThinking(member)
        case "responseModalities":
            if (member.elements ?? []).contains(where: { $0.string?.uppercased() != "TEXT" }) {
                throw TranslationRefusal("generationConfig.responseModalities", "asks for more than text")
            }
        default: request.note("generationConfig.\(name)")
        }
    }

    private mutating func readThinking(_ member: JSONMember) {
        guard let config = member.object else { return }
        var reasoning = CanonicalReasoning()
        if let budget = (config["thinkingBudget"] ?? config["thinking_budget"])?.integer {
            switch budget {
            case 0: reasoning.isOff = true
            case -1: reasoning.isAdaptive = true
            default: reasoning.budget = budget
            }
        } else if let level = (config["thinkingLevel"] ?? config["thinking_level"])?.string {
            reasoning.effort = level.lowercased()
        } else {
            reasoning.isAdaptive = true
        }
        if (config["includeThoughts"] ?? config["include_thoughts"])?.boolean != true, !reasoning.isOff { reasoning.display = "omitted" }
        request.reasoning = reasoning
    }
}
