// MessagesEventWriter: canonical events as Anthropic's named events, or as one message. Blocks there come one after the other: pieces
// of a later tool call wait until the one before it is whole.

import GatewayModel
import WireFormat

/// Writes an answer for a client of `/v1/messages`.
package struct MessagesEventWriter: CanonicalEventWriter {
    private enum Open: Hashable {
        case none, text, thinking
        case tool(Int)
    }

    private struct Waiting {
        var id: String
        var name: String
        var arguments = ""
        var hasEnded = false
    }

    private let context: AnswerContext
    private var answer = CollectedAnswer()
    private var hasStarted = false
    private var open = Open.none
    private var nextIndex: Int64 = 0
    private var waiting: [(slot: Int, call: Waiting)] = []
    private var usage = TokenUsage()
    private var stop: CanonicalStop?

    package init(_ context: AnswerContext) { self.context = context }

    // MARK: A stream

    package mutating func write(_ event: CanonicalEvent, into out: inout [UInt8]) {
        switch event {
        case .start(let id, let model): start(id, model, &out)
        case .text(let piece), .refusal(let piece):
            enter(.text, &out)
            delta(&out, "text_delta") { $0.field("text", piece) }
        case .thinking(let piece):
            enter(.thinking, &out)
            delta(&out, "thinking_delta") { $0.field("thinking", piece) }
        case .signature(let signature):
            enter(.thinking, &out)
            delta(&out, "signature_delta") { $0.field("signature", signature) }
        case .redactedThinking(let data):
            close(&out)
            begin(&out) { json in
                json.field("type", "redacted_thinking")
                json.field("data", data)
            }
            endBlock(&out)
        case .blockEnd: if open == .text || open == .thinking { close(&out) }
        case .toolStart(let slot, let id, let name):
            if case .tool = open {
                waiting.append((slot, Waiting(id: id, name: name)))
            } else {
                close(&out)
                beginTool(slot, id, name, &out)
            }
        case .toolArguments(let slot, let piece):
            if open == .tool(slot) {
                delta(&out, "input_json_delta") { $0.field("partial_json", piece) }
            } else if let place = waiting.firstIndex(where: { $0.slot == slot }) {
                waiting[place].call.arguments += piece
            }
        case .toolEnd(let slot):
            if open == .tool(slot) {
                close(&out)
                writeWaiting(&out)
            } else if let place = waiting.firstIndex(where: { $0.slot == slot }) {
                waiting[place].call.hasEnded = true
            }
        case .usage(let usage): self.usage = usage
        case .finish(.malformed(let reason)):
            failure(CanonicalFailure(code: "api_error", message: reason), &out)
        case .finish(let stop): self.stop = stop
        case .failure(let failure): self.failure(failure, &out)
        case .end: end(&out)
        }
    }

    private mutating func start(_ id: String?, _ model: String?, _ out: inout [UInt8]) {
        guard !hasStarted else { return }
        hasStarted = true
        event(&out, "message_start") { [context, usage] json in
            json.beginObject("message")
            json.field("id", id ?? context.id)
            json.field("type", "message")
            json.field("role", "assistant")
            json.field("model", model ?? context.model)
            json.beginArray("content")
            json.endArray()
            json.rawField("stop_reason", "null".utf8)
            json.rawField("stop_sequence", "null".utf8)
            Self.write(usage, output: max(1, usage.output), into: &json)
            json.endObject()
        }
    }

    private mutating func enter(_ block: Open, _ out: inout [UInt8]) {
        start(nil, nil, &out)
        guard open != block else { return }
        close(&out)
        begin(&out) { json in
            json.field("type", block == .text ? "text" : "thinking")
            if block == .text {
                json.field("text", "")
            } else {
                json.field("thinking", "")
                json.field("signature", "")
            }
        }
        open = block
    }

    private mutating func beginTool(_ slot: Int, _ id: String, _ name: String, _ out: inout [UInt8]) {
        start(nil, nil, &out)
        begin(&out) { json in
            json.field("type", "tool_use")
            json.field("id", anthropicID(id))
            json.field("name", name)
            json.beginObject("input")
            json.endObject()
        }
        open = .tool(slot)
    }

    /// What waited behind the tool call that has just ended.
    private mutating func writeWaiting(_ out: inout [UInt8]) {
        while let next = waiting.first, open == .none {
            waiting.removeFirst()
            beginTool(next.slot, next.call.id, next.call.name, &out)
            if !next.call.arguments.isEmpty {
                delta(&out, "input_json_delta") { $0.field("partial_json", next.call.arguments) }
            }
            if next.call.hasEnded { close(&out) }
        }
    }

    private mutating func begin(_ out: inout [UInt8], _ block: (inout JSONWriter) -> Void) {
        start(nil, nil, &out)
        event(&out, "content_block_start") { [nextIndex] json in
            json.field("index", nextIndex)
            json.beginObject("content_block")
            block(&json)
            json.endObject()
        }
    }

    private mutating func delta(_ out: inout [UInt8], _ type: String, _ body: (inout JSONWriter) -> Void) {
        event(&out, "content_block_delta") { [nextIndex] json in
            json.field("index", nextIndex)
            json.beginObject("delta")
            json.field("type", type)
            body(&json)
            json.endObject()
        }
    }

    private mutating func close(_ out: inout [UInt8]) {
        guard open != .none else { return }
        open = .none
        endBlock(&out)
    }

    private mutating func endBlock(_ out: inout [UInt8]) {
        event(&out, "content_block_stop") { [nextIndex] in $0.field("index", nextIndex) }
        nextIndex += 1
    }

    private mutating func end(_ out: inout [UInt8]) {
        guard let stop else { return }
        start(nil, nil, &out)
        close(&out)
        writeWaiting(&out)
        while open != .none {
            close(&out)
            writeWaiting(&out)
        }
        event(&out, "message_delta") { [usage] json in
            json.beginObject("delta")
            Self.write(stop, into: &json)
            json.endObject()
            Self.write(usage, output: usage.output, into: &json)
        }
        event(&out, "message_stop") { _ in }
    }

    private mutating func failure(_ failure: CanonicalFailure, _ out: inout [UInt8]) {
        event(&out, "error") { Self.write(failure, into: &$0) }
    }

    /// Clients ignore events without a name.
    private mutating func event(_ out: inout [UInt8], _ name: String, _ body: (inout JSONWriter) -> Void) {
        var json = JSONWriter(capacity: 512)
        json.beginObject()
        json.field("type", name)
        body(&json)
        json.endObject()
        out.append(contentsOf: "event: \(name)\ndata: ".utf8)
        out.append(contentsOf: json.bytes)
        out.append(contentsOf: "\n\n".utf8)
    }

    // MARK: A document

    package mutating func collect(_ event: CanonicalEvent) { answer.take(event) }

    package func document() -> [UInt8] {
        var json = JSONWriter(capacity: 1024)
        json.beginObject()
        if let failure = answer.failure {
            json.field("type", "error")
            Self.write(failure, into: &json)
            json.endObject()
            return json.bytes
        }
        json.field("id", answer.id ?? context.id)
        json.field("type", "message")
        json.field("role", "assistant")
        json.field("model", answer.model ?? context.model)
        json.beginArray("content")
        for block in answer.blocks { Self.write(block, into: &json) }
        json.endArray()
        Self.write(answer.stop ?? .endTurn, into: &json)
        Self.write(answer.usage, output: answer.usage.output, into: &json)
        json.endObject()
        return json.bytes
    }

    private static func write(_ block: CanonicalPart, into json: inout JSONWriter) {
        json.beginObject()
        switch block {
        case .text(let text), .refusal(let text):
            json.field("type", "text")
            json.field("text", text)
        case .thinking(let text, let signature):
            json.field("type", "thinking")
            json.field("thinking", text)
            json.field("signature", signature ?? "")
        case .redactedThinking(let data):
            json.field("type", "redacted_thinking")
            json.field("data", data)
        case .toolCall(let call):
            json.field("type", "tool_use")
            json.field("id", anthropicID(call.id))
            json.field("name", call.name)
            let text = Array(call.arguments.utf8)
            let isObject = text.withUnsafeBytes { JSONObjectView($0) != nil }
            if isObject {
                json.rawField("input", text)
            } else {
                json.beginObject("input")
                if !call.arguments.isEmpty { json.field("input", call.arguments) }
                json.endObject()
            }
        default: break
        }
        json.endObject()
    }

    // MARK: Shared

    private static func write(_ failure: CanonicalFailure, into json: inout JSONWriter) {
        json.beginObject("error")
        json.field("type", failure.code)
        json.field("message", failure.message)
        json.endObject()
    }

    private static func write(_ stop: CanonicalStop, into json: inout JSONWriter) {
        let reason =
            switch stop {
            case .endTurn, .malformed: "end_turn"
            case .stopSequence: "stop_sequence"
            case .toolUse: "tool_use"
            case .maxTokens: "max_tokens"
            case .contextWindow: "model_context_window_exceeded"
            case .pause: "pause_turn"
            case .refusal, .contentFilter: "refusal"
            }
        json.field("stop_reason", reason)
        if case .stopSequence(let sequence?) = stop {
            json.field("stop_sequence", sequence)
        } else {
            json.rawField("stop_sequence", "null".utf8)
        }
    }

    private static func write(_ usage: TokenUsage, output: Int64, into json: inout JSONWriter) {
        json.beginObject("usage")
        json.field("input_tokens", usage.input &+ usage.toolPrompt)
        json.field("cache_creation_input_tokens", usage.cacheWrite)
        json.field("cache_read_input_tokens", usage.cacheRead)
        json.field("output_tokens", output)
        json.endObject()
    }
}
