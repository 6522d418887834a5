// CanonicalEvent: what an answer says, piece by piece, whichever dialect carries it. A stream's reader makes them as bytes come; a
// whole document is read as the same events, so that a writer exists once for both.

package import GatewayModel

/// Why the model stopped.
package enum CanonicalStop: Sendable, Hashable {
    case endTurn
    case stopSequence(String?)
    case toolUse
    case maxTokens
    /// The context window was full.
    case contextWindow
    /// The provider paused a long turn and expects to be asked to go on.
    case pause
    case refusal(String?)
    case contentFilter
    /// The model made a tool call that is none. Never to be told as a regular end, which agents would believe.
    case malformed(String)
}

/// A failure that came inside an answer.
package struct CanonicalFailure: Sendable, Hashable {
    /// The provider's own class: `overloaded_error`, `rate_limit_exceeded`, …
    package var code: String
    package var message: String

    package init(code: String, message: String) {
        self.code = code
        self.message = message
    }
}

/// One piece of an answer, in order.
package enum CanonicalEvent: Sendable, Hashable {
    /// The answer begins: the provider's id and model.
    case start(id: String?, model: String?)
    case text(String)
    case refusal(String)
    case thinking(String)
    /// The signature of the thinking before it.
    case signature(String)
    case redactedThinking(String)
    /// The text or thinking before it is whole; what follows is a new block.
    case blockEnd
    /// A tool call begins. Slots count from 0 in the order of appearance.
    case toolStart(slot: Int, id: String, name: String)
    /// A piece of a tool call's arguments. Pieces of several slots may interleave.
    case toolArguments(slot: Int, String)
    case toolEnd(slot: Int)
    /// Cumulative: the last one counts.
    case usage(TokenUsage)
    case finish(CanonicalStop)
    case failure(CanonicalFailure)
    /// The provider said that this is all. Without it, the answer broke off.
    case end
}

/// Reads an answer of one dialect.
package protocol CanonicalEventReader: Sendable {
    /// One event of a stream.
    mutating func read(name: UnsafeRawBufferPointer, data: UnsafeRawBufferPointer, _ emit: (CanonicalEvent) -> Void)
    /// A whole answer.
    mutating func readDocument(_ bytes: UnsafeRawBufferPointer, _ emit: (CanonicalEvent) -> Void)
}

/// Writes an answer of one dialect.
package protocol CanonicalEventWriter: Sendable {
    /// Appends what the event is in the stream of this dialect.
    mutating func write(_ event: CanonicalEvent, into out: inout [UInt8])
    /// The whole answer, from the events that were given to `collect`.
    mutating func collect(_ event: CanonicalEvent)
    func document() -> [UInt8]
}

/// How a stream's pieces are told apart on the wire.
package enum StreamFraming: Sendable, Hashable {
    /// Server-sent events.
    case events
    /// The elements of one JSON array.
    case jsonArray
    /// One JSON object a line.
    case lines
}

/// What a writer must know of the request that it answers.
package struct AnswerContext: Sendable, Hashable {
    /// Seconds since 1970, for dialects that date their answers.
    package var created: Int64
    /// The model as the client named it, for answers whose provider does not name one.
    package var model: String
    /// The model id that is asked of the provider.
    package var upstreamModel = ""
    /// An id for answers whose provider gives none.
    package var id: String
    /// The client of chat completions wants the usage of a stream.
    package var includeUsage: Bool
    /// The tools that the client offered: what is a namespace's or takes free text is told again as such.
    package var tools: [CanonicalTool]
    /// How the client wants a stream cut, for dialects that have several ways.
    package var framing = StreamFraming.events
    /// The client asked for a text and not for a message (Ollama's `/api/generate`).
    package var wantsBareText = false

    package init(created: Int64, model: String, id: String, includeUsage: Bool = false, tools: [CanonicalTool] = []) {
        self.created = created
        self.model = model
        self.id = id
        self.includeUsage = includeUsage
        self.tools = tools
    }
}

/// The blocks of an answer, put together from its events: what a writer of whole documents needs.
package struct CollectedAnswer: Sendable, Hashable {
    package var id: String?
    package var model: String?
    package var blocks: [CanonicalPart] = []
    package var usage = TokenUsage()
    package var stop: CanonicalStop?
    package var failure: CanonicalFailure?
    private var slots: [Int: Int] = [:]
    private var isOpen = false

    package init() {}

    package mutating func take(_ event: CanonicalEvent) {
        switch event {
        case .start(let id, let model):
            self.id = id ?? self.id
            self.model = model ?? self.model
        case .text(let piece):
            if isOpen, case .text(let text)? = blocks.last { blocks[blocks.count - 1] = .text(text + piece) } else { open(.text(piece)) }
        case .refusal(let piece):
            if isOpen, case .refusal(let text)? = blocks.last {
                blocks[blocks.count - 1] = .refusal(text + piece)
            } else {
                open(.refusal(piece))
            }
        case .thinking(let piece):
            if isOpen, case .thinking(let text, nil)? = blocks.last {
                blocks[blocks.count - 1] = .thinking(text + piece, signature: nil)
            } else {
                open(.thinking(piece, signature: nil))
            }
        case .signature(let signature):
            if isOpen, case .thinking(let text, let before)? = blocks.last {
                blocks[blocks.count - 1] = .thinking(text, signature: (before ?? "") + signature)
            } else {
                open(.thinking("", signature: signature))
            }
        case .redactedThinking(let data): open(.redactedThinking(data))
        case .blockEnd: isOpen = false
        case .toolStart(let slot, let id, let name):
            slots[slot] = blocks.count
            open(.toolCall(CanonicalToolCall(id: id, name: name, arguments: "")))
            isOpen = false
        case .toolArguments(let slot, let piece):
            guard let index = slots[slot], case .toolCall(var call) = blocks[index] else { return }
            call.arguments += piece
            blocks[index] = .toolCall(call)
        case .toolEnd: break
        case .usage(let usage): self.usage = usage
        case .finish(let stop): self.stop = stop
        case .failure(let failure): self.failure = failure
        case .end: break
        }
    }

    private mutating func open(_ part: CanonicalPart) {
        blocks.append(part)
        isOpen = true
    }

    package var hasToolCalls: Bool {
        blocks.contains { if case .toolCall = $0 { true } else { false } }
    }
}
