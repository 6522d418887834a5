// ResponsesEventReader: an answer of OpenAI Responses as canonical events (protocols.md, sections 2.1 and 2.2).

package import GatewayModel
import WireFormat

/// Reads typed events or a whole response.
package struct ResponsesEventReader: CanonicalEventReader {
    private var slots: [Int64: Int] = [:]
    private var slotCount = 0
    private var sawArguments: Set<Int> = []
    private var isRefusal = false
    private var hasThinking: Set<Int64> = []
    private var meter = MeterReading()

    package init() {}

    package mutating func read(name: UnsafeRawBufferPointer, data: UnsafeRawBufferPointer, _ emit: (CanonicalEvent) -> Void) {
        guard let event = JSONObjectView(data), let type = event["type"]?.string else { return }
        let place = event["output_index"]?.integer ?? 0
        switch type {
        case "response.created":
            let response = event["response"]?.object
            emit(.start(id: response?["id"]?.string, model: response?["model"]?.string))
        case "response.output_text.delta": if let text = event["delta"]?.string, !text.isEmpty { emit(.text(text)) }
        case "response.refusal.delta":
            isRefusal = true
            if let text = event["delta"]?.string, !text.isEmpty { emit(.refusal(text)) }
        case "response.reasoning_summary_text.delta", "response.reasoning_text.delta":
            hasThinking.insert(place)
            if let text = event["delta"]?.string, !text.isEmpty { emit(.thinking(text)) }
        case "response.reasoning_summary_part.added":
            // Parts of one summary are paragraphs of one thought.
            if hasThinking.contains(place) { emit(.thinking("\n\n")) }
        case "response.content_part.done": emit(.blockEnd)
        case "response.output_item.added": if let item = event["item"]?.object { begin(item, place, emit) }
        case "response.function_call_arguments.delta", "response.custom_tool_call_input.delta":
            if let slot = slots[place], let piece = event["delta"]?.string, !piece.isEmpty {
                sawArguments.insert(slot)
                emit(.toolArguments(slot: slot, piece))
            }
        case "response.output_item.done": if let item = event["item"]?.object { end(item, place, emit) }
        case "response.completed", "response.incomplete", "response.failed":
            if let response = event["response"]?.object { finish(response, emit) }
        case "error":
            emit(.failure(Self.failure(event["error"]?.object ?? event)))
        default: break
        }
    }

    package mutating func readDocument(_ bytes: UnsafeRawBufferPointer, _ emit: (CanonicalEvent) -> Void) {
        guard let response = JSONObjectView(bytes) else { return }
        guard let output = response["output"]?.elements else {
            if let error = response["error"]?.object { emit(.failure(Self.failure(error))) }
            return
        }
        emit(.start(id: response["id"]?.string, model: response["model"]?.string))
        for (index, element) in output.enumerated() {
            guard let item = element.object else { continue }
            let place = Int64(index)
            switch item["type"]?.string {
            case "message":
                for part in (item["content"]?.elements ?? []).compactMap(\.object) {
                    if let text = part["text"]?.string, !text.isEmpty { emit(.text(text)) }
                    if let text = part["refusal"]?.string, !text.isEmpty {
                        isRefusal = true
                        emit(.refusal(text))
                    }
                    emit(.blockEnd)
                }
            case "reasoning":
                let summary = (item["summary"]?.elements ?? []).compactMap { $0.object?["text"]?.string }.joined(separator: "\n\n")
                if !summary.isEmpty { emit(.thinking(summary)) }
                hasThinking.insert(place)
                end(item, place, emit)
            case "function_call", "custom_tool_call":
                begin(item, place, emit)
                end(item, place, emit)
            default: break
            }
        }
        finish(response, emit)
    }

    private mutating func begin(_ item: JSONObjectView, _ place: Int64, _ emit: (CanonicalEvent) -> Void) {
        guard let type = item["type"]?.string, type == "function_call" || type == "custom_tool_call" else { return }
        slots[place] = slotCount
        emit(.toolStart(slot: slotCount, id: item["call_id"]?.string ?? "", name: item["name"]?.string ?? ""))
        slotCount += 1
    }

    private mutating func end(_ item: JSONObjectView, _ place: Int64, _ emit: (CanonicalEvent) -> Void) {
        switch item["type"]?.string {
        case "function_call", "custom_tool_call":
            guard let slot = slots[place] else { return }
            if !sawArguments.contains(slot), let arguments = (item["arguments"] ?? item["input"])?.string, !arguments.isEmpty {
                emit(.toolArguments(slot: slot, arguments))
            }
            emit(.toolEnd(slot: slot))
        case "reasoning":
            // The value at the item's end is the whole one.
            if let sealed = item["encrypted_content"]?.string {
                emit(.signature(SealedReasoning.seal(id: item["id"]?.string ?? "rs", sealed)))
                emit(.blockEnd)
            } else if hasThinking.contains(place) {
                emit(.blockEnd)
            }
        default: break
        }
    }

    private static func failure(_ error: JSONObjectView?) -> CanonicalFailure {
        CanonicalFailure(
            code: error?["code"]?.string ?? "server_error", message: error?["message"]?.string ?? "the provider reported an error")
    }

    private mutating func finish(_ response: JSONObjectView, _ emit: (CanonicalEvent) -> Void) {
        if let usage = response["usage"], usage.kind == .object {
            meter.readResponsesUsage(usage.value)
            emit(.usage(meter.usage))
        }
        switch response["status"]?.string {
        case "failed":
            emit(.failure(Self.failure(response["error"]?.object)))
            return
        case "incomplete":
            let reason = response["incomplete_details"]?.object?["reason"]?.string
            emit(.finish(reason != "content_filter" ? .maxTokens : isRefusal ? .refusal(nil) : .contentFilter))
        default: emit(.finish(slotCount > 0 ? .toolUse : isRefusal ? .refusal(nil) : .endTurn))
        }
        emit(.end)
    }
}
