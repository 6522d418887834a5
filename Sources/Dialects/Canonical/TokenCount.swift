// TokenCount: a request to count tokens, said in the dialect of a provider that can count, and its answer in the client's.

package import GatewayModel
import WireFormat

/// The dialects whose providers count tokens, the surest first.
package let countingDialects: [Dialect] = [.anthropicMessages, .gemini]

/// Says a request to count in the deployment's dialect.
package func writeCountRequest(
    _ request: CanonicalRequest, in dialect: Dialect, for target: TranslationTarget
) throws(TranslationRefusal) -> TranslatedRequest {
    var request = request
    request.stream = false
    request.userID = nil
    request.serviceTier = nil
    request.stopSequences = []
    (request.temperature, request.topP, request.topK) = (nil, nil, nil)
    let written = try writeCanonicalRequest(request, in: dialect, for: target)
    var json = JSONWriter(capacity: written.body.count + 128)
    json.beginObject()
    if dialect == .gemini, target.traits.layout != .vertex {
        json.beginObject("generateContentRequest")
        json.field("model", "models/\(target.model)")
    }
    written.body.withUnsafeBytes { body in
        visitJSONMembers(body) { member in
            // Counting knows neither a limit of the answer nor how it is made.
            if member.isNamed("max_tokens") || member.isNamed("generationConfig") && target.traits.layout == .vertex { return }
            json.rawField(named: member.key, member.value)
        }
    }
    if dialect == .gemini, target.traits.layout != .vertex { json.endObject() }
    // Vertex's counter is one for all of Claude's models.
    if dialect == .anthropicMessages, target.traits.layout == .vertex { json.field("model", target.model) }
    json.endObject()
    return TranslatedRequest(body: json.bytes, dropped: written.dropped)
}

/// Reads the body of a request to count, which some dialects wrap.
package func readCountRequest(_ body: UnsafeRawBufferPointer, in dialect: Dialect) throws(TranslationRefusal) -> CanonicalRequest {
    if dialect == .gemini, let object = JSONObjectView(body),
        let inner = object["generateContentRequest"] ?? object["generate_content_request"]
    {
        return try readCanonicalRequest(inner.value, in: dialect)
    }
    return try readCanonicalRequest(body, in: dialect)
}

/// The count that a provider answered with, as the client reads it; nil when there is none.
package func translatedCount(_ body: UnsafeRawBufferPointer, to client: Dialect) -> [UInt8]? {
    guard let object = JSONObjectView(body), let count = (object["input_tokens"] ?? object["totalTokens"])?.integer else { return nil }
    var json = JSONWriter(capacity: 64)
    json.beginObject()
    if client == .gemini {
        json.field("totalTokens", count)
    } else {
        if client == .openAIResponses { json.field("object", "response.input_tokens") }
        json.field("input_tokens", count)
    }
    json.endObject()
    return json.bytes
}
