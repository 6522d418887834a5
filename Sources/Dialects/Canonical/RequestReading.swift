// RequestReading: what several dialects' readers and writers of requests do alike.

import GatewayModel
import WireFormat

extension CanonicalRequest {
    /// Names what is left out, once.
    mutating func note(_ name: String) {
        if !unmapped.contains(name) { unmapped.append(name) }
    }

    /// Only these tools may be called.
    mutating func allowTools(_ names: [String], required: Bool) {
        allowedTools = names
        toolChoice = required ? .required : .auto
    }

    /// A user's turn of the dialects in which tool results stand in one.
    mutating func appendUserTurn(_ blocks: [CanonicalBlock]) {
        let results = blocks.filter(\.isToolResult)
        let rest = blocks.filter { !$0.isToolResult }
        if !results.isEmpty { messages.append(CanonicalMessage(.tool, results)) }
        if !rest.isEmpty || results.isEmpty { messages.append(CanonicalMessage(.user, rest)) }
    }

    /// The results of tools are one message, however many the client sent.
    mutating func appendResult(_ block: CanonicalBlock) {
        if messages.last?.role == .tool {
            messages[messages.count - 1].blocks.append(block)
        } else {
            messages.append(CanonicalMessage(.tool, [block]))
        }
    }

    /// The request for a dialect that may not be able to describe tools which must not be called: they are left out there. That
    /// changes the prompt's beginning, so it is named.
    func withToolsAllowed(in dialect: Dialect) -> CanonicalRequest {
        guard let allowedTools else { return self }
        switch dialect {
        case .openAIChat, .openAIResponses: return self
        // Gemini takes names only where it must call one of them.
        case .gemini where toolChoice == .required: return self
        default: break
        }
        var request = self
        request.tools = tools.filter { allowedTools.contains($0.name) }
        request.allowedTools = nil
        if request.tools.count != tools.count { request.note("tool_choice.allowed_tools") }
        return request
    }
}

/// The cache mark of a block, a message or a tool as Anthropic writes it, and clients of chat completions after it.
func cachePeriod(_ object: JSONObjectView) -> CachePeriod? {
    guard let control = object["cache_control"]?.object else { return nil }
    return control["ttl"]?.string == "1h" ? .long : .short
}

extension CanonicalReasoning {
    /// Claude's `thinking`, which Messages carry and Converse passes on.
    mutating func read(thinking: JSONObjectView?) {
        switch thinking?["type"]?.string {
        case "disabled": isOff = true
        case "enabled": budget = thinking?["budget_tokens"]?.integer
        default: isAdaptive = true
        }
        display = thinking?["display"]?.string
    }
}

extension CanonicalMessage {
    /// A system message amid the conversation, for dialects that have none there: at the top it would break the prompt cache.
    var asTaggedText: CanonicalBlock { .text("<system>\n\(blocks.map(\.text).joined(separator: "\n"))\n</system>") }
}

/// A search result as a text, for dialects that have no such block.
func searchResultText(_ object: JSONObjectView?) -> String {
    let texts = (object?["content"]?.elements ?? []).compactMap { $0.object?["text"]?.string }
    let head = [object?["title"]?.string, object?["source"]?.string].compactMap { $0 }.joined(separator: "\n")
    return ([head] + texts).joined(separator: "\n")
}

/// Ids of calls that came without one: optional with Gemini and Ollama, and left out by some servers of chat completions.
enum MintedCallID {
    /// - Parameters:
    ///   - mark: what the id begins with.
    ///   - seed: what no other answer of the conversation has.
    static func make(_ mark: String, _ seed: String, _ number: Int) -> String {
        let safe = seed.utf8.filter { $0 >= 48 && $0 <= 57 || $0 >= 65 && $0 <= 90 || $0 >= 97 && $0 <= 122 }
        return "\(mark)\(String(decoding: safe.prefix(40), as: UTF8.self))_\(number)"
    }
}
