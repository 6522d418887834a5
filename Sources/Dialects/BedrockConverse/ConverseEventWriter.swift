// ConverseEventWriter: canonical events as an AWS event stream, or as one answer of Converse (protocols.md, sections 4.2 to 4.4).

import GatewayModel
import WireFormat

/// Writes an answer for a client of `/model/{id}/converse` or `converse-stream`.
package struct ConverseEventWriter: CanonicalEventWriter {
    private var answer = CollectedAnswer()
    private var blocks = SerialEvents()
    private var hasStarted = false
    private var usage = TokenUsage()
    private var stop: CanonicalStop?

    package init(_ context: AnswerContext) {}

    // MARK: A stream

    package mutating func write(_ event: CanonicalEvent, into out: inout [UInt8]) {
        switch event {
        case .start: start(&out)
        case .usage(let usage): self.usage = usage
        case .finish(let stop): self.stop = stop
        case .failure(let failure): fail(failure, &out)
        case .end: end(&out)
        default:
            start(&out)
            var blocks = blocks
            blocks.take(event) { Self.write($0, &out) }
            self.blocks = blocks
        }
    }

    private mutating func start(_ out: inout [UInt8]) {
        guard !hasStarted else { return }
        hasStarted = true
        Self.event("messageStart", &out) { $0.field("role", "assistant") }
    }

    private static func write(_ event: SerialEvent, _ out: inout [UInt8]) {
        switch event {
        case .begin(let index, .tool(let id, let name)):
            Self.event("contentBlockStart", &out) { json in
                json.beginObject("start")
                json.beginObject("toolUse")
                json.field("toolUseId", bedrockToolID(id))
                json.field("name", name)
                json.endObject()
                json.endObject()
                json.field("contentBlockIndex", index)
            }
        case .begin(let index, .redactedThinking(let data)):
            reasoning(index, &out) { $0.field("redactedContent", redactedContent(data)) }
        // Texts and thinking begin with their first piece.
        case .begin: break
        case .text(let index, let piece): delta(index, &out) { $0.field("text", piece) }
        case .thinking(let index, let piece): reasoning(index, &out) { $0.field("text", piece) }
        case .signature(let index, let signature): reasoning(index, &out) { $0.field("signature", signature) }
        case .arguments(let index, let piece):
            delta(index, &out) { json in
                json.beginObject("toolUse")
                json.field("input", piece)
                json.endObject()
            }
        case .end(let index): Self.event("contentBlockStop", &out) { $0.field("contentBlockIndex", index) }
        }
    }

    private static func delta(_ index: Int64, _ out: inout [UInt8], _ body: (inout JSONWriter) -> Void) {
        event("contentBlockDelta", &out) { json in
            json.beginObject("delta")
            body(&json)
            json.endObject()
            json.field("contentBlockIndex", index)
        }
    }

    private static func reasoning(_ index: Int64, _ out: inout [UInt8], _ body: (inout JSONWriter) -> Void) {
        delta(index, &out) { json in
            json.beginObject("reasoningContent")
            body(&json)
            json.endObject()
        }
    }

    private mutating func end(_ out: inout [UInt8]) {
        guard let stop else { return }
        start(&out)
        var blocks = blocks
        blocks.finish { Self.write($0, &out) }
        self.blocks = blocks
        Self.event("messageStop", &out) { $0.field("stopReason", Self.reason(stop)) }
        Self.event("metadata", &out) { [usage] json in
            Self.write(usage, into: &json)
            Self.writeMetrics(into: &json)
        }
    }

    private func fail(_ failure: CanonicalFailure, _ out: inout [UInt8]) {
        appendAWSException(FailureKind(code: failure.code).awsException, json: messageBody(failure.message), to: &out)
    }

    private static func event(_ type: String, _ out: inout [UInt8], _ body: (inout JSONWriter) -> Void) {
        var json = JSONWriter(capacity: 256)
        json.beginObject()
        body(&json)
        json.endObject()
        appendAWSEvent(type, json: json.bytes, to: &out)
    }

    // MARK: A document

    package mutating func collect(_ event: CanonicalEvent) { answer.take(event) }

    package func document() -> [UInt8] {
        if let failure = answer.failure { return messageBody(failure.message) }
        var json = JSONWriter(capacity: 1024)
        json.beginObject()
        json.beginObject("output")
        json.beginObject("message")
        json.field("role", "assistant")
        json.beginArray("content")
        for block in answer.blocks { Self.write(block, into: &json) }
        json.endArray()
        json.endObject()
        json.endObject()
        json.field("stopReason", Self.reason(answer.stop ?? .endTurn))
        Self.write(answer.usage, into: &json)
        Self.writeMetrics(into: &json)
        json.endObject()
        return json.bytes
    }

    private static func write(_ block: CanonicalPart, into json: inout JSONWriter) {
        json.beginObject()
        switch block {
        case .text(let text), .refusal(let text): json.field("text", text)
        case .thinking(let text, let signature):
            json.beginObject("reasoningContent")
            json.beginObject("reasoningText")
            json.field("text", text)
            json.field("signature", signature)
            json.endObject()
            json.endObject()
        case .redactedThinking(let data):
            json.beginObject("reasoningContent")
            json.field("redactedContent", redactedContent(data))
            json.endObject()
        case .toolCall(let call):
            json.beginObject("toolUse")
            json.field("toolUseId", bedrockToolID(call.id))
            json.field("name", call.name)
            json.rawField("input", argumentsObject(call))
            json.endObject()
        default: json.field("text", "")
        }
        json.endObject()
    }

    // MARK: Shared

    private static func reason(_ stop: CanonicalStop) -> String {
        switch stop {
        case .endTurn, .pause: "end_turn"
        case .malformed: "malformed_model_output"
        case .stopSequence: "stop_sequence"
        case .toolUse: "tool_use"
        case .maxTokens: "max_tokens"
        case .contextWindow: "model_context_window_exceeded"
        case .refusal, .contentFilter: "content_filtered"
        }
    }

    private static func write(_ usage: TokenUsage, into json: inout JSONWriter) {
        let input = usage.input &+ usage.toolPrompt
        json.beginObject("usage")
        json.field("inputTokens", input)
        json.field("outputTokens", usage.output)
        json.field("totalTokens", usage.totalInput &+ usage.output)
        json.field("cacheReadInputTokens", usage.cacheRead)
        json.field("cacheWriteInputTokens", usage.cacheWrite)
        if usage.cacheWrite1h > 0 {
            json.beginArray("cacheDetails")
            for (ttl, count) in [("5m", usage.cacheWrite &- usage.cacheWrite1h), ("1h", usage.cacheWrite1h)] where count > 0 {
                json.beginObject()
                json.field("ttl", ttl)
                json.field("inputTokens", count)
                json.endObject()
            }
            json.endArray()
        }
        json.endObject()
    }

    /// AWS SDKs take the member for granted. The provider said nothing of its time, so none is claimed.
    private static func writeMetrics(into json: inout JSONWriter) {
        json.beginObject("metrics")
        json.field("latencyMs", 0)
        json.endObject()
    }
}

/// The body of every failure of AWS's.
func messageBody(_ message: String) -> [UInt8] {
    var json = JSONWriter(capacity: 64 + message.utf8.count)
    json.beginObject()
    json.field("message", message)
    json.endObject()
    return json.bytes
}
