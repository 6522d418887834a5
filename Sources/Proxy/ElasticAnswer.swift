// ElasticAnswer: an answer under an elastic budget. More is asked for before the piece that was granted is written; when no more is
// granted the stream ends cleanly in the client's dialect, the provider is cut off, and what was seen is settled.

import Dialects
import GatewayModel
import Journal
import NIOCore
import Policy
import WireFormat

/// How far an elastic limit has granted an answer.
struct ElasticAnswer {
    var gate: StreamGate
    /// Output tokens that are reserved.
    var grantedTokens: Int64
    /// No more is granted.
    var isDenied = false
    var policy = ElasticPolicy.stopNow
    /// Refuses to ask again: the answer goes on whatever comes.
    var goesOn = false
}

extension Exchange {
    // MARK: What the journal knows

    /// Before the turn is reserved in the journal: a stream that can be stopped is counted there with its first piece, any other answer
    /// whole. A strict limit beside the elastic one holds the whole, and so does the journal.
    func beginJournaled(_ limits: TurnLimits) {
        let isElastic = limits.verdicts.contains { $0.mode == .elastic } && !limits.verdicts.contains(where: \.holdsWhole)
        if isElastic, request?.stream == true, let endpoint = target.endpoint, StreamGate.ends(endpoint) {
            limits.journaledTokens = journaled(TurnBound.pieceTokens, limits)
        }
        setReserved(limits)
    }

    /// The answer has begun and is none that can be stopped: from here on the journal counts the turn whole.
    func journalWhole() {
        guard let limits, limits.elastic == nil, limits.journaledTokens < limits.bound.outputTokens else { return }
        _ = journal(granted: limits.bound.outputTokens)
    }

    /// What was granted, and what a provider still writes between being cut off and stopping: that long it may go on after a crash.
    private func journaled(_ granted: Int64, _ limits: TurnLimits) -> Int64 {
        min(limits.bound.outputTokens, granted + TurnBound.overshootTokens)
    }

    private func setReserved(_ limits: TurnLimits) {
        let cost = limits.bound.amounts(output: limits.journaledTokens).cost ?? 0
        let besides = (tries?.spent ?? .zero) + (tries?.parked?.state.reserved ?? .zero)
        turn?.record.reserved = besides + NanoUSD(cost)
    }

    /// Writes down that the answer may go on: one record for each piece, behind which nothing waits. A quarter of a piece is in hand,
    /// which lasts longer than the group's sync takes. False when the journal does not take it: what is not written down is not granted.
    private func journal(granted tokens: Int64) -> Bool {
        guard let limits else { return false }
        let wanted = journaled(tokens, limits)
        guard wanted > limits.journaledTokens else { return true }
        let before = limits.journaledTokens
        limits.journaledTokens = wanted
        setReserved(limits)
        let reading = meter?.reading
        do {
            _ = try loop.shared.journal.turnProgress(
                requestID, contentBytes: reading?.contentBytes ?? 0, usage: reading?.usage ?? TokenUsage(),
                reserved: turn?.record.reserved, at: loop.shared.clock.now())
            return true
        } catch {
            loop.shared.metrics.journalFailures.increment()
            limits.journaledTokens = before
            setReserved(limits)
            return false
        }
    }

    // MARK: The answer

    /// Puts the gate before the client, where a limit is elastic and the answer is a stream.
    func beginElastic() {
        guard let limits, limits.reservation != nil, let endpoint = target.endpoint, let record = turn?.record,
            limits.verdicts.contains(where: { $0.mode == .elastic })
        else { return }
        guard
            let gate = StreamGate(
                endpoint, model: record.modelAsked, id: requestID.description, created: received.seconds,
                includesUsage: request?.includesUsage ?? false, eventBytesMax: snapshot.limits.sseLineBytesMax)
        else { return }
        limits.elastic = ElasticAnswer(gate: gate, grantedTokens: min(TurnBound.pieceTokens, limits.bound.outputTokens))
        response.mode = .reframed
    }

    /// Passes what the client would get through the gate.
    func passGate(_ bytes: ByteBuffer, into out: inout ByteBuffer) {
        guard let limits, var elastic = limits.elastic else { return }
        var passed: [UInt8] = []
        var gate = elastic.gate
        bytes.withUnsafeReadableBytes { view in
            gate.read(view, into: &passed, usage: { usageSoFar() }) { endsBlock in decide(&elastic, endsBlock: endsBlock) }
        }
        elastic.gate = gate
        limits.elastic = elastic
        out.writeBytes(passed)
    }

    /// The provider's stream is over: what is left in the gate goes out.
    func finishGate(into out: inout ByteBuffer) {
        guard let limits, var gate = limits.elastic?.gate else { return }
        var passed: [UInt8] = []
        gate.finish(into: &passed)
        limits.elastic?.gate = gate
        out.writeBytes(passed)
    }

    var isStoppedByLimit: Bool { limits?.elastic?.gate.isStopped ?? false }

    /// Output tokens by what came, rounded up.
    private var outputSoFar: Int64 {
        guard let record = turn?.record, let reading = meter?.reading else { return 0 }
        return max(
            reading.usageSource == .provider ? reading.usage.output : 0,
            loop.estimator.estimateOutput(model: record.model, contentBytes: reading.contentBytes))
    }

    private func usageSoFar() -> TokenUsage {
        var usage = meter?.reading.usage ?? TokenUsage()
        if usage.totalInput == 0 { usage.input = loop.estimator.estimateInput(bodyBytes: turn?.record.bytesIn ?? 0) }
        usage.output = max(usage.output, outputSoFar)
        return usage
    }

    private func decide(_ elastic: inout ElasticAnswer, endsBlock: Bool) -> StreamGate.Decision {
        guard let limits, !elastic.goesOn else { return .goOn }
        let written = outputSoFar
        if elastic.isDenied {
            return endsBlock || written >= elastic.grantedTokens ? .stop : .goOn
        }
        // A quarter of a piece is in hand while more is asked for.
        guard written + TurnBound.pieceTokens / 4 > elastic.grantedTokens, elastic.grantedTokens < limits.bound.outputTokens else {
            return .goOn
        }
        let wanted = min(limits.bound.outputTokens, max(elastic.grantedTokens, written) + TurnBound.pieceTokens)
        switch limits.reservation?.extend(to: limits.bound.amounts(output: wanted), at: loop.shared.clock.now()) {
        case .granted, nil:
            guard journal(granted: wanted) else {
                elastic.isDenied = true
                return endsBlock ? .stop : .goOn
            }
            elastic.grantedTokens = wanted
            return .goOn
        case .denied(let policy, let refusal):
            elastic.policy = policy
            if policy == .finishTurn {
                elastic.goesOn = true
                return .goOn
            }
            limits.decided = refusal.failures.first?.rule
            elastic.isDenied = true
            return policy == .stopNow || endsBlock || written >= elastic.grantedTokens ? .stop : .goOn
        }
    }

    /// The end is written: settle with what was seen, cut the provider off, let the client go on.
    func stopAnswer(_ last: ByteBuffer) {
        guard phase == .relaying else { return }
        let position = settleStopped()
        closeUpstream()
        guard let position else {
            endAnswer(last)
            return
        }
        afterSync(position) { exchange, _ in exchange.endAnswer(last) }
    }
}

extension LimitVerdict {
    /// The most that the turn can use is reserved for it.
    fileprivate var holdsWhole: Bool { mode == .strict && unit.isSize && !isRate && action != .alert }
}
