// CanonicalTurns: a conversation as dialects want it whose turns alternate and whose tool arguments are objects.

import WireFormat

/// One turn as Anthropic and Bedrock want them: user and assistant alternate, tool results first in the user's, and none is empty.
struct CanonicalTurn {
    var isUser: Bool
    var blocks: [CanonicalBlock]
    var hasLateSystem = false

    /// The turns of a conversation; what is left out of them and has a name is given to `drop`.
    static func merged(_ messages: [CanonicalMessage], _ drop: (String) -> Void) -> [CanonicalTurn] {
        var turns: [CanonicalTurn] = []
        for message in messages.drop(while: { $0.role == .system }) {
            let isUser = message.role != .assistant
            var blocks = message.blocks.withoutBlanks(drop)
            // A turn of nothing is an error there: the ones around it meet.
            guard !blocks.isEmpty else { continue }
            let isLateSystem = message.role == .system
            if isLateSystem {
                blocks = [CanonicalMessage(.system, blocks).asTaggedText]
            }
            if turns.last?.isUser == isUser {
                turns[turns.count - 1].blocks += blocks
            } else {
                turns.append(CanonicalTurn(isUser: isUser, blocks: blocks))
            }
            if isLateSystem { turns[turns.count - 1].hasLateSystem = true }
        }
        for index in turns.indices where turns[index].isUser {
            let blocks = turns[index].blocks
            turns[index].blocks = blocks.filter(\.isToolResult) + blocks.filter { !$0.isToolResult }
        }
        return turns
    }
}

extension [CanonicalTurn] {
    /// Whether the turns since the user last spoke call tools and show no thinking.
    var continuesToolsWithoutThinking: Bool {
        guard let last, last.isUser, last.blocks.contains(where: \.isToolResult) else { return false }
        guard let turn = self.last(where: { !$0.isUser }) else { return false }
        return !turn.blocks.contains { block in
            switch block.part {
            case .thinking(_, .some), .redactedThinking: true
            default: false
            }
        }
    }
}

extension CanonicalBlock {
    var isToolResult: Bool { if case .toolResult = part { true } else { false } }

    /// Thinking bears no cache mark.
    var takesCacheMark: Bool {
        switch part {
        case .thinking, .redactedThinking: false
        default: true
        }
    }
}

extension [CanonicalBlock] {
    /// The blocks without those that Anthropic and Bedrock refuse: blank texts, whose cache mark goes to what stands before them, and
    /// thinking that nobody signed. What is lost is given to `drop`.
    func withoutBlanks(_ drop: (String) -> Void) -> [CanonicalBlock] {
        var kept: [CanonicalBlock] = []
        for var block in self {
            switch block.part {
            case .text(let text) where isBlank(text), .refusal(let text) where isBlank(text):
                guard let mark = block.cache else { continue }
                if let last = kept.indices.last, kept[last].takesCacheMark {
                    kept[last].cache = kept[last].cache ?? mark
                } else {
                    drop("cache_control")
                }
                continue
            case .thinking(_, nil):
                drop("messages[].reasoning_content")
                continue
            case .toolResult(var result):
                let mark = result.content.last { $0.cache != nil }?.cache
                var losesMark = false
                result.content = result.content.withoutBlanks { _ in losesMark = true }
                // The result itself can bear it.
                if losesMark { block.cache = block.cache ?? mark }
                // An error without words is refused.
                if result.isError, result.content.isEmpty { result.content = [.text("Error")] }
                block.part = .toolResult(result)
            default: break
            }
            kept.append(block)
        }
        return kept
    }
}

/// Whether a text is white space alone.
func isBlank(_ text: String) -> Bool { text.unicodeScalars.allSatisfy { $0.properties.isWhitespace } }

/// Arguments must be an object there. What is none goes under a key of its own rather than being lost.
func argumentsObject(_ call: CanonicalToolCall) -> [UInt8] {
    if !call.isCustom {
        let text = Array(call.arguments.utf8)
        if text.allSatisfy({ $0 == 32 || $0 == 10 || $0 == 13 || $0 == 9 }) { return Array("{}".utf8) }
        if text.withUnsafeBytes({ JSONObjectView($0) != nil }) { return text }
    }
    var json = JSONWriter(capacity: call.arguments.utf8.count + 32)
    json.beginObject()
    json.field("input", call.arguments)
    json.endObject()
    return json.bytes
}

/// The free text of a custom tool, out of the object that it was asked for in.
func freeText(_ arguments: String) -> String {
    Array(arguments.utf8).withUnsafeBytes { JSONObjectView($0)?["input"]?.string } ?? arguments
}

/// What wraps the free text of a custom tool.
let freeTextSchema = #"{"type":"object","properties":{"input":{"type":"string"}},"required":["input"]}"#
let emptySchema = #"{"type":"object","properties":{}}"#
