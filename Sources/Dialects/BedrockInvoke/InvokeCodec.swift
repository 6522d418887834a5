// InvokeCodec: requests and answers of Claude by InvokeModel, for translation to and from other dialects: those of Messages, in Bedrock's
// envelope.

import GatewayModel
import WireFormat

/// Reads a validated body of `/model/{id}/invoke`.
func readInvokeRequest(_ body: UnsafeRawBufferPointer) throws(TranslationRefusal) -> CanonicalRequest {
    guard isMessagesBody(body) else {
        throw TranslationRefusal("body", "is the JSON of one vendor's models, which only Bedrock takes")
    }
    var request = try readMessagesRequest(body)
    request.unmapped.removeAll { $0 == "anthropic_version" }
    request.includeUsage = true
    return request
}

/// Writes a body for `/model/{id}/invoke` of a Claude.
func writeInvokeRequest(_ request: CanonicalRequest, for target: TranslationTarget) throws(TranslationRefusal) -> TranslatedRequest {
    let written = try writeMessagesRequest(request, for: target)
    let body = written.body.withUnsafeBytes { invokeBody(ofMessages: $0, betas: []).body }
    return TranslatedRequest(body: body, dropped: written.dropped)
}

/// Reads chunks or a whole message.
package struct InvokeEventReader: CanonicalEventReader {
    private var messages = MessagesEventReader()

    package init() {}

    package mutating func read(name: UnsafeRawBufferPointer, data: UnsafeRawBufferPointer, _ emit: (CanonicalEvent) -> Void) {
        guard name.elementsEqual("chunk".utf8) else {
            let type = String(decoding: name, as: UTF8.self)
            guard type.hasSuffix("Exception") || type == "error" else { return }
            let message = JSONObjectView(data)?["message"]?.string ?? "the provider reported an error"
            emit(.failure(CanonicalFailure(code: FailureKind(code: type).anthropicType, message: message)))
            return
        }
        guard let inner = chunkBytes(data) else { return }
        var messages = messages
        inner.withUnsafeBytes { messages.read(name: UnsafeRawBufferPointer(rebasing: $0[0..<0]), data: $0, emit) }
        self.messages = messages
    }

    package mutating func readDocument(_ bytes: UnsafeRawBufferPointer, _ emit: (CanonicalEvent) -> Void) {
        messages.readDocument(bytes, emit)
    }
}

/// Writes chunks or a whole message.
package struct InvokeEventWriter: CanonicalEventWriter {
    private var messages: MessagesEventWriter
    private let repacker = MessagesRepacker(fromInvoke: false)

    package init(_ context: AnswerContext) { messages = MessagesEventWriter(context) }

    package mutating func write(_ event: CanonicalEvent, into out: inout [UInt8]) {
        var events: [UInt8] = []
        messages.write(event, into: &events)
        guard !events.isEmpty else { return }
        var framer = SSEFramer(eventBytesMax: events.count)
        events.withUnsafeBytes { bytes in
            framer.read(bytes) { _ = repacker.repack(name: $0.name, data: $0.data, into: &out) }
        }
    }

    package mutating func collect(_ event: CanonicalEvent) { messages.collect(event) }

    package func document() -> [UInt8] { messages.document() }
}
