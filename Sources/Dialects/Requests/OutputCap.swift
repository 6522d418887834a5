// OutputCap: where each dialect says how much may be written at most: reading it from a body as it goes to the provider, and asking for
// it where the body says nothing.

package import GatewayModel
package import WireFormat

/// Most of what the members of a body ask for in output. A later one of two counts only where it is more.
struct OutputAsked {
    var cap: Int64?
    var choices: Int64 = 1
    /// A cap that is no number from 0 on: what the provider makes of it is not known, and Ollama writes on and on at a negative one.
    var odd: String?

    private static let names: [StaticString] = ["max_tokens", "max_completion_tokens", "max_output_tokens", "max_gen_len"]
    private static let configured: [StaticString] = [
        "maxOutputTokens", "max_output_tokens", "maxTokens", "max_new_tokens", "maxTokenCount", "num_predict",
    ]

    mutating func read(_ member: JSONMember, _ dialect: Dialect) {
        if member.kind != .object {
            if Self.names.contains(where: { member.isNamed($0) }) { take(member) }
            if member.isNamed("n") || member.isNamed("best_of") { choices = max(choices, member.integer ?? 1) }
        } else {
            let isConfiguration =
                switch dialect {
                case .gemini: member.isNamed("generationConfig") || member.isNamed("generation_config")
                case .bedrockConverse, .bedrockInvoke: member.isNamed("inferenceConfig") || member.isNamed("textGenerationConfig")
                case .ollama: member.isNamed("options")
                default: false
                }
            if isConfiguration { readConfiguration(member.value) }
        }
    }

    private mutating func readConfiguration(_ bytes: UnsafeRawBufferPointer) {
        visitJSONMembers(bytes) { member in
            if Self.configured.contains(where: { member.isNamed($0) }) { take(member) }
            if member.isNamed("candidateCount") || member.isNamed("candidate_count") { choices = max(choices, member.integer ?? 1) }
        }
    }

    private mutating func take(_ member: JSONMember) {
        if let tokens = member.integer, tokens >= 0 {
            cap = max(cap ?? 0, tokens)
        } else if member.kind != .null {
            odd = member.key
        }
    }
}

/// The splices that ask for no more output, and no more calls of hosted tools, than this. Only for what the body does not say.
package func capSplices(
    _ endpoint: Endpoint, body: UnsafeRawBufferPointer, output: Int64?, hostedCalls: Int64?, usesMaxTokens: Bool
) -> [Splice] {
    var members = ""
    if let hostedCalls { members += ",\"max_tool_calls\":\(hostedCalls)" }
    if let output {
        switch endpoint.dialect {
        case .openAIResponses: members += ",\"max_output_tokens\":\(output)"
        case .openAIChat: members += ",\"\(usesMaxTokens ? "max_tokens" : "max_completion_tokens")\":\(output)"
        case .gemini: return [inner(body, "generationConfig", "generation_config", "\"maxOutputTokens\":\(output)")]
        case .bedrockConverse: return [inner(body, "inferenceConfig", "inferenceConfig", "\"maxTokens\":\(output)")]
        case .ollama: return [inner(body, "options", "options", "\"num_predict\":\(output)")]
        default: members += ",\"max_tokens\":\(output)"
        }
    }
    return members.isEmpty ? [] : [Splice(offset: end(body), removeCount: 0, insert: Array(members.utf8))]
}

/// Before the brace that ends the body.
private func end(_ body: UnsafeRawBufferPointer) -> Int {
    var end = body.count - 1
    while end > 0, body[end] != 125 { end -= 1 }
    return end
}

/// Puts a member into an object of the body, in either of two names, or the object behind the last member.
private func inner(_ body: UnsafeRawBufferPointer, _ name: StaticString, _ other: StaticString, _ text: String) -> Splice {
    var found: Range<Int>?
    var isEmpty = true
    var isWholeEmpty = true
    visitJSONMembers(body) { member in
        isWholeEmpty = false
        guard member.isNamed(name) || member.isNamed(other) else { return }
        found = member.range
        guard member.kind == .object else { return }
        isEmpty = true
        visitJSONMembers(member.value) { _ in isEmpty = false }
    }
    guard let found else {
        return Splice(offset: end(body), removeCount: 0, insert: Array("\(isWholeEmpty ? "" : ",")\"\(name)\":{\(text)}".utf8))
    }
    guard body[found.lowerBound] == 123 else {
        return Splice(offset: found.lowerBound, removeCount: found.count, insert: Array("{\(text)}".utf8))
    }
    return Splice(offset: found.lowerBound + 1, removeCount: 0, insert: Array("\(text)\(isEmpty ? "" : ",")".utf8))
}
