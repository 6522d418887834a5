// MessagesEnding: how an Anthropic stream ends that has reached its length: the open block is closed, `stop_reason: "max_tokens"`,
// `message_stop`.

import GatewayModel
import WireFormat

struct MessagesEnding: StreamEnding, Sendable {
    private var open: Int64?
    private(set) var isEnding = false

    mutating func see(name: UnsafeRawBufferPointer, data: UnsafeRawBufferPointer) -> Bool {
        var type = String(decoding: name, as: UTF8.self)
        var index: Int64?
        // Nearly every event is a delta, which changes nothing.
        guard type != "content_block_delta" else { return false }
        visitJSONMembers(data) { member in
            if member.isNamed("type"), let text = member.string { type = text }
            if member.isNamed("index") { index = member.integer }
        }
        switch type {
        case "content_block_start": open = index
        case "content_block_stop":
            open = nil
            return true
        case "message_delta", "message_stop", "error": isEnding = true
        default: break
        }
        return false
    }

    mutating func write(_ usage: TokenUsage, into out: inout [UInt8]) {
        if let open {
            out.append(event: "content_block_stop", Array("{\"type\":\"content_block_stop\",\"index\":\(open)}".utf8))
        }
        let delta =
            "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"max_tokens\",\"stop_sequence\":null},"
            + "\"usage\":{\"output_tokens\":\(usage.output)}}"
        out.append(event: "message_delta", Array(delta.utf8))
        out.append(event: "message_stop", Array("{\"type\":\"message_stop\"}".utf8))
    }
}
