// Exchange+Settlement: turning what the meter read into usage, cost and the one record that the journal keeps.

import Dialects
import GatewayModel
import Journal
import NIOCore
import Policy
import Providers
import WireFormat

extension Exchange {
    /// Completes the record of a turn whose response ended.
    private func complete(_ record: inout TurnRecord) {
        let reading = meter?.reading
        if record.status >= 400 {
            record.errorClass = record.errorClass ?? "upstream_\(record.status)"
        } else if let failure = reading?.errorEvent {
            // A 200 that carries an error event is a failed request, though its tokens may be billed.
            record.errorClass = "upstream_stream_error"
            record.finishReason = shortened(failure.type)
        } else if let translation, translation.hasFailed {
            // It could not be said to the client as an answer.
            record.errorClass = "upstream_malformed"
        } else if let reading, record.stream, !reading.isComplete {
            record.errorClass = "upstream_truncated"
            record.flags.insert(.truncated)
        }
        applyUsage(reading, to: &record)
    }

    /// Journals the settlement of a response that ended, and gives its position.
    func settleComplete() -> JournalPosition? {
        guard isReserved, !response.isSettled, let turn else { return nil }
        complete(&turn.record)
        if let caching { keepAnswer(caching, turn.record) }
        if let outline { watchPrefix(outline, turn) }
        if let translation { keepSignatures(translation) }
        return journalSettled(turn)
    }

    /// Settles a turn that the cache answered: it used nothing and costs nothing.
    func settleCached() -> JournalPosition? {
        guard let turn else { return nil }
        turn.record.usageSource = .none
        turn.record.cost = .zero
        return journalSettled(turn)
    }

    /// Settles a turn that was broken off after it was sent. `status` is what the client gets in place of the response, when
    /// none of that has gone out.
    func settleCut(errorClass: String, status: Int) {
        guard isReserved, !response.isSettled, let turn else { return }
        turn.record.errorClass = errorClass
        if !response.hasStarted { turn.record.status = status }
        if phase == .relaying, errorClass == "upstream_truncated" { turn.record.flags.insert(.truncated) }
        // Behind the lines of other tries stands one of the last: what they did not cost is its.
        if let tries, tries.line == nil, !turn.record.tries.isEmpty { noteTry(status: 0, error: errorClass) }
        meter?.finish { _ in }
        applyUsage(meter?.reading, to: &turn.record)
        _ = journalSettled(turn)
    }

    /// Settles a turn whose answer a limit has ended. It is no failure: the client gets a whole answer that has reached its length.
    func settleStopped() -> JournalPosition? {
        guard isReserved, !response.isSettled, let turn else { return nil }
        turn.record.finishReason = "limit"
        turn.record.flags.insert(.truncated)
        meter?.finish { _ in }
        applyUsage(meter?.reading, to: &turn.record)
        return journalSettled(turn)
    }

    /// Settles a turn that never reached its provider: it costs nothing.
    func settleUnsent(status: Int, errorClass: String, extra: TurnFlags) {
        guard isReserved, !response.isSettled, let turn else { return }
        turn.record.status = status
        turn.record.errorClass = errorClass
        turn.record.flags.insert(extra)
        turn.record.flags.insert(.unsent)
        turn.record.usageSource = .none
        turn.record.cost = .zero
        if limits != nil { voidLimits() }
        _ = journalSettled(turn)
    }

    /// Journals a refusal of a caller that is known. Unknown callers are counted, not journaled: anybody could fill a disk.
    func recordRefusal(_ error: GatewayError, status: Int) {
        guard let key, !isReserved, target.endpoint != nil else { return }
        var refused =
            turn?.record
            ?? TurnRecord(
                requestID: requestID, principal: key.value.principal, attribution: Attribution(),
                endpoint: target.endpoint ?? .chatCompletions, modelAsked: request?.model ?? "", received: received)
        refused.status = status
        refused.errorClass = error.code
        refused.snapshotVersion = snapshot.version
        refused.lastByte = loop.shared.clock.now()
        if (try? loop.shared.journal.turnRefused(refused)) == nil { loop.shared.metrics.journalFailures.increment() }
    }

    func noteTry(status: Int, error: String?, at time: Timestamp? = nil) {
        guard let turn else { return }
        let now = time ?? loop.shared.clock.now()
        var one = UpstreamTry(
            deployment: turn.deployment, status: status, error: error,
            microseconds: (now.nanoseconds - tryStarted.nanoseconds) / 1000)
        if let tries, let provider, provider.credentials.count > 1 { one.credential = provider.credentialNames[tries.credential] }
        turn.record.tries.append(one)
        tries?.line = turn.record.tries.count - 1
    }

    /// Settles one try of several: its cost goes into its line and to the turn, and nothing else of it stays in the record.
    func settleTry(_ tries: TurnTries, _ turn: Turn) {
        turn.record.errorClass = turn.record.tries.lastError
        applyUsage(meter?.reading, to: &turn.record)
        if limits != nil { settleLimitsOfTry(turn.record) }
        if let line = tries.line {
            turn.record.tries[line].cost = turn.record.cost
            if turn.record.usageSource != .none {
                turn.record.tries[line].inputTokens = turn.record.usage.totalInput
                turn.record.tries[line].outputTokens = turn.record.usage.output
                turn.record.flags.insert(.spentTries)
            }
        }
        tries.spent += turn.record.cost
        tries.flags.formUnion(turn.record.flags.intersection([.estimated, .unpriced, .inconsistent]))
        turn.record.flags.subtract([.estimated, .unpriced, .inconsistent])
        turn.record.usage = TokenUsage()
        turn.record.usageSource = .none
        turn.record.rawUsage = nil
        turn.record.cost = .zero
        turn.record.priceVersion = nil
        turn.record.modelServed = nil
        turn.record.responseID = nil
        turn.record.finishReason = nil
        turn.record.toolCalls = 0
        turn.record.qualifiers = UsageQualifiers()
        turn.record.qualifiers.serviceTier = request?.serviceTier
        turn.record.errorClass = nil
        turn.record.status = 0
    }

    private func journalSettled(_ turn: Turn) -> JournalPosition? {
        turn.record.lastByte = loop.shared.clock.now()
        turn.record.bytesOut = response.bytesOut
        turn.record.upstreamRequestID = shortened(turn.record.upstreamRequestID)
        if let digests { (turn.record.digestIn, turn.record.digestOut) = digests.hex }
        response.isSettled = true
        if limits != nil { settleLimits(&turn.record) }
        let shared = loop.shared
        // What was reserved for the try that is settled here. What tries before it reserved is let go of by now.
        if turn.record.flags.contains(.unpriced) { turn.record.flags.insert(.held) }
        if let tries { settleRoute(tries, turn) }
        if let watched { shared.runaway.settled(watched, turn.record) }
        shared.metrics.turnsSettled.increment()
        if turn.record.flags.contains(.unpriced) { shared.metrics.turnsUnpriced.increment() }
        if turn.record.flags.contains(.estimated) { shared.metrics.turnsEstimated.increment() }
        if target.endpoint?.dialect == .openAIResponses, translation == nil, let id = turn.record.responseID {
            shared.responses.remember(id, ResponseOwner(principal: turn.record.principal, provider: turn.record.provider))
        }
        do {
            return try shared.journal.turnSettled(at: turn.place, opening: &turn.opening)
        } catch {
            // The reservation stays in the journal: recovery settles the turn at its bound, so it is not lost.
            shared.metrics.journalFailures.increment()
            return nil
        }
    }

    /// The turn costs what all its tries cost; its session stays where it was served.
    private func settleRoute(_ tries: TurnTries, _ turn: Turn) {
        turn.record.cost += tries.spent
        turn.record.flags.formUnion(tries.flags)
        guard let session = tries.session, (200..<300).contains(turn.record.status), !turn.record.flags.contains(.cached) else { return }
        let usage = turn.record.usage
        loop.shared.board.remember(
            session,
            AffinityEntry(
                deployment: turn.deployment, time: turn.record.lastByte ?? received,
                contextTokens: usage.totalInput + usage.output, tier: tries.route.route.deployments[tries.plan.current].tier))
    }

    // MARK: Usage and cost

    private func applyUsage(_ reading: MeterReading?, to record: inout TurnRecord) {
        if let reading {
            record.modelServed = shortened(reading.modelServed)
            record.responseID = shortened(reading.responseID)
            record.finishReason = record.finishReason ?? shortened(reading.finishReason)
            record.toolCalls = reading.toolCalls
            record.qualifiers = reading.qualifiers
            if let geo = provider?.provider.traits.priceGeo { record.qualifiers.inferenceGeo = geo }
            record.usage = reading.usage
            record.usageSource = reading.usageSource
            record.rawUsage = reading.rawUsage.map { String(decoding: $0, as: UTF8.self) }
            if reading.inconsistent { record.flags.insert(.inconsistent) }
        }
        // An error before generation owes nothing; so does a request that the provider refused.
        let generated = (200..<300).contains(record.status) || (reading?.contentBytes ?? 0) > 0
        switch record.usageSource {
        case .provider:
            if let reading {
                loop.estimator.learn(
                    model: record.model, contentBytes: reading.contentBytes, outputTokens: record.usage.output)
            }
        case .providerPartial where generated:
            let seen = loop.estimator.estimateOutput(model: record.model, contentBytes: reading?.contentBytes ?? 0)
            record.usage.output = max(record.usage.output, seen)
            record.flags.insert(.estimated)
        case .none, .estimated, .providerPartial:
            guard wasSent(record), generated || record.errorClass == "client_closed" || isUnknownOutcome(record) else {
                record.usageSource = .none
                return
            }
            if request?.isBackground == true {
                settleAtBound(&record)
                return
            }
            record.usageSource = .estimated
            record.usage.input = loop.estimator.estimateInput(bodyBytes: record.bytesIn)
            record.usage.output = loop.estimator.estimateOutput(
                model: record.model, contentBytes: reading?.contentBytes ?? 0)
            record.flags.insert(.estimated)
        }
        applyCost(to: &record)
    }

    /// A background response goes on unseen: like a turn whose end a crash hid, it costs what was reserved for it.
    private func settleAtBound(_ record: inout TurnRecord) {
        record.usageSource = .estimated
        record.flags.insert(record.reserved == .zero ? [.estimated, .unpriced] : .estimated)
        record.cost = NanoUSD(record.reserved.value - (tries?.spent.value ?? 0))
    }

    private func wasSent(_ record: TurnRecord) -> Bool { record.sent != nil && phase != .waiting }

    /// The provider may have served the request although nothing came back.
    private func isUnknownOutcome(_ record: TurnRecord) -> Bool {
        if let status = response.head?.status, status >= 400 { return false }
        return switch record.errorClass {
        case "upstream_closed", "upstream_timeout", "upstream_malformed", "upstream_truncated", "revoked_api_key",
            "shutting_down":
            true
        default: false
        }
    }

    private func applyCost(to record: inout TurnRecord) {
        guard let provider, record.usageSource != .none else { return }
        var price = loop.price(record.usage, provider, model: record.model, record.qualifiers, at: received, snapshot)
        // Where ids are an operator's own names, the response may say what they stand for.
        if case .unpriced = price, provider.provider.traits.hidesModels, let served = record.modelServed {
            price = loop.price(
                record.usage, provider, model: withoutDate(served), record.qualifiers, at: received, snapshot)
        }
        switch price {
        case .priced(let cost, let version):
            record.cost = cost
            record.priceVersion = version
        case .unpriced:
            record.flags.insert(.unpriced)
        }
    }
}

/// A provider's word as the record keeps it: a record holds 65,535 bytes, and a turn that does not fit would never be settled.
private func shortened(_ text: String?) -> String? {
    guard let text, text.utf8.count > 256 else { return text }
    return String(decoding: text.utf8.prefix(256), as: UTF8.self)
}

/// `gpt-6.1-sol-2026-08-01` without its date, as catalogues have it.
private func withoutDate(_ model: String) -> String {
    let parts = model.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count > 3, parts.suffix(3).map(\.count) == [4, 2, 2], parts.suffix(3).allSatisfy({ $0.allSatisfy(\.isNumber) }) else {
        return model
    }
    return parts.dropLast(3).joined(separator: "-")
}
