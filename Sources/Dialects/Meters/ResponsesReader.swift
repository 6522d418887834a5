// ResponsesReader: the OpenAI Responses API (protocols: section 2). Usage stands in the one terminal event.

import GatewayModel
import WireFormat

final class ResponsesReader: StreamReader {
    var reading = MeterReading()
    private var isBackground = false

    func read(_ event: SSEEvent) -> Bool {
        let data = event.data
        guard data.count > 1 else { return false }
        reading.eventCount += 1
        if data[0] == 91 {
            if data.starts(with: "[DONE]".utf8) { reading.sawDone = true }
            return false
        }
        let type = event.name.isEmpty ? typeOf(data) : String(decoding: event.name, as: UTF8.self)
        switch type {
        case "response.created", "response.in_progress", "response.queued":
            if reading.responseID == nil { readEnvelope(data) }
            // Only a background response goes on without its stream.
            reading.isPending = reading.isPending && isBackground
        case "response.completed", "response.incomplete", "response.failed":
            readEnvelope(data)
            reading.isComplete = true
            reading.isPending = false
        case "error":
            readBareError(data)
        case "response.output_item.done":
            visitJSONMembers(data) { member in
                guard member.isNamed("item"), member.kind == .object else { return }
                visitJSONMembers(member.value) { field in
                    if field.isNamed("type"), isToolCall(field.string) { reading.toolCalls += 1 }
                }
            }
        default:
            if let delta = valueStart(data, "\"delta\"") {
                reading.contentBytes += Int64(max(0, valueLength(data, from: delta) - 2))
            }
        }
        return false
    }

    private func isToolCall(_ type: String?) -> Bool {
        type == "function_call" || type == "custom_tool_call" || type == "local_shell_call" || type == "shell_call"
            || type == "apply_patch_call"
    }

    private func typeOf(_ data: UnsafeRawBufferPointer) -> String {
        var type = ""
        visitJSONMembers(data) { if $0.isNamed("type") { type = $0.string ?? "" } }
        return type
    }

    private func readEnvelope(_ data: UnsafeRawBufferPointer) {
        visitJSONMembers(data) { member in
            if member.isNamed("response"), member.kind == .object { readResponse(member.value) }
        }
    }

    private func readBareError(_ data: UnsafeRawBufferPointer) {
        var type = "error"
        var message = ""
        visitJSONMembers(data) { field in
            if field.isNamed("code"), let text = field.string { type = text }
            if field.isNamed("message"), let text = field.string { message = text }
            if field.isNamed("error") { readError(field) }
        }
        if reading.errorEvent == nil { reading.errorEvent = (type, message) }
    }

    private func readResponse(_ object: UnsafeRawBufferPointer) {
        visitJSONMembers(object) { field in
            if field.isNamed("id") {
                reading.responseID = field.string
            } else if field.isNamed("model") {
                reading.modelServed = field.string
            } else if field.isNamed("status") {
                readStatus(field.string)
            } else if field.isNamed("background") {
                isBackground = field.boolean ?? false
            } else if field.isNamed("service_tier") {
                reading.readServiceTier(field.string)
            } else if field.isNamed("error") {
                readError(field)
            } else if field.isNamed("tool_usage"), field.kind == .object {
                visitJSONMembers(field.value) { tool in
                    guard tool.isNamed("web_search"), tool.kind == .object else { return }
                    visitJSONMembers(tool.value) {
                        if $0.isNamed("num_requests") { reading.usage.webSearches = reading.count($0) }
                    }
                }
            } else if field.isNamed("usage"), field.kind == .object {
                reading.readResponsesUsage(field.value)
            }
        }
    }

    private func readStatus(_ status: String?) {
        switch status {
        case "queued", "in_progress": reading.isPending = true
        case "completed", "incomplete", "failed", "cancelled":
            reading.finishReason = status
            reading.isPending = false
        default: break
        }
    }

    func readDocument(_ bytes: UnsafeRawBufferPointer) {
        readResponse(bytes)
        visitJSONMembers(bytes) { field in
            guard field.isNamed("output"), field.kind == .array else { return }
            reading.contentBytes += Int64(field.value.count)
            visitJSONElements(field.value) { _, item in
                visitJSONMembers(item) { if $0.isNamed("type"), isToolCall($0.string) { reading.toolCalls += 1 } }
                return true
            }
        }
        reading.isComplete = reading.errorEvent == nil
    }
}
