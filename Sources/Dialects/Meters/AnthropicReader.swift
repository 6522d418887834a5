// AnthropicReader: Anthropic Messages (protocols: section 3). Usage begins in `message_start` and every `message_delta`
// overwrites the members that it has.

import GatewayModel
import WireFormat

final class AnthropicReader: StreamReader {
    var reading = MeterReading()
    private var startUsage: [UInt8] = []

    func read(_ event: SSEEvent) -> Bool {
        let data = event.data
        guard !data.isEmpty else { return false }
        reading.eventCount += 1
        // `content_block_delta` is nearly every event: measure it and go.
        if isType("content_block_delta", event) {
            if let delta = valueStart(data, "\"delta\"") {
                // `{"type":"text_delta","text":""}` is 31 bytes.
                reading.contentBytes += Int64(max(0, valueLength(data, from: delta) - 31))
            }
        } else if isType("message_start", event) {
            readMessage(data, isStart: true)
        } else if isType("message_delta", event) {
            readDelta(data)
        } else if isType("message_stop", event) {
            reading.isComplete = true
        } else if isType("content_block_start", event) {
            if valueStart(data, "\"type\"") != nil, holds(data, "\"tool_use\"") { reading.toolCalls += 1 }
        } else if isType("error", event) {
            visitJSONMembers(data) { if $0.isNamed("error") { readError($0) } }
        }
        return false
    }

    /// By the event's name, or by its `type` where a server leaves the name out.
    private func isType(_ name: StaticString, _ event: SSEEvent) -> Bool {
        if !event.name.isEmpty {
            guard event.name.count == name.utf8CodeUnitCount else { return false }
            for index in 0..<event.name.count where event.name[index] != name.utf8Start[index] { return false }
            return true
        }
        var found = false
        visitJSONMembers(event.data) { if $0.isNamed("type"), $0.string == name.description { found = true } }
        return found
    }

    private func holds(_ data: UnsafeRawBufferPointer, _ text: StaticString) -> Bool {
        var found = false
        visitJSONMembers(data) { member in
            guard member.isNamed("content_block"), member.kind == .object else { return }
            visitJSONMembers(member.value) { field in
                if field.isNamed("type"), let type = field.string { found = "\"\(type)\"" == text.description }
            }
        }
        return found
    }

    private func readMessage(_ data: UnsafeRawBufferPointer, isStart: Bool) {
        visitJSONMembers(data) { member in
            guard member.isNamed("message"), member.kind == .object else { return }
            visitJSONMembers(member.value) { field in
                if field.isNamed("id") { reading.responseID = field.string }
                if field.isNamed("model") { reading.modelServed = field.string }
                if field.isNamed("usage"), field.kind == .object {
                    reading.readAnthropicUsage(field.value)
                    // The start's output count is a placeholder; the turn's own comes with the delta.
                    reading.usageSource = .providerPartial
                    startUsage = Array(field.value.prefix(MeterReading.rawUsageBytesMax / 2))
                    reading.keepRaw(field.value)
                }
            }
        }
    }

    private func readDelta(_ data: UnsafeRawBufferPointer) {
        visitJSONMembers(data) { member in
            if member.isNamed("delta"), member.kind == .object {
                visitJSONMembers(member.value) { field in
                    if field.isNamed("stop_reason"), let reason = field.string { reading.finishReason = reason }
                }
            } else if member.isNamed("usage"), member.kind == .object {
                reading.readAnthropicUsage(member.value)
                if valueStart(member.value, "\"output_tokens\"") != nil { reading.usageSource = .provider }
                if startUsage.count + member.value.count + 24 <= MeterReading.rawUsageBytesMax {
                    reading.rawUsage =
                        Array("{\"start\":".utf8) + (startUsage.isEmpty ? Array("null".utf8) : startUsage)
                        + Array(",\"delta\":".utf8) + Array(member.value) + [125]
                }
            }
        }
        // Agents tolerate a stream without `message_stop`: with a stop reason and its usage the turn is whole.
        if reading.finishReason != nil { reading.isComplete = true }
    }

    func readDocument(_ bytes: UnsafeRawBufferPointer) {
        visitJSONMembers(bytes) { field in
            if field.isNamed("id") { reading.responseID = field.string }
            if field.isNamed("model") { reading.modelServed = field.string }
            if field.isNamed("stop_reason") { reading.finishReason = field.string }
            if field.isNamed("error") { readError(field) }
            if field.isNamed("content"), field.kind == .array {
                reading.contentBytes += Int64(field.value.count)
                visitJSONElements(field.value) { _, block in
                    visitJSONMembers(block) {
                        if $0.isNamed("type"), $0.isString("tool_use") { reading.toolCalls += 1 }
                    }
                    return true
                }
            }
            if field.isNamed("usage"), field.kind == .object {
                reading.readAnthropicUsage(field.value)
                reading.usageSource = .provider
                reading.keepRaw(field.value)
            }
        }
        reading.isComplete = reading.errorEvent == nil
    }
}
