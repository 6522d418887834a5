// GeminiReader: generateContent (protocols: section 5). Nearly every chunk carries the usage so far; the last one counts.

import GatewayModel
import WireFormat

final class GeminiReader: StreamReader {
    var reading = MeterReading()
    /// The most queries that one candidate's grounding has named.
    private var queries: Int64 = 0

    func read(_ event: SSEEvent) -> Bool {
        guard event.data.count > 1 else { return false }
        reading.eventCount += 1
        readChunk(event.data)
        readErrorArray(event.data)
        return false
    }

    func readDocument(_ bytes: UnsafeRawBufferPointer) {
        if bytes.first(where: { $0 > 32 }) == 91 {
            visitJSONElements(bytes) { _, chunk in
                readChunk(chunk)
                return true
            }
        } else {
            readChunk(bytes)
            reading.isComplete = reading.errorEvent == nil
        }
    }

    private func readChunk(_ chunk: UnsafeRawBufferPointer) {
        visitJSONMembers(chunk) { member in
            if member.isNamed("candidates"), member.kind == .array {
                visitJSONElements(member.value) { _, candidate in
                    readCandidate(candidate)
                    return true
                }
            } else if member.isNamed("usageMetadata"), member.kind == .object {
                reading.readGeminiUsage(member.value)
            } else if member.isNamed("promptFeedback"), member.kind == .object {
                visitJSONMembers(member.value) { field in
                    guard field.isNamed("blockReason"), let reason = field.string else { return }
                    reading.finishReason = reason
                    reading.isComplete = true
                }
            } else if member.isNamed("modelVersion") {
                reading.modelServed = member.string ?? reading.modelServed
            } else if member.isNamed("responseId") {
                reading.responseID = reading.responseID ?? member.string
            } else if member.isNamed("error") {
                readError(member)
            }
        }
        countSearches()
    }

    /// Grounding is billed by the query; on the 2.5 models and older ones, by the prompt. Google names the model behind the candidates,
    /// so that it is known only once the object is read.
    private func countSearches() {
        guard queries > 0 else { return }
        let isByPrompt = reading.modelServed.map { GeminiModel($0).generation < 3 } ?? false
        reading.usage.webSearches = isByPrompt ? 1 : queries
    }

    private func readCandidate(_ candidate: UnsafeRawBufferPointer) {
        visitJSONMembers(candidate) { member in
            if member.isNamed("finishReason"), let reason = member.string {
                reading.finishReason = reason
                reading.isComplete = true
            } else if member.isNamed("groundingMetadata"), member.kind == .object {
                readGrounding(member.value)
            } else if member.isNamed("content"), member.kind == .object {
                visitJSONMembers(member.value) { field in
                    guard field.isNamed("parts"), field.kind == .array else { return }
                    visitJSONElements(field.value) { _, part in
                        readPart(part)
                        return true
                    }
                }
            }
        }
    }

    private func readPart(_ part: UnsafeRawBufferPointer) {
        visitJSONMembers(part) { member in
            if member.isNamed("text") {
                reading.contentBytes += Int64(max(0, member.value.count - 2))
            } else if member.isNamed("functionCall"), member.kind == .object {
                reading.toolCalls += 1
                reading.contentBytes += Int64(member.value.count)
            }
        }
    }

    private func readGrounding(_ metadata: UnsafeRawBufferPointer) {
        visitJSONMembers(metadata) { member in
            guard member.isNamed("webSearchQueries"), member.kind == .array else { return }
            var count: Int64 = 0
            visitJSONElements(member.value) { _, _ in
                count += 1
                return true
            }
            queries = max(queries, count)
        }
    }
}

extension MeterReading {
    /// Gemini: the prompt includes what was cached and leaves out what its own tools read; thoughts stand beside the candidates.
    mutating func readGeminiUsage(_ object: UnsafeRawBufferPointer) {
        var prompt: Int64 = 0
        var cached: Int64 = 0
        var candidates: Int64 = 0
        var thoughts: Int64 = 0
        var toolPrompt: Int64 = 0
        var cachedMedia: (audio: Int64, image: Int64) = (0, 0)
        var read = TokenUsage()
        read.webSearches = usage.webSearches
        visitJSONMembers(object) { member in
            if member.isNamed("promptTokenCount") {
                prompt = count(member)
            } else if member.isNamed("cachedContentTokenCount") {
                cached = count(member)
            } else if member.isNamed("candidatesTokenCount") {
                candidates = count(member)
            } else if member.isNamed("thoughtsTokenCount") {
                thoughts = count(member)
            } else if member.isNamed("toolUsePromptTokenCount") {
                toolPrompt = count(member)
            } else if member.isNamed("promptTokensDetails") {
                (read.audioInput, read.imageInput) = modalities(member)
            } else if member.isNamed("cacheTokensDetails") {
                cachedMedia = modalities(member)
            } else if member.isNamed("candidatesTokensDetails") {
                (read.audioOutput, read.imageOutput) = modalities(member)
            } else if member.isNamed("serviceTier") {
                readServiceTier(member.string?.lowercased())
            } else if member.isNamed("trafficType") {
                readTrafficType(member.string)
            }
        }
        if cached > prompt { inconsistent = true }
        read.input = max(0, prompt - cached)
        // A cached token is charged as cached, whatever it shows.
        read.audioInput = min(read.input, max(0, read.audioInput - cachedMedia.audio))
        read.imageInput = min(read.input, max(0, read.imageInput - cachedMedia.image))
        read.cacheRead = cached
        read.toolPrompt = toolPrompt
        read.output = candidates + thoughts
        read.reasoning = thoughts
        usage = read
        usageSource = .provider
        keepRaw(object)
    }

    /// Vertex's word for the tier.
    private mutating func readTrafficType(_ type: String?) {
        switch type {
        case "ON_DEMAND_PRIORITY": qualifiers.serviceTier = "priority"
        case "ON_DEMAND_FLEX": qualifiers.serviceTier = "flex"
        default: break
        }
    }

    private mutating func modalities(_ member: JSONMember) -> (audio: Int64, image: Int64) {
        var audio: Int64 = 0
        var image: Int64 = 0
        for element in member.elements ?? [] {
            guard let detail = element.object, let tokens = detail["tokenCount"] else { continue }
            switch detail["modality"]?.string {
            case "AUDIO": audio += count(tokens)
            case "IMAGE": image += count(tokens)
            default: break
            }
        }
        return (audio, image)
    }
}
