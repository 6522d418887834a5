// ChatEnding: how a chat completion stream ends that has reached its length: `finish_reason: "length"` for each choice, the usage when it
// was asked for, `[DONE]`.

import GatewayModel
import WireFormat

struct ChatEnding: StreamEnding, Sendable {
    private var model: String
    private var id: String
    private var created: Int64
    private let includesUsage: Bool
    /// Choices that have begun, and those that have ended.
    private var open: Set<Int64> = []
    private var closed: Set<Int64> = []

    init(model: String, id: String, created: Int64, includesUsage: Bool) {
        self.model = model
        self.id = "chatcmpl-" + id
        self.created = created
        self.includesUsage = includesUsage
    }

    var isEnding: Bool { open.isEmpty && !closed.isEmpty }

    mutating func see(name: UnsafeRawBufferPointer, data: UnsafeRawBufferPointer) -> Bool {
        guard data.first == 123 else { return false }
        var isFinished = false
        var found = self
        visitJSONMembers(data) { member in
            if member.isNamed("id"), let text = member.string, !text.isEmpty { found.id = text }
            if member.isNamed("model"), let text = member.string, !text.isEmpty { found.model = text }
            if member.isNamed("created"), let number = member.integer { found.created = number }
            guard member.isNamed("choices"), member.kind == .array else { return }
            visitJSONElements(member.value) { _, choice in
                var index: Int64 = 0
                var ends = false
                visitJSONMembers(choice) { field in
                    if field.isNamed("index") { index = field.integer ?? 0 }
                    if field.isNamed("finish_reason"), field.kind == .string { ends = true }
                }
                if ends {
                    found.open.remove(index)
                    found.closed.insert(index)
                    isFinished = true
                } else if !found.closed.contains(index) {
                    found.open.insert(index)
                }
                return true
            }
        }
        self = found
        return isFinished
    }

    mutating func write(_ usage: TokenUsage, into out: inout [UInt8]) {
        for index in open.isEmpty && closed.isEmpty ? [0] : open.sorted() {
            var writer = chunk()
            writer.beginArray("choices")
            writer.beginObject()
            writer.field("index", index)
            writer.rawField("delta", "{}".utf8)
            writer.rawField("logprobs", "null".utf8)
            writer.field("finish_reason", "length")
            writer.endObject()
            writer.endArray()
            writer.endObject()
            out.append(event: nil, writer.bytes)
        }
        if includesUsage {
            var writer = chunk()
            writer.beginArray("choices")
            writer.endArray()
            writer.beginObject("usage")
            writer.field("prompt_tokens", usage.totalInput)
            writer.field("completion_tokens", usage.output)
            writer.field("total_tokens", usage.totalInput &+ usage.output)
            writer.endObject()
            writer.endObject()
            out.append(event: nil, writer.bytes)
        }
        out.append(event: nil, Array("[DONE]".utf8))
    }

    private func chunk() -> JSONWriter {
        var writer = JSONWriter()
        writer.beginObject()
        writer.field("id", id)
        writer.field("object", "chat.completion.chunk")
        writer.field("created", created)
        writer.field("model", model)
        return writer
    }
}
