// Exchange+Tries: a turn whose route has more than one deployment. Each try has its own reservation in the journal, its own cost, and
// its own line in the turn's record; the turn is one. Nothing is tried again once a byte has gone to the client.

import Dialects
import GatewayModel
import Journal
import NIOCore
import Policy
import Providers
import WireFormat

extension Exchange {
    /// How long a provider may take over the body of an error answer that decides what is tried next.
    private static var errorBodySeconds: Int64 { 5 }
    /// How long a stream's head waits for its first event, where something else could still be tried.
    private static var headHeldSeconds: Int64 { 10 }

    // MARK: What the response's phases ask

    /// A response head is here. True when the answer is held until it is known whether it goes to the client.
    func holdsAnswer(status: Int, isPage: Bool, at now: Timestamp) -> Bool {
        guard let tries else { return false }
        readAllowance(tries, at: now)
        guard status >= 400 || isPage else {
            if tries.parked != nil { loseParked() }
            tries.answered(after: (now.nanoseconds - tryStarted.nanoseconds) / 1000, at: now)
            tries.headHeldUntil = tries.plan.canGoOn ? .now() + .seconds(Self.headHeldSeconds) : nil
            return false
        }
        guard client != nil else { return false }
        deadline = .now() + .seconds(Self.errorBodySeconds)
        return true
    }

    /// What the provider says is left of its limits.
    private func readAllowance(_ tries: TurnTries, at now: Timestamp) {
        guard let fields = response.head?.fields else { return }
        var found: [String: String] = [:]
        for field in fields.list where field.nameCount > 19 {
            let name = fields.nameString(field)
            if name.hasPrefix("x-ratelimit-") || name.hasPrefix("anthropic-ratelimit-") { found[name] = fields.valueString(field) }
        }
        guard !found.isEmpty else { return }
        let (credential, said) = (tries.credential, found)
        tries.deployment.state.with { health in
            guard health.credentials.indices.contains(credential) else { return }
            health.credentials[credential].allowance.read(at: now) { said[$0] }
        }
    }

    /// Whether a stream's head stays here for now.
    var holdsHead: Bool { tries?.headHeldUntil.map { $0 > .now() } ?? false }

    /// The provider's answer is an error and is whole, or as much of it as is read. True when the turn goes on elsewhere.
    func goesOnAfterAnswer(_ body: ByteBuffer, reusable: Bool) -> Bool {
        guard response.isErrorHeld, let head = response.head else { return false }
        response.isErrorHeld = false
        let raw = translation?.held
        let failure = (raw.map { ByteBuffer(bytes: $0) } ?? body).withUnsafeReadableBytes {
            TryFailure(status: head.status, body: $0, retryAfterMilliseconds: retryAfter(head))
        }
        return goesOn(after: failure, reusable: reusable && head.keepsAlive && unsent.readableBytes == 0)
    }

    /// A stream that says nothing but that it failed, before anything went to the client.
    func goesOnAfterFirstEvent() -> Bool {
        guard tries != nil, !response.hasStarted, phase == .relaying, let event = meter?.reading.errorEvent,
            meter?.reading.contentBytes == 0
        else { return false }
        turn?.record.tries.lastError = "stream_error"
        let kind: FailureClass = event.type.contains("overloaded") ? .overload : event.type.contains("rate_limit") ? .rateLimit : .server
        return goesOn(after: TryFailure(kind, status: response.head?.status ?? 0))
    }

    /// A stream that ended without a word.
    func goesOnAfterNothing(_ rest: ByteBuffer) -> Bool {
        guard tries != nil, turn?.record.stream == true, !response.hasStarted, response.head?.status == 200, meter != nil,
            rest.readableBytes == 0, response.bytesOut == 0, response.heldBody.readableBytes == 0
        else { return false }
        turn?.record.tries.lastError = "empty_answer"
        return goesOn(after: TryFailure(.malformed, status: 200))
    }

    private func retryAfter(_ head: HTTPResponseHead) -> Int64? {
        if let exact = head.fields.string("retry-after-ms").flatMap(Int64.init) { return exact }
        guard let text = head.fields.string("retry-after") else { return nil }
        if let seconds = Int64(text) { return seconds.multipliedReportingOverflow(by: 1000).overflow ? nil : seconds * 1000 }
        guard let date = Timestamp(httpDate: text) else { return nil }
        return max(0, date.nanoseconds.saturatingSubtracting(loop.shared.clock.now().nanoseconds) / 1_000_000)
    }

    // MARK: The next try

    /// The present try has failed. True when another one is on its way; then nothing of the failed one reaches the client.
    func goesOn(after failure: TryFailure, reusable: Bool = false) -> Bool {
        guard let tries, let turn, client != nil, !response.hasStarted, !response.isSettled else { return false }
        let now = loop.shared.clock.now()
        tries.failed(failure, at: now)
        if tries.parked != nil, goesOnWithParked(after: failure, tries, turn, reusable: reusable) { return true }
        let state = tries.route.state
        var step = nextCredential(tries, after: failure, at: now)
        if step == nil {
            step = tries.plan.after(failure, at: now, random: loop.nextRandom()) { state.takeRetry() }
        }
        while true {
            switch step ?? .stop {
            case .stop: return false
            case .again(let wait):
                closeTry(tries, turn, reusable: reusable)
                prepareBody(tries)
                loop.shared.metrics.retries.increment()
                waitAndAsk(tries, milliseconds: wait)
                return true
            case .next:
                guard let prepared = prepare(tries, turn) else {
                    step = tries.plan.skip()
                    continue
                }
                closeTry(tries, turn, reusable: reusable)
                adopt(prepared, tries, turn)
                loop.shared.metrics.fallbacks.increment()
                ask(tries)
                return true
            }
        }
    }

    /// Ends the present try: what it cost goes to the turn, and the record and the response begin anew.
    func closeTry(_ tries: TurnTries, _ turn: Turn, reusable: Bool) {
        if isReserved {
            meter?.finish { _ in }
            settleTry(tries, turn)
        }
        tries.line = nil
        tokenWait &+= 1
        let held = upstream
        upstream = nil
        held?.setReading(true)
        held?.release(reusable: reusable)
        tries.end()
        awaited = nil
        response = ResponseRelay()
        chunks = ChunkedReader()
        meter = nil
        caching?.restart()
        unsent = ByteBuffer()
        retriedStaleConnection = false
        tries.headHeldUntil = nil
        turn.record.sent = nil
        turn.record.firstByte = nil
        turn.record.upstreamRequestID = nil
    }

    /// Asks the deployment that the plan names. This is the one place where a change of deployment asks for a new reservation: the
    /// record that is journaled here takes the place of the earlier one of the same turn.
    private func ask(_ tries: TurnTries) {
        tryStarted = loop.shared.clock.now()
        tries.begin(at: tryStarted)
        do throws(GatewayError) {
            try reserveWithToken(target.endpoint ?? .chatCompletions)
        } catch {
            fail(error)
        }
    }

    /// The credential of the deployment could not be fetched. True when the turn goes on elsewhere.
    func goesOnWithoutCredential() -> Bool {
        guard tries != nil else { return false }
        noteTry(status: 0, error: "no_credential")
        return goesOn(after: TryFailure(.connect))
    }

    private func waitAndAsk(_ tries: TurnTries, milliseconds: Int64) {
        phase = .waiting
        deadline = .distantFuture
        let number = tries.plan.tries
        loop.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(milliseconds)) {
            guard self.phase == .waiting, tries.plan.tries == number else { return }
            self.ask(tries)
        }
    }

    /// The first deployment was chosen before it was known that another one made what this turn continues. True when that one is asked.
    func goesToPinned() -> Bool {
        guard let tries, let turn, case .next = tries.plan.skip(), let prepared = prepare(tries, turn) else { return false }
        tries.end()
        adopt(prepared, tries, turn)
        tries.begin(at: received)
        return true
    }

    /// A credential of the same deployment that has not been tried, where the present one was refused or limited.
    private func nextCredential(_ tries: TurnTries, after failure: TryFailure, at now: Timestamp) -> TryPlan.Step? {
        guard failure.kind == .authentication || failure.kind == .rateLimit || failure.kind == .quota,
            tries.deployment.provider.credentials.count > 1
        else { return nil }
        tries.triedCredentials.insert(tries.credential)
        guard let next = freeCredential(tries, at: now) else { return nil }
        tries.credential = next
        tries.plan.changeCredential()
        return .again(afterMilliseconds: 0)
    }

    private func freeCredential(_ tries: TurnTries, at now: Timestamp) -> Int? {
        let provider = tries.deployment.provider
        guard provider.credentials.count > 1 else { return 0 }
        let (weights, seed, tokens, tried) = (provider.credentialWeights, tries.seed, tries.tokens, tries.triedCredentials)
        return tries.deployment.state.with {
            $0.credential(weights: weights, seed: seed, at: now, tokens: tokens, without: tried)
        }
    }

    // MARK: What is sent

    /// What one deployment is asked.
    struct PreparedTry {
        var provider: ProviderRuntime
        var model: String
        var body: ByteBuffer
        var translation: TurnTranslation?
        var reserved: NanoUSD
    }

    /// Says the request for the deployment that the plan names. Nil when it cannot be said there. Changes nothing that the answer at
    /// hand still needs.
    func prepare(_ tries: TurnTries, _ turn: Turn) -> PreparedTry? {
        let deployment = tries.deployment
        guard let request, let endpoint = target.endpoint,
            let dialect = deployment.dialect(for: endpoint)
        else { return nil }
        let kept = (body, splices, injectsUsage, translation, provider)
        defer { (body, splices, injectsUsage, translation, provider) = kept }
        body = tries.body
        translation = nil
        provider = deployment.provider
        if dialect != endpoint.dialect {
            do throws(GatewayError) { try translate(endpoint, to: dialect, model: deployment.model) } catch { return nil }
        }
        let reserved = worstCost(request, provider: deployment.provider, model: deployment.model)
        return PreparedTry(
            provider: deployment.provider, model: deployment.model, body: body, translation: translation, reserved: reserved)
    }

    func adopt(_ prepared: PreparedTry, _ tries: TurnTries, _ turn: Turn) {
        provider = prepared.provider
        body = prepared.body
        translation = prepared.translation
        splices = []
        injectsUsage = false
        turn.setDeployment(provider: prepared.provider.provider.name, model: prepared.model)
        turn.record.reserved = tries.spent + prepared.reserved
        turn.record.flags.subtract([.translated, .dropped])
        if let translation {
            turn.record.flags.insert(.translated)
            if !translation.dropped.isEmpty { turn.record.flags.insert(.dropped) }
        } else if let request {
            spliceBody(request, turn.record, prepared.provider)
        }
        tries.triedCredentials = []
        tries.credential = freeCredential(tries, at: loop.shared.clock.now()) ?? 0
    }

    /// The same deployment is asked the same once more.
    private func prepareBody(_ tries: TurnTries) {
        guard let turn, let prepared = prepare(tries, turn) else { return }
        let credentials = (tries.credential, tries.triedCredentials)
        adopt(prepared, tries, turn)
        (tries.credential, tries.triedCredentials) = credentials
    }
}

extension [UpstreamTry] {
    /// What the last try failed of.
    var lastError: String? {
        get { last?.error }
        set { if !isEmpty { self[count - 1].error = newValue } }
    }
}
