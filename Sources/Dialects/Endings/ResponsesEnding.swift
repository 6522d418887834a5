// ResponsesEnding: how a Responses stream ends that has reached its length: `response.incomplete` with the reason `max_output_tokens`, in
// the response object that the provider began.

import GatewayModel
import WireFormat

struct ResponsesEnding: StreamEnding, Sendable {
    private let model: String
    private let id: String
    private let created: Int64
    /// The response object as it was begun, its members that do not change.
    private var begun: [(name: String, json: [UInt8])] = []
    private var sequence: Int64 = -1
    private(set) var isEnding = false

    /// What the end says itself.
    private static let own: Set<String> = ["status", "incomplete_details", "usage", "output"]

    init(model: String, id: String, created: Int64) {
        self.model = model
        self.id = "resp_" + id
        self.created = created
    }

    mutating func see(name: UnsafeRawBufferPointer, data: UnsafeRawBufferPointer) -> Bool {
        var type = ""
        var number: Int64?
        var response: [(name: String, json: [UInt8])] = []
        let wantsResponse = begun.isEmpty
        visitJSONMembers(data) { member in
            if member.isNamed("type"), let text = member.string { type = text }
            if member.isNamed("sequence_number") { number = member.integer }
            guard wantsResponse, member.isNamed("response"), member.kind == .object else { return }
            visitJSONMembers(member.value) { field in
                if !Self.own.contains(field.key) { response.append((field.key, Array(field.value))) }
            }
        }
        if let number { sequence = number }
        if type == "response.created" { begun = response }
        switch type {
        case "response.completed", "response.incomplete", "response.failed", "error": isEnding = true
        case "response.output_item.done", "response.content_part.done": return true
        default: break
        }
        return false
    }

    mutating func write(_ usage: TokenUsage, into out: inout [UInt8]) {
        var writer = JSONWriter()
        writer.beginObject()
        writer.field("type", "response.incomplete")
        writer.field("sequence_number", sequence.saturatingAdding(1))
        writer.beginObject("response")
        if begun.isEmpty {
            writer.field("id", id)
            writer.field("object", "response")
            writer.field("created_at", created)
            writer.field("model", model)
        }
        for member in begun { writer.rawField(named: member.name, member.json) }
        writer.field("status", "incomplete")
        writer.rawField("incomplete_details", "{\"reason\":\"max_output_tokens\"}".utf8)
        writer.beginArray("output")
        writer.endArray()
        writer.beginObject("usage")
        writer.field("input_tokens", usage.totalInput)
        writer.rawField("input_tokens_details", "{\"cached_tokens\":\(usage.cacheRead)}".utf8)
        writer.field("output_tokens", usage.output)
        writer.rawField("output_tokens_details", "{\"reasoning_tokens\":\(usage.reasoning)}".utf8)
        writer.field("total_tokens", usage.totalInput &+ usage.output)
        writer.endObject()
        writer.endObject()
        writer.endObject()
        out.append(event: "response.incomplete", writer.bytes)
    }
}
