// Exchange: the life of one request, from its head to its settlement. This file holds what it knows and the order of its
// phases; admission, the upstream request, the response and the settlement have files of their own.

import Dialects
import GatewayModel
import Journal
import NIOCore
import Policy
import WireFormat

/// A turn's record while it is being made. It has a place of its own, where its fifty members are changed and from where the journal
/// writes them: a copy of them costs more than most of what is done to them. Touched only on its connection's loop.
final class Turn {
    let place = UnsafeMutablePointer<TurnRecord>.allocate(capacity: 1)
    /// What its records begin with, once the first is written.
    @exclusivity(unchecked) var opening = TurnOpening()
    /// What finance sees as the deployment, put together once a try.
    var deployment: String

    init(_ record: consuming TurnRecord, deployment: String) {
        self.deployment = deployment
        place.initialize(to: record)
    }

    /// Another deployment serves the turn than was chosen first.
    func setDeployment(provider: String, model: String) {
        place.pointee.provider = provider
        place.pointee.model = model
        deployment = place.pointee.deployment
    }

    deinit {
        place.deinitialize(count: 1)
        place.deallocate()
    }

    var record: TurnRecord {
        _read { yield place.pointee }
        _modify { yield &place.pointee }
    }
}

/// One request and its response. Touched only on its connection's loop.
final class Exchange {
    enum Phase {
        /// The body is arriving.
        case receiving
        /// An `OriginHandler` is at it.
        case answering
        /// Admitted, waiting for an upstream connection.
        case waiting
        /// Sent upstream; the response head is not here.
        case sent
        /// The response is passing.
        case relaying
        case finished
    }

    let loop: LoopContext
    /// Where it stands among the loop's exchanges; -1 once it is finished.
    var place = -1
    /// The snapshot that was in force when the request began.
    let snapshot: GatewaySnapshot
    let head: HTTPRequestHead
    /// What was made of this head already.
    let knownHead: KnownHead
    let requestID: RequestID
    let received: Timestamp
    let target: RouteTarget
    /// Nil once the client has gone; the exchange may outlive it to drain its upstream.
    private(set) var client: ClientConnection?

    var phase = Phase.receiving
    var refusal: GatewayError?
    var key: KnownKey?
    /// What is wrong with the key where that is for a handler to answer.
    var keyError: GatewayError?
    /// The caller signed the request as AWS SDKs do; the key is known once the body is here.
    var signature: ClientSignature?
    var body = ByteBuffer()
    var request: RequestHead?
    /// What is changed in the body on its way, sorted by offset.
    var splices: [Splice] = []
    /// Weir asked for the usage event, so the client must not see it.
    var injectsUsage = false
    var provider: ProviderRuntime?
    /// The deployments of its route; nil where there is nothing to choose.
    var tries: TurnTries?
    /// The pool that it waits for; who waits for it no longer leaves its queue.
    var awaited: UpstreamPool? { didSet { if isQueued { oldValue?.leaveQueue(self) } } }
    /// It stands in that pool's queue.
    var isQueued = false
    /// Client and deployment speak different dialects.
    var translation: TurnTranslation?
    /// What will be journaled; nil until the request is attributed.
    var turn: Turn?
    var isReserved = false
    /// What it holds of its budgets and limits; nil where none holds for it.
    var limits: TurnLimits?
    /// Since it waits for a rate or a place.
    var limitWait: LimitWait?
    /// Counts waits for a provider's token, so that one that was given up is known when it ends.
    var tokenWait: UInt32 = 0
    /// The turn's session, where sessions are watched for agents that run away.
    var watched: RunawayTurn?
    /// The limits that sent it to another model.
    var reroutedBy: [LimitTrace] = []

    var upstream: UpstreamConnection?
    var upstreamIsReused = false
    var retriedStaleConnection = false
    /// A kept connection that breaks before this was dead when it was taken; later, its server may have begun to work.
    var staleUntil = NIODeadline.uptimeNanoseconds(0)
    var tryStarted: Timestamp
    /// What of the request has still to be written upstream.
    var unsent = ByteBuffer()
    @exclusivity(unchecked) var response = ResponseRelay()
    /// Beside `response`, since they are called while it changes. See decision 0005.
    @exclusivity(unchecked) var chunks = ChunkedReader()
    @exclusivity(unchecked) var meter: ResponseMeter?
    var deadline = NIODeadline.distantFuture
    /// How often time limits were looked at since the provider last sent something: asking the clock for each chunk would be a
    /// share of the chunk's whole cost.
    var sweepsSinceRead = 0
    /// Since when the client has taken nothing.
    var blockedSince: NIODeadline?
    var isDraining = false
    var digests: BodyDigests?
    /// Its answer may be given from what is kept, or be kept; nil where neither its route nor its key asks for that.
    var caching: TurnCaching?
    /// The session of a turn that is about to be translated, before its record is whole.
    var sessionLabel: Label?
    /// Its prompt's, where prompt caches are watched.
    var outline: PromptOutline?

    init(head: HTTPRequestHead, known: KnownHead, client: ClientConnection, loop: LoopContext) {
        self.head = head
        knownHead = known
        self.client = client
        self.loop = loop
        snapshot = loop.snapshot
        received = loop.shared.clock.now()
        tryStarted = received
        requestID = loop.makeRequestID(at: received)
        target = known.target
        loop.add(self)
    }

    var keyID: String? { key?.value.id }
    var isRefused: Bool { refusal != nil }
    func isWaiting(for pool: UpstreamPool) -> Bool { phase == .waiting && awaited === pool }
    var clientKind: ClientKind { ClientKind(fields: head.fields) }

    // MARK: The request arrives

    /// Checks what the head alone decides. A refusal waits until the body has been read past, unless it must not be read.
    func headArrived() {
        loop.shared.metrics.requests.increment()
        do throws(GatewayError) {
            try checkHead()
        } catch {
            refuse(error)
        }
    }

    func takeBody(_ buffer: ByteBuffer) {
        guard !isRefused else { return }
        body = buffer
    }

    func appendBody(_ pending: inout ByteBuffer, count: Int, expected: Int) {
        guard !isRefused else {
            pending.moveReaderIndex(forwardBy: count)
            return
        }
        if body.capacity == 0 { body = loop.allocator.buffer(capacity: min(expected, snapshot.limits.requestBodyBytesMax)) }
        if var slice = pending.readSlice(length: count) { body.writeBuffer(&slice) }
    }

    /// Takes what is there of a body whose first bytes are here. Gives how many bytes that were.
    func receiveBody(from socket: SocketSink, atMost count: Int) -> Int {
        isRefused || body.readableBytes == 0 ? 0 : socket.receive(into: &body, atMost: count)
    }

    func appendBody(_ slice: UnsafeRawBufferPointer) {
        guard !isRefused else { return }
        body.writeBytes(slice)
    }

    func bodyArrived() {
        if let refusal {
            answer(refusal)
            return
        }
        admit()
    }

    /// Remembers the first reason to refuse.
    func refuse(_ error: GatewayError) {
        if refusal == nil { refusal = error }
    }

    /// Answers a refusal whose body will not be read.
    func answerWithoutBody() {
        guard let refusal else { return }
        answer(refusal, keepsAlive: false)
    }

    /// Sends a refusal in the caller's dialect and ends the exchange.
    func answer(_ error: GatewayError, keepsAlive: Bool = true) {
        let reply = errorReply(
            error, endpoint: target.endpoint, client: clientKind, requestID: requestID)
        recordRefusal(error, status: reply.status)
        loop.shared.metrics.refusals.increment()
        sendLocal(reply.status, reply.headers, reply.body, keepsAlive: keepsAlive && reply.status != 413)
    }

    /// The status of the answer that this error becomes.
    func replyStatus(_ error: GatewayError) -> Int {
        errorReply(error, endpoint: target.endpoint, client: clientKind, requestID: requestID).status
    }

    /// Sends an answer that Weir itself makes.
    func sendLocal(_ status: Int, _ headers: [(String, String)], _ body: [UInt8], keepsAlive: Bool = true) {
        let staysOpen = keepsAlive && head.keepsAlive && !loop.isDraining
        let answer = LocalAnswer(status: status, headers: headers, body: body)
        finish()
        client?.sink.send(answer.bytes(requestID: requestID, method: head.method, keepsAlive: staysOpen, loop.allocator))
        client?.exchangeFinished(self, keepsAlive: staysOpen)
        client = nil
    }

    // MARK: The client

    func clientWritabilityChanged() {
        guard let upstream, let client else { return }
        if client.sink.isWritable {
            blockedSince = nil
            upstream.setReading(true)
        }
    }

    /// The client's connection is gone.
    func clientClosed() {
        client = nil
        if tries?.parked != nil { endHedge() }
        switch phase {
        case .finished: return
        case .receiving: finish()
        case .answering: break
        case .waiting:
            settleUnsent(status: 499, errorClass: "client_closed", extra: .cancelled)
            finish()
        case .sent, .relaying:
            hangUp()
        }
    }

    /// The client has gone in the middle: read on when the provider bills in full anyway, else stop it.
    func hangUp() {
        blockedSince = nil
        if target.endpoint?.isMetered == true, provider?.provider.hangUp == .drain, loop.beginDrain() {
            isDraining = true
            turn?.record.flags.insert([.cancelled, .drained])
            response.heldBody = ByteBuffer()
            upstream?.setReading(true)
            return
        }
        turn?.record.flags.insert(.cancelled)
        settleCut(errorClass: "client_closed", status: 499)
        closeUpstream()
        finish()
    }

    /// Ends this turn now, whoever is to blame, and settles it with what was seen.
    func cut(_ error: GatewayError) {
        if tries?.parked != nil { endHedge() }
        let held = client
        client = nil
        switch phase {
        case .finished: return
        case .receiving:
            client = held
            refuse(error)
            return
        case .answering:
            client = held
            answer(error, keepsAlive: false)
            return
        case .waiting:
            client = held
            settleUnsent(status: 0, errorClass: error.code, extra: [])
            answer(error, keepsAlive: false)
            return
        case .sent where held != nil && !response.hasStarted:
            settleCut(errorClass: error.code, status: replyStatus(error))
            closeUpstream()
            client = held
            answer(error, keepsAlive: false)
            return
        case .sent, .relaying:
            settleCut(errorClass: error.code, status: 499)
            closeUpstream()
            finish()
        }
        held?.close()
    }

    func checkDeadline(_ now: NIODeadline) {
        if let blockedSince, blockedSince + .seconds(Int64(snapshot.limits.slowReaderSeconds)) < now {
            client?.close()
            return
        }
        if phase == .relaying {
            if tries?.headHeldUntil.map({ $0 <= now }) ?? false { releaseHead() }
            sweepsSinceRead += 1
            guard sweepsSinceRead <= snapshot.limits.streamIdleSeconds * LoopContext.sweepsPerSecond else {
                sweepsSinceRead = 0
                timedOut()
                return
            }
        }
        guard now > deadline else { return }
        deadline = .distantFuture
        timedOut()
    }

    /// Forgets the exchange. Its turn is settled or needs no settlement.
    func finish() {
        if phase == .waiting, let held = upstream {
            // The journal was waited for, and nothing has gone out.
            upstream = nil
            held.release(reusable: true)
        }
        phase = .finished
        deadline = .distantFuture
        if isQueued { awaited = nil }
        // A connection or a token may still be fetched for it, and keeps it until it comes.
        if body.readableBytes > 0 { body = ByteBuffer() }
        if let tries {
            if tries.body.readableBytes > 0 { tries.body = ByteBuffer() }
            if tries.parked != nil { loseParked() }
            tries.end()
        }
        if limits != nil { voidLimits() }
        if limitWait != nil { leaveLimitQueue() }
        if isDraining {
            isDraining = false
            loop.endDrain()
        }
        loop.remove(self)
    }

    /// The relay's last act: the client may send its next request.
    func finishRelay(keepsAlive: Bool) {
        let held = client
        client = nil
        finish()
        held?.exchangeFinished(self, keepsAlive: keepsAlive)
    }

    func closeUpstream() {
        let held = upstream
        upstream = nil
        held?.release(reusable: false)
    }

    /// Runs the next step once the journal's bytes are as durable as the operator asked for (true), or cannot become so (false).
    func afterSync(_ position: JournalPosition, _ next: @escaping (Exchange, _ isSafe: Bool) -> Void) {
        guard snapshot.policy.waitsForSync else {
            next(self, true)
            return
        }
        let bound = NIOLoopBound((self, next), eventLoop: loop.eventLoop)
        let eventLoop = loop.eventLoop
        loop.shared.journal.whenSynced(position) { isSafe in
            eventLoop.execute { bound.value.1(bound.value.0, isSafe) }
        }
    }
}
