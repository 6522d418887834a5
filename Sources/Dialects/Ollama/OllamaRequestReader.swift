// OllamaRequestReader: a request of Ollama's native API as a canonical one (protocols.md, section 6): `/api/chat`, and `/api/generate`
// with one prompt.

import WireFormat

/// Reads a validated body of `/api/chat` or `/api/generate`.
package func readOllamaRequest(_ body: UnsafeRawBufferPointer) throws(TranslationRefusal) -> CanonicalRequest {
    guard let object = JSONObjectView(body) else { throw TranslationRefusal("body", "is no JSON object") }
    var reader = OllamaRequestReader()
    // It streams unless it is told not to.
    reader.request.stream = true
    reader.request.includeUsage = true
    if let system = object["system"]?.string, !system.isEmpty {
        reader.request.messages.append(CanonicalMessage(.system, [.text(system)]))
    }
    for member in object.members where member.kind != .null { try reader.read(member) }
    if let prompt = object["prompt"]?.string {
        var blocks: [CanonicalBlock] = [.text(prompt)]
        for image in (object["images"]?.elements ?? []).compactMap(\.string) { blocks.append(ollamaImage(image)) }
        reader.request.messages.append(CanonicalMessage(.user, blocks))
    }
    guard reader.request.messages.contains(where: { $0.role != .system }) else {
        let parameter = object["prompt"] == nil ? "messages" : "prompt"
        throw TranslationRefusal(parameter, "of nothing loads a model, which another provider cannot do")
    }
    return reader.request
}

private func ollamaImage(_ data: String) -> CanonicalBlock {
    CanonicalBlock(.image(.base64(mediaType: mediaType(ofBase64: data), data: data), detail: nil))
}

/// What the first bytes of an image say: this API names no types.
private func mediaType(ofBase64 data: String) -> String {
    if data.hasPrefix("/9j/") { return "image/jpeg" }
    if data.hasPrefix("R0lG") { return "image/gif" }
    if data.hasPrefix("UklG") { return "image/webp" }
    return "image/png"
}

private struct OllamaRequestReader {
    var request = CanonicalRequest()
    /// Calls that no result has come for, in order.
    private var openCalls: [(id: String, name: String)] = []
    private var callCount = 0

    mutating func read(_ member: JSONMember) throws(TranslationRefusal) {
        let name = member.key
        switch name {
        case "system", "prompt", "images": break
        case "model": request.model = member.string ?? ""
        case "messages":
            for (index, element) in (member.elements ?? []).enumerated() {
                guard let message = element.object else { throw TranslationRefusal("messages[\(index)]", "must be an object") }
                try readMessage(message, "messages[\(index)]")
            }
        case "tools": try readTools(member)
        case "stream": request.stream = member.boolean ?? true
        case "format":
            if member.string == "json" {
                request.format = .jsonObject
            } else if member.kind == .object {
                request.format = .jsonSchema(name: nil, schema: member.json, strict: nil)
            }
        case "think":
            var reasoning = CanonicalReasoning(effort: member.string)
            reasoning.isOff = member.boolean == false
            reasoning.isAdaptive = member.boolean == true
            request.reasoning = reasoning
        case "options": for option in member.object?.members ?? [] where option.kind != .null { readOption(option) }
        case "suffix", "template", "raw", "context":
            if member.boolean == false || member.string == "" { break }
            throw TranslationRefusal(name, "is a way to prompt that another provider does not have")
        default: request.note(name)
        }
    }

    private mutating func readOption(_ option: JSONMember) {
        switch option.key {
        case "temperature": request.temperature = option.numberText
        case "top_p": request.topP = option.numberText
        case "top_k": request.topK = option.numberText
        case "num_predict": if let count = option.integer, count > 0 { request.maxOutputTokens = count }
        case "stop": request.stopSequences = option.string.map { [$0] } ?? (option.elements ?? []).compactMap(\.string)
        case "seed", "presence_penalty", "frequency_penalty": request.sampling[option.key] = option.json
        default: request.note("options.\(option.key)")
        }
    }

    private mutating func readMessage(_ message: JSONObjectView, _ path: String) throws(TranslationRefusal) {
        let text = message["content"]?.string ?? ""
        var blocks: [CanonicalBlock] = text.isEmpty ? [] : [.text(text)]
        for image in (message["images"]?.elements ?? []).compactMap(\.string) { blocks.append(ollamaImage(image)) }
        let role = message["role"]?.string ?? ""
        switch role {
        case "system": request.messages.append(CanonicalMessage(.system, blocks))
        case "user": request.messages.append(CanonicalMessage(.user, blocks))
        case "assistant":
            if let thinking = message["thinking"]?.string, !thinking.isEmpty {
                blocks.insert(CanonicalBlock(.thinking(thinking, signature: nil)), at: 0)
            }
            for (index, element) in (message["tool_calls"]?.elements ?? []).enumerated() {
                guard let call = element.object, let function = call["function"]?.object, let name = function["name"]?.string else {
                    throw TranslationRefusal("\(path).tool_calls[\(index)].function", "is missing")
                }
                let id = call["id"]?.string ?? MintedCallID.make("ocall_", "c", callCount)
                callCount += 1
                openCalls.append((id, name))
                let arguments = function["arguments"].map { String(decoding: $0.value, as: UTF8.self) } ?? "{}"
                blocks.append(CanonicalBlock(.toolCall(CanonicalToolCall(id: id, name: name, arguments: arguments))))
            }
            request.messages.append(CanonicalMessage(.assistant, blocks))
        case "tool":
            let given = message["tool_call_id"]?.string
            let name = (message["tool_name"] ?? message["name"])?.string
            let place = openCalls.firstIndex { given == nil ? name == nil || $0.name == name : $0.id == given }
            guard let id = place.map({ openCalls.remove(at: $0).id }) ?? given else {
                throw TranslationRefusal("\(path).tool_name", "answers no call of this conversation")
            }
            request.appendResult(CanonicalBlock(.toolResult(CanonicalToolResult(callID: id, content: blocks))))
        default: throw TranslationRefusal("\(path).role", "is unknown: \(role)")
        }
    }

    private mutating func readTools(_ member: JSONMember) throws(TranslationRefusal) {
        for (index, element) in (member.elements ?? []).enumerated() {
            guard let function = element.object?["function"]?.object, let name = function["name"]?.string else {
                throw TranslationRefusal("tools[\(index)].function.name", "is missing")
            }
            request.tools.append(
                CanonicalTool(name: name, description: function["description"]?.string, schema: function["parameters"]?.json))
        }
    }
}
