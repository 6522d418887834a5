// ChatEventWriter: canonical events as chunks of chat completions, or as one completion.

import GatewayModel
import WireFormat

/// Writes an answer for a client of `/v1/chat/completions`.
package struct ChatEventWriter: CanonicalEventWriter {
    private let context: AnswerContext
    private var answer = CollectedAnswer()
    private var id: String
    private var model: String
    private var hasRole = false
    private var usage = TokenUsage()
    private var hasUsage = false
    private var hasFinished = false
    private var thinkingBlocks = 0
    /// Calls of custom tools, whose free text is unwrapped once it is whole.
    private var customCalls: [Int: CanonicalToolCall] = [:]

    package init(_ context: AnswerContext) {
        self.context = context
        id = context.id
        model = context.model
    }

    // MARK: A stream

    package mutating func write(_ event: CanonicalEvent, into out: inout [UInt8]) {
        switch event {
        case .start(let id, let model):
            self.id = id ?? self.id
            self.model = model ?? self.model
            role(&out)
        case .text(let piece): chunk(&out) { $0.field("content", piece) }
        case .refusal(let piece): chunk(&out) { $0.field("refusal", piece) }
        case .thinking(let piece):
            let index = thinkingBlocks
            chunk(&out) { json in
                json.field("reasoning_content", piece)
                Self.detail(&json, "reasoning.text", index) { $0.field("text", piece) }
            }
        case .signature(let signature):
            let index = thinkingBlocks
            chunk(&out) { json in Self.detail(&json, "reasoning.text", index) { $0.field("signature", signature) } }
        case .redactedThinking(let data):
            let index = thinkingBlocks
            thinkingBlocks += 1
            chunk(&out) { json in Self.detail(&json, "reasoning.encrypted", index) { $0.field("data", data) } }
        case .blockEnd: thinkingBlocks += 1
        case .toolStart(let slot, let id, let name) where isCustom(name):
            customCalls[slot] = CanonicalToolCall(id: id, name: name, arguments: "", isCustom: true)
        case .toolArguments(let slot, let piece) where customCalls[slot] != nil: customCalls[slot]?.arguments += piece
        case .toolEnd(let slot):
            guard let call = customCalls.removeValue(forKey: slot) else { return }
            chunk(&out) { json in
                json.beginArray("tool_calls")
                Self.write(custom: call, index: slot, into: &json)
                json.endArray()
            }
        case .toolStart(let slot, let id, let name):
            chunk(&out) { json in
                json.beginArray("tool_calls")
                json.beginObject()
                json.field("index", slot)
                json.field("id", id)
                json.field("type", "function")
                json.beginObject("function")
                json.field("name", name)
                json.field("arguments", "")
                json.endObject()
                json.endObject()
                json.endArray()
            }
        case .toolArguments(let slot, let piece):
            chunk(&out) { json in
                json.beginArray("tool_calls")
                json.beginObject()
                json.field("index", slot)
                json.beginObject("function")
                json.field("arguments", piece)
                json.endObject()
                json.endObject()
                json.endArray()
            }
        case .usage(let usage):
            self.usage = usage
            hasUsage = true
        case .finish(let stop):
            hasFinished = true
            if case .refusal(let text?) = stop { chunk(&out) { $0.field("refusal", text) } }
            chunk(&out, finish: Self.reason(stop)) { _ in }
        case .failure(let failure): self.failure(failure, &out)
        case .end:
            guard hasFinished else { return }
            if context.includeUsage, hasUsage { usageChunk(&out) }
            out.append(contentsOf: "data: [DONE]\n\n".utf8)
        }
    }

    private mutating func role(_ out: inout [UInt8]) {
        guard !hasRole else { return }
        hasRole = true
        chunk(&out) { json in
            json.field("role", "assistant")
            json.field("content", "")
        }
    }

    private mutating func chunk(_ out: inout [UInt8], finish: String? = nil, _ delta: (inout JSONWriter) -> Void) {
        if !hasRole, finish == nil {
            hasRole = true
            chunk(&out) { $0.field("role", "assistant") }
        }
        var json = head()
        json.beginArray("choices")
        json.beginObject()
        json.field("index", 0)
        json.beginObject("delta")
        delta(&json)
        json.endObject()
        if let finish { json.field("finish_reason", finish) } else { json.rawField("finish_reason", "null".utf8) }
        json.endObject()
        json.endArray()
        if context.includeUsage { json.rawField("usage", "null".utf8) }
        json.endObject()
        Self.flush(json, &out)
    }

    private func head() -> JSONWriter {
        var json = JSONWriter(capacity: 512)
        json.beginObject()
        json.field("id", id)
        json.field("object", "chat.completion.chunk")
        json.field("created", context.created)
        json.field("model", model)
        return json
    }

    private mutating func usageChunk(_ out: inout [UInt8]) {
        var json = head()
        json.beginArray("choices")
        json.endArray()
        Self.write(usage, into: &json)
        json.endObject()
        Self.flush(json, &out)
    }

    private static func flush(_ json: borrowing JSONWriter, _ out: inout [UInt8]) {
        out.append(contentsOf: "data: ".utf8)
        out.append(contentsOf: json.bytes)
        out.append(contentsOf: "\n\n".utf8)
    }

    /// The one form that OpenAI's SDKs raise on inside a stream.
    private mutating func failure(_ failure: CanonicalFailure, _ out: inout [UInt8]) {
        var json = JSONWriter(capacity: 256)
        json.beginObject()
        Self.write(failure, into: &json)
        json.endObject()
        Self.flush(json, &out)
    }

    private static func detail(_ json: inout JSONWriter, _ type: String, _ index: Int, _ body: (inout JSONWriter) -> Void) {
        json.beginArray("reasoning_details")
        json.beginObject()
        json.field("type", type)
        body(&json)
        json.field("index", index)
        json.endObject()
        json.endArray()
    }

    // MARK: A document

    package mutating func collect(_ event: CanonicalEvent) { answer.take(event) }

    package func document() -> [UInt8] {
        var json = JSONWriter(capacity: 1024)
        json.beginObject()
        if let failure = answer.failure {
            Self.write(failure, into: &json)
            json.endObject()
            return json.bytes
        }
        json.field("id", answer.id ?? context.id)
        json.field("object", "chat.completion")
        json.field("created", context.created)
        json.field("model", answer.model ?? context.model)
        json.beginArray("choices")
        json.beginObject()
        json.field("index", 0)
        writeMessage(&json)
        json.field("finish_reason", Self.reason(answer.stop ?? .endTurn))
        json.endObject()
        json.endArray()
        Self.write(answer.usage, into: &json)
        json.endObject()
        return json.bytes
    }

    private func writeMessage(_ json: inout JSONWriter) {
        var text: String?
        var refusal: String?
        var thinking = ""
        var details: [CanonicalPart] = []
        var calls: [CanonicalToolCall] = []
        for block in answer.blocks {
            switch block {
            case .text(let piece): text = (text ?? "") + piece
            case .refusal(let piece): refusal = (refusal ?? "") + piece
            case .thinking(let piece, _):
                thinking += piece
                details.append(block)
            case .redactedThinking: details.append(block)
            case .toolCall(let call): calls.append(call)
            default: break
            }
        }
        if case .refusal(let reason?)? = answer.stop { refusal = reason }
        json.beginObject("message")
        json.field("role", "assistant")
        if let text { json.field("content", text) } else { json.rawField("content", "null".utf8) }
        if let refusal { json.field("refusal", refusal) } else { json.rawField("refusal", "null".utf8) }
        if !thinking.isEmpty { json.field("reasoning_content", thinking) }
        if !details.isEmpty {
            json.beginArray("reasoning_details")
            for (index, detail) in details.enumerated() {
                json.beginObject()
                switch detail {
                case .thinking(let piece, let signature):
                    json.field("type", "reasoning.text")
                    json.field("text", piece)
                    json.field("signature", signature)
                case .redactedThinking(let data):
                    json.field("type", "reasoning.encrypted")
                    json.field("data", data)
                default: break
                }
                json.field("index", index)
                json.endObject()
            }
            json.endArray()
        }
        if !calls.isEmpty {
            json.beginArray("tool_calls")
            for call in calls {
                guard !isCustom(call.name) else {
                    Self.write(custom: call, index: nil, into: &json)
                    continue
                }
                json.beginObject()
                json.field("id", call.id)
                json.field("type", "function")
                json.beginObject("function")
                json.field("name", call.name)
                json.field("arguments", call.arguments.isEmpty ? "{}" : call.arguments)
                json.endObject()
                json.endObject()
            }
            json.endArray()
        }
        json.endObject()
    }

    // MARK: Shared

    private func isCustom(_ name: String) -> Bool { context.tools.contains { $0.isCustom && $0.name == name } }

    private static func write(custom call: CanonicalToolCall, index: Int?, into json: inout JSONWriter) {
        json.beginObject()
        if let index { json.field("index", index) }
        json.field("id", call.id)
        json.field("type", "custom")
        json.beginObject("custom")
        json.field("name", call.name)
        json.field("input", freeText(call.arguments))
        json.endObject()
        json.endObject()
    }

    private static func write(_ failure: CanonicalFailure, into json: inout JSONWriter) {
        json.beginObject("error")
        json.field("message", failure.message)
        json.field("type", failure.code)
        json.rawField("param", "null".utf8)
        json.field("code", failure.code)
        json.endObject()
    }

    private static func write(_ usage: TokenUsage, into json: inout JSONWriter) {
        json.beginObject("usage")
        json.field("prompt_tokens", usage.totalInput)
        json.field("completion_tokens", usage.output)
        json.field("total_tokens", usage.totalInput &+ usage.output)
        json.beginObject("prompt_tokens_details")
        json.field("cached_tokens", usage.cacheRead)
        if usage.cacheWrite > 0 { json.field("cache_write_tokens", usage.cacheWrite) }
        json.endObject()
        json.beginObject("completion_tokens_details")
        json.field("reasoning_tokens", usage.reasoning)
        json.endObject()
        json.endObject()
    }

    private static func reason(_ stop: CanonicalStop) -> String {
        switch stop {
        case .endTurn, .stopSequence: "stop"
        case .toolUse: "tool_calls"
        case .maxTokens, .contextWindow, .pause: "length"
        case .refusal, .contentFilter: "content_filter"
        case .malformed: "stop"
        }
    }
}
