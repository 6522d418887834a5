// ChatReader: OpenAI chat completions, completions and embeddings (protocols: section 1). A content delta is only measured;
// an event is parsed when it is the first, or carries usage, a finish reason, tool calls or an error.

import GatewayModel
import WireFormat

final class ChatReader: StreamReader {
    // Each event reads and changes it several times, by calls that none overlaps another.
    @exclusivity(unchecked) var reading = MeterReading()

    func read(_ event: SSEEvent) -> Bool {
        let data = event.data
        guard data.count > 1 else { return false }
        reading.eventCount += 1
        if data[0] == 91 {
            if isDone(data) {
                reading.sawDone = true
                reading.isComplete = true
            } else {
                readErrorArray(data)
            }
            return false
        }
        var mustParse = wantsID
        var delta: Int?
        var text: Int?
        Self.keys.visit(data) { key, value in
            switch key {
            case 0: if data[value] == 123 { mustParse = true }
            case 1: if data[value] == 34 { mustParse = true }
            case 2: delta = delta ?? value
            case 3: text = text ?? value
            default: mustParse = true
            }
        }
        if let delta, let text, isList(data, delta) {
            reading.contentBytes += Int64(max(0, valueLength(data, from: text) - 2))
        } else if let delta {
            // `{"content":""}` is 14 bytes.
            reading.contentBytes += Int64(max(0, valueLength(data, from: delta) - 14))
        } else if let text {
            reading.contentBytes += Int64(max(0, valueLength(data, from: text) - 2))
        }
        return mustParse && readChunk(data)
    }

    /// `usage` counts when it is an object, `finish_reason` when it is a string; tool calls and errors always.
    private static let keys = KeySearch(["usage", "finish_reason", "delta", "text", "tool_calls", "error"])

    /// Azure's first chunk has an empty id; a server that gives none in eight events gives none.
    private var wantsID: Bool { reading.responseID == nil && reading.eventCount <= 8 }

    /// Whether a delta begins with a content that is a list, as Mistral's reasoning models write one text: with several times its bytes
    /// around it, which would be estimated as tokens of a stream that is cut.
    private func isList(_ data: UnsafeRawBufferPointer, _ delta: Int) -> Bool {
        // `{"content":[`
        delta + 11 < data.count && data[delta + 11] == 91 && data[delta + 10] == 58
    }

    private func isDone(_ data: UnsafeRawBufferPointer) -> Bool {
        data.starts(with: "[DONE]".utf8)
    }

    /// Parses one chunk; true when it holds usage and no choice.
    private func readChunk(_ data: UnsafeRawBufferPointer, isDocument: Bool = false) -> Bool {
        var choices = 0
        var readUsage = false
        visitJSONMembers(data) { member in
            if member.isNamed("id") {
                if reading.responseID == nil, let id = member.string, !id.isEmpty { reading.responseID = id }
            } else if member.isNamed("model") {
                if let model = member.string, !model.isEmpty { reading.modelServed = model }
            } else if member.isNamed("service_tier") {
                reading.readServiceTier(member.string)
            } else if member.isNamed("usage"), member.kind == .object {
                reading.readChatUsage(member.value)
                readUsage = true
            } else if member.isNamed("choices"), member.kind == .array {
                if isDocument { reading.contentBytes += Int64(member.value.count) }
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
            } else if member.isNamed("usage"), member.kind == .object {
                // Kimi's streams put it into the last choice; a usage of the whole chunk overwrites it.
                if reading.usageSource != .provider { reading.readChatUsage(member.value) }
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
            visitJSONMembers(member.value) {
                if $0.isNamed("name"), let name = $0.string, !name.isEmpty { begins = true }
            }
        }
        return begins
    }

    func readDocument(_ bytes: UnsafeRawBufferPointer) {
        _ = readChunk(bytes, isDocument: true)
        readErrorArray(bytes)
        reading.isComplete = reading.errorEvent == nil
    }
}
