// Exchange+Translation: a turn whose client and deployment speak different dialects. The request is said again in the deployment's
// dialect before it is reserved; the answer is said again in the client's as it comes. Metering reads the provider's own bytes.

import Dialects
import GatewayModel
import NIOCore
import Policy
import Providers
import WireFormat

/// What an exchange knows of its translation. Nil on an exchange whose two sides speak the same dialect.
final class TurnTranslation {
    /// What is asked of the deployment.
    let endpoint: Endpoint
    /// The client asked for a stream.
    let isStream: Bool
    /// How the client wants a stream cut.
    private let framing: StreamFraming
    /// What the deployment's dialect could not carry.
    let dropped: [String]
    /// Betas that stood in the body and go into a field.
    let betas: [String]
    private let clientDialect: Dialect
    private var translator: AnswerTranslator
    /// How the answer comes, once its head is here.
    private var kind = ResponseBodyKind.other
    private(set) var status = 200
    /// An answer that is no stream, until it is whole.
    private var document: [UInt8] = []

    /// The most that is held of an answer that is no stream, in bytes.
    private static let documentBytesMax = 32 << 20

    init(
        endpoint: Endpoint, clientDialect: Dialect, isStream: Bool, framing: StreamFraming, dropped: [String], betas: [String] = [],
        translator: AnswerTranslator
    ) {
        self.endpoint = endpoint
        self.clientDialect = clientDialect
        self.isStream = isStream
        self.framing = framing
        self.dropped = dropped
        self.betas = betas
        self.translator = translator
    }

    func begin(_ kind: ResponseBodyKind, status: Int) {
        self.kind = kind
        self.status = status
        translator.begin(kind)
    }

    /// What the answer thought and signed, once it is whole.
    var signedTurn: SignedTurn? { translator.signedTurn }

    /// What has come of an answer that is no stream.
    var held: [UInt8] { document }

    /// Whether the answer goes on as it comes.
    var passesOn: Bool { kind.isStream && status < 300 }

    /// The answer was told to the client as a failure.
    var hasFailed: Bool { translator.hasFailed }

    /// What the client's answer is.
    var contentType: String {
        guard isStream, status < 300 else { return "application/json" }
        guard !clientDialect.isBedrock else { return "application/vnd.amazon.eventstream" }
        return switch framing {
        case .events: "text/event-stream; charset=utf-8"
        case .jsonArray: "application/json"
        case .lines: "application/x-ndjson"
        }
    }

    /// The kind of an error, which AWS SDKs take from a field.
    var awsErrorType: String? { clientDialect.isBedrock && status >= 300 ? Dialects.awsErrorType(status) : nil }

    /// Takes the provider's bytes and appends what the client gets for them. False when an answer is too large to be held.
    func read(_ bytes: UnsafeRawBufferPointer, into out: inout [UInt8]) -> Bool {
        if passesOn {
            translator.read(bytes, into: &out)
            return true
        }
        document.append(contentsOf: bytes)
        return document.count <= Self.documentBytesMax
    }

    /// The provider's answer is whole.
    func finish(into out: inout [UInt8]) {
        if passesOn {
            translator.finish(into: &out)
            return
        }
        let held = document
        document = []
        held.withUnsafeBytes { bytes in
            if endpoint.countsTokens, status < 300 {
                out += translatedCount(bytes, to: clientDialect) ?? Array(bytes)
            } else if status >= 300 {
                out += translatedError(bytes, to: clientDialect, status: status)
            } else if isStream {
                translator.stream(document: bytes, into: &out)
            } else {
                out += translator.document(bytes)
                // The provider says that all went well, and its answer is an error in the client's dialect.
                if translator.hasFailed { status = 502 }
            }
        }
    }
}

extension Exchange {
    /// Says the request in the deployment's dialect. From here on the body is the translated one.
    func translate(_ endpoint: Endpoint, to dialect: Dialect, model: String) throws(GatewayError) {
        if areEnvelopes(endpoint.dialect, dialect), try repack(endpoint, to: dialect, model: model) { return }
        var canonical: CanonicalRequest
        let written: TranslatedRequest
        do throws(TranslationRefusal) {
            canonical = try body.withUnsafeReadableBytes { bytes throws(TranslationRefusal) in
                endpoint.countsTokens
                    ? try readCountRequest(bytes, in: endpoint.dialect) : try readCanonicalRequest(bytes, in: endpoint.dialect)
            }
            if endpoint.namesModelInPath, let request {
                canonical.model = request.model ?? ""
                canonical.stream = request.stream
            }
            if !endpoint.countsTokens { restoreSignatures(&canonical, for: dialect) }
            let target = TranslationTarget(
                model: model, traits: provider?.provider.traits ?? ProviderTraits(), knownModel: provider?.provider.priceModel(of: model))
            written =
                endpoint.countsTokens
                ? try writeCountRequest(canonical, in: dialect, for: target)
                : try writeCanonicalRequest(canonical, in: dialect, for: target)
            if key?.value.strict == true, let first = written.dropped.first(where: changesAnswers) {
                throw TranslationRefusal(first, "would be left out, and this key is strict")
            }
        } catch {
            throw .cannotTranslate(
                parameter: error.parameter, reason: error.reason, provider: provider?.provider.name ?? "", dialect: dialect)
        }
        var context = AnswerContext(
            created: received.nanoseconds / 1_000_000_000, model: canonical.model, id: requestID.description,
            includeUsage: canonical.includeUsage, tools: canonical.tools)
        context.framing = framing(of: endpoint)
        context.wantsBareText = endpoint == .ollamaGenerate
        context.upstreamModel = model
        let asked = endpoint.countsTokens ? dialect.counter : dialect.generation(streams: canonical.stream)
        begin(asked, context, endpoint, isStream: canonical.stream, written)
    }

    /// Claude's messages go from one envelope into the other as they are. False when this body holds none.
    private func repack(_ endpoint: Endpoint, to dialect: Dialect, model: String) throws(GatewayError) -> Bool {
        let context = AnswerContext(
            created: received.nanoseconds / 1_000_000_000, model: request?.model ?? "", id: requestID.description)
        let isStream = request?.stream ?? false
        let asked = dialect.generation(streams: isStream)
        if dialect == .bedrockInvoke {
            let betas = head.fields.list.filter { head.fields.isNamed($0, "anthropic-beta") }.compactMap { head.fields.valueString($0) }
                .flatMap { $0.split(separator: ",").map { $0.filter { $0 != " " } } }
            let written = body.withUnsafeReadableBytes { invokeBody(ofMessages: $0, betas: betas) }
            if key?.value.strict == true, let first = written.dropped.first(where: changesAnswers) {
                throw .cannotTranslate(
                    parameter: first, reason: "would be left out, and this key is strict", provider: provider?.provider.name ?? "",
                    dialect: dialect)
            }
            begin(asked, context, endpoint, isStream: isStream, written)
            return true
        }
        guard body.withUnsafeReadableBytes({ isMessagesBody($0) }) else { return false }
        let (written, betas) = body.withUnsafeReadableBytes { messagesBody(ofInvoke: $0, model: model, streams: isStream) }
        begin(asked, context, endpoint, isStream: isStream, written, betas: betas)
        return true
    }

    private func begin(
        _ asked: Endpoint, _ context: AnswerContext, _ endpoint: Endpoint, isStream: Bool, _ written: TranslatedRequest,
        betas: [String] = []
    ) {
        guard
            let translator = AnswerTranslator(
                from: asked.dialect, to: endpoint.dialect, context: context, eventBytesMax: snapshot.limits.sseLineBytesMax)
        else { return }
        translation = TurnTranslation(
            endpoint: asked, clientDialect: endpoint.dialect, isStream: isStream, framing: context.framing, dropped: written.dropped,
            betas: betas, translator: translator)
        body = ByteBuffer(bytes: written.body)
        splices = []
        injectsUsage = false
    }

    /// Without `alt=sse`, Gemini's streams are one array.
    private func framing(of endpoint: Endpoint) -> StreamFraming {
        if endpoint.dialect == .ollama { return .lines }
        guard endpoint.dialect == .gemini else { return .events }
        return head.query.split(separator: "&").contains("alt=sse") ? .events : .jsonArray
    }

    /// The request head of a translated turn. The client's own fields belong to its dialect and stay here, but for its name.
    func makeTranslatedHead(_ provider: ProviderRuntime, _ translation: TurnTranslation) -> ByteBuffer {
        var buffer = loop.allocator.buffer(capacity: 512 + (body.readableBytes <= 16_384 ? body.readableBytes : 0))
        let path = provider.path(translation.endpoint, id: nil, model: turn?.record.model ?? "", streams: translation.isStream)
        buffer.writeStaticString("POST ")
        let query = [translation.endpoint == .streamGenerateContent ? "alt=sse" : nil, provider.fixedQuery].compactMap { $0 }
        buffer.writeBytes(path)
        if !query.isEmpty { buffer.writeString("?\(query.joined(separator: "&"))") }
        buffer.writeStaticString(" HTTP/1.1\r\n")
        buffer.writeBytes(credentialFields(provider))
        if let token = provider.token?.line(at: loop.shared.clock.now()) { buffer.writeBytes(token) }
        buffer.writeBytes(signature(provider, path: path, query: query.joined(separator: "&"), contentType: "application/json"))
        if let agent = head.fields.first("user-agent") {
            buffer.writeBytes(head.fields.bytes[Int(agent.nameStart)..<Int(agent.valueStart + agent.valueCount)])
            buffer.writeStaticString("\r\n")
        }
        // Without a version Anthropic refuses the request; this is the one that its documentation lists.
        if translation.endpoint.dialect == .anthropicMessages { buffer.writeStaticString("anthropic-version: 2023-06-01\r\n") }
        let betas = translation.betas.filter { $0.utf8.allSatisfy { $0 > 32 && $0 < 127 } }
        if !betas.isEmpty { buffer.writeString("anthropic-beta: \(betas.joined(separator: ","))\r\n") }
        if translation.endpoint.isStreamByPath { buffer.writeStaticString("Accept: application/vnd.amazon.eventstream\r\n") }
        if provider.provider.kind == .simulated {
            writeSimulationFields(&buffer)
        }
        buffer.writeStaticString("Content-Type: application/json\r\nAccept-Encoding: identity\r\nContent-Length: ")
        buffer.writeString(String(body.readableBytes))
        buffer.writeStaticString("\r\n\r\n")
        return buffer
    }

    /// What steers the simulated provider, and what its log is joined to the ledger by.
    private func writeSimulationFields(_ buffer: inout ByteBuffer) {
        for field in head.fields.list where head.fields.nameString(field).hasPrefix("x-sim-") {
            buffer.writeBytes(head.fields.bytes[Int(field.nameStart)..<Int(field.valueStart + field.valueCount)])
            buffer.writeStaticString("\r\n")
        }
        buffer.writeStaticString("x-weir-request-id: ")
        requestID.withUTF8 { _ = buffer.writeBytes($0) }
        buffer.writeStaticString("\r\n")
    }

    /// Shows the provider's bytes to the meter and appends what the client gets.
    func translate(_ payload: UnsafeRawBufferPointer, _ translation: TurnTranslation, into out: inout ByteBuffer) {
        meter?.consume(payload)
        var written: [UInt8] = []
        if !translation.read(payload, into: &written) { response.isOversized = true }
        append(written, &out)
    }

    /// Appends what is left of the answer once its provider is done.
    func finishTranslation(_ translation: TurnTranslation, into out: inout ByteBuffer) {
        meter?.finish { _ in }
        var written: [UInt8] = []
        translation.finish(into: &written)
        append(written, &out)
        guard let head = response.head, translation.status != head.status, !response.hasStarted else { return }
        response.clientHead = makeClientHead(head)
        turn?.record.status = translation.status
        turn?.record.errorClass = "upstream_malformed"
    }

    private func append(_ written: [UInt8], _ out: inout ByteBuffer) {
        out.writeBytes(written)
        response.bytesOut += Int64(written.count)
        if digests != nil { written.withUnsafeBytes { digests?.addOut($0) } }
        if let caching { written.withUnsafeBytes { caching.record($0) } }
    }
}

extension Dialect {
    /// The endpoint of this dialect that counts tokens, where it has one.
    var counter: Endpoint { self == .gemini ? .geminiCountTokens : .countTokens }

    /// The endpoint of this dialect that generates text.
    func generation(streams: Bool) -> Endpoint {
        switch self {
        case .openAIChat: .chatCompletions
        case .openAICompletions: .completions
        case .openAIEmbeddings: .embeddings
        case .openAIResponses: .responses
        case .anthropicMessages: .messages
        case .ollama: .ollamaChat
        case .gemini: streams ? .streamGenerateContent : .generateContent
        case .bedrockConverse: streams ? .converseStream : .converse
        case .bedrockInvoke: streams ? .invokeModelStream : .invokeModel
        }
    }
}

/// Whether the answer may be another one for what was left out. Cache marks decide what a turn costs, and many clients set them on every
/// turn: a strict key names them and goes on.
private func changesAnswers(_ dropped: String) -> Bool { !dropped.contains("cache_control") && !dropped.contains("prompt_cache") }
