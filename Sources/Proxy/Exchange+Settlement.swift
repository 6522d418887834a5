// Exchange+Settlement: turning what the meter read into usage, cost and the one record that the journal keeps.

import Dialects
import GatewayModel
import Journal
import NIOCore
import Providers
import WireFormat

extension Exchange {
    /// Settles a turn whose response ended. Nil when there is nothing to wait for.
    func settleCompleteTurn(_ record: inout TurnRecord) {
        let reading = meter?.reading
        if record.status >= 400 {
            record.errorClass = record.errorClass ?? "upstream_\(record.status)"
        } else if let failure = reading?.errorEvent {
            // A 200 that carries an error event is a failed request, though its tokens may be billed.
            record.errorClass = "upstream_stream_error"
            record.finishReason = failure.type
        } else if let reading, record.stream, !reading.isComplete {
            record.errorClass = "upstream_truncated"
            record.flags.insert(.truncated)
        }
        applyUsage(reading, to: &record)
    }

    /// Journals the settlement of a response that ended, and gives its position.
    func settleComplete() -> JournalPosition? {
        // Taken out and put back by `journalSettled`: a copy of so many members costs more than most of what is done to them.
        guard isReserved, !response.isSettled, var record = record.take() else { return nil }
        settleCompleteTurn(&record)
        return journalSettled(&record)
    }

    /// Settles a turn that was broken off after it was sent. `status` is what the client gets in place of the response, when
    /// none of that has gone out.
    func settleCut(errorClass: String, status: Int) {
        guard isReserved, !response.isSettled, var record else { return }
        record.errorClass = errorClass
        if !response.hasStarted { record.status = status }
        if phase == .relaying, errorClass == "upstream_truncated" { record.flags.insert(.truncated) }
        meter?.finish { _ in }
        applyUsage(meter?.reading, to: &record)
        _ = journalSettled(&record)
    }

    /// Settles a turn that never reached its provider: it costs nothing.
    func settleUnsent(status: Int, errorClass: String, extra: TurnFlags) {
        guard isReserved, !response.isSettled, var record else { return }
        record.status = status
        record.errorClass = errorClass
        record.flags.insert(extra)
        record.usageSource = .none
        _ = journalSettled(&record)
    }

    /// Journals a refusal of a caller that is known. Unknown callers are counted, not journaled: anybody could fill a disk.
    func recordRefusal(_ error: GatewayError, status: Int) {
        guard let key, !isReserved, target.endpoint != nil else { return }
        var refused =
            record
            ?? TurnRecord(
                requestID: requestID, principal: key.principal, attribution: Attribution(),
                endpoint: target.endpoint ?? .chatCompletions, modelAsked: request?.model ?? "", received: received)
        refused.status = status
        refused.errorClass = error.code
        refused.snapshotVersion = snapshot.version
        refused.lastByte = loop.shared.clock.now()
        if (try? loop.shared.journal.turnRefused(refused)) == nil { loop.shared.metrics.journalFailures.increment() }
    }

    func noteTry(status: Int, error: String?) {
        let now = loop.shared.clock.now()
        let one = UpstreamTry(
            deployment: record?.deployment ?? "", status: status, error: error,
            microseconds: (now.nanoseconds - tryStarted.nanoseconds) / 1000)
        record?.tries.append(one)
    }

    private func journalSettled(_ record: inout TurnRecord) -> JournalPosition? {
        record.lastByte = loop.shared.clock.now()
        record.bytesOut = response.bytesOut
        if let digests { (record.digestIn, record.digestOut) = digests.hex }
        response.isSettled = true
        self.record = record
        let metrics = loop.shared.metrics
        metrics.turnsSettled.increment()
        if record.flags.contains(.unpriced) { metrics.turnsUnpriced.increment() }
        if record.flags.contains(.estimated) { metrics.turnsEstimated.increment() }
        if target.endpoint?.dialect == .openAIResponses, let id = record.responseID {
            loop.shared.responses.remember(id, ResponseOwner(principal: record.principal, provider: record.provider))
        }
        do {
            return try loop.shared.journal.turnSettled(record)
        } catch {
            // The reservation stays in the journal: recovery settles the turn at its bound, so it is not lost.
            metrics.journalFailures.increment()
            return nil
        }
    }

    // MARK: Usage and cost

    private func applyUsage(_ reading: MeterReading?, to record: inout TurnRecord) {
        if let reading {
            record.modelServed = reading.modelServed
            record.responseID = reading.responseID
            record.finishReason = record.finishReason ?? reading.finishReason
            record.toolCalls = reading.toolCalls
            record.qualifiers = reading.qualifiers
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
        record.cost = record.reserved
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
        guard let provider = provider?.provider, record.usageSource != .none else { return }
        let price = snapshot.prices.price(
            usage: record.usage, provider: provider.priceProvider(of: record.model), model: record.model,
            qualifiers: record.qualifiers, at: received)
        switch price {
        case .priced(let cost, let version):
            record.cost = cost
            record.priceVersion = version
        case .unpriced:
            record.flags.insert(.unpriced)
        }
    }
}
