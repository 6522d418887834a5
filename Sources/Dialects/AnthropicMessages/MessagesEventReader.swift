// MessagesEventReader: an answer of Anthropic Messages as canonical events (protocols.md, sections 3.3 to 3.5).

package import GatewayModel
import WireFormat

/// Reads named events or a whole message.
package struct MessagesEventReader: CanonicalEventReader {
    private enum Block {
        case text
        case tool(Int)
        case other
    }

    private var open: [Int64: Block] = [:]
    private var slotCount = 0
    private var meter = MeterReading()

    package init() {}

    package mutating func read(name: UnsafeRawBufferPointer, data: UnsafeRawBufferPointer, _ emit: (CanonicalEvent) -> Void) {
        guard let event = JSONObjectView(data), let type = event["type"]?.string else { return }
        switch type {
        case "message_start":
            guard let message = event["message"]?.object else { return }
            emit(.start(id: message["id"]?.string, model: message["model"]?.string))
            read(usage: message["usage"], emit)
        case "content_block_start":
            if let index = event["index"]?.integer, let block = event["content_block"]?.object { begin(index, block, emit) }
        case "content_block_delta":
            if let index = event["index"]?.integer, let delta = event["delta"]?.object { read(delta: delta, of: index, emit) }
        case "content_block_stop": if let index = event["index"]?.integer { close(index, emit) }
        case "message_delta":
            read(usage: event["usage"], emit)
            if let delta = event["delta"]?.object, let reason = delta["stop_reason"]?.string { emit(.finish(stop(reason, delta))) }
        case "message_stop": emit(.end)
        case "error": emit(.failure(failure(event)))
        default: break
        }
    }

    package mutating func readDocument(_ bytes: UnsafeRawBufferPointer, _ emit: (CanonicalEvent) -> Void) {
        guard let message = JSONObjectView(bytes) else { return }
        if message["type"]?.string == "error" || message["error"]?.object != nil {
            emit(.failure(failure(message)))
            return
        }
        guard let content = message["content"]?.elements else { return }
        emit(.start(id: message["id"]?.string, model: message["model"]?.string))
        for (index, element) in content.enumerated() {
            guard let block = element.object else { continue }
            begin(Int64(index), block, emit)
            if case .tool(let slot)? = open[Int64(index)], let input = block["input"] {
                emit(.toolArguments(slot: slot, String(decoding: input.value, as: UTF8.self)))
            }
            close(Int64(index), emit)
        }
        read(usage: message["usage"], emit)
        emit(.finish(stop(message["stop_reason"]?.string ?? "end_turn", message)))
        emit(.end)
    }

    private mutating func begin(_ index: Int64, _ block: JSONObjectView, _ emit: (CanonicalEvent) -> Void) {
        switch block["type"]?.string {
        case "text":
            open[index] = .text
            if let text = block["text"]?.string, !text.isEmpty { emit(.text(text)) }
        case "thinking":
            open[index] = .text
            let text = block["thinking"]?.string ?? ""
            let signature = block["signature"]?.string ?? ""
            // A signature may stand on no text at all, and is valid.
            if !text.isEmpty { emit(.thinking(text)) }
            if !signature.isEmpty { emit(.signature(signature)) }
        case "redacted_thinking":
            open[index] = .other
            emit(.redactedThinking(block["data"]?.string ?? ""))
        case "tool_use":
            open[index] = .tool(slotCount)
            emit(.toolStart(slot: slotCount, id: block["id"]?.string ?? "", name: block["name"]?.string ?? ""))
            slotCount += 1
        default: open[index] = .other
        }
    }

    private mutating func read(delta: JSONObjectView, of index: Int64, _ emit: (CanonicalEvent) -> Void) {
        switch delta["type"]?.string {
        case "text_delta": if let text = delta["text"]?.string, !text.isEmpty { emit(.text(text)) }
        case "thinking_delta": if let text = delta["thinking"]?.string, !text.isEmpty { emit(.thinking(text)) }
        case "signature_delta": if let signature = delta["signature"]?.string, !signature.isEmpty { emit(.signature(signature)) }
        case "input_json_delta":
            if case .tool(let slot)? = open[index], let piece = delta["partial_json"]?.string, !piece.isEmpty {
                emit(.toolArguments(slot: slot, piece))
            }
        default: break
        }
    }

    private mutating func close(_ index: Int64, _ emit: (CanonicalEvent) -> Void) {
        switch open.removeValue(forKey: index) {
        case .text?: emit(.blockEnd)
        case .tool(let slot)?: emit(.toolEnd(slot: slot))
        default: break
        }
    }

    private mutating func read(usage: JSONMember?, _ emit: (CanonicalEvent) -> Void) {
        guard let usage, usage.kind == .object else { return }
        meter.readAnthropicUsage(usage.value)
        emit(.usage(meter.usage))
    }

    private func failure(_ event: JSONObjectView) -> CanonicalFailure {
        let error = event["error"]?.object
        return CanonicalFailure(
            code: error?["type"]?.string ?? "api_error", message: error?["message"]?.string ?? "the provider reported an error")
    }

    private func stop(_ reason: String, _ delta: JSONObjectView) -> CanonicalStop {
        switch reason {
        case "stop_sequence": .stopSequence(delta["stop_sequence"]?.string)
        case "tool_use": .toolUse
        case "max_tokens": .maxTokens
        case "model_context_window_exceeded": .contextWindow
        case "pause_turn", "compaction": .pause
        case "refusal": .refusal(delta["stop_details"]?.object?["explanation"]?.string)
        default: .endTurn
        }
    }
}
