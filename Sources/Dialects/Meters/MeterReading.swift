// MeterReading: what a response said of itself while its bytes passed.

package import GatewayModel

/// How a response's body is to be read.
package enum ResponseBodyKind: Sendable, Hashable {
    /// Server-sent events.
    case sse
    /// AWS's event stream.
    case eventStream
    /// One document.
    case json
    /// A stream of JSON objects: one a line, or the elements of an array.
    case objects
    /// Compressed or of a type that no dialect knows: bytes are counted, nothing is read.
    case other

    /// Whether it is passed on piece by piece.
    package var isStream: Bool { self == .sse || self == .objects || self == .eventStream }
}

/// The meter's reading of one response.
package struct MeterReading: Sendable {
    package var usage = TokenUsage()
    package var usageSource = UsageSource.none
    package var qualifiers = UsageQualifiers()
    /// The provider's usage object, verbatim. Anthropic's two are joined: `{"start":…,"delta":…}`.
    package var rawUsage: [UInt8]?
    package var modelServed: String?
    package var responseID: String?
    package var finishReason: String?
    package var toolCalls = 0
    /// The dialect's terminal semantics were seen (a finish reason, `message_stop`, `response.completed`, `[DONE]`).
    package var isComplete = false
    package var sawDone = false
    /// An error event inside a 200.
    package var errorEvent: (type: String, message: String)?
    /// Bytes of generated text, arguments and reasoning, roughly: what the estimator multiplies.
    package var contentBytes: Int64 = 0
    package var eventCount: Int64 = 0
    /// The provider's numbers did not add up.
    package var inconsistent = false
    /// A Responses API call that goes on in the background: it has no usage yet.
    package var isPending = false
    /// What Anthropic's compaction passes added to `usage`, so that a later cumulative object can overwrite.
    var compaction = TokenUsage()

    package init() {}
}
