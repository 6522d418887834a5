// InvokeReader: Bedrock's InvokeModel (protocols: section 4.4). A chunk carries one event of the model's own, in base64; Claude's are those
// of Messages. The last chunk of any model has Bedrock's own counts, which are taken where the model's are not understood.

import GatewayModel
import WireFormat

final class InvokeReader: StreamReader {
    private let messages = AnthropicReader()
    private var isMessages = true
    private var own = MeterReading()

    var reading: MeterReading {
        get { isMessages ? messages.reading : own }
        set { if isMessages { messages.reading = newValue } else { own = newValue } }
    }

    func read(_ event: SSEEvent) -> Bool {
        guard isNamed(event, "chunk") else {
            if hasSuffix(event.name, "Exception") || isNamed(event, "error") { readFailure(event) }
            return false
        }
        guard let inner = chunkBytes(event.data) else { return false }
        inner.withUnsafeBytes { data in
            if messages.reading.eventCount == 0 { isMessages = valueStart(data, "\"type\"") != nil }
            if isMessages {
                let nothing = UnsafeRawBufferPointer(rebasing: data[0..<0])
                _ = messages.read(SSEEvent(name: nothing, data: data, raw: data))
            } else {
                readOther(data)
            }
        }
        return false
    }

    private func readOther(_ data: UnsafeRawBufferPointer) {
        own.eventCount += 1
        own.contentBytes += Int64(data.count)
        guard valueStart(data, "\"amazon-bedrock-invocationMetrics\"") != nil else { return }
        visitJSONMembers(data) { member in
            guard member.isNamed("amazon-bedrock-invocationMetrics"), member.kind == .object else { return }
            visitJSONMembers(member.value) { field in
                if field.isNamed("inputTokenCount") { own.usage.input = own.count(field) }
                if field.isNamed("outputTokenCount") { own.usage.output = own.count(field) }
                if field.isNamed("cacheReadInputTokenCount") { own.usage.cacheRead = own.count(field) }
                if field.isNamed("cacheWriteInputTokenCount") { own.usage.cacheWriteUnknown = own.count(field) }
            }
            own.usageSource = .provider
            own.keepRaw(member.value)
        }
        own.isComplete = true
    }

    func readDocument(_ bytes: UnsafeRawBufferPointer) {
        isMessages = false
        visitJSONMembers(bytes) { if $0.isNamed("type") { isMessages = $0.string == "message" || $0.string == "error" } }
        if isMessages {
            messages.readDocument(bytes)
        } else {
            own.contentBytes += Int64(bytes.count)
            own.isComplete = true
        }
    }
}

/// What a chunk of InvokeModelWithResponseStream carries: `{"bytes":"<base64>"}`, and padding beside it.
func chunkBytes(_ payload: UnsafeRawBufferPointer) -> [UInt8]? {
    var bytes: [UInt8]?
    visitJSONMembers(payload) { member in
        guard member.isNamed("bytes"), member.kind == .string, member.value.count >= 2 else { return }
        bytes = Base64.decode(UnsafeRawBufferPointer(rebasing: member.value[1..<member.value.count - 1]))
    }
    return bytes
}
