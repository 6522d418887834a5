// ChatEventReader: an answer of chat completions as canonical events (protocols.md, sections 1.2 to 1.4), of OpenAI itself and of
// the servers that speak like it.

package import GatewayModel
import WireFormat

/// Reads chunks or a whole completion. Only the first choice is read: a translated request has one.
package struct ChatEventReader: CanonicalEventReader {
    private let seed: String
    private var hasStarted = false
    private var isFinished = false
    private var hasRefused = false
    private var open = OpenBlock.none
    /// The position of a tool call in the stream -> its slot.
    private var slots: [Slot] = []
    private var meter = MeterReading()

    private enum OpenBlock { case none, text, thinking, refusal }

    private struct Slot {
        var index: Int64?
        var id: String
        var name: String
        var hasStarted = false
        /// Arguments that came before the name.
        var held = ""
        var hasArguments = false
        var hasEnded = false

        /// Whether a fragment of the same index, without an id, begins another call: it names a function and does not only repeat
        /// the name beside one more piece of the arguments.
        func isFollowed(by name: String?, _ piece: String) -> Bool {
            guard let name, !self.name.isEmpty else { return false }
            return name != self.name || hasArguments && piece.hasPrefix("{")
        }
    }

    /// - Parameter seed: what ids of calls that have none are made from.
    package init(seed: String = "0") { self.seed = seed }

    package mutating func read(name: UnsafeRawBufferPointer, data: UnsafeRawBufferPointer, _ emit: (CanonicalEvent) -> Void) {
        if data.starts(with: "[DONE]".utf8) {
            endBlocks(emit)
            emit(.end)
            return
        }
        guard let chunk = JSONObjectView(data) else { return }
        if let failure = failure(chunk) {
            emit(.failure(failure))
            return
        }
        start(chunk, emit)
        for element in chunk["choices"]?.elements ?? [] {
            guard let choice = element.object, choice["index"]?.integer ?? 0 == 0 else { continue }
            if let delta = choice["delta"]?.object { read(delta, emit) }
            if let reason = choice["finish_reason"]?.string { finish(reason, emit) }
            if let usage = choice["usage"], usage.kind == .object { read(usage: usage, emit) }
        }
        if let usage = chunk["usage"], usage.kind == .object { read(usage: usage, emit) }
    }

    package mutating func readDocument(_ bytes: UnsafeRawBufferPointer, _ emit: (CanonicalEvent) -> Void) {
        guard let document = JSONObjectView(bytes) else { return }
        if let failure = failure(document) {
            emit(.failure(failure))
            return
        }
        start(document, emit)
        if let choice = document["choices"]?.elements?.first?.object {
            if let message = choice["message"]?.object { read(message, emit) }
            if let usage = document["usage"], usage.kind == .object { read(usage: usage, emit) }
            finish(choice["finish_reason"]?.string ?? "stop", emit)
        }
        emit(.end)
    }

    private func failure(_ object: JSONObjectView) -> CanonicalFailure? {
        guard let error = object["error"] else { return nil }
        let inner = error.object
        let code = inner?["code"]?.string ?? inner?["type"]?.string ?? inner?["code"]?.numberText ?? "upstream_error"
        return CanonicalFailure(code: code, message: inner?["message"]?.string ?? error.string ?? "the provider reported an error")
    }

    private mutating func start(_ object: JSONObjectView, _ emit: (CanonicalEvent) -> Void) {
        guard !hasStarted else { return }
        hasStarted = true
        emit(.start(id: object["id"]?.string, model: object["model"]?.string))
    }

    private mutating func read(usage: JSONMember, _ emit: (CanonicalEvent) -> Void) {
        meter.readChatUsage(usage.value)
        emit(.usage(meter.usage))
    }

    /// A delta of a stream and the message of a document have the same members.
    private mutating func read(_ delta: JSONObjectView, _ emit: (CanonicalEvent) -> Void) {
        if let details = delta["reasoning_details"]?.elements, !details.isEmpty {
            for detail in details.compactMap(\.object) { readDetail(detail, emit) }
        } else {
            say((delta["reasoning_content"] ?? delta["reasoning"])?.string, .thinking, emit)
        }
        if let content = delta["content"] { read(content: content, emit) }
        say(delta["refusal"]?.string, .refusal, emit)
        let calls = delta["tool_calls"]?.elements ?? []
        for (position, element) in calls.enumerated() {
            // What comes alone goes on with the last call, unless it says otherwise.
            if let call = element.object { read(call: call, position: calls.count > 1 ? position : slots.count - 1, emit) }
        }
    }

    /// A text, or a list of chunks: Mistral's reasoning models think in one and answer in another (docs.mistral.ai, "Reasoning").
    private mutating func read(content: JSONMember, _ emit: (CanonicalEvent) -> Void) {
        say(content.string, .text, emit)
        for chunk in (content.elements ?? []).compactMap(\.object) {
            switch chunk["type"]?.string {
            case "thinking":
                let pieces = (chunk["thinking"]?.elements ?? []).map { $0.object?["text"]?.string ?? "" }
                say(chunk["thinking"]?.string ?? pieces.joined(), .thinking, emit)
            case "refusal": say(chunk["refusal"]?.string, .refusal, emit)
            case "text", nil: say(chunk["text"]?.string, .text, emit)
            // Sources and images, which no other dialect has in an answer.
            default: break
            }
        }
    }

    private mutating func say(_ text: String?, _ block: OpenBlock, _ emit: (CanonicalEvent) -> Void) {
        guard let text, !text.isEmpty else { return }
        enter(block, emit)
        switch block {
        case .thinking: emit(.thinking(text))
        case .refusal:
            hasRefused = true
            emit(.refusal(text))
        case .text, .none: emit(.text(text))
        }
    }

    private mutating func readDetail(_ detail: JSONObjectView, _ emit: (CanonicalEvent) -> Void) {
        if detail["type"]?.string == "reasoning.encrypted" {
            endBlocks(emit)
            if let data = detail["data"]?.string { emit(.redactedThinking(data)) }
            return
        }
        say((detail["text"] ?? detail["summary"])?.string, .thinking, emit)
        if let signature = detail["signature"]?.string {
            enter(.thinking, emit)
            emit(.signature(signature))
        }
    }

    private mutating func read(call: JSONObjectView, position: Int, _ emit: (CanonicalEvent) -> Void) {
        endBlocks(emit)
        let index = call["index"]?.integer
        let id = call["id"]?.string.flatMap { $0.isEmpty ? nil : $0 }
        let function = (call["function"] ?? call["custom"])?.object
        let name = function?["name"]?.string.flatMap { $0.isEmpty ? nil : $0 }
        let piece = (function?["arguments"] ?? function?["input"])?.string ?? function?["arguments"].map { rawText($0) } ?? ""
        // Servers leave out index or id: a known id first, then the index, then the position.
        var slot = id.flatMap { id in slots.firstIndex { $0.id == id } }
        // Some give every call the same index: what has no id goes on with the last one of it.
        if slot == nil, let index { slot = slots.lastIndex { $0.index == index && (id == nil || $0.id.isEmpty) } }
        if id == nil, let same = slot, slots[same].isFollowed(by: name, piece) { slot = nil }
        if slot == nil, id == nil, index == nil, name == nil, !slots.isEmpty { slot = min(position, slots.count - 1) }
        if slot == nil {
            slot = slots.count
            slots.append(Slot(index: index, id: id ?? "", name: name ?? ""))
        }
        guard let slot else { return }
        if slots[slot].id.isEmpty, let id { slots[slot].id = id }
        if slots[slot].name.isEmpty, let name { slots[slot].name = name }
        if !piece.isEmpty { slots[slot].hasArguments = true }
        guard slots[slot].hasStarted || !slots[slot].name.isEmpty else {
            slots[slot].held += piece
            return
        }
        begin(slot, emit)
        if !piece.isEmpty { emit(.toolArguments(slot: slot, piece)) }
    }

    private mutating func begin(_ slot: Int, _ emit: (CanonicalEvent) -> Void) {
        guard !slots[slot].hasStarted else { return }
        slots[slot].hasStarted = true
        if slots[slot].id.isEmpty { slots[slot].id = MintedCallID.make("call_", seed, slot) }
        emit(.toolStart(slot: slot, id: slots[slot].id, name: slots[slot].name))
        if !slots[slot].held.isEmpty { emit(.toolArguments(slot: slot, slots[slot].held)) }
    }

    /// Some servers give the arguments as an object.
    private func rawText(_ member: JSONMember) -> String { member.kind == .object ? String(decoding: member.value, as: UTF8.self) : "" }

    private mutating func enter(_ block: OpenBlock, _ emit: (CanonicalEvent) -> Void) {
        guard open != block else { return }
        endBlocks(emit)
        open = block
    }

    private mutating func endBlocks(_ emit: (CanonicalEvent) -> Void) {
        if open != .none { emit(.blockEnd) }
        open = .none
    }

    private mutating func finish(_ reason: String, _ emit: (CanonicalEvent) -> Void) {
        guard !isFinished else { return }
        isFinished = true
        endBlocks(emit)
        for slot in slots.indices where slots[slot].hasStarted && !slots[slot].hasEnded {
            slots[slot].hasEnded = true
            emit(.toolEnd(slot: slot))
        }
        let stop: CanonicalStop =
            switch reason {
            case _ where slots.contains { !$0.hasStarted }: .malformed("a tool call has no name")
            case "length": .maxTokens
            case _ where hasRefused: .refusal(nil)
            case "content_filter": .contentFilter
            case "tool_calls", "function_call": .toolUse
            default: slots.isEmpty ? .endTurn : .toolUse
            }
        emit(.finish(stop))
    }
}
