// ResponsesEventWriter+Items: the JSON of an answer's items and parts.

import GatewayModel
import WireFormat

extension ResponsesEventWriter {
    /// Ids of items are this answer's own.
    func itemID(_ place: Int, of kind: Open = .none) -> String {
        kind == .thinking ? "rs_item_\(place)_\(context.id)" : "item_\(place)_\(context.id)"
    }

    func messageItem(_ place: Int, _ text: String?, isRefusal: Bool, status: String) -> [UInt8] {
        var json = JSONWriter(capacity: 256)
        json.beginObject()
        json.field("id", itemID(place))
        json.field("type", "message")
        json.field("status", status)
        json.field("role", "assistant")
        json.beginArray("content")
        if let text { Self.contentPart(&json, nil, text, isRefusal: isRefusal) }
        json.endArray()
        json.endObject()
        return json.bytes
    }

    func reasoningItem(_ place: Int, _ text: String, _ sealed: String?) -> [UInt8] {
        var json = JSONWriter(capacity: 256)
        json.beginObject()
        json.field("id", itemID(place, of: .thinking))
        json.field("type", "reasoning")
        json.beginArray("summary")
        if !text.isEmpty { Self.part(&json, nil, "summary_text", "text", text) }
        json.endArray()
        json.field("encrypted_content", sealed)
        json.endObject()
        return json.bytes
    }

    func callItem(_ call: Call, isDone: Bool) -> [UInt8] {
        let tool = tool(call.name)
        let isCustom = tool?.isCustom == true
        var json = JSONWriter(capacity: 256)
        json.beginObject()
        json.field("id", itemID(call.place))
        json.field("type", isCustom ? "custom_tool_call" : "function_call")
        json.field("status", isDone ? "completed" : "in_progress")
        json.field("call_id", call.id)
        json.field("name", tool?.innerName ?? call.name)
        json.field("namespace", tool?.namespace)
        let text = isDone ? call.arguments : ""
        if isCustom { json.field("input", text) } else { json.field("arguments", text) }
        json.endObject()
        return json.bytes
    }

    static func position(_ json: inout JSONWriter, _ item: String, _ place: Int, _ index: StaticString) {
        json.field("item_id", item)
        json.field("output_index", place)
        json.field(index, 0)
    }

    static func part(_ json: inout JSONWriter, _ member: StaticString?, _ type: String, _ name: StaticString, _ text: String) {
        if let member { json.beginObject(member) } else { json.beginObject() }
        json.field("type", type)
        json.field(name, text)
        json.endObject()
    }

    static func contentPart(_ json: inout JSONWriter, _ member: StaticString?, _ text: String, isRefusal: Bool) {
        if isRefusal {
            part(&json, member, "refusal", "refusal", text)
            return
        }
        if let member { json.beginObject(member) } else { json.beginObject() }
        json.field("type", "output_text")
        json.field("text", text)
        json.beginArray("annotations")
        json.endArray()
        json.endObject()
    }

    static func write(_ usage: TokenUsage, into json: inout JSONWriter) {
        json.beginObject("usage")
        json.field("input_tokens", usage.totalInput)
        json.beginObject("input_tokens_details")
        json.field("cached_tokens", usage.cacheRead)
        if usage.cacheWrite > 0 { json.field("cache_write_tokens", usage.cacheWrite) }
        json.endObject()
        json.field("output_tokens", usage.output)
        json.beginObject("output_tokens_details")
        json.field("reasoning_tokens", usage.reasoning)
        json.endObject()
        json.field("total_tokens", usage.totalInput &+ usage.output)
        json.endObject()
    }
}
