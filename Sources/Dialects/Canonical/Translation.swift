// Translation: from one dialect to another through the canonical hub. Each dialect brings one reader and one writer of each kind; no
// code knows a pair.

package import GatewayModel
import WireFormat

/// How a dialect's requests and answers are read and written. A new dialect adds one row to `codec(of:)`.
private struct DialectCodec {
    let readRequest: (UnsafeRawBufferPointer) throws(TranslationRefusal) -> CanonicalRequest
    let writeRequest: (CanonicalRequest, TranslationTarget) throws(TranslationRefusal) -> TranslatedRequest
    let makeReader: (AnswerContext) -> any CanonicalEventReader
    let makeWriter: (AnswerContext) -> any CanonicalEventWriter
    var framing = AnswerFraming.sse
}

private func codec(of dialect: Dialect) -> DialectCodec? {
    switch dialect {
    case .openAIChat:
        DialectCodec(
            readRequest: readChatRequest, writeRequest: writeChatRequest, makeReader: { ChatEventReader(seed: $0.id) },
            makeWriter: { ChatEventWriter($0) })
    case .openAIResponses:
        DialectCodec(
            readRequest: readResponsesRequest, writeRequest: writeResponsesRequest, makeReader: { _ in ResponsesEventReader() },
            makeWriter: { ResponsesEventWriter($0) })
    case .anthropicMessages:
        DialectCodec(
            readRequest: readMessagesRequest, writeRequest: writeMessagesRequest, makeReader: { _ in MessagesEventReader() },
            makeWriter: { MessagesEventWriter($0) })
    case .gemini:
        DialectCodec(
            readRequest: readGeminiRequest, writeRequest: writeGeminiRequest, makeReader: { GeminiEventReader(seed: $0.id) },
            makeWriter: { GeminiEventWriter($0) })
    case .ollama:
        DialectCodec(
            readRequest: readOllamaRequest, writeRequest: writeOllamaRequest, makeReader: { OllamaEventReader(seed: $0.id) },
            makeWriter: { OllamaEventWriter($0) })
    case .bedrockConverse:
        DialectCodec(
            readRequest: readConverseRequest, writeRequest: writeConverseRequest,
            makeReader: { ConverseEventReader(model: $0.upstreamModel) },
            makeWriter: { ConverseEventWriter($0) }, framing: .awsEventStream)
    case .bedrockInvoke:
        DialectCodec(
            readRequest: readInvokeRequest, writeRequest: writeInvokeRequest, makeReader: { _ in InvokeEventReader() },
            makeWriter: { InvokeEventWriter($0) }, framing: .awsEventStream)
    case .openAICompletions, .openAIEmbeddings: nil
    }
}

/// The dialects between which Weir translates, the likeliest to keep everything first.
package let translatableDialects: [Dialect] = [
    .openAIResponses, .anthropicMessages, .gemini, .openAIChat, .ollama, .bedrockConverse, .bedrockInvoke,
]

/// The dialects in which a client's request may be asked of a provider that does not speak its own, the best first.
package func translatableDialects(for client: Dialect) -> [Dialect] {
    switch client {
    // The same messages in another envelope lose nothing.
    case .anthropicMessages: messagesFirst
    case .bedrockInvoke: invokeFirst
    default: translatableDialects
    }
}

private let messagesFirst = [Dialect.bedrockInvoke] + translatableDialects.filter { $0 != .bedrockInvoke }
private let invokeFirst = [Dialect.anthropicMessages] + translatableDialects.filter { $0 != .anthropicMessages }

/// Whether two dialects say the same messages in two envelopes.
package func areEnvelopes(_ one: Dialect, _ other: Dialect) -> Bool {
    one == .anthropicMessages && other == .bedrockInvoke || one == .bedrockInvoke && other == .anthropicMessages
}

/// Reads an answer of this dialect; nil when it is never translated.
package func makeEventReader(_ dialect: Dialect, _ context: AnswerContext) -> (any CanonicalEventReader)? {
    codec(of: dialect)?.makeReader(context)
}

/// Writes an answer in this dialect; nil when it is never translated.
package func makeEventWriter(_ dialect: Dialect, _ context: AnswerContext) -> (any CanonicalEventWriter)? {
    codec(of: dialect)?.makeWriter(context)
}

/// Reads a request in the client's dialect.
package func readCanonicalRequest(_ body: UnsafeRawBufferPointer, in dialect: Dialect) throws(TranslationRefusal) -> CanonicalRequest {
    guard let codec = codec(of: dialect) else { throw TranslationRefusal("path", "is of a dialect that is never translated") }
    return try codec.readRequest(body)
}

/// Says a request in the deployment's dialect.
package func writeCanonicalRequest(
    _ request: CanonicalRequest, in dialect: Dialect, for target: TranslationTarget
) throws(TranslationRefusal) -> TranslatedRequest {
    guard let codec = codec(of: dialect) else { throw TranslationRefusal("model", "is served in a dialect that is never translated") }
    return try codec.writeRequest(request.withoutForeignSignatures(for: dialect).withToolsAllowed(in: dialect), target)
}

/// Translates one answer, in pieces of any size.
package struct AnswerTranslator: Sendable {
    private var reader: any CanonicalEventReader
    private var writer: any CanonicalEventWriter
    private var framer: AnswerFramer
    private let eventBytesMax: Int
    /// What goes from one envelope into another is not understood on its way.
    private let repacker: MessagesRepacker?
    private var rules: AnswerRules
    /// What a repacked stream said of its end.
    private var sawFinish = false
    private var signatures = SignatureCollector()
    /// What the model thought and signed so far, which the client may have no place for.
    package var signedTurn: SignedTurn? { signatures.turn }
    /// The answer's end was seen and written.
    package private(set) var isEnded = false
    /// An error inside the answer was seen and written.
    package private(set) var hasFailed = false

    /// Nil when one of the dialects is never translated.
    package init?(from upstream: Dialect, to client: Dialect, context: AnswerContext, eventBytesMax: Int = 16 << 20) {
        guard let from = codec(of: upstream), let to = codec(of: client) else { return nil }
        reader = from.makeReader(context)
        writer = to.makeWriter(context)
        framer = AnswerFramer(from.framing, eventBytesMax: eventBytesMax)
        rules = AnswerRules(context.tools)
        self.eventBytesMax = eventBytesMax
        repacker = areEnvelopes(upstream, client) ? MessagesRepacker(fromInvoke: upstream == .bedrockInvoke) : nil
    }

    /// How the provider's stream is cut; as its dialect usually is unless this says otherwise.
    package mutating func begin(_ kind: ResponseBodyKind) {
        switch kind {
        case .sse: framer = AnswerFramer(.sse, eventBytesMax: eventBytesMax)
        case .objects: framer = AnswerFramer(.objects, eventBytesMax: eventBytesMax)
        case .eventStream: framer = AnswerFramer(.awsEventStream, eventBytesMax: eventBytesMax)
        case .json, .other: break
        }
    }

    /// Reads a piece of the provider's stream and appends what the client gets for it.
    package mutating func read(_ bytes: UnsafeRawBufferPointer, into out: inout [UInt8]) {
        var framer = framer
        framer.read(bytes) { take($0, $1, &out) }
        self.framer = framer
    }

    /// The provider's stream is over. A stream that never said why it stopped stays without its end: its client must see that.
    package mutating func finish(into out: inout [UInt8]) {
        var framer = framer
        framer.finish { take($0, $1, &out) }
        self.framer = framer
        guard repacker == nil else { return }
        var rules = rules
        rules.finish { write($0, &out) }
        self.rules = rules
    }

    /// Translates an answer that came whole.
    package mutating func document(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        guard repacker == nil else { return Array(bytes) }
        for event in events(ofDocument: bytes) {
            signatures.take(event)
            writer.collect(event)
            if case .failure = event { hasFailed = true }
        }
        return writer.document()
    }

    /// An answer that came whole must say why it stopped: nothing that cannot be read may look like an end.
    private mutating func events(ofDocument bytes: UnsafeRawBufferPointer) -> [CanonicalEvent] {
        var events: [CanonicalEvent] = []
        var rules = rules
        reader.readDocument(bytes) { event in rules.take(event) { events.append($0) } }
        self.rules = rules
        switch events.last {
        case .end?, .failure?: return events
        default: return events + [.failure(CanonicalFailure(code: "api_error", message: "the provider's answer could not be read"))]
        }
    }

    /// Writes an answer that came whole as the stream that the client asked for.
    package mutating func stream(document bytes: UnsafeRawBufferPointer, into out: inout [UInt8]) {
        for event in events(ofDocument: bytes) { write(event, &out) }
    }

    private mutating func take(_ name: UnsafeRawBufferPointer, _ data: UnsafeRawBufferPointer, _ out: inout [UInt8]) {
        guard !isEnded, !hasFailed else { return }
        if let repacker {
            switch repacker.repack(name: name, data: data, into: &out) {
            case .other: break
            case .finish: sawFinish = true
            case .end: isEnded = true
            case .failure: hasFailed = true
            }
            return
        }
        var events: [CanonicalEvent] = []
        var rules = rules
        reader.read(name: name, data: data) { event in rules.take(event) { events.append($0) } }
        self.rules = rules
        for event in events { write(event, &out) }
    }

    private mutating func write(_ event: CanonicalEvent, _ out: inout [UInt8]) {
        guard !isEnded, !hasFailed else { return }
        signatures.take(event)
        writer.write(event, into: &out)
        switch event {
        case .failure: hasFailed = true
        case .end: isEnded = true
        default: break
        }
    }
}
