// ConverseReader: Bedrock's Converse and ConverseStream (protocols: section 4.4). Usage comes with `metadata`, the stream's last event.

import GatewayModel
import WireFormat

final class ConverseReader: StreamReader {
    var reading = MeterReading()
    private let isOpenAIFamily: Bool

    init(model: String) { isOpenAIFamily = isBedrockOpenAI(model) }

    func read(_ event: SSEEvent) -> Bool {
        reading.eventCount += 1
        let data = event.data
        // Nearly every event is a delta: measure it and go.
        if isNamed(event, "contentBlockDelta") {
            if let delta = valueStart(data, "\"delta\"") {
                // `{"text":""}` is 11 bytes.
                reading.contentBytes += Int64(max(0, valueLength(data, from: delta) - 11))
            }
        } else if isNamed(event, "contentBlockStart") {
            if valueStart(data, "\"toolUse\"") != nil { reading.toolCalls += 1 }
        } else if isNamed(event, "messageStop") {
            visitJSONMembers(data) { member in
                if member.isNamed("stopReason") { reading.finishReason = member.string }
                if member.isNamed("additionalModelResponseFields"), member.kind == .object { reading.readConverseThinking(member.value) }
            }
            reading.isComplete = true
        } else if isNamed(event, "metadata") {
            visitJSONMembers(data) { readShared($0, isStream: true) }
        } else if hasSuffix(event.name, "Exception") || isNamed(event, "error") {
            readFailure(event)
        }
        return false
    }

    func readDocument(_ bytes: UnsafeRawBufferPointer) {
        visitJSONMembers(bytes) { member in
            if member.isNamed("additionalModelResponseFields"), member.kind == .object { reading.readConverseThinking(member.value) }
        }
        visitJSONMembers(bytes) { member in
            if member.isNamed("stopReason") { reading.finishReason = member.string }
            if member.isNamed("output"), member.kind == .object { readOutput(member.value) }
            readShared(member, isStream: false)
        }
        reading.isComplete = reading.finishReason != nil
    }

    private func readOutput(_ output: UnsafeRawBufferPointer) {
        visitJSONMembers(output) { member in
            guard member.isNamed("message"), member.kind == .object else { return }
            visitJSONMembers(member.value) { field in
                guard field.isNamed("content"), field.kind == .array else { return }
                reading.contentBytes += Int64(field.value.count)
                visitJSONElements(field.value) { _, block in
                    visitJSONMembers(block) { if $0.isNamed("toolUse") { reading.toolCalls += 1 } }
                    return true
                }
            }
        }
    }

    private func readShared(_ member: JSONMember, isStream: Bool) {
        if member.isNamed("usage"), member.kind == .object {
            reading.readConverseUsage(member.value, isOpenAI: isOpenAIFamily, isStream: isStream)
            reading.usageSource = .provider
            reading.keepRaw(member.value)
        } else if member.isNamed("serviceTier"), member.kind == .object {
            visitJSONMembers(member.value) { if $0.isNamed("type") { reading.readServiceTier($0.string) } }
        } else if member.isNamed("trace"), member.kind == .object {
            // A prompt router says which model it chose.
            visitJSONMembers(member.value) { part in
                guard part.isNamed("promptRouter"), part.kind == .object else { return }
                visitJSONMembers(part.value) { if $0.isNamed("invokedModelId") { reading.modelServed = $0.string } }
            }
        }
    }
}

extension StreamReader {
    func isNamed(_ event: SSEEvent, _ text: StaticString) -> Bool {
        guard event.name.count == text.utf8CodeUnitCount else { return false }
        for index in 0..<event.name.count where event.name[index] != text.utf8Start[index] { return false }
        return true
    }

    func hasSuffix(_ name: UnsafeRawBufferPointer, _ text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        guard name.count >= count else { return false }
        for index in 0..<count where name[name.count - count + index] != text.utf8Start[index] { return false }
        return true
    }

    /// An exception inside a stream.
    func readFailure(_ event: SSEEvent) {
        var message = ""
        visitJSONMembers(event.data) { if $0.isNamed("message"), let text = $0.string { message = text } }
        reading.errorEvent = (String(decoding: event.name, as: UTF8.self), message)
    }
}

extension MeterReading {
    /// Converse: input, cache reads and writes are apart, except in streams of OpenAI's models, whose input includes them
    /// (protocols.md, rule 2).
    mutating func readConverseUsage(_ object: UnsafeRawBufferPointer, isOpenAI: Bool, isStream: Bool) {
        var written: Int64 = 0
        var oneHour: Int64 = 0
        var details: Int64?
        var next = TokenUsage()
        next.reasoning = usage.reasoning
        visitJSONMembers(object) { member in
            if member.isNamed("inputTokens") {
                next.input = count(member)
            } else if member.isNamed("outputTokens") {
                next.output = count(member)
            } else if member.isNamed("cacheReadInputTokens") {
                next.cacheRead = count(member)
            } else if member.isNamed("cacheWriteInputTokens") {
                written = count(member)
            } else if member.isNamed("cacheDetails"), member.kind == .array {
                visitJSONElements(member.value) { _, detail in
                    var isLong = false
                    var tokens: Int64 = 0
                    visitJSONMembers(detail) { field in
                        if field.isNamed("ttl") { isLong = field.string == "1h" }
                        if field.isNamed("inputTokens") { tokens = count(field) }
                    }
                    details = min((details ?? 0) + tokens, 1 << 50)
                    if isLong { oneHour = min(oneHour + tokens, 1 << 50) }
                    return true
                }
            }
        }
        // A split that does not sum is priced whole as the shorter lifetime, as it is for Anthropic.
        if let details, details > 0, details != written || oneHour > written {
            inconsistent = true
            oneHour = 0
        }
        if isOpenAI {
            let inside = next.cacheRead + written
            if isStream, next.input >= inside { next.input -= inside }
            next.cacheWrite30m = written
        } else {
            next.cacheWrite1h = oneHour
            next.cacheWrite5m = written - oneHour
        }
        next.reasoning = min(next.reasoning, next.output)
        usage = next
    }

    /// Thinking tokens, where they were asked for by `additionalModelResponseFieldPaths`.
    mutating func readConverseThinking(_ fields: UnsafeRawBufferPointer) {
        visitJSONMembers(fields) { member in
            if member.isNamed("thinking_tokens") {
                usage.reasoning = count(member)
            } else if member.kind == .object, member.isNamed("usage") || member.isNamed("output_tokens_details") {
                readConverseThinking(member.value)
            }
        }
    }
}
