// RequestShape: what a route may ask of a conversation without reading what is said in it: how many tools, how deep in them, whether
// there are images, and whether it carries what only its maker can read. A second pass over the body, made for such routes alone.

package import GatewayModel
import WireFormat

/// The shape of a request.
package struct RequestShape: Sendable, Hashable {
    /// Tools that the model may call.
    package var toolCount = 0
    /// Messages, or items of a Responses call.
    package var turnDepth = 0
    /// Answers that called tools, since a person wrote something.
    package var toolDepth = 0
    package var hasImages = false
    /// Signed or redacted thinking, encrypted reasoning, items by reference.
    package var isSigned = false
    /// The last message is a tool's result.
    package var isInToolCall = false

    package init() {}
}

/// Reads the shape of a body that `readRequest` has found good.
package func readShape(_ endpoint: Endpoint, body: UnsafeRawBufferPointer) -> RequestShape {
    var reader = ShapeReader()
    visitJSONMembers(body) { member in
        if member.isNamed("tools") {
            reader.tools(member.value)
        } else if member.isNamed("toolConfig"), member.kind == .object {
            visitJSONMembers(member.value) { if $0.isNamed("tools") { reader.tools($0.value) } }
        } else if member.isNamed("messages") || member.isNamed("input") || member.isNamed("contents") {
            visitJSONElements(member.value) { kind, value in
                if kind == .object { reader.message(value) }
                return true
            }
        }
    }
    return reader.shape
}

private struct ShapeReader {
    var shape = RequestShape()
    /// The item before this one called a tool: calls side by side are one answer.
    private var follows = false

    /// What one message, or one item, is made of.
    private struct Parts {
        var role: String?
        var type: String?
        var callsTools = false
        var hasResult = false
    }

    /// Gemini gathers several functions in one entry.
    mutating func tools(_ bytes: UnsafeRawBufferPointer) {
        visitJSONElements(bytes) { kind, value in
            var count = 0
            if kind == .object {
                visitJSONMembers(value) { member in
                    guard member.isNamed("functionDeclarations") else { return }
                    visitJSONElements(member.value) { _, _ in
                        count += 1
                        return true
                    }
                }
            }
            shape.toolCount += max(1, count)
            return true
        }
    }

    mutating func message(_ bytes: UnsafeRawBufferPointer) {
        var parts = Parts()
        shape.turnDepth += 1
        visitJSONMembers(bytes) { member in
            if member.isNamed("role") {
                parts.role = member.string
            } else if member.isNamed("type") {
                parts.type = member.string
            } else if member.isNamed("content") || member.isNamed("output") || member.isNamed("parts"), member.kind == .array {
                visitJSONElements(member.value) { kind, value in
                    if kind == .object { block(value, &parts) }
                    return true
                }
            } else if member.isNamed("tool_calls"), member.kind == .array {
                visitJSONElements(member.value) { _, _ in
                    parts.callsTools = true
                    return false
                }
            } else if member.isNamed("reasoning_details"), member.kind == .array {
                visitJSONElements(member.value) { _, value in
                    visitJSONMembers(value) {
                        if $0.isNamed("signature") || $0.isNamed("data"), $0.kind == .string { shape.isSigned = true }
                    }
                    return !shape.isSigned
                }
            } else if member.isNamed("encrypted_content"), member.kind == .string {
                shape.isSigned = true
            }
        }
        count(parts)
    }

    private mutating func count(_ parts: Parts) {
        let isCall = parts.callsTools || parts.type?.hasSuffix("_call") == true
        let isResult = parts.hasResult || parts.role == "tool" || parts.type?.hasSuffix("_call_output") == true
        if parts.type == "item_reference" { shape.isSigned = true }
        if isCall, !follows || parts.callsTools { shape.toolDepth += 1 }
        if parts.role == "user", !isResult { shape.toolDepth = 0 }
        // Reasoning stands between the calls of one answer.
        if parts.type != "reasoning" { follows = isCall && !parts.callsTools }
        shape.isInToolCall = isResult
    }

    private mutating func block(_ bytes: UnsafeRawBufferPointer, _ parts: inout Parts) {
        var isThinking = false
        var isSigned = false
        var result: UnsafeRawBufferPointer?
        visitJSONMembers(bytes) { member in
            if member.isNamed("type") {
                switch member.string {
                case "thinking": isThinking = true
                case "redacted_thinking": shape.isSigned = true
                case "tool_use", "server_tool_use": parts.callsTools = true
                case "tool_result": parts.hasResult = true
                case "image", "image_url", "input_image": shape.hasImages = true
                default: break
                }
            } else if member.isNamed("toolUse") || member.isNamed("functionCall") {
                parts.callsTools = true
            } else if member.isNamed("toolResult") || member.isNamed("functionResponse") {
                parts.hasResult = true
            } else if member.isNamed("image") || member.isNamed("inlineData") {
                shape.hasImages = true
            } else if member.isNamed("reasoningContent") || member.isNamed("thoughtSignature") {
                shape.isSigned = true
            } else if member.isNamed("signature"), member.kind == .string, member.value.count > 2 {
                isSigned = true
            } else if member.isNamed("content"), member.kind == .array {
                result = member.value
            }
        }
        if isThinking, isSigned { shape.isSigned = true }
        guard let result, !shape.hasImages else { return }
        // A tool may answer with a picture.
        visitJSONElements(result) { _, value in
            visitJSONMembers(value) { if $0.isNamed("type"), $0.string == "image" { shape.hasImages = true } }
            return true
        }
    }
}
