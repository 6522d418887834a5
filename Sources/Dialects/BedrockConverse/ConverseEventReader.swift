// ConverseEventReader: an answer of Converse or ConverseStream as canonical events (protocols.md, sections 4.3 to 4.5).

package import GatewayModel
import WireFormat

/// Reads events or a whole answer. An event's name is its `:event-type`, or its `:exception-type`.
package struct ConverseEventReader: CanonicalEventReader {
    private enum Block {
        case text
        case tool(Int)
        case other
    }

    private var open: [Int64: Block] = [:]
    private var slotCount = 0
    private var meter = MeterReading()
    private let isOpenAIFamily: Bool

    /// - Parameter model: the model id that is asked, since families count differently.
    package init(model: String = "") { isOpenAIFamily = isBedrockOpenAI(model) }

    package mutating func read(name: UnsafeRawBufferPointer, data: UnsafeRawBufferPointer, _ emit: (CanonicalEvent) -> Void) {
        let type = String(decoding: name, as: UTF8.self)
        let event = JSONObjectView(data)
        switch type {
        case "messageStart": emit(.start(id: nil, model: nil))
        case "contentBlockStart":
            guard let index = event?["contentBlockIndex"]?.integer, let start = event?["start"]?.object else { return }
            if let tool = start["toolUse"]?.object { beginTool(tool, at: index, emit) } else { open[index] = .other }
        case "contentBlockDelta":
            if let index = event?["contentBlockIndex"]?.integer, let delta = event?["delta"]?.object { read(delta, at: index, emit) }
        case "contentBlockStop": if let index = event?["contentBlockIndex"]?.integer { close(index, emit) }
        case "messageStop":
            readThinkingTokens(event?["additionalModelResponseFields"])
            emit(.finish(stop(event?["stopReason"]?.string ?? "end_turn")))
        case "metadata":
            read(usage: event?["usage"], isStream: true, emit)
            emit(.end)
        default:
            guard type.hasSuffix("Exception") || type == "error" else { return }
            let message = event?["originalMessage"]?.string ?? event?["message"]?.string ?? "the provider reported an error"
            emit(.failure(CanonicalFailure(code: FailureKind(code: type).anthropicType, message: message)))
        }
    }

    package mutating func readDocument(_ bytes: UnsafeRawBufferPointer, _ emit: (CanonicalEvent) -> Void) {
        guard let answer = JSONObjectView(bytes) else { return }
        guard let message = answer["output"]?.object?["message"]?.object else {
            emit(.failure(CanonicalFailure(code: "api_error", message: answer["message"]?.string ?? "the provider gave no message")))
            return
        }
        emit(.start(id: nil, model: nil))
        for (index, element) in (message["content"]?.elements ?? []).enumerated() {
            if let block = element.object { read(block: block, at: Int64(index), emit) }
        }
        readThinkingTokens(answer["additionalModelResponseFields"])
        read(usage: answer["usage"], isStream: false, emit)
        emit(.finish(stop(answer["stopReason"]?.string ?? "end_turn")))
        emit(.end)
    }

    // MARK: Blocks

    private mutating func beginTool(_ tool: JSONObjectView, at index: Int64, _ emit: (CanonicalEvent) -> Void) {
        // A call of Bedrock's own tool is answered there and is nothing for the client to do.
        guard tool["type"] == nil else {
            open[index] = .other
            return
        }
        open[index] = .tool(slotCount)
        emit(.toolStart(slot: slotCount, id: tool["toolUseId"]?.string ?? "", name: tool["name"]?.string ?? ""))
        slotCount += 1
    }

    private mutating func read(_ delta: JSONObjectView, at index: Int64, _ emit: (CanonicalEvent) -> Void) {
        if let text = delta["text"]?.string {
            // A text begins without a start.
            if open[index] == nil { open[index] = .text }
            if !text.isEmpty { emit(.text(text)) }
        } else if let reasoning = delta["reasoningContent"]?.object {
            if open[index] == nil { open[index] = .text }
            read(reasoning: reasoning, emit)
        } else if let input = delta["toolUse"]?.object?["input"]?.string, case .tool(let slot)? = open[index], !input.isEmpty {
            emit(.toolArguments(slot: slot, input))
        }
    }

    private func read(reasoning: JSONObjectView, _ emit: (CanonicalEvent) -> Void) {
        if let text = reasoning["text"]?.string, !text.isEmpty { emit(.thinking(text)) }
        if let signature = reasoning["signature"]?.string, !signature.isEmpty { emit(.signature(signature)) }
        if let data = reasoning["redactedContent"]?.string { emit(.redactedThinking(redactedData(data))) }
    }

    private mutating func read(block: JSONObjectView, at index: Int64, _ emit: (CanonicalEvent) -> Void) {
        if let text = block["text"]?.string {
            if !text.isEmpty { emit(.text(text)) }
            emit(.blockEnd)
        } else if let cited = block["citationsContent"]?.object {
            for piece in cited["content"]?.elements ?? [] {
                if let text = piece.object?["text"]?.string { emit(.text(text)) }
            }
            emit(.blockEnd)
        } else if let reasoning = block["reasoningContent"]?.object {
            read(reasoning: reasoning["reasoningText"]?.object ?? reasoning, emit)
            emit(.blockEnd)
        } else if let tool = block["toolUse"]?.object {
            beginTool(tool, at: index, emit)
            if case .tool(let slot)? = open[index], let input = tool["input"] {
                emit(.toolArguments(slot: slot, String(decoding: input.value, as: UTF8.self)))
            }
            close(index, emit)
        }
    }

    private mutating func close(_ index: Int64, _ emit: (CanonicalEvent) -> Void) {
        switch open.removeValue(forKey: index) {
        case .text?: emit(.blockEnd)
        case .tool(let slot)?: emit(.toolEnd(slot: slot))
        default: break
        }
    }

    // MARK: The end

    private mutating func read(usage: JSONMember?, isStream: Bool, _ emit: (CanonicalEvent) -> Void) {
        guard let usage, usage.kind == .object else { return }
        meter.readConverseUsage(usage.value, isOpenAI: isOpenAIFamily, isStream: isStream)
        emit(.usage(meter.usage))
    }

    private mutating func readThinkingTokens(_ fields: JSONMember?) {
        if let fields, fields.kind == .object { meter.readConverseThinking(fields.value) }
    }

    private func stop(_ reason: String) -> CanonicalStop {
        switch reason {
        case "stop_sequence": .stopSequence(nil)
        case "tool_use": .toolUse
        case "max_tokens": .maxTokens
        case "model_context_window_exceeded": .contextWindow
        case "guardrail_intervened", "content_filtered": .contentFilter
        case "malformed_model_output", "malformed_tool_use": .malformed("the model's answer could not be read: \(reason)")
        default: .endTurn
        }
    }
}
