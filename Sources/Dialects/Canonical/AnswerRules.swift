// AnswerRules: what holds for every answer, whoever gave it, between its reader and its writer: nothing follows the reason why it
// stopped, each call has arguments and ends, and the reason fits what was said (protocols.md, section 9.2). Kept once, for all dialects.

/// Passes an answer's events on, in the order that every dialect can say.
struct AnswerRules: Sendable {
    private struct Call {
        var slot: Int
        var hasArguments = false
        var hasEnded = false
        let isCustom: Bool
    }

    private let customTools: Set<String>
    private var calls: [Call] = []
    /// Why it stopped. It waits for the end, since some providers say it twice, and some say more behind it.
    private var stop: CanonicalStop?
    private var isOver = false
    /// A signature comes in pieces and is said whole: clients keep it and send it back.
    private var signature = ""

    init(_ tools: [CanonicalTool]) { customTools = Set(tools.filter(\.isCustom).map(\.name)) }

    mutating func take(_ event: CanonicalEvent, _ emit: (CanonicalEvent) -> Void) {
        guard !isOver else { return }
        if case .signature(let piece) = event {
            signature += piece
            return
        }
        if !signature.isEmpty {
            emit(.signature(signature))
            signature = ""
        }
        switch event {
        case .toolStart(let slot, _, let name):
            guard !name.isEmpty else {
                fail("a tool call has no name", emit)
                return
            }
            calls.append(Call(slot: slot, isCustom: customTools.contains(name)))
            emit(event)
        case .toolArguments(let slot, let piece):
            if !piece.isEmpty, let place = place(slot) { calls[place].hasArguments = true }
            emit(event)
        case .toolEnd(let slot): if let place = place(slot) { endCall(place, emit) }
        case .finish(.malformed(let reason)): fail(reason, emit)
        case .finish(let stop): self.stop = stop
        case .failure:
            isOver = true
            emit(event)
        case .end: end(emit)
        default: emit(event)
        }
    }

    /// The provider's bytes are over. Who said why it stopped has said all; any other answer was cut.
    mutating func finish(_ emit: (CanonicalEvent) -> Void) {
        if stop != nil { end(emit) }
    }

    private func place(_ slot: Int) -> Int? { calls.lastIndex { $0.slot == slot && !$0.hasEnded } }

    private mutating func endCall(_ place: Int, _ emit: (CanonicalEvent) -> Void) {
        calls[place].hasEnded = true
        // Clients parse what was said in pieces, and nothing is no JSON.
        if !calls[place].hasArguments, !calls[place].isCustom { emit(.toolArguments(slot: calls[place].slot, "{}")) }
        emit(.toolEnd(slot: calls[place].slot))
    }

    private mutating func end(_ emit: (CanonicalEvent) -> Void) {
        guard !isOver, let stop else { return }
        isOver = true
        for place in calls.indices where !calls[place].hasEnded { endCall(place, emit) }
        emit(.finish(fitting(stop)))
        emit(.end)
    }

    /// A call must be run, whatever the provider says; of one that its length cut, the arguments may not be whole.
    private func fitting(_ stop: CanonicalStop) -> CanonicalStop {
        switch stop {
        case .endTurn, .stopSequence: calls.isEmpty ? stop : .toolUse
        // The provider's own tools are no business of the client's.
        case .toolUse: calls.isEmpty ? .endTurn : stop
        default: stop
        }
    }

    /// Never told as a regular end, which an agent would believe.
    private mutating func fail(_ reason: String, _ emit: (CanonicalEvent) -> Void) {
        isOver = true
        emit(.failure(CanonicalFailure(code: "malformed_tool_call", message: reason)))
    }
}
