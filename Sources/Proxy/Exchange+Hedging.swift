// Exchange+Hedging: a turn whose deployment takes long to begin is asked of the next one too, where its route wants that. The first
// answer that begins well is the client's; the other is cut off, and what it may have cost is in the turn. Only one of the two is the
// present try, which all phases know; the other is parked beside it and changes places with it when its bytes come first.

import Dialects
import GatewayModel
import NIOCore
import Policy
import Providers
import WireFormat

/// Everything that belongs to one try of a turn and not to the turn.
struct TryState {
    let connection: UpstreamConnection
    /// Which deployment of the route.
    let index: Int
    let provider: ProviderRuntime
    let model: String
    let body: ByteBuffer
    let splices: [Splice]
    let injectsUsage: Bool
    let translation: TurnTranslation?
    let credential: Int
    let triedCredentials: Set<Int>
    let isReused: Bool
    let retriedStale: Bool
    let staleUntil: NIODeadline
    let started: Timestamp
    let sent: Timestamp?
    let deadline: NIODeadline
    let response: ResponseRelay
    let limits: TurnLimits?
    let reserved: NanoUSD
    let flags: TurnFlags
    let seat: DeploymentState?
}

/// The try that is not the present one.
final class ParkedTry {
    let state: TryState
    /// What came of it while the present one's answer was being read.
    var early = ByteBuffer()

    static let earlyBytesMax = 256 << 10

    init(_ state: TryState) { self.state = state }
}

extension Exchange {
    private static var tryFlags: TurnFlags { [.translated, .dropped] }

    /// The request is sent: on a route that hedges, the next deployment is asked after a while.
    func scheduleHedge(_ rule: HedgeRule, _ tries: TurnTries) {
        guard !tries.hasHedged, provider?.provider.hangUp == .cancel, let next = tries.plan.next, mayHedge(to: next, tries),
            !isBoundStrictly(tries, next)
        else { return }
        let now = loop.shared.clock.now()
        let p95 = rule.milliseconds == nil ? tries.deployment.state.with { $0.latencyP95(at: now) } : nil
        guard let delay = rule.milliseconds.map(Int64.init) ?? p95.map({ $0 / 1000 }) else { return }
        let number = tries.plan.tries
        tries.hedge = loop.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(max(1, delay))) {
            guard self.phase == .sent, tries.plan.tries == number else { return }
            self.hedge(tries)
        }
    }

    /// A deployment that nobody should be sent to is no help, and the loser at a provider that bills what was cut off in full would be
    /// paid twice.
    private func mayHedge(to index: Int, _ tries: TurnTries) -> Bool {
        let deployment = tries.route.deployments[index]
        let (now, tokens) = (loop.shared.clock.now(), tries.tokens)
        return deployment.provider.provider.hangUp == .cancel && deployment.provider.health?.isDown != true
            && deployment.state.with { $0.state(at: now, tokens: tokens) } == .ready
            && deployment.provider.token.map { $0.isReady(at: now) } ?? true && !snapshot.policy.waitsForSync
    }

    /// What the loser has cost is estimated, which no strict budget can take: it would have to be posted at all that it might cost.
    private func isBoundStrictly(_ tries: TurnTries, _ next: Int) -> Bool {
        guard snapshot.limitBook.boundsAmounts, let turn else { return false }
        var facts = TurnFacts(turn.record)
        if snapshot.limitBook.boundsStrictly(facts) { return true }
        let deployment = tries.route.deployments[next]
        facts.provider = deployment.provider.provider.name
        facts.model = deployment.model
        facts.deployment = "\(deployment.provider.provider.name)/\(deployment.model)"
        return snapshot.limitBook.boundsStrictly(facts)
    }

    /// Asks the next deployment beside the present one, when its budgets and limits have room for both.
    private func hedge(_ tries: TurnTries) {
        guard let turn, let upstream, client != nil, response.head == nil, response.headBytes.readableBytes == 0,
            unsent.readableBytes == 0, let next = tries.plan.next, mayHedge(to: next, tries), tries.route.state.takeRetry()
        else { return }
        tries.hasHedged = true
        let parked = park(upstream, tries, turn)
        guard tries.plan.hedge(), let prepared = prepare(tries, turn) else {
            bringBack(parked, tries, turn)
            return
        }
        adopt(prepared, tries, turn)
        turn.record.reserved = tries.spent + parked.state.reserved + prepared.reserved
        tryStarted = loop.shared.clock.now()
        tries.begin(at: tryStarted)
        do throws(GatewayError) {
            guard takeHedgeLimits() else {
                giveUpPresent(tries, turn)
                bringBack(parked, tries, turn)
                return
            }
            loop.shared.metrics.hedges.increment()
            try reserve(target.endpoint ?? .chatCompletions)
        } catch {
            giveUpPresent(tries, turn)
            bringBack(parked, tries, turn)
        }
    }

    // MARK: Changing places

    /// Puts the present try aside; the exchange is then between tries.
    private func park(_ connection: UpstreamConnection, _ tries: TurnTries, _ turn: Turn) -> ParkedTry {
        let parked = ParkedTry(
            TryState(
                connection: connection, index: tries.plan.current, provider: provider ?? tries.deployment.provider,
                model: turn.record.model, body: body, splices: splices, injectsUsage: injectsUsage, translation: translation,
                credential: tries.credential, triedCredentials: tries.triedCredentials, isReused: upstreamIsReused,
                retriedStale: retriedStaleConnection, staleUntil: staleUntil, started: tryStarted, sent: turn.record.sent,
                deadline: deadline, response: response, limits: limits, reserved: NanoUSD(turn.record.reserved.value - tries.spent.value),
                flags: turn.record.flags.intersection(Self.tryFlags), seat: tries.leaveSeat()))
        tries.parked = parked
        tries.line = nil
        upstream = nil
        limits = nil
        response = ResponseRelay()
        chunks = ChunkedReader()
        meter = nil
        retriedStaleConnection = false
        turn.record.sent = nil
        return parked
    }

    /// The parked try is the present one again. What was present is gone or parked.
    private func bringBack(_ parked: ParkedTry, _ tries: TurnTries, _ turn: Turn) {
        if tries.parked === parked { tries.parked = nil }
        tries.line = nil
        let state = parked.state
        tries.plan.resume(state.index)
        tries.takeSeat(state.seat)
        (tries.credential, tries.triedCredentials) = (state.credential, state.triedCredentials)
        turn.setDeployment(provider: state.provider.provider.name, model: state.model)
        turn.record.sent = state.sent
        turn.record.flags.subtract(Self.tryFlags)
        turn.record.flags.formUnion(state.flags)
        provider = state.provider
        (body, splices, injectsUsage, translation) = (state.body, state.splices, state.injectsUsage, state.translation)
        (upstreamIsReused, retriedStaleConnection, staleUntil) = (state.isReused, state.retriedStale, state.staleUntil)
        tryStarted = state.started
        response = state.response
        chunks = ChunkedReader()
        meter = nil
        limits = state.limits
        upstream = state.connection
        awaited = nil
        deadline = state.deadline
        phase = .sent
        guard parked.early.readableBytes > 0 else { return }
        let early = parked.early
        parked.early = ByteBuffer()
        state.connection.setReading(true)
        upstreamRead(early, from: state.connection)
        upstreamReadComplete()
    }

    /// The present try has not gone out, or is given up before it did.
    private func giveUpPresent(_ tries: TurnTries, _ turn: Turn) {
        voidLimits()
        limits = nil
        if let held = upstream {
            upstream = nil
            held.release(reusable: false)
        }
        awaited = nil
        tries.end()
    }

    /// Bytes of the parked try.
    func parkedRead(_ bytes: ByteBuffer, _ parked: ParkedTry, _ tries: TurnTries) {
        guard let turn, response.head == nil, phase == .sent || phase == .waiting else {
            var bytes = bytes
            parked.early.writeBuffer(&bytes)
            if parked.early.readableBytes > ParkedTry.earlyBytesMax { parked.state.connection.setReading(false) }
            return
        }
        if phase == .sent, let upstream {
            // It may still be the one whose answer begins well.
            tries.parked = nil
            let other = park(upstream, tries, turn)
            bringBack(parked, tries, turn)
            tries.parked = other
        } else {
            giveUpPresent(tries, turn)
            bringBack(parked, tries, turn)
        }
        upstreamRead(bytes, from: parked.state.connection)
    }

    /// The parked try's connection is gone.
    func parkedClosed(_ parked: ParkedTry, _ tries: TurnTries) {
        let now = loop.shared.clock.now()
        let (credential, rule) = (parked.state.credential, tries.route.route.breaker)
        parked.state.seat?.with { $0.failed(TryFailure(.reset), credential: credential, at: now, rule) }
        lose(parked, tries, error: "upstream_closed", closes: false)
    }

    /// The present try has failed: the other one goes on in its place. True when there is one that may mend it.
    func goesOnWithParked(after failure: TryFailure, _ tries: TurnTries, _ turn: Turn, reusable: Bool) -> Bool {
        guard let parked = tries.parked else { return false }
        guard tries.route.route.fallBackOn.contains(failure.kind) else {
            lose(parked, tries)
            return false
        }
        closeTry(tries, turn, reusable: reusable)
        bringBack(parked, tries, turn)
        return true
    }

    // MARK: The end of the loser

    /// The present try's answer has begun well, or there is nobody left to answer.
    func loseParked() {
        guard let tries, let parked = tries.parked else { return }
        lose(parked, tries)
    }

    /// The turn is about to be settled as it stands: of two tries one is left, and it is one that went out.
    func endHedge() {
        guard let tries, let turn, let parked = tries.parked else { return }
        guard phase == .waiting else { return lose(parked, tries) }
        giveUpPresent(tries, turn)
        bringBack(parked, tries, turn)
    }

    /// What a provider that was cut off before it said anything may have billed: its input.
    private func lose(_ parked: ParkedTry, _ tries: TurnTries, error: String = "hedge_lost", closes: Bool = true) {
        tries.parked = nil
        guard let turn else { return }
        let state = parked.state
        if closes { state.connection.release(reusable: false) }
        if let seat = state.seat {
            seat.leave()
            if closes { seat.with { $0.breaker.abandoned() } }
        }
        var usage = TokenUsage()
        usage.input = loop.estimator.estimateInput(bodyBytes: turn.record.bytesIn)
        var cost: NanoUSD?
        if case .priced(let priced, _) = loop.price(
            usage, state.provider, model: state.model, UsageQualifiers(serviceTier: request?.serviceTier), at: received, snapshot)
        {
            cost = priced
        }
        tries.flags.insert(cost == nil ? [.estimated, .unpriced] : .estimated)
        tries.spent += cost ?? .zero
        let now = loop.shared.clock.now()
        if let reservation = state.limits?.reservation.take() {
            // The turn is one request, which the try that goes on counts.
            _ = reservation.settle(LimitAmounts(cost: cost?.value, inputTokens: usage.input, outputTokens: 0), turns: 0, at: now)
        }
        var one = UpstreamTry(
            deployment: "\(state.provider.provider.name)/\(state.model)", status: 0, error: error,
            microseconds: (now.nanoseconds - state.started.nanoseconds) / 1000, cost: cost ?? .zero)
        if state.provider.credentials.count > 1 { one.credential = state.provider.credentialNames[state.credential] }
        one.inputTokens = usage.input
        turn.record.flags.insert(.spentTries)
        // The present try stands last: the rest of the turn's cost is its.
        turn.record.tries.insert(one, at: tries.line ?? turn.record.tries.count)
        tries.line? += 1
    }
}
