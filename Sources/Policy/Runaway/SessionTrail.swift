// SessionTrail: what is remembered of a session's last turns, and what it shows. Pure; some hundred bytes a session.

import GatewayModel

/// The trail of one session.
struct SessionTrail {
    /// Conversations of one session that are followed at once: an agent's own, and those of its helpers.
    static let conversationsMax = 4

    /// The last to be heard of stands last.
    private var conversations: [ConversationTrail] = []
    /// The first turn.
    var began: Timestamp?
    var turns: Int64 = 0
    var cost: Int64 = 0
    /// What was told already, so that it is told once.
    private var told: Set<RunawayKind> = []
    var finding: RunawayFinding?
    /// When the next turn may come, while it is throttled.
    var nextAt = Timestamp(nanoseconds: 0)

    /// Takes the next turn. Gives how often its calls have come in a row (1 is once), and for how many turns the context has grown
    /// without anything new.
    mutating func take(_ signs: TurnSigns) -> (repetitions: Int64, growing: Int64) {
        let known = conversations.firstIndex { $0.opener == signs.opener }
        // A person speaks, or something small is asked beside: whatever went round in circles in this conversation is over.
        guard signs.calls != 0 else {
            if let known { conversations.remove(at: known) }
            return (0, 0)
        }
        var conversation = known.map { conversations.remove(at: $0) } ?? ConversationTrail(opener: signs.opener)
        defer {
            if conversations.count >= Self.conversationsMax { conversations.removeFirst() }
            conversations.append(conversation)
        }
        return conversation.take(signs)
    }

    mutating func add(cost more: Int64) {
        let (sum, overflow) = cost.addingReportingOverflow(max(0, more))
        cost = overflow ? .max : sum
    }

    /// Somebody let it go on.
    mutating func clear() {
        conversations = []
        told = []
        finding = nil
        nextAt = Timestamp(nanoseconds: 0)
    }

    /// Whether it has not been told since it began.
    mutating func isNews(_ kind: RunawayKind) -> Bool { told.insert(kind).inserted }

    mutating func isOver(_ kind: RunawayKind) { if !told.isEmpty { told.remove(kind) } }
}

/// The trail of one conversation.
struct ConversationTrail {
    /// Cycles of up to so many calls are seen.
    static let cycleMax = 4

    let opener: UInt64
    /// Signatures of the last turns, the newest first.
    private var recent: SIMD4<UInt64> = .zero
    /// How many turns in a row were the same as the one so many turns before.
    private var runs: SIMD4<Int32> = .zero
    private var bytes: Int64 = 0
    private var lastCalls: UInt64 = 0

    private var growingTurns: Int64 = 0
    private var growingFrom: Int64 = 0
    /// A bit for each of 64 classes of calls that came while the context grew.
    private var seenCalls: UInt64 = 0
    private var newCalls: Int64 = 0

    init(opener: UInt64) { self.opener = opener }

    mutating func take(_ signs: TurnSigns) -> (repetitions: Int64, growing: Int64) {
        // A client that sends the very same request again repeats a request and no call.
        if signs.bytes == bytes, signs.calls == lastCalls { return (repetitions, growing) }
        lastCalls = signs.calls
        let signature = (signs.calls ^ (signs.results &* 0x9E37_79B9_7F4A_7C15)) | 1
        for place in 0..<Self.cycleMax { runs[place] = recent[place] == signature ? runs[place] &+ 1 : 0 }
        recent = [signature, recent[0], recent[1], recent[2]]
        grow(signs)
        bytes = signs.bytes
        return (repetitions, growing)
    }

    private mutating func grow(_ signs: TurnSigns) {
        if growingTurns == 0 || signs.bytes < bytes {
            // It was compacted, or it begins.
            growingTurns = 1
            growingFrom = signs.bytes
            seenCalls = 0
            newCalls = 0
        } else {
            growingTurns += 1
        }
        let bit: UInt64 = 1 << (signs.calls >> 58)
        if seenCalls & bit == 0 { newCalls += 1 }
        seenCalls |= bit
    }

    private var repetitions: Int64 {
        var most: Int64 = 0
        for place in 0..<Self.cycleMax { most = max(most, Int64(runs[place]) / Int64(place + 1)) }
        return recent[0] == 0 ? 0 : most + 1
    }

    private var growing: Int64 {
        bytes >= growingFrom.multipliedReportingOverflow(by: 2).partialValue && newCalls * 4 <= growingTurns ? growingTurns : 0
    }
}
