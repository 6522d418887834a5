// GeminiEventReader: an answer of generateContent as canonical events (protocols.md, section 5). Each chunk of a stream is a whole
// response object; no event says that the stream is over.

import GatewayModel
import WireFormat

/// Reads chunks or a whole response. Only the first candidate is read: a translated request has one.
package struct GeminiEventReader: CanonicalEventReader {
    private let seed: String
    private var hasStarted = false
    private var open = OpenBlock.none
    private var calls = 0
    private var isFinished = false
    private var hasContent = false
    private var meter = MeterReading()

    private enum OpenBlock { case none, text, thinking }

    /// - Parameter seed: what ids of calls that have none are made from.
    package init(seed: String = "0") { self.seed = seed }

    package mutating func read(name: UnsafeRawBufferPointer, data: UnsafeRawBufferPointer, _ emit: (CanonicalEvent) -> Void) {
        if let failure = geminiFailure(data) {
            emit(.failure(failure))
            return
        }
        guard let chunk = JSONObjectView(data) else { return }
        read(chunk, emit)
    }

    package mutating func readDocument(_ bytes: UnsafeRawBufferPointer, _ emit: (CanonicalEvent) -> Void) {
        if let failure = geminiFailure(bytes) {
            emit(.failure(failure))
            return
        }
        if let document = JSONObjectView(bytes) {
            read(document, emit)
        } else {
            // A stream without `alt=sse` is an array of chunks.
            visitJSONElements(bytes) { kind, value in
                if let chunk = JSONElement(kind: kind, value: value).object { read(chunk, emit) }
                return true
            }
        }
        // Some servers give no reason with a whole answer.
        if hasContent, !isFinished { finish("STOP", nil, emit) }
        emit(.end)
    }

    private mutating func read(_ chunk: JSONObjectView, _ emit: (CanonicalEvent) -> Void) {
        if !hasStarted {
            hasStarted = true
            emit(.start(id: chunk["responseId"]?.string, model: chunk["modelVersion"]?.string))
        }
        let candidate = chunk["candidates"]?.elements?.first { $0.object?["index"]?.integer ?? 0 == 0 }?.object
        if candidate != nil { hasContent = true }
        for part in (candidate?["content"]?.object?["parts"]?.elements ?? []).compactMap(\.object) { read(part: part, emit) }
        if let usage = chunk["usageMetadata"], usage.kind == .object {
            meter.readGeminiUsage(usage.value)
            emit(.usage(meter.usage))
        }
        if let reason = candidate?["finishReason"]?.string {
            finish(reason, candidate?["finishMessage"]?.string, emit)
        } else if let feedback = chunk["promptFeedback"]?.object, let reason = feedback["blockReason"]?.string {
            // A blocked prompt has no candidates.
            finish(reason == "OTHER" ? "OTHER" : "SAFETY", feedback["blockReasonMessage"]?.string, emit)
        }
    }

    private mutating func read(part: JSONObjectView, _ emit: (CanonicalEvent) -> Void) {
        let signature = part["thoughtSignature"]?.string
        if let call = part["functionCall"]?.object {
            read(call: call, signature, emit)
            return
        }
        let isThought = part["thought"]?.boolean ?? false
        if let text = part["text"]?.string, !text.isEmpty {
            enter(isThought ? .thinking : .text, emit)
            emit(isThought ? .thinking(text) : .text(text))
        }
        guard let signature else { return }
        if let foreign = ForeignSignature.open(signature) {
            if foreign.isRedacted {
                endBlock(emit)
                emit(.redactedThinking(foreign.value))
            } else {
                enter(.thinking, emit)
                emit(.signature(foreign.value))
                endBlock(emit)
            }
            return
        }
        if !isThought { endBlock(emit) }
        enter(.thinking, emit)
        emit(.signature(GeminiSignature(signature, on: isThought ? .thought : .text).carried))
        endBlock(emit)
    }

    /// A call comes whole. Its signature goes before it, where every dialect has thinking.
    private mutating func read(call: JSONObjectView, _ signature: String?, _ emit: (CanonicalEvent) -> Void) {
        if let signature, ForeignSignature.open(signature) == nil {
            enter(.thinking, emit)
            emit(.signature(GeminiSignature(signature, on: .call(calls)).carried))
        }
        endBlock(emit)
        let id = call["id"]?.string.flatMap { $0.isEmpty ? nil : $0 } ?? MintedCallID.make(GeminiCallID.mark, seed, calls)
        emit(.toolStart(slot: calls, id: id, name: call["name"]?.string ?? ""))
        emit(.toolArguments(slot: calls, call["args"].map { String(decoding: $0.value, as: UTF8.self) } ?? "{}"))
        emit(.toolEnd(slot: calls))
        calls += 1
    }

    private mutating func enter(_ block: OpenBlock, _ emit: (CanonicalEvent) -> Void) {
        guard open != block else { return }
        endBlock(emit)
        open = block
    }

    private mutating func endBlock(_ emit: (CanonicalEvent) -> Void) {
        if open != .none { emit(.blockEnd) }
        open = .none
    }

    private mutating func finish(_ reason: String, _ message: String?, _ emit: (CanonicalEvent) -> Void) {
        guard !isFinished else { return }
        isFinished = true
        endBlock(emit)
        emit(.finish(Self.stop(reason, message, hasCalls: calls > 0)))
    }

    /// What each reason means (protocols.md, section 9.2). What is no regular end must never look like one.
    private static func stop(_ reason: String, _ message: String?, hasCalls: Bool) -> CanonicalStop {
        switch reason {
        case "STOP": hasCalls ? .toolUse : .endTurn
        case "MAX_TOKENS": .maxTokens
        case "CONTINUATION": .pause
        case "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MISSING_THOUGHT_SIGNATURE", "MALFORMED_RESPONSE":
            .malformed(message.map { "\(reason): \($0)" } ?? reason)
        default: message.map { .refusal($0) } ?? .contentFilter
        }
    }
}

/// An error in place of an answer or inside a stream, also wrapped into an array.
func geminiFailure(_ bytes: UnsafeRawBufferPointer) -> CanonicalFailure? {
    guard let error = geminiErrorObject(bytes) else { return nil }
    let code = error["status"]?.string ?? error["code"]?.numberText ?? "UNKNOWN"
    return CanonicalFailure(code: code, message: error["message"]?.string ?? "the provider reported an error")
}

/// The members of `error`, of an object or of the first object of an array.
func geminiErrorObject(_ bytes: UnsafeRawBufferPointer) -> JSONObjectView? {
    if let object = JSONObjectView(bytes) { return object["error"]?.object }
    var found: JSONObjectView?
    visitJSONElements(bytes) { kind, value in
        found = JSONElement(kind: kind, value: value).object?["error"]?.object
        return false
    }
    return found
}
