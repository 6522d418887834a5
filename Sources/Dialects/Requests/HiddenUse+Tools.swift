// HiddenUse+Tools: the tools of a request that its provider calls by itself. Those whose calls are capped and priced have a bound; the
// others have none, and what would mend it is said.

import GatewayModel
import WireFormat

extension HiddenUseReader {
    mutating func readTools(_ bytes: UnsafeRawBufferPointer) {
        var number = 0
        visitJSONElements(bytes) { kind, value in
            if kind == .object { readTool(value, at: "tools[\(number)]") }
            number += 1
            return true
        }
    }

    private mutating func readTool(_ bytes: UnsafeRawBufferPointer, at place: String) {
        switch dialect {
        case .gemini: readNamedTool(bytes, at: place, known: Self.geminiTools)
        case .bedrockConverse: readNamedTool(bytes, at: "toolConfig.\(place)", known: ["toolSpec", "cachePoint"])
        case .openAIResponses: readResponsesTool(bytes, at: place)
        case .anthropicMessages, .bedrockInvoke: readAnthropicTool(bytes, at: place)
        default: readChatTool(bytes, at: place)
        }
    }

    private static let geminiTools: [StaticString] = ["functionDeclarations", "function_declarations", "computerUse", "computer_use"]

    /// Dialects in which the name of a member says what a tool is.
    private mutating func readNamedTool(_ bytes: UnsafeRawBufferPointer, at place: String, known: [StaticString]) {
        visitJSONMembers(bytes) { member in
            guard member.kind != .null else { return }
            guard known.contains(where: { member.isNamed($0) }) else {
                refuse("\(place).\(member.key.prefix(40))", mend: "leave it out: nothing caps what it calls")
                return
            }
            if member.isNamed("computerUse") || member.isNamed("computer_use") { use.toolTokens += Self.clientToolTokens }
        }
    }

    /// What a vendor says to a model about a tool that it defines and the client runs (735 tokens are Anthropic's most).
    private static var clientToolTokens: Int64 { 2048 }

    private struct ToolHead {
        var type: String?
        var maxUses: Int64?
        var execution: String?
        var environment: String?
        var inner: UnsafeRawBufferPointer?
    }

    private func head(_ bytes: UnsafeRawBufferPointer) -> ToolHead {
        var head = ToolHead()
        visitJSONMembers(bytes) { member in
            if member.isNamed("type") {
                head.type = member.string
            } else if member.isNamed("max_uses") {
                head.maxUses = member.integer
            } else if member.isNamed("execution") {
                head.execution = member.string
            } else if member.isNamed("environment"), member.kind == .object {
                visitJSONMembers(member.value) { if $0.isNamed("type") { head.environment = $0.string } }
            } else if member.isNamed("tools"), member.kind == .array {
                head.inner = member.value
            }
        }
        return head
    }

    private mutating func readChatTool(_ bytes: UnsafeRawBufferPointer, at place: String) {
        guard let type = head(bytes).type, type != "function", type != "custom" else { return }
        refuse("\(place) (\(type.prefix(40)))", mend: "leave it out: nothing caps what it calls")
    }

    private mutating func readAnthropicTool(_ bytes: UnsafeRawBufferPointer, at place: String) {
        let tool = head(bytes)
        guard let type = tool.type, type != "custom" else { return }
        if ["bash_", "text_editor_", "computer_", "memory_"].contains(where: { type.hasPrefix($0) }) {
            use.toolTokens += Self.clientToolTokens
            return
        }
        // Later versions of these filter what they find by code that they run, which has no cap.
        guard type == "web_search_20250305" || type == "web_fetch_20250910" else {
            let mend =
                type.hasPrefix("web_search_") || type.hasPrefix("web_fetch_")
                ? "web_search_20250305 and web_fetch_20250910 with max_uses are bounded" : "leave it out: nothing caps what it calls"
            refuse("\(place) (\(type.prefix(40)))", mend: mend)
            return
        }
        guard let uses = tool.maxUses, uses >= 0 else {
            refuse("\(place).max_uses", mend: "say how often \(type) may be called")
            return
        }
        let calls = min(uses, 1_000_000)
        use.furtherCalls += calls
        use.furtherOutputs += calls
        if type.hasPrefix("web_search") { use.searches += calls } else { use.fetches += calls }
    }

    private mutating func readResponsesTool(_ bytes: UnsafeRawBufferPointer, at place: String) {
        let tool = head(bytes)
        guard let type = tool.type else { return }
        switch type {
        case "function", "custom", "local_shell", "apply_patch": return
        case "computer", "computer_use_preview": use.toolTokens += Self.clientToolTokens
        case "namespace":
            guard let inner = tool.inner else { return }
            var number = 0
            visitJSONElements(inner) { kind, value in
                if kind == .object { readResponsesTool(value, at: "\(place).tools[\(number)]") }
                number += 1
                return true
            }
        case "shell" where tool.environment == "local": use.toolTokens += Self.clientToolTokens
        case "tool_search" where tool.execution == "client": return
        case "tool_search": cappedTools += 1
        case _ where type == "web_search" || type.hasPrefix("web_search_"):
            cappedTools += 1
            cappedSearches = true
        default: refuse("\(place) (\(type.prefix(40)))", mend: "leave it out: what its calls cost has no bound")
        }
    }
}
