// RequestTail: what the last calls of tools in a request were, and what they gave back, as two hashes. Read only where sessions are
// watched for agents that run away: an agent that goes round in circles shows it at the end of each request.

package import GatewayModel
package import WireFormat

/// The last calls of tools in a request.
package struct RequestTail: Sendable, Hashable {
    /// A hash of names and arguments, not of ids; 0 when the last word is a person's.
    package var calls: UInt64 = 0
    /// A hash of what they gave back.
    package var results: UInt64 = 0

    package init() {}
}

/// Reads the end of the conversation that a request carries. Never fails: what is not understood shows no calls.
package func readRequestTail(_ endpoint: Endpoint, _ head: RequestHead, body: UnsafeRawBufferPointer) -> RequestTail {
    var tail = RequestTail()
    for place in 0..<min(head.messageTotal, RequestHead.tailMax) {
        let number = head.messageTotal - 1 - place
        let start = Int(head.tailStarts[number % RequestHead.tailMax])
        guard start < body.count, let message = firstObject(UnsafeRawBufferPointer(rebasing: body[start...])) else { break }
        switch endpoint.dialect {
        case .openAIChat, .ollama: if !readChat(message, &tail) { return tail }
        case .anthropicMessages, .bedrockInvoke: if !readMessages(message, &tail) { return tail }
        case .openAIResponses: if !readItem(message, &tail) { return tail }
        case .bedrockConverse: if !readConverse(message, &tail) { return tail }
        case .gemini: if !readGemini(message, &tail) { return tail }
        case .openAICompletions, .openAIEmbeddings: return tail
        }
    }
    return tail
}

private func firstObject(_ bytes: UnsafeRawBufferPointer) -> JSONObjectView? {
    var scanner = JSONScanner(bytes)
    guard let range = try? scanner.skipValue() else { return nil }
    return JSONObjectView(UnsafeRawBufferPointer(rebasing: bytes[range]))
}

/// Each reader takes one message, the newest first, and says whether the ones before it matter too.
private func readChat(_ message: JSONObjectView, _ tail: inout RequestTail) -> Bool {
    switch message["role"]?.string {
    case "tool":
        if let content = message["content"] { tail.results = combine(tail.results, contentHash(content.value)) }
        return true
    case "assistant":
        for call in message["tool_calls"]?.elements ?? [] {
            guard let function = call.object?["function"]?.object ?? call.object?["custom"]?.object else { continue }
            addCall(function["name"], function["arguments"] ?? function["input"], &tail)
        }
        return false
    default: return false
    }
}

/// One piece of a message.
private enum Piece {
    case call(name: JSONMember?, arguments: JSONMember?)
    case result(JSONMember?)
    case other
}

/// A message whose content is a list of pieces: calls in the model's, results in the answer to them.
private func readPieces(
    _ pieces: JSONMember?, ofModel isModel: Bool, _ tail: inout RequestTail, _ read: (JSONObjectView) -> Piece
) -> Bool {
    var hasResults = false
    for piece in pieces?.elements ?? [] {
        guard let object = piece.object else { continue }
        switch read(object) {
        case .call(let name, let arguments) where isModel: addCall(name, arguments, &tail)
        case .result(let content) where !isModel:
            hasResults = true
            if let content { tail.results = combine(tail.results, contentHash(content.value)) }
        default: break
        }
    }
    return hasResults
}

private func readMessages(_ message: JSONObjectView, _ tail: inout RequestTail) -> Bool {
    readPieces(message["content"], ofModel: message["role"]?.string == "assistant", &tail) { block in
        switch block["type"]?.string {
        case "tool_use": .call(name: block["name"], arguments: block["input"])
        case "tool_result": .result(block["content"])
        default: .other
        }
    }
}

private func readConverse(_ message: JSONObjectView, _ tail: inout RequestTail) -> Bool {
    readPieces(message["content"], ofModel: message["role"]?.string == "assistant", &tail) { block in
        if let use = block["toolUse"]?.object { return .call(name: use["name"], arguments: use["input"]) }
        if let result = block["toolResult"]?.object { return .result(result["content"]) }
        return .other
    }
}

private func readGemini(_ content: JSONObjectView, _ tail: inout RequestTail) -> Bool {
    readPieces(content["parts"], ofModel: content["role"]?.string == "model", &tail) { part in
        if let call = (part["functionCall"] ?? part["function_call"])?.object { return .call(name: call["name"], arguments: call["args"]) }
        if let result = (part["functionResponse"] ?? part["function_response"])?.object { return .result(result["response"]) }
        return .other
    }
}

private func readItem(_ item: JSONObjectView, _ tail: inout RequestTail) -> Bool {
    let type = item["type"]?.string ?? ""
    if type.hasSuffix("_call_output") {
        // Results that stand before the calls of a later round belong to an earlier one.
        if tail.calls != 0 { return false }
        if let output = item["output"] { tail.results = combine(tail.results, contentHash(output.value)) }
        return true
    }
    if type.hasSuffix("_call") {
        addCall(item["name"] ?? item["type"], item["arguments"] ?? item["input"] ?? item["action"], &tail)
        return true
    }
    // Between calls models think aloud.
    return type == "reasoning" && tail.calls == 0
}

private func addCall(_ name: JSONMember?, _ arguments: JSONMember?, _ tail: inout RequestTail) {
    var hash = name.map { contentHash($0.value) } ?? 1
    if let arguments { hash = combine(hash, contentHash(arguments.value)) }
    tail.calls = combine(tail.calls, hash) | 1
}

private func combine(_ left: UInt64, _ right: UInt64) -> UInt64 {
    let product = (left ^ 0x9E37_79B9_7F4A_7C15).multipliedFullWidth(by: right ^ 0xE703_7ED1_A0B4_28DB)
    return product.high ^ product.low
}
