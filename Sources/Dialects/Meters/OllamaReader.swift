// OllamaReader: Ollama's native API (protocols: section 6). The counts stand in the last line alone.

import GatewayModel
import WireFormat

final class OllamaReader: StreamReader {
    var reading = MeterReading()

    func read(_ event: SSEEvent) -> Bool {
        guard event.data.count > 1 else { return false }
        reading.eventCount += 1
        readLine(event.data)
        return false
    }

    func readDocument(_ bytes: UnsafeRawBufferPointer) { readLine(bytes) }

    private func readLine(_ line: UnsafeRawBufferPointer) {
        var isDone = false
        visitJSONMembers(line) { member in
            if member.isNamed("message"), member.kind == .object {
                visitJSONMembers(member.value) { field in
                    if field.isNamed("content") || field.isNamed("thinking") {
                        reading.contentBytes += Int64(max(0, field.value.count - 2))
                    } else if field.isNamed("tool_calls"), field.kind == .array {
                        reading.contentBytes += Int64(field.value.count)
                        reading.toolCalls += field.elements?.count ?? 0
                    }
                }
            } else if member.isNamed("response") || member.isNamed("thinking") {
                reading.contentBytes += Int64(max(0, member.value.count - 2))
            } else if member.isNamed("model") {
                reading.modelServed = member.string ?? reading.modelServed
            } else if member.isNamed("done") {
                isDone = member.boolean ?? false
            } else if member.isNamed("done_reason") {
                reading.finishReason = member.string
            } else if member.isNamed("error") {
                readError(member)
            }
        }
        guard isDone else { return }
        reading.isComplete = reading.errorEvent == nil
        reading.readOllamaCounts(line)
    }
}

extension MeterReading {
    /// A prompt that was cached whole has no count: unknown, and not none.
    mutating func readOllamaCounts(_ line: UnsafeRawBufferPointer) {
        var input: Int64?
        var output: Int64?
        visitJSONMembers(line) { member in
            if member.isNamed("prompt_eval_count"), member.kind == .number { input = count(member) }
            if member.isNamed("eval_count"), member.kind == .number { output = count(member) }
        }
        guard input != nil || output != nil else { return }
        usage.input = input ?? 0
        usage.output = output ?? 0
        usageSource = input == nil || output == nil ? .providerPartial : .provider
        keepRaw(line)
    }
}
