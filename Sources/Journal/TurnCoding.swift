// TurnCoding: a TurnRecord as the flat members of its journal record, and back. Absent members are defaults, so that an old
// journal stays readable.

package import GatewayModel
package import WireFormat

/// The members of a turn's record. Short names: every turn carries them.
private enum Member: String, CaseIterable {
    case id, key, ws, team, dev, sa
    case session, parent, affinity, agent, sub, repo, branch, commit, client, cver, project, cturn, tags
    case endpoint, stream, asked, provider, model, served, snap, price, tries
    case usage, usrc = "usage_source", tier, speed, geo, raw, reserved, cost, flags
    case status, error, finish, tools, resp, upid
    case received, sent, first, last, overhead, bytesIn = "bytes_in", bytesOut = "bytes_out", digIn = "digest_in"
    case digOut = "digest_out", hash

    static let byName: [String: Member] = Dictionary(uniqueKeysWithValues: allCases.map { ($0.rawValue, $0) })
}

extension JSONWriter {
    /// Writes a turn's members into the record that has been begun.
    package mutating func turn(_ turn: TurnRecord) {
        field("id", turn.requestID.description)
        field("key", turn.principal.keyID)
        field("ws", turn.principal.workspace)
        field("team", turn.principal.team)
        field("dev", turn.principal.developer)
        field("sa", turn.principal.serviceAccount)
        labels(turn.attribution)
        field("endpoint", turn.endpoint.rawValue)
        if turn.stream { field("stream", true) }
        field("asked", turn.modelAsked)
        field("provider", turn.provider)
        field("model", turn.model)
        field("served", turn.modelServed)
        field("snap", turn.snapshotVersion)
        field("price", turn.priceVersion)
        if !turn.tries.isEmpty { tries(turn.tries) }
        if !turn.usage.isZero { usage(turn.usage) }
        field("usage_source", turn.usageSource.rawValue)
        field("tier", turn.qualifiers.serviceTier)
        field("speed", turn.qualifiers.speed)
        field("geo", turn.qualifiers.inferenceGeo)
        field("raw", turn.rawUsage)
        field("reserved", turn.reserved.value)
        field("cost", turn.cost.value)
        field("flags", turn.flags.rawValue)
        field("status", turn.status)
        field("error", turn.errorClass)
        field("finish", turn.finishReason)
        if turn.toolCalls > 0 { field("tools", turn.toolCalls) }
        field("resp", turn.responseID)
        field("upid", turn.upstreamRequestID)
        field("received", turn.received.nanoseconds)
        if let sent = turn.sent { field("sent", sent.nanoseconds) }
        if let first = turn.firstByte { field("first", first.nanoseconds) }
        if let last = turn.lastByte { field("last", last.nanoseconds) }
        field("overhead", turn.overheadMicroseconds)
        field("bytes_in", turn.bytesIn)
        field("bytes_out", turn.bytesOut)
        field("digest_in", turn.digestIn)
        field("digest_out", turn.digestOut)
        field("hash", Int64(bitPattern: turn.bodyHash))
    }

    private mutating func labels(_ attribution: Attribution) {
        label("session", attribution.session)
        label("parent", attribution.parentSession)
        field("affinity", attribution.affinity)
        label("agent", attribution.agent)
        label("sub", attribution.subAgent)
        label("repo", attribution.repository)
        label("branch", attribution.branch)
        label("commit", attribution.commit)
        field("client", attribution.client)
        field("cver", attribution.clientVersion)
        field("project", attribution.project)
        field("cturn", attribution.clientTurn)
        guard !attribution.tags.isEmpty else { return }
        beginObject("tags")
        for (name, value) in attribution.tags.sorted(by: { $0.key < $1.key }) { field(named: name, value) }
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
            endObject()
        }
        endArray()
    }

    /// The classes in a fixed order: `[input, read, 5m, 30m, 1h, 12h, unknown, tool, output, reasoning, …]`.
    package mutating func usage(_ usage: TokenUsage) {
        beginArray("usage")
        for path in usageOrder { element(usage[keyPath: path]) }
        endArray()
    }
}

/// The order of a record's usage array. Only ever appended to.
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
    var principal = Principal(keyID: "", workspace: "", team: "")
    var turn = TurnRecord(
        requestID: RequestID(high: 0, low: 0), principal: principal, attribution: Attribution(),
        endpoint: .chatCompletions, modelAsked: "", received: Timestamp(nanoseconds: 0))
    var hasID = false
    visitJSONMembers(record) { member in
        guard let name = Member.byName[member.key] else { return }
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
        default: decode(name, member, &turn)
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
    default: break
    }
}

private func label(_ member: JSONMember) -> Label? {
    var texts: [String] = []
    visitJSONElements(member.value) { kind, value in
        guard kind == .string else { return true }
        texts.append(decodeJSONString(UnsafeRawBufferPointer(rebasing: value[1..<value.count - 1])))
        return true
    }
    guard texts.count == 2, let source = LabelSource(rawValue: texts[1]) else { return nil }
    return Label(texts[0], source)
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
        }
        tries.append(one)
        return true
    }
    return tries
}
