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
            key = try authenticate(head.fields, snapshot: snapshot, at: received)
            guard let key else { throw .missingKey }
            guard let client else { return }
            try KeyAccess.check(key: key, at: received, peer: client.peer, endpoint: endpoint)
            if endpoint == .responses, head.method == "GET" {
                throw head.wantsUpgrade
                    ? .webSocketNotSupported
                    : .methodNotAllowed(method: head.method, path: head.path, allowed: "POST")
            }
            if let encoding = head.fields.string("content-encoding"), encoding.lowercased() != "identity" {
                throw .unsupportedContentEncoding(encoding)
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
                if target.id != nil {
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

    private func admitByModel(_ endpoint: Endpoint) throws(GatewayError) {
        guard let key else { throw .missingKey }
        if head.framing == .none { throw .lengthRequired }
        let request = try body.withUnsafeReadableBytesTyped { bytes throws(GatewayError) in
            try readRequest(endpoint, body: bytes, depthMax: snapshot.limits.jsonDepthMax)
        }
        self.request = request
        let asked = request.model ?? ""
        var attribution = body.withUnsafeReadableBytes {
            AttributionReader.read(fields: head.fields, request: request, body: $0, key: key)
        }
        var record = TurnRecord(
            requestID: requestID, principal: key.principal, attribution: attribution, endpoint: endpoint,
            modelAsked: asked, received: received)
        record.stream = request.stream
        record.snapshotVersion = snapshot.version
        record.bytesIn = Int64(body.readableBytes)
        record.bodyHash = request.openerHash
        // From here on a refusal is journaled with its labels.
        self.record = record

        let route = try snapshot.models.resolve(asked, dialect: endpoint.dialect)
        let provider = snapshot.providers[route.providerIndex]
        self.provider = provider
        try KeyAccess.checkModel(key, asked: asked, provider: provider.provider.name, model: route.model)
        try KeyAccess.checkRepository(key, repository: attribution.repository?.value)
        // A session that was named and is no session stays unattributed: a guess would hide the client's fault.
        if attribution.session == nil, endpoint.isMetered, head.fields.first("x-weir-session") == nil {
            attribution.session = loop.shared.sessions.infer(
                keyID: key.id, opener: request.openerHash, at: received)
        }
        try checkRequiredLabels(attribution)

        if route.model != asked, let splice = modelSplice(request, route.model) { splices.append(splice) }
        if let usageSplice = request.usageSplice, endpoint.isMetered {
            splices.append(usageSplice)
            injectsUsage = true
        }
        if let range = request.clientMetadata, provider.provider.kind != .openAI {
            splices += body.withUnsafeReadableBytes { codexMetadataSplices($0, clientMetadata: range) }
        }
        splices.sort { $0.offset < $1.offset }

        record.attribution = attribution
        record.provider = provider.provider.name
        record.model = route.model
        if attribution.session?.source == .inferred { record.flags.insert(.sessionInferred) }
        record.qualifiers.serviceTier = request.serviceTier
        record.reserved = worstCost(request, provider: provider.provider, model: route.model)
        self.record = record
        if snapshot.policy.keepsDigests {
            digests = BodyDigests()
            body.withUnsafeReadableBytes { digests?.addIn($0) }
        }
        if let previous = request.previousResponseID {
            findOwner(of: previous) { exchange, owner throws(GatewayError) in
                // Continuing somebody else's stored response would read it.
                if let owner, !owner.isOwned(by: key.principal) { throw .unknownResponse(id: previous) }
                try exchange.reserve(endpoint)
            }
            return
        }
        try reserve(endpoint)
    }

    /// Reads and cancels of a stored response go where it was made, and only for whom it was made.
    private func admitByOwner(_ endpoint: Endpoint, _ owner: ResponseOwner?) throws(GatewayError) {
        guard let key, let owner, owner.isOwned(by: key.principal),
            let provider = snapshot.providers.first(where: { $0.provider.name == owner.provider })
        else { throw .unknownResponse(id: target.id ?? "") }
        self.provider = provider
        acquireUpstream(fresh: false)
    }

    private func reserve(_ endpoint: Endpoint) throws(GatewayError) {
        guard endpoint.isMetered, let record else {
            acquireUpstream(fresh: false)
            return
        }
        let position: JournalPosition
        do {
            position = try loop.shared.journal.turnReserved(record)
        } catch {
            loop.shared.metrics.journalFailures.increment()
            throw .journalUnavailable
        }
        isReserved = true
        phase = .waiting
        afterSync(position) { exchange, isSafe in
            guard exchange.phase == .waiting else { return }
            if isSafe { exchange.acquireUpstream(fresh: false) } else { exchange.fail(.journalUnavailable) }
        }
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

    /// The most that this turn can cost: every byte of the body a token (byte-level BPE makes no more), and all the output
    /// that was asked for.
    private func worstCost(_ request: RequestHead, provider: Provider, model: String) -> NanoUSD {
        var usage = TokenUsage()
        usage.input = Int64(body.readableBytes)
        let (output, overflow) = (request.maxOutputTokens ?? Self.outputTokensUnlessSaid)
            .multipliedReportingOverflow(by: max(1, request.choiceCount))
        usage.output = overflow ? .max / 4 : max(0, output)
        var qualifiers = UsageQualifiers()
        qualifiers.serviceTier = request.serviceTier == "auto" || request.serviceTier == "default" ? nil : request.serviceTier
        let result = snapshot.prices.price(
            usage: usage, provider: provider.priceProvider(of: model), model: model, qualifiers: qualifiers,
            at: received)
        if case .priced(let cost, _) = result { return cost }
        return .zero
    }

    /// What a model may write when the request sets no limit.
    private static var outputTokensUnlessSaid: Int64 { 32_768 }

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

    // MARK: Models

    /// `/v1/models` in the shape that the caller's SDK reads: Anthropic's when it says `anthropic-version`.
    private func answerModels() throws(GatewayError) {
        guard let key else { throw .missingKey }
        let listed = snapshot.listedModels(for: key)
        let isAnthropic = head.fields.first("anthropic-version") != nil
        if let id = target.id {
            guard let model = listed.first(where: { $0.id == id }) else { throw .unknownModel(model: id, suggestions: []) }
            sendLocal(200, [("Content-Type", "application/json")], modelJSON(model, isAnthropic: isAnthropic))
        } else {
            sendLocal(200, [("Content-Type", "application/json")], modelListJSON(listed, isAnthropic: isAnthropic))
        }
    }
}
