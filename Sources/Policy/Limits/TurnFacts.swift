// TurnFacts: what limits look at in a turn, and how much it asks for. Made once a turn, before admission.

package import GatewayModel

/// What a turn is, as limits see it. Nil is unattributed.
package struct TurnFacts: Sendable, Hashable {
    package var workspace: String?
    package var team: String?
    /// The developer, or the service account under its own name.
    package var developer: String?
    package var key: String?
    package var repository: String?
    package var branch: String?
    package var session: String?
    /// The model that would be served, by its upstream id.
    package var model: String?
    package var provider: String?
    /// `provider/model`.
    package var deployment: String?
    package var agent: String?
    package var tags: [String: String] = [:]

    package init() {}

    /// Of a turn for which a deployment has been chosen.
    package init(_ record: TurnRecord) {
        workspace = record.principal.workspace
        team = record.principal.team
        developer = record.principal.owner
        key = record.principal.keyID
        repository = record.attribution.repository?.value
        branch = record.attribution.branch?.value
        session = record.attribution.session?.value
        model = record.model
        provider = record.provider
        deployment = record.deployment
        agent = record.attribution.agent?.value
        tags = record.attribution.tags
    }

    subscript(_ dimension: LimitDimension) -> String? { with(dimension) { $0 } }

    /// Lends a value where it stands. A copy of a text would count a reference, and limits look at a dozen texts a turn.
    @inline(__always)
    func with<Result>(_ dimension: LimitDimension, _ body: (String?) -> Result) -> Result {
        switch dimension {
        case .workspace: body(workspace)
        case .team: body(team)
        case .developer: body(developer)
        case .key: body(key)
        case .repository: body(repository)
        case .branch: body(branch)
        case .session: body(session)
        case .model: body(model)
        case .provider: body(provider)
        case .deployment: body(deployment)
        case .agent: body(agent)
        case .tag(let name): body(tags[name])
        }
    }
}

/// How much of each unit. Turns count as one each and are not said.
package struct LimitAmounts: Sendable, Hashable, Codable {
    /// nano-USD; nil is unpriced, which no strict or elastic budget lets pass.
    package var cost: Int64?
    /// Everything read, caches included.
    package var inputTokens: Int64
    /// Everything written, reasoning included.
    package var outputTokens: Int64

    package init(cost: Int64?, inputTokens: Int64, outputTokens: Int64) {
        self.cost = cost
        self.inputTokens = inputTokens
        self.outputTokens = outputTokens
    }

    package static let zero = LimitAmounts(cost: 0, inputTokens: 0, outputTokens: 0)

    package func of(_ unit: LimitUnit) -> Int64? {
        switch unit {
        case .nanoUSD: return cost.map { max(0, $0) }
        case .inputTokens: return max(0, inputTokens)
        case .outputTokens: return max(0, outputTokens)
        case .totalTokens:
            let (sum, overflow) = max(0, inputTokens).addingReportingOverflow(max(0, outputTokens))
            return overflow ? .max : sum
        case .requests, .concurrent: return 1
        }
    }
}

/// Amounts that many limits look at, worked out once.
struct UnitAmounts {
    private let cost: Int64
    private let inputTokens: Int64
    private let outputTokens: Int64
    private let totalTokens: Int64
    private let turns: Int64
    /// False when what is counted in money is not known; it stands as 0.
    let isPriced: Bool

    init(_ amounts: LimitAmounts, turns: Int64 = 1) {
        self.turns = turns
        isPriced = amounts.cost != nil
        cost = amounts.of(.nanoUSD) ?? 0
        inputTokens = amounts.of(.inputTokens) ?? 0
        outputTokens = amounts.of(.outputTokens) ?? 0
        totalTokens = amounts.of(.totalTokens) ?? 0
    }

    @inline(__always)
    subscript(_ unit: LimitUnit) -> Int64 {
        // Most limits are budgets.
        if unit == .nanoUSD { return cost }
        switch unit {
        case .nanoUSD: return cost
        case .inputTokens: return inputTokens
        case .outputTokens: return outputTokens
        case .totalTokens: return totalTokens
        case .requests: return turns
        case .concurrent: return 1
        }
    }
}

/// What a turn asks for.
package struct LimitDemand: Sendable, Hashable {
    /// The most that it can use, at the worst price tier that it can reach. What strict limits reserve.
    package var whole: LimitAmounts
    /// The input and a first piece of the output. What elastic limits reserve.
    package var first: LimitAmounts
    /// What it will probably use. What rates are charged until it ends.
    package var estimate: LimitAmounts
    /// What a provider still makes between being cut off and stopping: by so much an elastic limit can be passed.
    package var overshoot: LimitAmounts
    /// Nothing bounds what the turn can use: no strict limit on an amount lets it pass.
    package var isUnbounded = false

    package init(whole: LimitAmounts, first: LimitAmounts, estimate: LimitAmounts, overshoot: LimitAmounts) {
        self.whole = whole
        self.first = first
        self.estimate = estimate
        self.overshoot = overshoot
    }

    /// Of a turn that uses nothing: it counts as a request all the same.
    package static let nothing = LimitDemand(whole: .zero, first: .zero, estimate: .zero, overshoot: .zero)
}
