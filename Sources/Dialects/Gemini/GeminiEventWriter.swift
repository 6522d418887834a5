// GeminiEventWriter: canonical events as chunks of streamGenerateContent, or as one response of generateContent. A function call goes out
// whole, since this dialect has no pieces of one.

import GatewayModel
import WireFormat

/// Writes an answer for a client of Gemini's dialect.
package struct GeminiEventWriter: CanonicalEventWriter {
    private let context: AnswerContext
    private var answer = CollectedAnswer()
    private var id: String
    private var model: String
    private var calls: [Int: CanonicalToolCall] = [:]
    private var usage = TokenUsage()
    private var stop: CanonicalStop?
    private var hasWritten = false

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
        case .text, .refusal, .thinking, .signature, .redactedThinking:
            chunk(&out) { json in Self.piece(event, into: &json) }
        case .blockEnd: break
        case .toolStart(let slot, let id, let name): calls[slot] = CanonicalToolCall(id: id, name: name, arguments: "")
        case .toolArguments(let slot, let piece): calls[slot]?.arguments += piece
        case .toolEnd(let slot):
            guard let call = calls.removeValue(forKey: slot) else { return }
            chunk(&out) { json in Self.write(.toolCall(call), into: &json) }
        case .usage(let usage): self.usage = usage
        case .finish(let stop): self.stop = stop
        case .failure(let failure): self.failure(failure, &out)
        case .end: end(&out)
        }
    }

    private mutating func end(_ out: inout [UInt8]) {
        guard let stop else { return }
        let written = usage
        chunk(&out, stop: stop, usage: written) { json in
            json.beginObject()
            json.field("text", "")
            json.endObject()
        }
        if context.framing == .jsonArray { out.append(contentsOf: "]".utf8) }
    }

    private mutating func chunk(
        _ out: inout [UInt8], stop: CanonicalStop? = nil, usage: TokenUsage? = nil, _ part: (inout JSONWriter) -> Void
    ) {
        var json = JSONWriter(capacity: 512)
        json.beginObject()
        json.beginArray("candidates")
        json.beginObject()
        json.beginObject("content")
        json.beginArray("parts")
        part(&json)
        json.endArray()
        json.field("role", "model")
        json.endObject()
        if let stop { Self.write(stop, into: &json) }
        json.field("index", 0)
        json.endObject()
        json.endArray()
        if let usage { Self.write(usage, into: &json) }
        json.field("modelVersion", model)
        json.field("responseId", id)
        json.endObject()
        flush(json, &out)
    }

    private mutating func flush(_ json: borrowing JSONWriter, _ out: inout [UInt8]) {
        switch context.framing {
        case .jsonArray: out.append(contentsOf: (hasWritten ? ",\r\n" : "[").utf8)
        default: out.append(contentsOf: "data: ".utf8)
        }
        hasWritten = true
        out.append(contentsOf: json.bytes)
        if context.framing != .jsonArray { out.append(contentsOf: "\r\n\r\n".utf8) }
    }

    /// The form in which Google's SDKs find an error inside a stream.
    private mutating func failure(_ failure: CanonicalFailure, _ out: inout [UInt8]) {
        var json = JSONWriter(capacity: 256)
        json.beginObject()
        Self.write(failure, into: &json)
        json.endObject()
        flush(json, &out)
        if context.framing == .jsonArray { out.append(contentsOf: "]".utf8) }
    }

    /// A piece of text or thinking as a part.
    private static func piece(_ event: CanonicalEvent, into json: inout JSONWriter) {
        switch event {
        case .text(let text), .refusal(let text): write(.text(text), into: &json)
        case .thinking(let text): write(.thinking(text, signature: nil), into: &json)
        case .signature(let signature): write(.thinking("", signature: signature), into: &json)
        case .redactedThinking(let data): write(.redactedThinking(data), into: &json)
        default: break
        }
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
        json.beginArray("candidates")
        json.beginObject()
        json.beginObject("content")
        json.beginArray("parts")
        for block in answer.blocks { Self.write(block, into: &json) }
        json.endArray()
        json.field("role", "model")
        json.endObject()
        Self.write(answer.stop ?? .endTurn, into: &json)
        json.field("index", 0)
        json.endObject()
        json.endArray()
        Self.write(answer.usage, into: &json)
        json.field("modelVersion", answer.model ?? context.model)
        json.field("responseId", answer.id ?? context.id)
        json.endObject()
        return json.bytes
    }

    // MARK: Shared

    private static func write(_ block: CanonicalPart, into json: inout JSONWriter) {
        json.beginObject()
        switch block {
        case .text(let text), .refusal(let text): json.field("text", text)
        case .thinking(let text, let signature):
            // Google's SDKs call a content with an empty part invalid, and a signature alone is none.
            if !text.isEmpty || signature == nil { json.field("text", text) }
            json.field("thought", true)
            if let signature { json.field("thoughtSignature", ForeignSignature.seal(signature)) }
        case .redactedThinking(let data):
            json.field("thought", true)
            json.field("thoughtSignature", ForeignSignature.seal(redacted: data))
        case .toolCall(let call):
            json.beginObject("functionCall")
            json.field("id", call.id)
            json.field("name", call.name)
            json.rawField("args", argumentsObject(call))
            json.endObject()
        default: break
        }
        json.endObject()
    }

    private static func write(_ failure: CanonicalFailure, into json: inout JSONWriter) {
        let status = FailureKind(code: failure.code).geminiStatus
        json.beginObject("error")
        json.field("code", status.http)
        json.field("message", failure.message)
        json.field("status", status.name)
        json.endObject()
    }

    private static func write(_ usage: TokenUsage, into json: inout JSONWriter) {
        json.beginObject("usageMetadata")
        json.field("promptTokenCount", usage.totalInput &- usage.toolPrompt)
        json.field("candidatesTokenCount", usage.output &- usage.reasoning)
        json.field("totalTokenCount", usage.totalInput &+ usage.output)
        if usage.cacheRead > 0 { json.field("cachedContentTokenCount", usage.cacheRead) }
        if usage.reasoning > 0 { json.field("thoughtsTokenCount", usage.reasoning) }
        if usage.toolPrompt > 0 { json.field("toolUsePromptTokenCount", usage.toolPrompt) }
        json.endObject()
    }

    private static func write(_ stop: CanonicalStop, into json: inout JSONWriter) {
        let reason =
            switch stop {
            case .endTurn, .stopSequence, .toolUse: "STOP"
            case .maxTokens, .contextWindow, .pause: "MAX_TOKENS"
            case .refusal, .contentFilter: "SAFETY"
            case .malformed: "MALFORMED_FUNCTION_CALL"
            }
        json.field("finishReason", reason)
        if case .refusal(let explanation?) = stop { json.field("finishMessage", explanation) }
    }
}

/// Google's word for an HTTP status.
func geminiStatus(ofHTTP status: Int) -> String {
    switch status {
    case 400, 411, 413, 415, 422: "INVALID_ARGUMENT"
    case 401: "UNAUTHENTICATED"
    case 402, 429: "RESOURCE_EXHAUSTED"
    case 403: "PERMISSION_DENIED"
    case 404, 405: "NOT_FOUND"
    case 409: "ABORTED"
    case 499: "CANCELLED"
    case 503, 529: "UNAVAILABLE"
    case 504: "DEADLINE_EXCEEDED"
    default: "INTERNAL"
    }
}
