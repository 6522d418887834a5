// OllamaEventWriter: canonical events as the lines of `/api/chat` or `/api/generate`, or as one object.

import GatewayModel
import WireFormat

/// Writes an answer for a client of Ollama's native API.
package struct OllamaEventWriter: CanonicalEventWriter {
    private let context: AnswerContext
    private var answer = CollectedAnswer()
    private var model: String
    private var calls: [Int: CanonicalToolCall] = [:]
    private var usage = TokenUsage()
    private var stop: CanonicalStop?

    package init(_ context: AnswerContext) {
        self.context = context
        model = context.model
    }

    package mutating func write(_ event: CanonicalEvent, into out: inout [UInt8]) {
        switch event {
        case .start(_, let model): self.model = model ?? self.model
        case .text(let piece), .refusal(let piece): line(&out, text: piece)
        case .thinking(let piece): line(&out, thinking: piece)
        // Nothing here carries a signature.
        case .signature, .redactedThinking, .blockEnd: break
        case .toolStart(let slot, let id, let name): calls[slot] = CanonicalToolCall(id: id, name: name, arguments: "")
        case .toolArguments(let slot, let piece): calls[slot]?.arguments += piece
        case .toolEnd(let slot): if let call = calls.removeValue(forKey: slot) { line(&out, calls: [call]) }
        case .usage(let usage): self.usage = usage
        case .finish(let stop): self.stop = stop
        case .failure(let failure): self.failure(failure.message, &out)
        case .end: if let stop { line(&out, stop: stop) }
        }
    }

    private func line(
        _ out: inout [UInt8], text: String = "", thinking: String? = nil, calls: [CanonicalToolCall] = [], stop: CanonicalStop? = nil
    ) {
        out += object(text: text, thinking: thinking, calls: calls, stop: stop, usage: usage, model: model)
        out.append(10)
    }

    private func failure(_ message: String, _ out: inout [UInt8]) {
        var json = JSONWriter(capacity: 256)
        json.beginObject()
        json.field("error", message)
        json.endObject()
        out += json.bytes
        out.append(10)
    }

    private func object(
        text: String, thinking: String?, calls: [CanonicalToolCall], stop: CanonicalStop?, usage: TokenUsage, model: String
    ) -> [UInt8] {
        var json = JSONWriter(capacity: 512)
        json.beginObject()
        json.field("model", model)
        json.field("created_at", Timestamp(seconds: context.created).rfc3339)
        if context.wantsBareText {
            json.field("response", text)
            json.field("thinking", thinking)
        } else {
            json.beginObject("message")
            json.field("role", "assistant")
            json.field("content", text)
            json.field("thinking", thinking)
            if !calls.isEmpty {
                json.beginArray("tool_calls")
                for call in calls {
                    json.beginObject()
                    json.field("id", call.id)
                    json.beginObject("function")
                    json.field("name", call.name)
                    json.rawField("arguments", argumentsObject(call))
                    json.endObject()
                    json.endObject()
                }
                json.endArray()
            }
            json.endObject()
        }
        json.field("done", stop != nil)
        if let stop {
            json.field("done_reason", stop.isCutShort ? "length" : "stop")
            json.field("total_duration", 0)
            json.field("prompt_eval_count", usage.totalInput)
            json.field("eval_count", usage.output)
        }
        json.endObject()
        return json.bytes
    }

    // MARK: A document

    package mutating func collect(_ event: CanonicalEvent) { answer.take(event) }

    package func document() -> [UInt8] {
        if let failure = answer.failure {
            var out: [UInt8] = []
            self.failure(failure.message, &out)
            return out
        }
        var text = ""
        var thinking: String?
        var calls: [CanonicalToolCall] = []
        for block in answer.blocks {
            switch block {
            case .text(let piece), .refusal(let piece): text += piece
            case .thinking(let piece, _): if !piece.isEmpty { thinking = (thinking ?? "") + piece }
            case .toolCall(let call): calls.append(call)
            default: break
            }
        }
        return object(
            text: text, thinking: thinking, calls: calls, stop: answer.stop ?? .endTurn, usage: answer.usage,
            model: answer.model ?? context.model)
    }
}

extension CanonicalStop {
    /// Whether there would have been more.
    fileprivate var isCutShort: Bool {
        switch self {
        case .maxTokens, .contextWindow, .pause: true
        default: false
        }
    }
}
