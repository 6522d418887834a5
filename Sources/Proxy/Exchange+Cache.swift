// Exchange+Cache: a turn whose route or key asks for the exact response cache. It is looked for once it is known who asks, for what, and
// that it may be asked; a hit is journaled and settled like any turn, costs nothing, and asks no provider for anything.

import Crypto
import Dialects
import GatewayModel
import Journal
import NIOCore
import Policy
import Providers
import WireFormat

/// What an exchange knows of the cache. Nil on one that neither reads nor keeps answers.
final class TurnCaching {
    let rule: CacheRule
    /// Begun with the tenant and the request; the deployment or the route comes when it is chosen.
    fileprivate var hash: SHA256
    fileprivate var key: CacheKey?
    /// The caller wants a new answer, which takes the place of the old.
    let refreshes: Bool
    var hit: CachedResponse?
    /// What the client got so far; nil once it is too much, or of no use.
    private var recorded: [UInt8]? = []
    private let bytesMax: Int

    init(_ rule: CacheRule, _ hash: SHA256, refreshes: Bool, bytesMax: Int) {
        self.rule = rule
        self.hash = hash
        self.refreshes = refreshes
        self.bytesMax = bytesMax
    }

    /// Bytes that go to the client, out of their framing.
    func record(_ bytes: UnsafeRawBufferPointer) {
        guard hit == nil, let count = recorded?.count else { return }
        guard count + bytes.count <= bytesMax else {
            recorded = nil
            return
        }
        recorded?.append(contentsOf: bytes)
    }

    /// Another try begins.
    func restart() { recorded = [] }

    fileprivate func takeRecorded() -> [UInt8]? { recorded.take() }
}

extension Exchange {
    /// What is kept and looked for of this request, if anything. The body is the client's own.
    func cachingRule(_ endpoint: Endpoint, _ request: RequestHead, _ key: VirtualKey) -> TurnCaching? {
        guard endpoint.isMetered, let asked = request.model,
            let rule = CacheRule.inForce(route: snapshot.routes[asked]?.route.cache, keySeconds: key.cacheSeconds),
            request.previousResponseID == nil, !request.isBackground
        else { return nil }
        let wish = head.fields.string("x-weir-cache")?.lowercased()
        guard wish != "bypass" else { return nil }
        let canonical = body.withUnsafeReadableBytes { CanonicalBody(endpoint, body: $0) }
        guard !canonical.isStateful, !canonical.hasTools || rule.keepsTools else { return nil }
        var hash = SHA256()
        for part in rule.scope.owner(key.principal) { hash.add(part) }
        hash.add(endpoint.rawValue)
        hash.add(endpoint.dialect == .gemini ? splitQueryKey(head.query).rest : head.query)
        hash.add(asked)
        hash.addSteering(head.fields)
        if snapshot.steersSimulation {
            for field in head.fields.list where head.fields.nameString(field).hasPrefix("x-sim-") {
                hash.add(head.fields.nameString(field) + "=" + (head.fields.valueString(field) ?? ""))
            }
        }
        canonical.bytes.withUnsafeBytes { hash.update(bufferPointer: $0) }
        return TurnCaching(
            rule, hash, refreshes: wish == "refresh", bytesMax: snapshot.limits.responseCacheEntryBytesMax)
    }

    /// Looks for an answer, now that it is known who would serve. A route's answer may come from any deployment that this turn could go
    /// to, and from no other.
    func lookInCache(_ caching: TurnCaching) {
        guard let turn else { return }
        let route = tries?.route.route.name ?? ""
        caching.hash.add(route.isEmpty ? turn.deployment : "route " + route)
        let key = CacheKey(caching.hash)
        caching.key = key
        self.caching = caching
        if !caching.refreshes,
            let found = loop.shared.cache.find(key, seconds: caching.rule.seconds, at: received),
            route.isEmpty || tries?.mayBeAsked(found.turn.deployment) == true
        {
            caching.hit = found
        } else {
            loop.shared.cache.countMiss()
        }
    }

    /// Whether the turn has its answer and needs no provider.
    var hasCachedAnswer: Bool { caching?.hit != nil }

    /// Keeps the answer of a turn that ended well. `record` is complete.
    func keepAnswer(_ caching: TurnCaching, _ record: TurnRecord) {
        guard caching.hit == nil, let key = caching.key, let head = response.head, head.status == 200, record.status == 200,
            record.errorClass == nil, record.flags.isDisjoint(with: [.truncated, .cancelled, .estimated, .inconsistent]),
            reroutedBy.isEmpty, let reading = meter?.reading, !reading.isPending, reading.isComplete || !record.stream,
            record.usageSource == .provider || reading.isComplete, !isCutShort(record), let body = caching.takeRecorded(), !body.isEmpty
        else { return }
        let type = translation?.contentType ?? head.fields.string("content-type") ?? "application/json"
        let answer = CachedResponse(
            body: body, contentType: type, dropped: translation?.dropped ?? [], turn: record, route: tries?.route.route.name ?? "",
            stored: record.lastByte ?? loop.shared.clock.now())
        loop.shared.cache.keep(
            key, answer, seconds: caching.rule.seconds, bytesMax: snapshot.limits.responseCacheBytesMax)
    }

    /// Its length ended it, and the client itself set none.
    private func isCutShort(_ record: TurnRecord) -> Bool {
        guard request?.maxOutputTokens == nil else { return false }
        return ["length", "max_tokens", "MAX_TOKENS", "max_output_tokens", "incomplete"].contains(record.finishReason ?? "")
    }

    // MARK: A hit

    /// Answers from the cache: the turn is reserved and settled at nothing, then its bytes go out.
    func answerFromCache(_ hit: CachedResponse) throws(GatewayError) {
        guard let turn else { return }
        let now = loop.shared.clock.now()
        describe(hit, turn, at: now)
        let position: JournalPosition
        do {
            position = try loop.shared.journal.turnReserved(at: turn.place, opening: &turn.opening)
        } catch {
            loop.shared.metrics.journalFailures.increment()
            throw .journalUnavailable
        }
        isReserved = true
        phase = .waiting
        deadline = .distantFuture
        if digests != nil { hit.body.withUnsafeBytes { digests?.addOut($0) } }
        response.bytesOut = Int64(hit.body.count)
        let settled = settleCached() ?? position
        loop.shared.cache.countHit(saved: turn.record.cached.first?.saved)
        afterSync(settled) { exchange, _ in
            guard exchange.phase == .waiting, let client = exchange.client else { return }
            let staysOpen = exchange.head.keepsAlive && !exchange.loop.isDraining
            client.sink.send(exchange.cachedBytes(hit, keepsAlive: staysOpen))
            client.sink.flush()
            exchange.finishRelay(keepsAlive: staysOpen)
        }
    }

    private func describe(_ hit: CachedResponse, _ turn: Turn, at now: Timestamp) {
        let kept = hit.turn
        turn.setDeployment(provider: kept.provider, model: kept.model)
        var saved: NanoUSD?
        if let maker = snapshot.providers.first(where: { $0.provider.name == kept.provider }),
            case .priced(let cost, _) = loop.price(kept.usage, maker, model: kept.model, kept.qualifiers, at: received, snapshot)
        {
            saved = cost
        }
        turn.record.cached = [
            CachedAnswer(from: kept.requestID, ageSeconds: max(0, now.seconds - hit.stored.seconds), saved: saved)
        ]
        turn.record.flags.subtract([.translated, .dropped])
        turn.record.flags.formUnion(kept.flags.intersection([.translated, .dropped]))
        turn.record.flags.insert(.cached)
        turn.record.reserved = .zero
        turn.record.status = 200
        turn.record.modelServed = kept.modelServed
        turn.record.finishReason = kept.finishReason
        turn.record.toolCalls = kept.toolCalls
        turn.record.qualifiers = UsageQualifiers()
        turn.record.firstByte = now
        turn.record.overheadMicroseconds = (now.nanoseconds - received.nanoseconds) / 1000
    }

    /// The whole answer. A stream's events go out as they were recorded, framed anew.
    private func cachedBytes(_ hit: CachedResponse, keepsAlive: Bool) -> ByteBuffer {
        let isStream = turn?.record.stream == true
        let id = requestID.description
        var fields = [
            "Content-Type: \(hit.contentType)", "x-weir-request-id: \(id)", "request-id: \(id)", "x-request-id: \(id)",
            "x-weir-deployment: \(turn?.deployment ?? "")", "x-weir-overhead-us: \(turn?.record.overheadMicroseconds ?? 0)",
            "x-weir-cache: hit", "Age: \(turn?.record.cached.first?.ageSeconds ?? 0)",
        ]
        if let route = tries?.route.route.name, !route.isEmpty { fields.append("x-weir-route: \(route)") }
        if !hit.dropped.isEmpty { fields.append("x-weir-dropped: \(hit.dropped.joined(separator: ", "))") }
        if target.endpoint?.dialect.isBedrock == true { fields.append("x-amzn-requestid: \(id)") }
        if !isStream { fields.append("x-weir-cost-nano-usd: 0") }
        if !keepsAlive { fields.append("Connection: close") }
        fields.append(isStream ? "Transfer-Encoding: chunked" : "Content-Length: \(hit.body.count)")
        let limitFields = limits?.fields ?? []
        var buffer = loop.allocator.buffer(capacity: hit.body.count + limitFields.count + 768)
        buffer.writeString("HTTP/1.1 200 OK\r\n")
        for field in fields {
            // Names of models and routes are an operator's own; none may end a line.
            buffer.writeBytes(field.utf8.lazy.map { $0 < 32 || $0 >= 127 ? 95 : $0 })
            buffer.writeStaticString("\r\n")
        }
        buffer.writeBytes(limitFields)
        buffer.writeStaticString("\r\n")
        if isStream {
            buffer.writeString("\(String(hit.body.count, radix: 16))\r\n")
            buffer.writeBytes(hit.body)
            buffer.writeStaticString("\r\n0\r\n\r\n")
        } else {
            buffer.writeBytes(hit.body)
        }
        return buffer
    }
}

extension HTTPFields {
    /// Whether a provider reads the field beside the body.
    fileprivate func isSteering(_ field: Field) -> Bool {
        isNamed(field, "anthropic-version") || isNamed(field, "anthropic-beta")
            || withName(field) { equalsIgnoringCase(UnsafeRawBufferPointer(rebasing: $0.prefix(7)), "openai-") }
    }
}

extension SHA256 {
    /// Adds what a provider reads beside the body, each field as often as it came: two of one name are a list, in their order. In which
    /// order different names came means nothing.
    fileprivate mutating func addSteering(_ fields: HTTPFields) {
        let steering = fields.list.filter { fields.isSteering($0) }
        add(String(steering.count))
        let named = Dictionary(grouping: steering) { fields.nameString($0) }
        for (name, occurrences) in named.sorted(by: { $0.key < $1.key }) {
            for field in occurrences {
                add(name)
                // Bytes: what is not UTF-8 is different all the same.
                fields.withValue(field) { add($0) }
            }
        }
    }

    private mutating func add(_ bytes: UnsafeRawBufferPointer) {
        withUnsafeBytes(of: UInt64(bytes.count).littleEndian) { update(bufferPointer: $0) }
        update(bufferPointer: bytes)
    }

    /// Adds a text with its length, so that no two lists of texts run together.
    fileprivate mutating func add(_ text: String) {
        var text = text
        withUnsafeBytes(of: UInt64(text.utf8.count).littleEndian) { update(bufferPointer: $0) }
        text.withUTF8 { update(bufferPointer: UnsafeRawBufferPointer($0)) }
    }
}

extension TurnTries {
    /// Whether the present turn could go to a deployment of its route.
    func mayBeAsked(_ deployment: String) -> Bool {
        plan.candidates.contains { route.deployments[$0].name == deployment }
    }
}
