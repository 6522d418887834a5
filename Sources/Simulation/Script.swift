// Script: what a scripted agent session says next. It counts the tool results behind the last message of the user, calls a tool
// that the request offers until enough came back, then answers in text.

import Foundation

/// A turn's content, before a dialect writes it.
struct ScriptedTurn: Sendable {
    struct ToolCall: Sendable {
        var id: String
        var name: String
        var arguments: String
        var namespace: String?
        /// Its arguments are free text and no JSON.
        var takesText: Bool

        init(id: String, tool: OfferedTool, arguments: JSONText) {
            self.id = id
            name = tool.name
            self.arguments = arguments.string ?? arguments.json
            namespace = tool.namespace
            takesText = tool.takesText
        }
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
    /// The group of tools that it is in: OpenAI Responses has such.
    var namespace: String?
    /// It takes free text: the script writes JavaScript, as Codex's `exec` wants it.
    var takesText = false
}

/// What the script reads of a request, in any dialect.
struct ScriptInput: Sendable {
    var model: String
    var bodyBytes: Int
    var messageCount: Int
    /// Behind the last message that the user wrote.
    var toolResults: Int
    var lastUserText: String
    /// The last agent that a tool result says was started.
    var startedAgent: String?
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
    /// How many of them its prompt cache held.
    var cachedTokens: Int?
    var outputTokens: Int?
    var chunks: Int?
    var paceMilliseconds: Int?
    var fault: Fault?
}

enum Script {
    /// The next turn. The same input with the same number gives the same turn.
    static func next(_ input: ScriptInput, options: ScriptOptions, number: Int, created: Int) -> ScriptedTurn {
        let directives = Directives(in: input.lastUserText)
        let calls = toolCalls(input, options: options, directives: directives, number: number)
        let total = options.inputTokens ?? max(16, input.bodyBytes / 4)
        // What came before the last exchange has been seen, in blocks of 128 as OpenAI counts them.
        let cached = options.cachedTokens.map { min($0, total) } ?? (input.messageCount > 2 ? total * 85 / 100 / 128 * 128 : 0)
        let words = calls.isEmpty ? answerText(input, directives) : "I will look at that first."
        let reasoning = input.wantsThinking ? 48 : 0
        var output = options.outputTokens ?? max(8, words.utf8.count / 4 + calls.count * 24 + reasoning)
        if let most = input.outputTokensMax { output = max(1, min(output, most)) }
        return ScriptedTurn(
            thinking: input.wantsThinking ? "The request is clear; one step at a time." : nil, text: words,
            toolCalls: calls,
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

    /// The calls of this turn; none once enough results came back.
    private static func toolCalls(
        _ input: ScriptInput, options: ScriptOptions, directives: Directives, number: Int
    ) -> [ScriptedTurn.ToolCall] {
        let wanted = directives.tool(round: input.toolResults / options.parallelTools)
        let usable = input.tools.filter { wanted == nil ? isHarmless($0.name) : $0.name == wanted }
        let enough = (directives.rounds ?? options.toolRounds) * options.parallelTools
        guard !usable.isEmpty else { return [] }
        if input.toolResults == enough, let finish = directives.finish {
            let command: JSONText = ["command": .text("echo \(finish)")]
            return [.init(id: "call_\(pad(number))00", tool: usable[0], arguments: command)]
        }
        guard input.toolResults < enough else { return [] }
        return (0..<options.parallelTools).map { index in
            let tool = usable[index % usable.count]
            return .init(id: "call_\(pad(number))\(pad(index, 2))", tool: tool, arguments: arguments(for: tool, input))
        }
    }

    private static func answerText(_ input: ScriptInput, _ directives: Directives) -> String {
        let done = input.toolResults > 0 ? "After \(input.toolResults) tool results: the" : "The"
        let text = "\(done) task is done. This answer comes from the simulated provider, in place of \(input.model)."
        guard let file = directives.write else { return text }
        return "\(text)\n\n\(file)\n```\n<<<<<<< SEARCH\n=======\nwritten by the script\n>>>>>>> REPLACE\n```\n"
    }

    /// Tools that read or run; never one that asks a person, and none that starts another agent unless the text asks for it.
    private static func isHarmless(_ name: String) -> Bool {
        [
            "bash", "shell", "exec", "exec_command", "local_shell", "run_command", "read", "get_weather", "grep",
            "glob", "list",
        ]
        .contains(
            name.lowercased())
    }

    /// What a schema requires, and what makes a call useful though it is optional.
    private static func arguments(for tool: OfferedTool, _ input: ScriptInput) -> JSONText {
        if tool.takesText {
            return .text("text((await tools.exec_command({cmd: \"echo step \(input.toolResults)\"})).output)")
        }
        let properties = tool.schema?["properties"]?.members ?? []
        let useful: Set = ["command", "cmd", "message", "subagent_type", "run_in_background", "fork_turns"]
        let required = useful.union((tool.schema?["required"]?.elements ?? []).compactMap(\.string))
        return .object(
            properties.filter { required.contains($0.name) }.map {
                .init(name: $0.name, value: value($0.name, $0.value, input))
            })
    }

    private static func value(_ name: String, _ schema: JSONText, _ input: ScriptInput) -> JSONText {
        let round = input.toolResults
        if let choice = schema["enum"]?.elements.first { return choice }
        switch schema["type"]?.string {
        case "array":
            if name == "targets", let agent = input.startedAgent { return [.text(agent)] }
            return name == "command" ? ["echo", .text("step \(round)")] : []
        case "integer", "number": return 1
        case "boolean": return false
        case "object": return [:]
        default: break
        }
        switch name {
        case "command", "cmd": return .text("echo step \(round)")
        case "description": return "Print a line"
        case "prompt", "message": return "[sim rounds=1] Print a line and report."
        case "subagent_type": return "general-purpose"
        case "task_name": return "print_a_line"
        case "fork_turns": return "none"
        case "file_path", "path": return "README.md"
        case "pattern": return "TODO"
        case "city", "location": return "Paris"
        default: return .text("step \(round)")
        }
    }
}
