// MessagesEventWriter: canonical events as Anthropic's named events, or as one message. Blocks there come one after the other.

import GatewayModel
import WireFormat

/// Writes an answer for a client of `/v1/messages`.
package struct MessagesEventWriter: CanonicalEventWriter {
    private let context: AnswerContext
    private var answer = CollectedAnswer()
    private var blocks = SerialEvents()
    private var hasStarted = false
    private var usage = TokenUsage()
    private var stop: CanonicalStop?

    package init(_ context: AnswerContext) { self.context = context }

    // MARK: A stream

    package mutating func write(_ event: CanonicalEvent, into out: inout [UInt8]) {
        switch event {
        case .start(let id, let model): start(id, model, &out)
        case .usage(let usage): self.usage = usage
        case .finish(let stop): self.stop = stop
        case .failure(let failure): Self.event(&out, "error") { Self.write(failure, into: &$0) }
        case .end: end(&out)
        default:
            start(nil, nil, &out)
            var blocks = blocks
            blocks.take(event) { Self.write($0, &out) }
            self.blocks = blocks
        }
    }

    private mutating func start(_ id: String?, _ model: String?, _ out: inout [UInt8]) {
        guard !hasStarted else { return }
        hasStarted = true
        Self.event(&out, "message_start") { [context, usage] json in
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

    private static func write(_ event: SerialEvent, _ out: inout [UInt8]) {
        switch event {
        case .begin(let index, let kind):
            Self.event(&out, "content_block_start") { json in
                json.field("index", index)
                json.beginObject("content_block")
                write(kind, into: &json)
                json.endObject()
            }
        case .text(let index, let piece): delta(&out, index, "text_delta") { $0.field("text", piece) }
        case .thinking(let index, let piece): delta(&out, index, "thinking_delta") { $0.field("thinking", piece) }
        case .signature(let index, let piece): delta(&out, index, "signature_delta") { $0.field("signature", piece) }
        case .arguments(let index, let piece): delta(&out, index, "input_json_delta") { $0.field("partial_json", piece) }
        case .end(let index): Self.event(&out, "content_block_stop") { $0.field("index", index) }
        }
    }

    /// A block as it begins, with nothing in it.
    private static func write(_ kind: SerialEvent.Kind, into json: inout JSONWriter) {
        switch kind {
        case .text:
            json.field("type", "text")
            json.field("text", "")
        case .thinking:
            json.field("type", "thinking")
            json.field("thinking", "")
            json.field("signature", "")
        case .redactedThinking(let data):
            json.field("type", "redacted_thinking")
            json.field("data", data)
        case .tool(let id, let name):
            json.field("type", "tool_use")
            json.field("id", anthropicID(id))
            json.field("name", name)
            json.beginObject("input")
            json.endObject()
        }
    }

    private static func delta(_ out: inout [UInt8], _ index: Int64, _ type: String, _ body: (inout JSONWriter) -> Void) {
        event(&out, "content_block_delta") { json in
            json.field("index", index)
            json.beginObject("delta")
            json.field("type", type)
            body(&json)
            json.endObject()
        }
    }

    private mutating func end(_ out: inout [UInt8]) {
        guard let stop else { return }
        start(nil, nil, &out)
        var blocks = blocks
        blocks.finish { Self.write($0, &out) }
        self.blocks = blocks
        Self.event(&out, "message_delta") { [usage] json in
            json.beginObject("delta")
            Self.write(stop, into: &json)
            json.endObject()
            Self.write(usage, output: usage.output, into: &json)
        }
        Self.event(&out, "message_stop") { _ in }
    }

    /// Clients ignore events without a name.
    private static func event(_ out: inout [UInt8], _ name: String, _ body: (inout JSONWriter) -> Void) {
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
            json.rawField("input", argumentsObject(call))
        default: break
        }
        json.endObject()
    }

    // MARK: Shared

    private static func write(_ failure: CanonicalFailure, into json: inout JSONWriter) {
        json.beginObject("error")
        json.field("type", FailureKind(code: failure.code).anthropicType)
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
        guard case .refusal(let explanation?) = stop else { return }
        json.beginObject("stop_details")
        json.field("type", "refusal")
        json.rawField("category", "null".utf8)
        json.field("explanation", explanation)
        json.endObject()
    }

    private static func write(_ usage: TokenUsage, output: Int64, into json: inout JSONWriter) {
        json.beginObject("usage")
        json.field("input_tokens", usage.input &+ usage.toolPrompt)
        json.field("cache_creation_input_tokens", usage.cacheWrite)
        json.field("cache_read_input_tokens", usage.cacheRead)
        if usage.cacheWrite1h > 0 {
            json.beginObject("cache_creation")
            json.field("ephemeral_5m_input_tokens", usage.cacheWrite &- usage.cacheWrite1h)
            json.field("ephemeral_1h_input_tokens", usage.cacheWrite1h)
            json.endObject()
        }
        json.field("output_tokens", output)
        if usage.reasoning > 0 {
            json.beginObject("output_tokens_details")
            json.field("thinking_tokens", usage.reasoning)
            json.endObject()
        }
        json.endObject()
    }
}
