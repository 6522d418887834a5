// Exchange+Admission: who is calling, what for, and whether that may happen. Everything is decided from the one parsed head
// and the one scanned body, before anything goes upstream.

import Dialects
import GatewayModel
import Journal
import NIOCore
import Policy
import Providers
import WireFormat

extension Exchange {
    /// What the head alone decides.
    func checkHead() throws(GatewayError) {
        switch target.kind {
        case .health: return
        case .origin(let place): try checkOrigin(place.route)
        case .unknown: throw .unknownPath(method: head.method, path: head.path)
        case .wrongMethod(let allowed):
            throw .methodNotAllowed(method: head.method, path: head.path, allowed: allowed)
        case .gateway(let endpoint):
            if endpoint.dialect.isBedrock { signature = try ClientSignature(head.fields, snapshot: snapshot) }
            if signature == nil {
                let key: KnownKey
                if let known = client?.knownKey, known === knownHead.key, known.isGood(at: received) {
                    key = known
                } else {
                    let queryKey = endpoint.dialect == .gemini || endpoint == .models ? splitQueryKey(head.query).key : nil
                    key = try authenticate(
                        head.fields, queryKey: queryKey, snapshot: snapshot, at: received, known: client?.knownKey)
                }
                self.key = key
                client?.knownKey = key
                knownHead.key = key
                guard let client else { return }
                if key.hasConditions {
                    try KeyAccess.check(key: key.value, at: received, peer: client.peer, endpoint: endpoint)
                }
            }
            if endpoint == .responses, head.method == "GET" {
                throw head.wantsUpgrade
                    ? .webSocketNotSupported
                    : .methodNotAllowed(method: head.method, path: head.path, allowed: "POST")
            }
            if !knownHead.isPlain {
                if let encoding = head.fields.string("content-encoding"), encoding.lowercased() != "identity" {
                    throw .unsupportedContentEncoding(encoding)
                }
                knownHead.isPlain = true
            }
            if loop.isDraining { throw .shuttingDown }
            if endpoint.isMetered, !loop.shared.journal.isAvailable { throw .journalUnavailable }
        }
    }

    /// The body is here: decide, journal the reservation, and ask for an upstream.
    func admit() {
        do throws(GatewayError) {
            switch target.kind {
            case .health: sendLocal(200, [("Content-Type", "application/json")], Array(#"{"status":"ok"}"#.utf8))
            case .origin(let place): try askOrigin(place)
            case .gateway(.models): try answerModels()
            case .gateway(let endpoint):
                if let signature { try admitSigned(signature, endpoint) }
                if target.id != nil, !endpoint.dialect.isBedrock {
                    findOwner { exchange, owner throws(GatewayError) in try exchange.admitByOwner(endpoint, owner) }
                } else {
                    try admitByModel(endpoint)
                }
            case .unknown, .wrongMethod: throw .unknownPath(method: head.method, path: head.path)
            }
        } catch {
            refuse(error)
            answer(error)
        }
    }

    /// Who signed the request, and whether that may be. Until here nobody knows who is calling, and nothing is journaled of it.
    private func admitSigned(_ signature: ClientSignature, _ endpoint: Endpoint) throws(GatewayError) {
        try signature.verify(head, body: body, snapshot: snapshot, at: received)
        key = KnownKey(signature.key, token: UnsafeRawBufferPointer(start: nil, count: 0), validUntil: nil)
        guard let client else { return }
        try KeyAccess.check(key: signature.key, at: received, peer: client.peer, endpoint: endpoint)
    }

    private func admitByModel(_ endpoint: Endpoint) throws(GatewayError) {
        guard let key else { throw .missingKey }
        if head.framing == .none { throw .lengthRequired }
        let body = body
        let request = try body.withUnsafeReadableBytes { bytes throws(GatewayError) in
            try readRequest(endpoint, model: target.model, body: bytes, depthMax: snapshot.limits.jsonDepthMax)
        }
        self.request = request
        var record = TurnRecord(
            requestID: requestID, principal: key.value.principal,
            attribution: readAttribution(request, key), endpoint: endpoint, modelAsked: request.model ?? "", received: received)
        record.stream = request.stream
        record.snapshotVersion = snapshot.version
        record.bytesIn = Int64(body.readableBytes)
        record.bodyHash = request.openerHash
        if snapshot.policy.watchesPrompts, endpoint.isMetered {
            outline = body.withUnsafeReadableBytes { readOutline(endpoint, body: $0) }
        }
        let caching = snapshot.keepsAnswers ? cachingRule(endpoint, request, key.value) : nil
        let provider: ProviderRuntime
        let deployment: String
        do throws(GatewayError) {
            (provider, deployment) = try choose(&record, request, key)
        } catch {
            // From here on a refusal is journaled with its labels.
            turn = Turn(consume record, deployment: "")
            throw error
        }

        if translation == nil { spliceBody(request, record, provider) }
        turn = Turn(consume record, deployment: deployment)
        if snapshot.policy.keepsDigests, translation == nil { digestBody() }
        if let previous = request.previousResponseID {
            findOwner(of: previous) { exchange, owner throws(GatewayError) in
                // Continuing somebody else's stored response would read it.
                if let owner, !owner.isOwned(by: key.value.principal) { throw .unknownResponse(id: previous) }
                if let owner { try exchange.pinToMaker(owner) }
                try exchange.reserveWithToken(endpoint)
            }
            return
        }
        if let caching { lookInCache(caching) }
        if hasCachedAnswer { try reserve(endpoint) } else { try reserveWithToken(endpoint) }
    }

    /// A provider whose credential is fetched is asked once there is one, which is nearly always at once.
    func reserveWithToken(_ endpoint: Endpoint) throws(GatewayError) {
        tokenWait &+= 1
        guard let provider, let token = provider.token, !token.isReady(at: received) else {
            try reserve(endpoint)
            return
        }
        phase = .waiting
        deadline = boundedByRoute(.now() + .seconds(Int64(snapshot.limits.connectSeconds) * 3))
        let bound = NIOLoopBound((self, provider.provider.name), eventLoop: loop.eventLoop)
        let (eventLoop, number) = (loop.eventLoop, tokenWait)
        Task {
            let reason = await token.wait()
            eventLoop.execute {
                let (exchange, name) = bound.value
                // A wait that was given up says nothing to the try that came after it.
                guard exchange.phase == .waiting, exchange.tokenWait == number else { return }
                if reason != nil, exchange.goesOnWithoutCredential() { return }
                do throws(GatewayError) {
                    if let reason { throw .upstreamConnectFailed(provider: name, reason: reason) }
                    try exchange.reserve(endpoint)
                } catch {
                    exchange.fail(error)
                }
            }
        }
    }

    private func readAttribution(_ request: RequestHead, _ key: KnownKey) -> Attribution {
        func read() -> Attribution {
            body.withUnsafeReadableBytes {
                AttributionReader.read(fields: head.fields, request: request, body: $0, boundRepository: key.value.repository)
            }
        }
        return request.saysAttribution ? read() : knownHead.attribution(key, read)
    }

    /// What is changed in a body whose provider is asked in the client's own dialect.
    func spliceBody(_ request: RequestHead, _ record: borrowing TurnRecord, _ provider: ProviderRuntime) {
        if provider.provider.traits.layout == .vertex, record.endpoint == .messages {
            if let splice = body.withUnsafeReadableBytes({ vertexSplice(request, body: $0) }) { splices.append(splice) }
        } else if record.model != record.modelAsked, let splice = modelSplice(request, record.model) {
            splices.append(splice)
        }
        if let usageSplice = request.usageSplice, record.endpoint.isMetered,
            !provider.provider.traits.refusedMembers.contains("stream_options")
        {
            splices.append(usageSplice)
            injectsUsage = true
        }
        if let range = request.clientMetadata, provider.provider.kind != .openAI {
            splices += body.withUnsafeReadableBytes { codexMetadataSplices($0, clientMetadata: range) }
        }
        if splices.count > 1 { splices.sort { $0.offset < $1.offset } }
    }

    private func digestBody() {
        digests = BodyDigests()
        body.withUnsafeReadableBytes { digests?.addIn($0) }
    }

    /// Decides which provider serves the request, and whether it may. What is decided goes into the record once all of it is.
    private func choose(
        _ record: inout TurnRecord, _ request: RequestHead, _ key: KnownKey
    ) throws(GatewayError) -> (provider: ProviderRuntime, deployment: String) {
        let asked = record.modelAsked
        let endpoint = record.endpoint
        let route = snapshot.routes.isEmpty ? nil : snapshot.routes[asked]
        var resolved: ResolvedModel?
        if route == nil {
            let snapshot = snapshot
            resolved = try knownHead.model(asked, key, snapshot) { () throws(GatewayError) in
                let found = try snapshot.models.resolve(
                    asked, dialect: endpoint.dialect,
                    translatingTo: endpoint.isTranslatable
                        ? translatableDialects(for: endpoint.dialect) : endpoint.countsTokens ? countingDialects : [])
                try KeyAccess.checkModel(
                    key.value, asked: asked, provider: snapshot.providers[found.providerIndex].provider.name, model: found.model)
                return found
            }
        }
        if key.value.repositoryEnforced {
            try KeyAccess.checkRepository(key.value, repository: record.attribution.repository?.value)
        }
        var inferred: Label?
        // A session that was named and is no session stays unattributed: a guess would hide the client's fault.
        if record.attribution.session == nil, record.endpoint.isMetered, head.fields.first("x-weir-session") == nil {
            inferred = loop.shared.sessions.infer(keyID: key.value.id, opener: request.openerHash, at: received)
        }
        if record.attribution.repository == nil, !snapshot.aliases.isEmpty {
            var attribution = record.attribution
            attribution.session = attribution.session ?? inferred
            record.attribution.repository = snapshot.aliases.label(attribution, record.principal)
        }
        if !snapshot.policy.requiredLabels.isEmpty {
            var attribution = record.attribution
            attribution.session = attribution.session ?? inferred
            try checkRequiredLabels(attribution)
        }
        if let inferred {
            record.attribution.session = inferred
            record.flags.insert(.sessionInferred)
        }
        var (provider, model, dialect) = try serving(route, resolved, &record, request, key)
        self.provider = provider
        record.qualifiers.serviceTier = request.serviceTier
        if dialect != endpoint.dialect {
            if snapshot.policy.keepsDigests { digestBody() }
            sessionLabel = record.attribution.session
            (provider, model, dialect) = try translateForOne(of: provider, model, dialect, endpoint)
        }
        record.provider = provider.provider.name
        record.model = model
        if dialect != endpoint.dialect {
            record.flags.insert(.translated)
            if translation?.dropped.isEmpty == false { record.flags.insert(.dropped) }
        }
        record.reserved = worstCost(request, provider: provider, model: model)
        if let resolved, resolved.model == model, snapshot.providers[resolved.providerIndex] === provider {
            return (provider, resolved.deployment)
        }
        return (provider, record.deployment)
    }

    /// Says the request for a deployment of another dialect; where that cannot be, for the next one of its route.
    private func translateForOne(
        of provider: ProviderRuntime, _ model: String, _ dialect: Dialect, _ endpoint: Endpoint
    ) throws(GatewayError) -> (provider: ProviderRuntime, model: String, dialect: Dialect) {
        var one = (provider: provider, model: model, dialect: dialect)
        while one.dialect != endpoint.dialect {
            do throws(GatewayError) {
                try translate(endpoint, to: one.dialect, model: one.model)
                return one
            } catch {
                guard let next = nextToSay(endpoint) else { throw error }
                one = next
                self.provider = next.provider
            }
        }
        return one
    }

    /// Who serves: by a route, or the only provider of the model.
    private func serving(
        _ route: RouteRuntime?, _ resolved: ResolvedModel?, _ record: inout TurnRecord, _ request: RequestHead, _ key: KnownKey
    ) throws(GatewayError) -> (provider: ProviderRuntime, model: String, dialect: Dialect) {
        if let route { return try choose(on: route, &record, request, key.value) }
        guard let resolved else { throw .noProvider }
        let provider = snapshot.providers[resolved.providerIndex]
        if provider.credentials.count > 1 { return try chooseCredential(of: provider, resolved, &record, request, key.value) }
        return (provider, resolved.model, resolved.dialect)
    }

    /// Reads and cancels of a stored response go where it was made, and only for whom it was made.
    private func admitByOwner(_ endpoint: Endpoint, _ owner: ResponseOwner?) throws(GatewayError) {
        guard let key, let owner, owner.isOwned(by: key.value.principal),
            let provider = snapshot.providers.first(where: { $0.provider.name == owner.provider })
        else { throw .unknownResponse(id: target.id ?? "") }
        self.provider = provider
        acquireUpstream(fresh: false)
    }

    func reserve(_ endpoint: Endpoint) throws(GatewayError) {
        guard endpoint.isMetered, let turn, let provider else {
            acquireUpstream(fresh: false)
            return
        }
        if let policy = snapshot.policy.runaway, try !passRunawayWatch(policy, endpoint) { return }
        if !snapshot.limitBook.isEmpty, try !takeLimits() { return }
        if let hit = caching?.hit { return try answerFromCache(hit) }
        // With a connection at hand the request goes out in this same step: one record says that it is reserved and sent.
        let warm = loop.pool(for: provider).takeWarm()
        if let warm { hold(warm, isReused: true) }
        let position: JournalPosition
        // The other of two tries is at its provider, whatever becomes of this one: recovery must know.
        let isHedge = tries?.parked != nil
        if isHedge { turn.record.flags.insert(.hedging) }
        defer { if isHedge { turn.record.flags.remove(.hedging) } }
        do {
            position = try loop.shared.journal.turnReserved(at: turn.place, opening: &turn.opening)
        } catch {
            turn.record.sent = nil
            upstream = nil
            warm?.release(reusable: true)
            loop.shared.metrics.journalFailures.increment()
            throw .journalUnavailable
        }
        isReserved = true
        phase = .waiting
        guard let warm else {
            afterSync(position) { exchange, isSafe in
                guard exchange.phase == .waiting else { return }
                if isSafe { exchange.acquireUpstream(fresh: false) } else { exchange.fail(.journalUnavailable) }
            }
            return
        }
        sendOnceSafe(position, on: warm)
    }

    private func checkRequiredLabels(_ attribution: Attribution) throws(GatewayError) {
        for label in snapshot.policy.requiredLabels {
            let value: Label? =
                switch label {
                case "repository": attribution.repository
                case "branch": attribution.branch
                case "session": attribution.session
                case "agent": attribution.agent
                default: Label("", .key)
                }
            if value == nil { throw .missingLabel(label) }
        }
    }

    /// Looks up who made the response that this request names: in memory, then in the ledger.
    private func findOwner(
        of id: String? = nil, _ next: @escaping (Exchange, ResponseOwner?) throws(GatewayError) -> Void
    ) {
        guard let id = id ?? target.id else { return }
        phase = .waiting
        let proceed: (Exchange, ResponseOwner?) -> Void = { exchange, owner in
            guard exchange.phase == .waiting else { return }
            do throws(GatewayError) {
                try next(exchange, owner)
            } catch {
                exchange.refuse(error)
                exchange.answer(error)
            }
        }
        if let owner = loop.shared.responses.owner(of: id) {
            proceed(self, owner)
            return
        }
        let bound = NIOLoopBound((self, proceed), eventLoop: loop.eventLoop)
        let eventLoop = loop.eventLoop
        let lookUp = loop.shared.responses.lookUp
        Task {
            let owner = await lookUp(id)
            eventLoop.execute { bound.value.1(bound.value.0, owner) }
        }
    }
}
