// ResponseMeter: reads usage out of a response while somebody else forwards its bytes. It never changes them; at most it names
// the one event that a client did not ask for.

package import GatewayModel
import WireFormat

/// The meter of one response. Feed it every payload byte in order, in any split.
package struct ResponseMeter {
    private let kind: ResponseBodyKind
    private let withholdsUsageEvent: Bool
    private var framer: SSEFramer
    private var objects: JSONValueFramer
    private var eventFramer: AWSEventFramer
    private let reader: any StreamReader
    private var document: [UInt8] = []
    private var documentIsTooLarge = false
    /// A JSON answer is collected up to this size; a larger one passes without being read.
    private static let documentBytesMax = 32 << 20

    /// - Parameters:
    ///   - withholdsUsageEvent: the event that only carries usage was asked for by Weir and must not reach the client.
    ///   - lineBytesMax: an event over this many bytes passes without being read.
    ///   - model: the model id that is asked; families of Bedrock's count differently.
    package init(
        endpoint: Endpoint, body: ResponseBodyKind, withholdsUsageEvent: Bool, lineBytesMax: Int, model: String = ""
    ) {
        kind = body
        self.withholdsUsageEvent = withholdsUsageEvent
        framer = SSEFramer(eventBytesMax: lineBytesMax)
        objects = JSONValueFramer(valueBytesMax: lineBytesMax)
        eventFramer = AWSEventFramer(payloadBytesMax: lineBytesMax)
        reader =
            switch endpoint.dialect {
            case .anthropicMessages: AnthropicReader()
            case .gemini: GeminiReader()
            case .ollama: OllamaReader()
            case .openAIResponses: ResponsesReader()
            case .openAIChat, .openAICompletions, .openAIEmbeddings: ChatReader()
            case .bedrockConverse: ConverseReader(model: model)
            case .bedrockInvoke: InvokeReader()
            }
    }

    package var reading: MeterReading { reader.reading }

    /// Reads bytes that the caller forwards as they are.
    package mutating func consume(_ bytes: UnsafeRawBufferPointer) {
        switch kind {
        case .sse:
            let reader = reader
            framer.read(bytes) { event in _ = reader.read(event) }
        case .objects:
            let reader = reader
            objects.read(bytes) { _ = reader.read(SSEEvent(data: $0)) }
        case .eventStream:
            let reader = reader
            eventFramer.read(bytes) { event in _ = reader.read(SSEEvent(name: event.name, data: event.data, raw: event.raw)) }
        case .json:
            guard !documentIsTooLarge else { return }
            guard document.count + bytes.count <= Self.documentBytesMax else {
                documentIsTooLarge = true
                document = []
                return
            }
            document.append(contentsOf: bytes)
        case .other:
            reader.reading.contentBytes += Int64(bytes.count)
        }
    }

    /// Reads bytes and gives on what may go to the client: everything but the usage event; an unfinished event is kept back.
    package mutating func consume(_ bytes: UnsafeRawBufferPointer, emit: (UnsafeRawBufferPointer) -> Void) {
        guard kind == .sse, withholdsUsageEvent else {
            consume(bytes)
            emit(bytes)
            return
        }
        let reader = reader
        framer.read(bytes, passed: emit) { event in
            if !reader.read(event) { emit(event.raw) }
        }
    }

    /// The response has ended: the unfinished rest is read, and given on where it was kept back.
    package mutating func finish(emit: (UnsafeRawBufferPointer) -> Void) {
        switch kind {
        case .sse:
            let reader = reader
            let withholds = withholdsUsageEvent
            framer.finish { event in
                let isUsageOnly = reader.read(event)
                if withholds, !isUsageOnly { emit(event.raw) }
            }
        case .eventStream:
            eventFramer.finish()
            // What was read before the damage counts; the answer is not whole.
            if let failure = eventFramer.failure, reader.reading.errorEvent == nil {
                reader.reading.isComplete = false
                reader.reading.errorEvent = ("event_stream_damaged", "\(failure)")
            }
        case .json:
            guard !document.isEmpty else { return }
            document.withUnsafeBytes { reader.readDocument($0) }
            document = []
        case .objects, .other: break
        }
    }
}

/// Reads one dialect's events or its whole document. A class, since the framer calls it while the meter is being changed.
protocol StreamReader: AnyObject {
    var reading: MeterReading { get set }
    /// Reads one event; true when it is the event that only carries usage.
    func read(_ event: SSEEvent) -> Bool
    /// Reads a response that is one JSON object.
    func readDocument(_ bytes: UnsafeRawBufferPointer)
}

extension StreamReader {
    /// Gemini's compatibility endpoint wraps its error into an array.
    func readErrorArray(_ bytes: UnsafeRawBufferPointer) {
        visitJSONElements(bytes) { kind, element in
            if kind == .object { visitJSONMembers(element) { if $0.isNamed("error") { readError($0) } } }
            return false
        }
    }

    /// An error object, or text.
    func readError(_ member: JSONMember) {
        if let text = member.string {
            reading.errorEvent = ("error", text)
            return
        }
        guard member.kind == .object else { return }
        var type = "error"
        var message = ""
        visitJSONMembers(member.value) { field in
            if field.isNamed("type"), let text = field.string { type = text }
            // Google's `code` is a number and its `status` a word.
            if field.isNamed("code") || field.isNamed("status"), type == "error", let text = field.string { type = text }
            if field.isNamed("message"), let text = field.string { message = text }
        }
        reading.errorEvent = (type, message)
    }
}
