// OllamaEventReader: an answer of `/api/chat` as canonical events (protocols.md, section 6): one object a line, the last with the counts.

import GatewayModel
import WireFormat

/// Reads lines or a whole answer.
package struct OllamaEventReader: CanonicalEventReader {
    private let seed: String
    private var hasStarted = false
    private var open = OpenBlock.none
    private var calls = 0
    private var meter = MeterReading()

    private enum OpenBlock { case none, text, thinking }

    /// - Parameter seed: what ids of calls that have none are made from.
    package init(seed: String = "0") { self.seed = seed }

    package mutating func read(name: UnsafeRawBufferPointer, data: UnsafeRawBufferPointer, _ emit: (CanonicalEvent) -> Void) {
        guard let line = JSONObjectView(data) else { return }
        if let error = line["error"] {
            emit(.failure(CanonicalFailure(code: "api_error", message: error.string ?? error.object?["message"]?.string ?? "")))
            return
        }
        if !hasStarted {
            hasStarted = true
            emit(.start(id: nil, model: line["model"]?.string))
        }
        let message = line["message"]?.object
        if let text = (message?["thinking"] ?? line["thinking"])?.string, !text.isEmpty {
            enter(.thinking, emit)
            emit(.thinking(text))
        }
        if let text = (message?["content"] ?? line["response"])?.string, !text.isEmpty {
            enter(.text, emit)
            emit(.text(text))
        }
        for call in (message?["tool_calls"]?.elements ?? []).compactMap(\.object) { read(call: call, emit) }
        guard line["done"]?.boolean == true else { return }
        endBlock(emit)
        meter.readOllamaCounts(data)
        emit(.usage(meter.usage))
        emit(.finish(line["done_reason"]?.string == "length" ? .maxTokens : calls > 0 ? .toolUse : .endTurn))
        emit(.end)
    }

    package mutating func readDocument(_ bytes: UnsafeRawBufferPointer, _ emit: (CanonicalEvent) -> Void) {
        read(name: UnsafeRawBufferPointer(rebasing: bytes[0..<0]), data: bytes, emit)
    }

    private mutating func read(call: JSONObjectView, _ emit: (CanonicalEvent) -> Void) {
        endBlock(emit)
        let function = call["function"]?.object
        let id = call["id"]?.string.flatMap { $0.isEmpty ? nil : $0 } ?? MintedCallID.make("ocall_", seed, calls)
        emit(.toolStart(slot: calls, id: id, name: function?["name"]?.string ?? ""))
        emit(.toolArguments(slot: calls, function?["arguments"].map { String(decoding: $0.value, as: UTF8.self) } ?? "{}"))
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
}
