// ChatReader: OpenAI chat completions, completions and embeddings (protocols: section 1). A content delta is only measured;
// an event is parsed when it is the first, or carries usage, a finish reason, tool calls or an error.

import GatewayModel
import WireFormat

final class ChatReader: StreamReader {
    var reading = MeterReading()

    func read(_ event: SSEEvent) -> Bool {
        let data = event.data
        guard data.count > 1 else { return false }
        reading.eventCount += 1
        if data[0] == 91 {
            if isDone(data) {
                reading.sawDone = true
                reading.isComplete = true
            }
            return false
        }
        let usageStart = valueStart(data, "\"usage\"")
        let hasUsage = usageStart.map { data[$0] == 123 } ?? false
        let finishes = valueStart(data, "\"finish_reason\"").map { data[$0] == 34 } ?? false
        if let delta = valueStart(data, "\"delta\"") {
            // `{"content":""}` is 14 bytes.
            reading.contentBytes += Int64(max(0, valueLength(data, from: delta) - 14))
        } else if let text = valueStart(data, "\"text\"") {
            reading.contentBytes += Int64(max(0, valueLength(data, from: text) - 2))
        }
        guard hasUsage || finishes || reading.responseID == nil || valueStart(data, "\"tool_calls\"") != nil
            || valueStart(data, "\"error\"") != nil
        else { return false }
        return readChunk(data, hasUsage: hasUsage)
    }

    private func isDone(_ data: UnsafeRawBufferPointer) -> Bool {
        data.starts(with: "[DONE]".utf8)
    }

    /// Parses one chunk; true when it holds usage and no choice.
    private func readChunk(_ data: UnsafeRawBufferPointer, hasUsage: Bool) -> Bool {
        var choices = 0
        var readUsage = false
        visitJSONMembers(data) { member in
            if member.isNamed("id") {
                if reading.responseID == nil { reading.responseID = member.string ?? "" }
            } else if member.isNamed("model") {
                if let model = member.string, !model.isEmpty { reading.modelServed = model }
            } else if member.isNamed("service_tier") {
                reading.readServiceTier(member.string)
            } else if member.isNamed("usage"), member.kind == .object {
                reading.readChatUsage(member.value)
                readUsage = true
            } else if member.isNamed("choices"), member.kind == .array {
                visitJSONElements(member.value) { _, choice in
                    choices += 1
                    readChoice(choice)
                    return true
                }
            } else if member.isNamed("error"), member.kind == .object || member.kind == .string {
                readError(member)
            }
        }
        return readUsage && choices == 0
    }

    private func readChoice(_ choice: UnsafeRawBufferPointer) {
        visitJSONMembers(choice) { member in
            if member.isNamed("finish_reason") {
                if let reason = member.string {
                    reading.finishReason = reason
                    reading.isComplete = true
                }
            } else if member.isNamed("delta") || member.isNamed("message"), member.kind == .object {
                let isWhole = member.isNamed("message")
                visitJSONMembers(member.value) { field in
                    guard field.isNamed("tool_calls"), field.kind == .array else { return }
                    visitJSONElements(field.value) { _, call in
                        if isWhole || beginsToolCall(call) { reading.toolCalls += 1 }
                        return true
                    }
                }
            }
        }
    }

    /// A fragment that names its function begins a call; the others carry arguments.
    private func beginsToolCall(_ call: UnsafeRawBufferPointer) -> Bool {
        var begins = false
        visitJSONMembers(call) { member in
            guard member.isNamed("function") || member.isNamed("custom"), member.kind == .object else { return }
            visitJSONMembers(member.value) { if $0.isNamed("name"), let name = $0.string, !name.isEmpty { begins = true } }
        }
        return begins
    }

    func readDocument(_ bytes: UnsafeRawBufferPointer) {
        reading.contentBytes += Int64(valueStart(bytes, "\"choices\"").map { valueLength(bytes, from: $0) } ?? 0)
        _ = readChunk(bytes, hasUsage: true)
        reading.isComplete = reading.errorEvent == nil
    }
}
