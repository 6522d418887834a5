// Script: what a scripted agent session says next. It counts the tool results behind the last message of the user, calls a tool
// that the request offers until enough came back, then answers in text.

import Foundation

/// A turn's content, before a dialect writes it.
struct ScriptedTurn: Sendable {
    struct ToolCall: Sendable {
        var id: String
        var name: String
        /// JSON text.
        var arguments: String
    }

    var thinking: String?
    var text: String
    var toolCalls: [ToolCall] = []
    var model: String
    var id: String
    var created: Int

    // Tokens, as the provider bills them. Input is all of it; cached and written are parts of it.
    var inputTokens: Int
    var cachedTokens: Int
    var writtenTokens: Int
    var writesOneHour: Bool
    var outputTokens: Int
    var reasoningTokens: Int
}

/// What a tool of the request is like.
struct OfferedTool: Sendable {
    var name: String
    var schema: JSONText?
}

/// What the script reads of a request, in any dialect.
struct ScriptInput: Sendable {
    var model: String
    var bodyBytes: Int
    var messageCount: Int
    /// Behind the last message that the user wrote.
    var toolResults: Int
    var lastUserText: String
    var tools: [OfferedTool]
    var wantsThinking: Bool
    var usesOneHourCache: Bool
    var outputTokensMax: Int?
}

/// Options that a header can set on one request.
struct ScriptOptions: Sendable {
    var toolRounds = 2
    var parallelTools = 1
    var inputTokens: Int?
    var outputTokens: Int?
    var chunks: Int?
    var paceMilliseconds: Int?
    var fault: Fault?
}

enum Script {
    /// The next turn. The same input with the same number gives the same turn.
    static func next(_ input: ScriptInput, options: ScriptOptions, number: Int, created: Int) -> ScriptedTurn {
        var calls: [ScriptedTurn.ToolCall] = []
        var rounds = options.toolRounds
        if let asked = directive("rounds", in: input.lastUserText).flatMap(Int.init) { rounds = asked }
        let wanted = directive("tool", in: input.lastUserText)
        let usable = input.tools.filter { wanted == nil ? isHarmless($0.name) : $0.name == wanted }
        if input.toolResults < rounds * options.parallelTools, let first = usable.first {
            for index in 0..<options.parallelTools {
                let tool = usable.count > 1 ? usable[index % usable.count] : first
                calls.append(
                    ScriptedTurn.ToolCall(
                        id: "call_\(pad(number))\(pad(index, 2))", name: tool.name,
                        arguments: arguments(for: tool, round: input.toolResults).json))
            }
        }
        let total = options.inputTokens ?? max(16, input.bodyBytes / 4)
        // What came before the last exchange has been seen, in blocks of 128 as OpenAI counts them.
        let cached = input.messageCount > 2 ? total * 85 / 100 / 128 * 128 : 0
        let words = calls.isEmpty ? answerText(input, number) : "I will look at that first."
        let reasoning = input.wantsThinking ? 48 : 0
        var output = options.outputTokens ?? max(8, words.utf8.count / 4 + calls.count * 24 + reasoning)
        if let most = input.outputTokensMax { output = max(1, min(output, most)) }
        return ScriptedTurn(
            thinking: input.wantsThinking ? "The request is clear; one step at a time." : nil, text: words, toolCalls: calls,
            model: input.model, id: pad(number, 12), created: created, inputTokens: total, cachedTokens: cached,
            writtenTokens: min(total - cached, max(0, total - cached - 12)), writesOneHour: input.usesOneHourCache,
            outputTokens: output, reasoningTokens: min(reasoning, output))
    }

    /// Pieces of a text, as a model streams them.
    static func pieces(_ text: String, count: Int?) -> [String] {
        if let count {
            return (0..<max(1, count)).map { $0 == 0 ? "Chunk 0" : " \($0)" }
        }
        var pieces: [String] = []
        var piece = ""
        for character in text {
            if character == " ", !piece.isEmpty {
                pieces.append(piece)
                piece = ""
            }
            piece.append(character)
        }
        if !piece.isEmpty { pieces.append(piece) }
        return pieces
    }

    static func pad(_ number: Int, _ width: Int = 8) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }

    private static func answerText(_ input: ScriptInput, _ number: Int) -> String {
        let done = input.toolResults > 0 ? "After \(input.toolResults) tool results: the" : "The"
        return "\(done) task is done. This answer comes from the simulated provider, in place of \(input.model)."
    }

    /// `[sim tool=Bash]` in the user's text steers a script where a client can set no header.
    private static func directive(_ name: String, in text: String) -> String? {
        guard let start = text.range(of: "[sim "), let end = text[start.upperBound...].firstIndex(of: "]") else { return nil }
        for word in text[start.upperBound..<end].split(separator: " ") {
            let pair = word.split(separator: "=", maxSplits: 1)
            if pair.count == 2, pair[0] == name { return String(pair[1]) }
        }
        return nil
    }

    /// Tools that read or run; never one that asks a person, and none that starts another agent unless the text asks for it.
    private static func isHarmless(_ name: String) -> Bool {
        ["bash", "shell", "exec_command", "local_shell", "run_command", "read", "get_weather", "grep", "glob", "list"].contains(
            name.lowercased())
    }

    private static func arguments(for tool: OfferedTool, round: Int) -> JSONText {
        let properties = tool.schema?["properties"]?.members ?? []
        let required = (tool.schema?["required"]?.elements ?? []).compactMap(\.string)
        var result: [JSONText.Member] = []
        for property in properties where required.contains(property.name) || property.name == "command" || property.name == "cmd" {
            result.append(.init(name: property.name, value: value(property.name, property.value, round)))
        }
        return .object(result)
    }

    private static func value(_ name: String, _ schema: JSONText, _ round: Int) -> JSONText {
        if let choice = schema["enum"]?.elements.first { return choice }
        switch schema["type"]?.string {
        case "array": return name == "command" ? ["echo", .text("step \(round)")] : []
        case "integer", "number": return 1
        case "boolean": return false
        case "object": return [:]
        default: break
        }
        switch name {
        case "command", "cmd": return .text("echo step \(round)")
        case "description": return "Print a line"
        case "prompt": return "[sim rounds=1] Print a line and report."
        case "file_path", "path": return "README.md"
        case "pattern": return "TODO"
        case "city", "location": return "Paris"
        default: return .text("step \(round)")
        }
    }
}
