// SignedTurn: what a model thought in one answer, with its signatures, kept apart from the client: one that has no place for it gets its
// thinking back into the conversation when the answer's calls, or its text, come back (protocols.md, section 9.3).

import GatewayModel

/// The signed thinking of one answer.
package struct SignedTurn: Sendable, Hashable {
    /// One piece of thinking and where it stood.
    package struct Thought: Sendable, Hashable {
        /// `thinking` or `redactedThinking`.
        package var part: CanonicalPart
        /// How many calls stood before it in the answer.
        package var callsBefore: Int
    }

    package var thoughts: [Thought]
    /// The ids of the answer's calls, as the client got them.
    package var callIDs: [String]
    /// A hash of the answer's text; 0 without one.
    package var textHash: UInt64
    package var bytes: Int

    /// What the name of a call begins with.
    package static let callPrefix = "call "

    /// What it is found again by: its calls, or its text where it called nothing.
    package var names: [String] {
        callIDs.isEmpty ? (textHash == 0 ? [] : ["text " + String(textHash, radix: 16)]) : callIDs.map { Self.callPrefix + $0 }
    }
}

/// Puts it together from an answer's events.
package struct SignatureCollector: Sendable {
    private var thoughts: [SignedTurn.Thought] = []
    private var callIDs: [String] = []
    private var text = TextHash()
    private var bytes = 0
    private var isOpen = false
    private var isSigned = false

    /// More than this is no thinking that a model shows.
    private static let bytesMax = 1 << 20

    package init() {}

    package mutating func take(_ event: CanonicalEvent) {
        guard bytes <= Self.bytesMax else { return }
        switch event {
        case .thinking(let piece):
            bytes += piece.utf8.count
            if isOpen, case .thinking(let before, nil)? = thoughts.last?.part {
                thoughts[thoughts.count - 1].part = .thinking(before + piece, signature: nil)
            } else {
                open(.thinking(piece, signature: nil))
            }
        case .signature(let piece):
            bytes += piece.utf8.count
            isSigned = true
            if isOpen, case .thinking(let before, let signature)? = thoughts.last?.part {
                thoughts[thoughts.count - 1].part = .thinking(before, signature: (signature ?? "") + piece)
            } else {
                open(.thinking("", signature: piece))
            }
        case .redactedThinking(let data):
            bytes += data.utf8.count
            isSigned = true
            open(.redactedThinking(data))
            isOpen = false
        case .text(let piece):
            isOpen = false
            // Thinking comes first; an answer without any costs nothing here.
            if isSigned { text.add(piece) }
        case .toolStart(_, let id, _):
            isOpen = false
            callIDs.append(id)
        case .blockEnd: isOpen = false
        case .start, .refusal, .toolArguments, .toolEnd, .usage, .finish, .failure, .end: break
        }
    }

    private mutating func open(_ part: CanonicalPart) {
        thoughts.append(SignedTurn.Thought(part: part, callsBefore: callIDs.count))
        isOpen = true
    }

    /// Nil when nothing was signed.
    package var turn: SignedTurn? {
        guard isSigned, bytes <= Self.bytesMax else { return nil }
        let kept = thoughts.filter { if case .thinking(_, nil) = $0.part { false } else { true } }
        return SignedTurn(thoughts: kept, callIDs: callIDs, textHash: text.value, bytes: bytes)
    }
}

/// A hash of a text's bytes but for white space, which clients trim: FNV-1a.
struct TextHash: Sendable {
    private var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    private var isEmpty = true

    mutating func add(_ text: String) {
        for byte in text.utf8 where byte > 32 {
            hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3
            isEmpty = false
        }
    }

    var value: UInt64 { isEmpty ? 0 : max(1, hash) }
}

extension CanonicalRequest {
    /// Puts thinking back that the client did not send.
    /// - Parameter find: the signed turn of one name, and whether the provider that is asked now made it. What another made is not put
    ///   back, and named as dropped.
    package mutating func restoreSignatures(_ find: (String) -> (turn: SignedTurn, isOwn: Bool)?) {
        for index in messages.indices where messages[index].role == .assistant {
            var message = SignedTurn(thoughts: [], callIDs: [], textHash: 0, bytes: 0)
            var text = TextHash()
            for block in messages[index].blocks {
                switch block.part {
                case .toolCall(let call): message.callIDs.append(call.id)
                case .text(let piece): text.add(piece)
                default: break
                }
            }
            message.textHash = text.value
            guard let name = message.names.first, let found = find(name) else { continue }
            guard found.isOwn else {
                note("messages[].thinking")
                continue
            }
            messages[index].blocks = restored(messages[index].blocks, found.turn)
        }
    }

    private func restored(_ blocks: [CanonicalBlock], _ turn: SignedTurn) -> [CanonicalBlock] {
        var out: [CanonicalBlock] = []
        var rest = turn.thoughts[...]
        var calls = 0
        func insert(_ count: Int) {
            while let next = rest.first, next.callsBefore <= count {
                out.append(CanonicalBlock(next.part))
                rest = rest.dropFirst()
            }
        }
        insert(0)
        for block in blocks {
            switch block.part {
            case .thinking, .redactedThinking: continue
            case .toolCall:
                insert(calls)
                calls += 1
            default: break
            }
            out.append(block)
        }
        return out + rest.map { CanonicalBlock($0.part) }
    }
}

extension Dialect {
    /// Whether its providers want signed thinking back even where a request does not ask for more.
    package var wantsSignaturesAlways: Bool { self == .gemini }
}
