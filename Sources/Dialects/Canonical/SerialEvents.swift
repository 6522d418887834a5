// SerialEvents: an answer's events with one block after the other, for dialects whose blocks do not interleave: pieces of a later tool
// call wait until the one before it is whole, and each block is told when it begins and ends.

import GatewayModel

/// One event of an answer whose blocks follow each other.
enum SerialEvent: Hashable {
    enum Kind: Hashable {
        case text, thinking
        case redactedThinking(String)
        case tool(id: String, name: String)
    }

    case begin(Int64, Kind)
    case text(Int64, String)
    case thinking(Int64, String)
    case signature(Int64, String)
    case arguments(Int64, String)
    case end(Int64)
}

/// Makes them of canonical events. Those that are about no block are none of its business.
struct SerialEvents: Sendable {
    private enum Open: Hashable {
        case none, text, thinking
        case tool(Int)
    }

    private struct Waiting {
        var slot: Int
        var id: String
        var name: String
        var arguments = ""
        var hasEnded = false
    }

    private var open = Open.none
    private var index: Int64 = 0
    private var waiting: [Waiting] = []

    mutating func take(_ event: CanonicalEvent, _ emit: (SerialEvent) -> Void) {
        switch event {
        case .text(let piece), .refusal(let piece):
            enter(.text, .text, emit)
            emit(.text(index, piece))
        case .thinking(let piece):
            enter(.thinking, .thinking, emit)
            emit(.thinking(index, piece))
        case .signature(let signature):
            enter(.thinking, .thinking, emit)
            emit(.signature(index, signature))
        case .redactedThinking(let data):
            close(emit)
            emit(.begin(index, .redactedThinking(data)))
            endBlock(emit)
        case .blockEnd: if open == .text || open == .thinking { close(emit) }
        case .toolStart(let slot, let id, let name):
            if case .tool = open {
                waiting.append(Waiting(slot: slot, id: id, name: name))
            } else {
                enter(.tool(slot), .tool(id: id, name: name), emit)
            }
        case .toolArguments(let slot, let piece):
            if open == .tool(slot) {
                emit(.arguments(index, piece))
            } else if let place = waiting.firstIndex(where: { $0.slot == slot }) {
                waiting[place].arguments += piece
            }
        case .toolEnd(let slot):
            if open == .tool(slot) {
                close(emit)
                releaseWaiting(emit)
            } else if let place = waiting.firstIndex(where: { $0.slot == slot }) {
                waiting[place].hasEnded = true
            }
        case .start, .usage, .finish, .failure, .end: break
        }
    }

    /// Ends what is open and tells what still waits.
    mutating func finish(_ emit: (SerialEvent) -> Void) {
        repeat {
            close(emit)
            releaseWaiting(emit)
        } while open != .none
    }

    private mutating func enter(_ block: Open, _ kind: SerialEvent.Kind, _ emit: (SerialEvent) -> Void) {
        guard open != block else { return }
        close(emit)
        open = block
        emit(.begin(index, kind))
    }

    private mutating func close(_ emit: (SerialEvent) -> Void) {
        guard open != .none else { return }
        open = .none
        endBlock(emit)
    }

    private mutating func endBlock(_ emit: (SerialEvent) -> Void) {
        emit(.end(index))
        index += 1
    }

    private mutating func releaseWaiting(_ emit: (SerialEvent) -> Void) {
        while open == .none, !waiting.isEmpty {
            let next = waiting.removeFirst()
            enter(.tool(next.slot), .tool(id: next.id, name: next.name), emit)
            if !next.arguments.isEmpty { emit(.arguments(index, next.arguments)) }
            if next.hasEnded { close(emit) }
        }
    }
}
