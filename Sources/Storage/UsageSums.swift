// UsageSums: the measures of some turns, and the labels that they are summed under.

package import GatewayModel

/// Sums over turns, in the order of `measureColumns`.
package struct UsageSums: Sendable, Hashable {
    package var values: [Int64] = Array(repeating: 0, count: measureColumns.count)

    static let costIndex = 16
    static let triedInputIndex = 19
    static let triedOutputIndex = 20

    package init() {}

    /// One turn's measures.
    package init(_ turn: borrowing TurnRecord) { add(turn) }

    package mutating func add(_ turn: borrowing TurnRecord) {
        let usage = turn.usage
        let end = turn.lastByte ?? turn.received
        values.withUnsafeMutableBufferPointer { values in
            values[0].addSaturating(1)
            values[1].addSaturating(turn.isError ? 1 : 0)
            values[2].addSaturating(turn.flags.contains(.unpriced) ? 1 : 0)
            values[3].addSaturating(turn.flags.contains(.estimated) ? 1 : 0)
            values[4].addSaturating(usage.input)
            values[5].addSaturating(usage.cacheRead)
            values[6].addSaturating(usage.cacheWrite5m)
            values[7].addSaturating(usage.cacheWrite30m)
            values[8].addSaturating(usage.cacheWrite1h)
            values[9].addSaturating(usage.cacheWrite12h)
            values[10].addSaturating(usage.cacheWriteUnknown)
            values[11].addSaturating(usage.toolPrompt)
            values[12].addSaturating(usage.output)
            values[13].addSaturating(usage.reasoning)
            values[14].addSaturating(usage.webSearches)
            values[15].addSaturating(Int64(turn.toolCalls))
            values[16].addSaturating(turn.cost.value)
            values[17].addSaturating(max(0, end.nanoseconds - turn.received.nanoseconds) / 1000)
            values[18].addSaturating(turn.flags.contains(.unsent) ? 1 : 0)
            for one in turn.tries {
                values[19].addSaturating(one.inputTokens ?? 0)
                values[20].addSaturating(one.outputTokens ?? 0)
            }
            values[21].addSaturating(turn.unpricedReserved)
        }
    }

    package mutating func add(_ other: UsageSums) {
        for index in values.indices { values[index].addSaturating(other.values[index]) }
    }

    package mutating func subtract(_ other: UsageSums) {
        for index in values.indices { values[index].subtractSaturating(other.values[index]) }
    }
}

/// The dimensions of a turn, as text; empty where it is unattributed.
package struct LabelSet: Sendable, Hashable {
    package var keyID: String
    package var workspace: String
    package var team: String
    package var owner: String
    package var repository: String
    package var branch: String
    package var agent: String
    package var client: String
    package var model: String
    package var deployment: String

    package init(
        keyID: String, workspace: String, team: String, owner: String, repository: String, branch: String, agent: String,
        client: String, model: String, deployment: String
    ) {
        self.keyID = keyID
        self.workspace = workspace
        self.team = team
        self.owner = owner
        self.repository = repository
        self.branch = branch
        self.agent = agent
        self.client = client
        self.model = model
        self.deployment = deployment
    }

    package init(_ turn: TurnRecord) {
        keyID = turn.principal.keyID
        workspace = turn.principal.workspace
        team = turn.principal.team
        owner = turn.principal.owner
        repository = turn.attribution.repository?.value ?? ""
        branch = turn.attribution.branch?.value ?? ""
        agent = turn.attribution.agent?.value ?? ""
        client = turn.attribution.client ?? ""
        model = turn.model
        deployment = turn.deployment
    }

    /// The same at another deployment, named `provider/model`.
    func at(_ deployment: String) -> LabelSet {
        var labels = self
        labels.deployment = deployment
        labels.model = deployment.firstIndex(of: "/").map { String(deployment[deployment.index(after: $0)...]) } ?? deployment
        return labels
    }

    var unbranched: LabelSet {
        var labels = self
        labels.branch = ""
        return labels
    }

    /// In the order of `labelColumns`.
    var texts: [String] { [keyID, workspace, team, owner, repository, branch, agent, client, model, deployment] }
}

extension TurnRecord {
    /// By how much what was reserved is more than what is known of the cost, where that is not all: limits count it until it is known.
    var unpricedReserved: Int64 { flags.contains(.held) ? max(0, reserved.value - cost.value) : 0 }

    /// Whether the client got no good answer.
    package var isError: Bool { errorClass != nil || status >= 400 }

    /// `2026_11`, the turn table's name.
    package var month: String { monthName(received) }
}

/// The month of an instant as part of a table's name.
package func monthName(_ time: Timestamp) -> String {
    String(time.date.text.prefix(7)).split(separator: "-").joined(separator: "_")
}
