// RequestHead: the few members of a request body that Weir acts on or attributes by. Everything else stays in its bytes.

package import WireFormat

/// What was read of a request body. Ranges are byte offsets into the body.
package struct RequestHead: Sendable {
    package var model: String?
    /// The model's JSON string with its quotes.
    package var modelRange: Range<Int>?
    package var stream = false
    /// The client itself asked for the usage event.
    package var includesUsage = false
    /// How to ask for the usage event where the client did not.
    package var usageSplice: Splice?
    package var maxOutputTokens: Int64?
    package var choiceCount: Int64 = 1
    package var serviceTier: String?
    /// Anthropic's `speed` and `inference_geo`, which change the price.
    package var speed: String?
    package var inferenceGeo: String?
    package var user: String?
    package var safetyIdentifier: String?
    /// Anthropic's `metadata.user_id`; Claude Code puts JSON into it.
    package var metadataUserID: String?
    package var promptCacheKey: String?
    /// The Responses API's `client_metadata` object.
    package var clientMetadata: Range<Int>?
    package var previousResponseID: String?
    package var isBackground = false
    package var messageCount = 0
    /// A hash of the first user message; 0 when there is none.
    package var openerHash: UInt64 = 0
    /// All messages or items, and where each of the last eight begins, in the place of its number modulo eight.
    package var messageTotal = 0
    package var tailStarts = SIMD8<UInt32>(repeating: 0)
    package static let tailMax = 8

    /// Whether the body says something of attribution, beside the header fields.
    package var saysAttribution: Bool { metadataUserID != nil || clientMetadata != nil }

    package init() {}
}

/// The splice that puts another model name into the body.
package func modelSplice(_ request: RequestHead, _ model: String) -> Splice? {
    guard let range = request.modelRange else { return nil }
    var writer = JSONWriter(capacity: model.utf8.count + 2)
    writer.element(model)
    return Splice(offset: range.lowerBound, removeCount: range.count, insert: writer.bytes)
}

/// What Vertex wants in the body of a call of Claude, whose model stands in the path (protocols.md, section 5).
let vertexAnthropicVersion = "vertex-2023-10-16"

/// The splice that puts Vertex's version in the place of the model. `body` is the scanned one, so that the key lies before the value.
package func vertexSplice(_ request: RequestHead, body: UnsafeRawBufferPointer) -> Splice? {
    guard let range = request.modelRange else { return nil }
    var start = range.lowerBound - 1
    // Backwards over the colon to the quote that ends the key, then to the one that begins it.
    while start > 0, body[start] != 34 { start -= 1 }
    start -= 1
    while start > 0, body[start] != 34 { start -= 1 }
    return Splice(
        offset: start, removeCount: range.upperBound - start, insert: Array("\"anthropic_version\":\"\(vertexAnthropicVersion)\"".utf8))
}
