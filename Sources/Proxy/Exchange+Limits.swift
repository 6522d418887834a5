// Exchange+Limits: budgets and limits in a turn's life: taken before anything goes upstream, extended as the answer comes, posted when
// it is settled, given back when nothing was sent. The arithmetic is `Policy/Limits`; an exchange without limits passes in one test.

import Dialects
import GatewayModel
import NIOCore
import Policy
import Providers
import WireFormat

/// What an exchange holds of its budgets and limits.
final class TurnLimits {
    var reservation: Reservation?
    let bound: TurnBound
    let demand: LimitDemand
    /// As they stood when the turn was admitted.
    var verdicts: [LimitVerdict]
    /// The rule that refused the turn, stopped its answer, or sent it to another model.
    var decided: String?
    /// `RateLimit-Policy` and `RateLimit` lines of the answer.
    var fields: [UInt8] = []
    /// Where the answer may be stopped in the middle.
    var elastic: ElasticAnswer?
    /// The output that the journal counts the turn with: after a crash it has cost so much.
    var journaledTokens: Int64

    init(_ reservation: consuming Reservation, _ bound: TurnBound, _ demand: LimitDemand, at now: Timestamp) {
        verdicts = reservation.verdicts(at: now)
        self.reservation = consume reservation
        self.bound = bound
        self.demand = demand
        journaledTokens = bound.outputTokens
    }
}

extension Exchange {
    /// Takes what the turn can use from each budget and limit that holds for it, all or none. False when it waits for a rate or a
    /// place; `reserve` is called again then.
    func takeLimits() throws(GatewayError) -> Bool {
        guard limits == nil, let turn, let request, let provider else { return true }
        let bound = bound(request, provider, model: turn.record.model)
        let demand =
            hasCachedAnswer
            ? .nothing : bound.demand(estimatedInput: loop.estimator.estimateInput(bodyBytes: Int64(body.readableBytes)))
        let facts = TurnFacts(turn.record)
        // A turn counts for the window in which it came, unless it had to wait.
        let now = limitWait == nil ? received : loop.shared.clock.now()
        switch loop.shared.limits.admit(facts, demand, under: snapshot.limitBook, at: now) {
        case .granted(let reservation):
            guard reservation.isLimited || !reroutedBy.isEmpty else { return true }
            let taken = TurnLimits(reservation, bound, demand, at: now)
            limits = taken
            beginJournaled(taken)
            if bound.needsSplice, taken.verdicts.contains(where: \.needsCap) { spliceCaps(bound) }
            taken.fields = rateLimitFields(taken.verdicts, at: now)
            return true
        case .refused(let refusal):
            if case .route(let model) = refusal.action, reroutedBy.isEmpty, reroute(to: model) {
                reroutedBy = refusal.failures.prefix(LimitTrace.countMax / 2).enumerated().map { LimitTrace($1, decided: $0 == 0) }
                return try takeLimits()
            }
            turn.record.limits = refusal.failures.prefix(LimitTrace.countMax).enumerated().map { LimitTrace($1, decided: $0 == 0) }
            throw gatewayError(refusal, bound, at: now)
        case .wait(let until, let refusal):
            try waitForLimits(until: until, refusal, at: now)
            return false
        }
    }

    /// Takes what a try beside another can use, from each budget and limit that holds for its deployment: both are reserved, or there
    /// is no second.
    func takeHedgeLimits() -> Bool {
        guard !snapshot.limitBook.isEmpty, let turn, let request, let provider else { return true }
        let bound = bound(request, provider, model: turn.record.model)
        let demand = bound.demand(estimatedInput: loop.estimator.estimateInput(bodyBytes: Int64(body.readableBytes)))
        let now = limitWait == nil ? received : loop.shared.clock.now()
        guard case .granted(let reservation) = loop.shared.limits.admit(TurnFacts(turn.record), demand, under: snapshot.limitBook, at: now)
        else { return false }
        guard reservation.isLimited else { return true }
        let taken = TurnLimits(reservation, bound, demand, at: now)
        limits = taken
        beginJournaled(taken)
        if bound.needsSplice, taken.verdicts.contains(where: \.needsCap) { spliceCaps(bound) }
        taken.fields = rateLimitFields(taken.verdicts, at: now)
        return true
    }

    private func gatewayError(_ refusal: LimitRefusal, _ bound: TurnBound, at now: Timestamp) -> GatewayError {
        if refusal.reason == .tooManyCounters { return .limitCountersFull }
        if let failure = refusal.failures.first(where: { $0.amount == nil }), let unbounded = bound.unbounded {
            return .unboundedUnderBudget(parameter: unbounded.name, mend: unbounded.mend, budget: failure.name)
        }
        if let unpriced = refusal.failures.first(where: { $0.amount == nil }), let record = turn?.record {
            return .unpricedUnderBudget(model: record.model, provider: record.provider, budget: unpriced.name)
        }
        return .limited(LimitNotice(refusal, snapshot.limitBook, at: now))
    }

    /// Posts what the turn used. `record` is complete.
    func settleLimits(_ record: inout TurnRecord) {
        guard let limits, let reservation = limits.reservation.take() else { return }
        let isUnpriced = record.flags.contains(.unpriced)
        let actual = LimitAmounts(
            cost: isUnpriced ? nil : record.cost.value, inputTokens: record.usage.totalInput, outputTokens: record.usage.output)
        let now = record.lastByte ?? received
        record.limits =
            reroutedBy
            + limits.verdicts.prefix(LimitTrace.countMax / 2).map { verdict in
                var trace = LimitTrace(verdict, decided: verdict.rule == limits.decided)
                trace.used = actual.of(verdict.unit) ?? verdict.amount
                return trace
            }
        let settlement = reservation.settle(actual, at: now)
        if settlement.isOverReserved {
            loop.shared.metrics.turnsOverReserved.increment()
            record.flags.insert(.overReserved)
        }
    }

    /// Posts what one try of several used, so that the next one can take what it needs anew. A try that owes nothing gives all back.
    /// The turn is one request, which its last try counts.
    func settleLimitsOfTry(_ record: TurnRecord) {
        guard let limits, let reservation = limits.reservation.take() else { return }
        let now = loop.shared.clock.now()
        if record.usageSource == .none {
            reservation.void(at: now)
        } else {
            _ = reservation.settle(
                LimitAmounts(
                    cost: record.flags.contains(.unpriced) ? nil : record.cost.value, inputTokens: record.usage.totalInput,
                    outputTokens: record.usage.output), turns: 0, at: now)
        }
        self.limits = nil
    }

    /// Gives everything back: the turn was never sent.
    func voidLimits() {
        guard let reservation = limits?.reservation.take() else { return }
        reservation.void(at: loop.shared.clock.now())
    }

    /// Serves the turn by another model than was asked for, one that the client's own dialect reaches. False when that cannot be.
    func reroute(to model: String) -> Bool {
        guard let turn, let request, let key, let endpoint = target.endpoint, translation == nil, tries == nil,
            let route = try? snapshot.models.resolve(model, dialect: endpoint.dialect)
        else { return false }
        let next = snapshot.providers[route.providerIndex]
        guard (try? KeyAccess.checkModel(key.value, asked: model, provider: next.provider.name, model: route.model)) != nil else {
            return false
        }
        provider = next
        turn.setDeployment(provider: next.provider.name, model: route.model)
        splices = []
        injectsUsage = false
        spliceBody(request, turn.record, next)
        return true
    }

    /// Asks the provider for no more output, and no more calls of its own tools, than what was reserved, where the client set no cap.
    private func spliceCaps(_ bound: TurnBound) {
        guard let endpoint = upstreamEndpoint else { return }
        splices += body.withUnsafeReadableBytes {
            capSplices(
                endpoint, body: $0, output: bound.capToSplice, hostedCalls: bound.callsToSplice,
                usesMaxTokens: provider?.provider.traits.usesMaxTokens ?? false)
        }
        splices.sort { $0.offset < $1.offset }
    }
}

extension LimitVerdict {
    /// Whether it holds only when the output has a cap.
    fileprivate var needsCap: Bool {
        mode == .strict && [.nanoUSD, .outputTokens, .totalTokens].contains(unit) && !isRate
    }

    var isRate: Bool {
        if case .rate = window { return true }
        return false
    }
}

extension LimitTrace {
    init(_ verdict: LimitVerdict, decided: Bool) {
        self.init(
            rule: verdict.rule, group: verdict.group, unit: verdict.unit.rawValue, limit: verdict.limit, before: verdict.before,
            reserved: verdict.amount, decided: decided)
    }
}
