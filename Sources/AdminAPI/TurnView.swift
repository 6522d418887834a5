// TurnView: a turn as the admin API shows it, each label with its source.

package import GatewayModel

/// One turn.
package struct TurnView: Sendable, Codable {
    package var requestID: String
    package var time: String
    package var keyID: String
    package var workspace: String
    package var team: String
    package var developer: String?
    package var serviceAccount: String?
    package var session: Label?
    package var parentSession: Label?
    package var agent: Label?
    package var subAgent: Label?
    package var repository: Label?
    package var branch: Label?
    package var commit: Label?
    package var client: String?
    package var clientVersion: String?
    /// OpenCode's own id of the project.
    package var project: String?
    /// The id that OpenCode's forks share.
    package var affinity: String?
    package var tags: [String: String]
    package var endpoint: String
    package var stream: Bool
    package var modelAsked: String
    package var deployment: String
    package var modelServed: String?
    package var status: Int
    package var error: String?
    package var finishReason: String?
    package var flags: [String]
    package var usage: TokenUsage
    package var usageSource: String
    package var qualifiers: UsageQualifiers
    package var rawUsage: String?
    package var reservedNanoUSD: Int64
    package var costNanoUSD: Int64
    package var priceVersion: String?
    package var snapshotVersion: Int64
    package var toolCalls: Int
    package var tries: [UpstreamTry]
    /// What a route decided for the turn; nil without a choice.
    package var routing: RouteDecision?
    package var responseID: String?
    package var upstreamRequestID: String?
    package var sent: String?
    package var firstByte: String?
    package var lastByte: String?
    package var overheadMicroseconds: Int64
    package var bytesIn: Int64
    package var bytesOut: Int64
    package var digestIn: String?
    package var digestOut: String?
    /// The budgets and limits that held for it.
    package var limits: [LimitTrace]?
    /// Where the answer came from, when no provider was asked.
    package var cached: CachedAnswer?
    /// What the prompt cache lost, and why.
    package var prefixBreak: PrefixBreak?

    package init(_ turn: TurnRecord) {
        requestID = turn.requestID.description
        time = turn.received.rfc3339
        keyID = turn.principal.keyID
        workspace = turn.principal.workspace
        team = turn.principal.team
        developer = turn.principal.developer
        serviceAccount = turn.principal.serviceAccount
        let attribution = turn.attribution
        session = attribution.session
        parentSession = attribution.parentSession
        agent = attribution.agent
        subAgent = attribution.subAgent
        repository = attribution.repository
        branch = attribution.branch
        commit = attribution.commit
        client = attribution.client
        clientVersion = attribution.clientVersion
        project = attribution.project
        affinity = attribution.affinity
        tags = attribution.tags
        endpoint = turn.endpoint.rawValue
        stream = turn.stream
        modelAsked = turn.modelAsked
        deployment = turn.deployment
        modelServed = turn.modelServed
        status = turn.status
        error = turn.errorClass
        finishReason = turn.finishReason
        flags = turn.flags.names
        usage = turn.usage
        usageSource = turn.usageSource.rawValue
        qualifiers = turn.qualifiers
        rawUsage = turn.rawUsage
        reservedNanoUSD = turn.reserved.value
        costNanoUSD = turn.cost.value
        priceVersion = turn.priceVersion
        snapshotVersion = turn.snapshotVersion
        toolCalls = turn.toolCalls
        tries = turn.tries
        // The last try cost what those before it did not: only theirs is written.
        if let last = tries.indices.last, tries[last].cost == .zero, !turn.flags.contains(.recovered) {
            let before = tries.reduce(NanoUSD.zero) { $0 + $1.cost }
            tries[last].cost = max(.zero, NanoUSD(turn.cost.value - before.value))
        }
        routing = turn.routing.first
        responseID = turn.responseID
        upstreamRequestID = turn.upstreamRequestID
        sent = turn.sent?.rfc3339
        firstByte = turn.firstByte?.rfc3339
        lastByte = turn.lastByte?.rfc3339
        overheadMicroseconds = turn.overheadMicroseconds
        bytesIn = turn.bytesIn
        bytesOut = turn.bytesOut
        digestIn = turn.digestIn
        digestOut = turn.digestOut
        limits = turn.limits.isEmpty ? nil : turn.limits
        cached = turn.cached.first
        prefixBreak = turn.prefix.first
    }

    enum CodingKeys: String, CodingKey {
        case requestID = "request_id"
        case time
        case keyID = "key_id"
        case workspace, team, developer
        case serviceAccount = "service_account"
        case session
        case parentSession = "parent_session"
        case agent
        case subAgent = "sub_agent"
        case repository, branch, commit, client
        case clientVersion = "client_version"
        case project, affinity, tags, endpoint, stream
        case modelAsked = "model_asked"
        case deployment
        case modelServed = "model_served"
        case status, error
        case finishReason = "finish_reason"
        case flags, usage
        case usageSource = "usage_source"
        case qualifiers
        case rawUsage = "raw_usage"
        case reservedNanoUSD = "reserved_nano_usd"
        case costNanoUSD = "cost_nano_usd"
        case priceVersion = "price_version"
        case snapshotVersion = "snapshot_version"
        case toolCalls = "tool_calls"
        case tries, routing
        case responseID = "response_id"
        case upstreamRequestID = "upstream_request_id"
        case sent
        case firstByte = "first_byte"
        case lastByte = "last_byte"
        case overheadMicroseconds = "overhead_us"
        case bytesIn = "bytes_in"
        case bytesOut = "bytes_out"
        case digestIn = "digest_in"
        case digestOut = "digest_out"
        case limits, cached
        case prefixBreak = "prefix_break"
    }
}
