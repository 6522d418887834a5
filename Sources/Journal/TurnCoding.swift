// TurnCoding: a TurnRecord as the flat members of its journal record, and back. Absent members are defaults, so that an old
// journal stays readable.

package import GatewayModel
package import WireFormat

/// The members of a turn's record. Short names: every turn carries them.
private enum Member: String, CaseIterable {
    case id, key, ws, team, dev, sa
    case session, parent, affinity, agent, sub, repo, branch, commit, client, cver, project, cturn, tags
    case endpoint, stream, asked, provider, model, served, snap, price, tries, routing
    case usage, usrc = "usage_source", tier, speed, geo, raw, reserved, cost, flags
    case status, error, finish, tools, resp, upid
    case received, sent, first, last, overhead, bytesIn = "bytes_in", bytesOut = "bytes_out", digIn = "digest_in"
    case digOut = "digest_out", hash, limits, cached, prefix

    /// By the key's bytes: a turn has some forty members, and a String for each would cost more than all the rest.
    init?(_ key: UnsafeRawBufferPointer) {
        var index = Self.hash(key)
        while let found = Self.table[index] {
            if found.name.count == key.count, found.name.elementsEqual(key) {
                self = found.member
                return
            }
            index = (index + 1) % Self.tableCount
        }
        return nil
    }

    /// Whether a ledger's sums, labels and sessions need it.
    var isInSums: Bool {
        switch self {
        case .affinity, .commit, .cturn, .tags, .asked, .served, .snap, .price, .tries, .routing, .usrc, .tier,
            .speed, .geo,
            .raw, .reserved, .finish, .upid, .sent, .first, .overhead, .bytesIn, .bytesOut, .digIn, .digOut, .hash, .limits, .cached,
            .prefix:
            false
        default: true
        }
    }

    private static let tableCount = 256

    /// Open addressing: a name stands at its hash or behind.
    private static let table: [(member: Member, name: [UInt8])?] = {
        var table = [(member: Member, name: [UInt8])?](repeating: nil, count: tableCount)
        for one in allCases {
            let name = Array(one.rawValue.utf8)
            var index = name.withUnsafeBytes { hash($0) }
            while table[index] != nil { index = (index + 1) % tableCount }
            table[index] = (one, name)
        }
        return table
    }()

    private static func hash(_ key: UnsafeRawBufferPointer) -> Int {
        var hash: UInt32 = 2_166_136_261
        for byte in key { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
        return Int(hash >> 24) % tableCount
    }
}

/// What the records of one turn begin with: its id, who it is charged to, its labels, and what was asked for. None of that changes
/// once the turn is reserved, so the later record copies it.
package struct TurnOpening {
    /// With the comma before the first member.
    fileprivate var bytes: [UInt8] = []

    package init() {}
}

extension JSONWriter {
    /// Writes a turn's members into the record that has been begun.
    package mutating func turn(_ turn: TurnRecord) {
        withUnsafePointer(to: turn) { self.turn(at: $0) }
    }

    /// The same, member by member from where the turn lies: it is not copied.
    package mutating func turn(at turn: UnsafePointer<TurnRecord>) {
        opening(at: turn)
        rest(at: turn)
    }

    /// The same, with the turn's opening kept for its later record.
    package mutating func turn(at turn: UnsafePointer<TurnRecord>, opening: inout TurnOpening) {
        if opening.bytes.isEmpty {
            let start = count
            self.opening(at: turn)
            opening.bytes = bytes(from: start)
        } else {
            rawMembers(opening.bytes)
        }
        rest(at: turn)
    }

    private mutating func opening(at turn: UnsafePointer<TurnRecord>) {
        turn.pointee.requestID.withUTF8 { field("id", utf8: $0) }
        field("key", turn.pointee.principal.keyID)
        field("ws", turn.pointee.principal.workspace)
        field("team", turn.pointee.principal.team)
        field("dev", turn.pointee.principal.developer)
        field("sa", turn.pointee.principal.serviceAccount)
        labels(at: turn)
        field("endpoint", turn.pointee.endpoint.rawValue)
        if turn.pointee.stream { field("stream", true) }
        field("asked", turn.pointee.modelAsked)
    }

    private mutating func rest(at turn: UnsafePointer<TurnRecord>) {
        field("provider", turn.pointee.provider)
        field("model", turn.pointee.model)
        field("served", turn.pointee.modelServed)
        field("snap", turn.pointee.snapshotVersion)
        field("price", turn.pointee.priceVersion)
        if !turn.pointee.tries.isEmpty { tries(turn.pointee.tries) }
        if !turn.pointee.routing.isEmpty { routing(turn.pointee.routing) }
        if !turn.pointee.usage.isZero { usage(turn.pointee.usage) }
        field("usage_source", turn.pointee.usageSource.rawValue)
        field("tier", turn.pointee.qualifiers.serviceTier)
        field("speed", turn.pointee.qualifiers.speed)
        field("geo", turn.pointee.qualifiers.inferenceGeo)
        field("raw", turn.pointee.rawUsage)
        field("reserved", turn.pointee.reserved.value)
        field("cost", turn.pointee.cost.value)
        field("flags", turn.pointee.flags.rawValue)
        field("status", turn.pointee.status)
        field("error", turn.pointee.errorClass)
        field("finish", turn.pointee.finishReason)
        if turn.pointee.toolCalls > 0 { field("tools", turn.pointee.toolCalls) }
        field("resp", turn.pointee.responseID)
        field("upid", turn.pointee.upstreamRequestID)
        field("received", turn.pointee.received.nanoseconds)
        if let sent = turn.pointee.sent { field("sent", sent.nanoseconds) }
        if let first = turn.pointee.firstByte { field("first", first.nanoseconds) }
        if let last = turn.pointee.lastByte { field("last", last.nanoseconds) }
        field("overhead", turn.pointee.overheadMicroseconds)
        field("bytes_in", turn.pointee.bytesIn)
        field("bytes_out", turn.pointee.bytesOut)
        field("digest_in", turn.pointee.digestIn)
        field("digest_out", turn.pointee.digestOut)
        field("hash", Int64(bitPattern: turn.pointee.bodyHash))
        if !turn.pointee.limits.isEmpty { limits(turn.pointee.limits) }
        if !turn.pointee.cached.isEmpty { cached(turn.pointee.cached) }
        if !turn.pointee.prefix.isEmpty { prefix(turn.pointee.prefix) }
        ownLabels(at: turn)
    }

    private mutating func labels(at turn: UnsafePointer<TurnRecord>) {
        label("session", turn.pointee.attribution.session)
        label("parent", turn.pointee.attribution.parentSession)
        field("affinity", turn.pointee.attribution.affinity)
        label("agent", turn.pointee.attribution.agent)
        label("sub", turn.pointee.attribution.subAgent)
        label("repo", turn.pointee.attribution.repository)
        label("branch", turn.pointee.attribution.branch)
        label("commit", turn.pointee.attribution.commit)
        field("client", turn.pointee.attribution.client)
        field("cver", turn.pointee.attribution.clientVersion)
        field("project", turn.pointee.attribution.project)
    }

    /// What differs between the turns of a session, or has names of the client's own: behind all that readers know by its place.
    private mutating func ownLabels(at turn: UnsafePointer<TurnRecord>) {
        field("cturn", turn.pointee.attribution.clientTurn)
        guard !turn.pointee.attribution.tags.isEmpty else { return }
        beginObject("tags")
        for (name, value) in turn.pointee.attribution.tags.sorted(by: { $0.key < $1.key }) { field(named: name, value) }
        endObject()
    }

    /// A label is `[value, source]`.
    private mutating func label(_ name: StaticString, _ label: Label?) {
        guard let label else { return }
        beginArray(name)
        element(label.value)
        element(label.source.rawValue)
        endArray()
    }

    private mutating func tries(_ tries: [UpstreamTry]) {
        beginArray("tries")
        for one in tries {
            beginObject()
            field("deployment", one.deployment)
            field("status", one.status)
            field("error", one.error)
            field("us", one.microseconds)
            if one.cost != .zero { field("cost", one.cost.value) }
            field("cred", one.credential)
            if let tokens = one.inputTokens { field("in", tokens) }
            if let tokens = one.outputTokens { field("out", tokens) }
            endObject()
        }
        endArray()
    }

    /// The classes in a fixed order: `[input, read, 5m, 30m, 1h, 12h, unknown, tool, output, reasoning, …]`.
    package mutating func usage(_ usage: TokenUsage) {
        beginArray("usage")
        element(usage.input)
        element(usage.cacheRead)
        element(usage.cacheWrite5m)
        element(usage.cacheWrite30m)
        element(usage.cacheWrite1h)
        element(usage.cacheWrite12h)
        element(usage.cacheWriteUnknown)
        element(usage.toolPrompt)
        element(usage.output)
        element(usage.reasoning)
        element(usage.audioInput)
        element(usage.imageInput)
        element(usage.audioOutput)
        element(usage.imageOutput)
        element(usage.webSearches)
        element(usage.webFetches)
        endArray()
    }
}

/// The order of a record's usage array, as it is written above. Only ever appended to.
nonisolated(unsafe) private let usageOrder: [WritableKeyPath<TokenUsage, Int64>] = [
    \.input, \.cacheRead, \.cacheWrite5m, \.cacheWrite30m, \.cacheWrite1h, \.cacheWrite12h, \.cacheWriteUnknown,
    \.toolPrompt, \.output, \.reasoning, \.audioInput, \.imageInput, \.audioOutput, \.imageOutput, \.webSearches,
    \.webFetches,
]

/// Reads a usage array.
package func decodeUsage(_ bytes: UnsafeRawBufferPointer) -> TokenUsage {
    var usage = TokenUsage()
    var index = 0
    visitJSONElements(bytes) { _, value in
        guard index < usageOrder.count else { return false }
        usage[keyPath: usageOrder[index]] = decodeJSONInteger(value) ?? 0
        index += 1
        return true
    }
    return usage
}

/// Reads a turn out of its record's JSON. Nil when it lacks what every turn has.
package func decodeTurn(_ record: UnsafeRawBufferPointer) -> TurnRecord? {
    decodeTurn(record) { _ in true }
}

/// Reads of a turn what sums and labels are made of, and leaves the rest as it is in a new record. Every turn passes here once.
package func decodeTurnForSums(_ record: UnsafeRawBufferPointer) -> TurnRecord? {
    decodeTurn(record) { $0.isInSums }
}

private func decodeTurn(_ record: UnsafeRawBufferPointer, wants: (Member) -> Bool) -> TurnRecord? {
    var principal = Principal(keyID: "", workspace: "", team: "")
    var turn = TurnRecord(
        requestID: RequestID(high: 0, low: 0), principal: principal, attribution: Attribution(),
        endpoint: .chatCompletions, modelAsked: "", received: Timestamp(nanoseconds: 0))
    var hasID = false
    visitJSONMembers(record) { member in
        guard let name = Member(member.rawKey) else { return }
        switch name {
        case .id:
            if let id = member.string.flatMap(RequestID.init) {
                turn.requestID = id
                hasID = true
            }
        case .key: principal.keyID = member.string ?? ""
        case .ws: principal.workspace = member.string ?? ""
        case .team: principal.team = member.string ?? ""
        case .dev: principal.developer = member.string
        case .sa: principal.serviceAccount = member.string
        default: if wants(name) { decode(name, member, &turn) }
        }
    }
    turn.principal = principal
    return hasID ? turn : nil
}

private func decode(_ name: Member, _ member: JSONMember, _ turn: inout TurnRecord) {
    switch name {
    case .session: turn.attribution.session = label(member)
    case .parent: turn.attribution.parentSession = label(member)
    case .affinity: turn.attribution.affinity = member.string
    case .agent: turn.attribution.agent = label(member)
    case .sub: turn.attribution.subAgent = label(member)
    case .repo: turn.attribution.repository = label(member)
    case .branch: turn.attribution.branch = label(member)
    case .commit: turn.attribution.commit = label(member)
    case .client: turn.attribution.client = member.string
    case .cver: turn.attribution.clientVersion = member.string
    case .project: turn.attribution.project = member.string
    case .cturn: turn.attribution.clientTurn = member.string
    case .tags: visitJSONMembers(member.value) { turn.attribution.tags[$0.key] = $0.string }
    case .endpoint: turn.endpoint = member.string.flatMap(Endpoint.init(rawValue:)) ?? .chatCompletions
    case .stream: turn.stream = member.boolean ?? false
    case .asked: turn.modelAsked = member.string ?? ""
    case .provider: turn.provider = member.string ?? ""
    case .model: turn.model = member.string ?? ""
    case .served: turn.modelServed = member.string
    case .snap: turn.snapshotVersion = member.integer ?? 0
    case .price: turn.priceVersion = member.string
    case .tries: turn.tries = decodeTries(member.value)
    case .routing: turn.routing = decodeRouting(member.value)
    case .usage: turn.usage = decodeUsage(member.value)
    case .usrc: turn.usageSource = member.string.flatMap(UsageSource.init(rawValue:)) ?? .none
    case .tier: turn.qualifiers.serviceTier = member.string
    case .speed: turn.qualifiers.speed = member.string
    case .geo: turn.qualifiers.inferenceGeo = member.string
    case .raw: turn.rawUsage = member.string
    case .reserved: turn.reserved = NanoUSD(member.integer ?? 0)
    case .cost: turn.cost = NanoUSD(member.integer ?? 0)
    case .flags: turn.flags = TurnFlags(rawValue: member.integer ?? 0)
    default: decodeOutcome(name, member, &turn)
    }
}

private func decodeOutcome(_ name: Member, _ member: JSONMember, _ turn: inout TurnRecord) {
    func time() -> Timestamp? { member.integer.map { Timestamp(nanoseconds: $0) } }
    switch name {
    case .status: turn.status = Int(member.integer ?? 0)
    case .error: turn.errorClass = member.string
    case .finish: turn.finishReason = member.string
    case .tools: turn.toolCalls = Int(member.integer ?? 0)
    case .resp: turn.responseID = member.string
    case .upid: turn.upstreamRequestID = member.string
    case .received: turn.received = time() ?? turn.received
    case .sent: turn.sent = time()
    case .first: turn.firstByte = time()
    case .last: turn.lastByte = time()
    case .overhead: turn.overheadMicroseconds = member.integer ?? 0
    case .bytesIn: turn.bytesIn = member.integer ?? 0
    case .bytesOut: turn.bytesOut = member.integer ?? 0
    case .digIn: turn.digestIn = member.string
    case .digOut: turn.digestOut = member.string
    case .hash: turn.bodyHash = UInt64(bitPattern: member.integer ?? 0)
    case .limits: turn.limits = decodeLimits(member.value)
    case .cached: turn.cached = decodeCached(member.value)
    case .prefix: turn.prefix = decodePrefix(member.value)
    default: break
    }
}

private func label(_ member: JSONMember) -> Label? {
    var text: String?
    var source: LabelSource?
    visitJSONElements(member.value) { kind, value in
        guard kind == .string else { return true }
        let decoded = decodeJSONString(UnsafeRawBufferPointer(rebasing: value[1..<value.count - 1]))
        if text == nil { text = decoded } else { source = LabelSource(rawValue: decoded) }
        return true
    }
    guard let text, let source else { return nil }
    return Label(text, source)
}

private func decodeTries(_ bytes: UnsafeRawBufferPointer) -> [UpstreamTry] {
    var tries: [UpstreamTry] = []
    visitJSONElements(bytes) { _, value in
        var one = UpstreamTry(deployment: "", status: 0, error: nil, microseconds: 0)
        visitJSONMembers(value) { member in
            if member.isNamed("deployment") { one.deployment = member.string ?? "" }
            if member.isNamed("status") { one.status = Int(member.integer ?? 0) }
            if member.isNamed("error") { one.error = member.string }
            if member.isNamed("us") { one.microseconds = member.integer ?? 0 }
            if member.isNamed("cost") { one.cost = NanoUSD(member.integer ?? 0) }
            if member.isNamed("cred") { one.credential = member.string }
            if member.isNamed("in") { one.inputTokens = member.integer }
            if member.isNamed("out") { one.outputTokens = member.integer }
        }
        tries.append(one)
        return true
    }
    return tries
}
