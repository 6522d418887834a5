// LimitTypes: the admin API's bodies about budgets and limits. A budget is money, a limit is anything else; both are one kind of rule.

package import GatewayModel
package import Policy

/// A budget or a limit as it is shown.
package struct LimitView: Sendable, Codable {
    package var rule: LimitRule
    /// `configuration`: it is changed in the file alone; `store`: it is changed through this API.
    package var declaredIn: String
    /// `enforced`; `counting` while its past is being counted up; `alerting` when it only tells.
    package var state: String
    /// Turns that it has in flight now.
    package var inFlight: Int?
    /// By how much it can be passed now, in its unit; 0 of a strict one.
    package var overBy: Int64?
    package var counters: [LimitCounterView]
    /// Of one rule of a calendar window that is asked for by itself.
    package var forecasts: [LimitForecastView]?

    package init(
        rule: LimitRule, declaredIn: String, state: String, inFlight: Int? = nil, overBy: Int64? = nil, counters: [LimitCounterView]
    ) {
        self.rule = rule
        self.declaredIn = declaredIn
        self.state = state
        self.inFlight = inFlight
        self.overBy = overBy
        self.counters = counters
    }

    enum CodingKeys: String, CodingKey {
        case declaredIn = "declared_in"
        case state
        case inFlight = "in_flight"
        case overBy = "over_by"
        case counters, forecasts
    }

    package init(from decoder: any Decoder) throws {
        rule = try LimitRule(from: decoder)
        let members = try decoder.container(keyedBy: CodingKeys.self)
        declaredIn = try members.decode(String.self, forKey: .declaredIn)
        state = try members.decode(String.self, forKey: .state)
        inFlight = try members.decodeIfPresent(Int.self, forKey: .inFlight)
        overBy = try members.decodeIfPresent(Int64.self, forKey: .overBy)
        counters = try members.decode([LimitCounterView].self, forKey: .counters)
        forecasts = try members.decodeIfPresent([LimitForecastView].self, forKey: .forecasts)
    }

    package func encode(to encoder: any Encoder) throws {
        try rule.encode(to: encoder)
        var members = encoder.container(keyedBy: CodingKeys.self)
        try members.encode(declaredIn, forKey: .declaredIn)
        try members.encode(state, forKey: .state)
        try members.encodeIfPresent(inFlight, forKey: .inFlight)
        try members.encodeIfPresent(overBy, forKey: .overBy)
        try members.encode(counters, forKey: .counters)
        try members.encodeIfPresent(forecasts, forKey: .forecasts)
    }
}

/// One counter, in the rule's unit.
package struct LimitCounterView: Sendable, Codable {
    /// The values that it is for, in the order of `group_by`.
    package var group: [String]
    /// Settled.
    package var used: Int64
    /// Held by turns in flight.
    package var reserved: Int64
    /// With what was granted.
    package var limit: Int64
    package var granted: Int64
    package var windowStart: String?
    package var resets: String?

    package init(
        group: [String], used: Int64, reserved: Int64, limit: Int64, granted: Int64, windowStart: String?, resets: String?
    ) {
        self.group = group
        self.used = used
        self.reserved = reserved
        self.limit = limit
        self.granted = granted
        self.windowStart = windowStart
        self.resets = resets
    }

    package var remaining: Int64 { max(0, limit &- used &- reserved) }

    enum CodingKeys: String, CodingKey {
        case group, used, reserved, limit, granted
        case windowStart = "window_start"
        case resets
    }
}

/// What is granted on top of one counter.
package struct LimitGrantRequest: Sendable, Codable {
    /// In the rule's unit.
    package var amount: Int64
    /// In the order of `group_by`; a session's key may be left out.
    package var group: [String]
    /// RFC 3339; without it until the window ends.
    package var expires: String?
    package var by: String
    package var reason: String?

    package init(amount: Int64, group: [String], expires: String?, by: String, reason: String?) {
        self.amount = amount
        self.group = group
        self.expires = expires
        self.by = by
        self.reason = reason
    }

    package static let members = ["amount", "group", "expires", "by", "reason"]
}

/// A turn that might come: how would each budget and limit stand to it?
package struct LimitQuestion: Sendable, Codable {
    /// A key's id or name.
    package var key: String
    package var model: String
    package var session: String?
    package var repository: String?
    package var branch: String?
    package var agent: String?
    package var tags: [String: String]?
    /// Bytes of the request's body; 10,000 unless said.
    package var bytes: Int64?
    package var maxOutputTokens: Int64?

    package init(key: String, model: String) {
        self.key = key
        self.model = model
    }

    enum CodingKeys: String, CodingKey, CaseIterable {
        case key, model, session, repository, branch, agent, tags, bytes
        case maxOutputTokens = "max_output_tokens"
    }

    package static let members = CodingKeys.allCases.map(\.rawValue)
}

/// The answer: each rule that holds, the most specific first.
package struct LimitExplanation: Sendable, Codable {
    package var deployment: String
    /// What a strict rule would reserve; nil where the model has no price.
    package var reservesNanoUSD: Int64?
    package var admitted: Bool
    /// The first enforced rule that does not fit.
    package var decidedBy: String?
    package var verdicts: [LimitVerdict]

    package init(deployment: String, reservesNanoUSD: Int64?, admitted: Bool, decidedBy: String?, verdicts: [LimitVerdict]) {
        self.deployment = deployment
        self.reservesNanoUSD = reservesNanoUSD
        self.admitted = admitted
        self.decidedBy = decidedBy
        self.verdicts = verdicts
    }

    enum CodingKeys: String, CodingKey {
        case deployment
        case reservesNanoUSD = "reserves_nano_usd"
        case admitted
        case decidedBy = "decided_by"
        case verdicts
    }
}

/// What would have happened under a rule: past turns held against it one after the other, each at what it cost.
package struct LimitSimulation: Sendable, Codable {
    /// One counter's fate.
    package struct Group: Sendable, Codable {
        package var group: [String]
        package var turns: Int64
        package var refused: Int64
        package var refusedNanoUSD: Int64
        package var firstRefusal: String?

        package init(group: [String], turns: Int64 = 0, refused: Int64 = 0, refusedNanoUSD: Int64 = 0, firstRefusal: String? = nil) {
            self.group = group
            self.turns = turns
            self.refused = refused
            self.refusedNanoUSD = refusedNanoUSD
            self.firstRefusal = firstRefusal
        }

        enum CodingKeys: String, CodingKey {
            case group, turns, refused
            case refusedNanoUSD = "refused_nano_usd"
            case firstRefusal = "first_refusal"
        }
    }

    package var since: String
    package var until: String
    /// Turns of the time, whether the rule holds for them or not.
    package var turns: Int64
    package var refused: Int64
    package var costNanoUSD: Int64
    package var refusedNanoUSD: Int64
    /// Those that were refused most first; at most 100.
    package var groups: [Group]

    package init(
        since: String, until: String, turns: Int64, refused: Int64, costNanoUSD: Int64, refusedNanoUSD: Int64, groups: [Group]
    ) {
        self.since = since
        self.until = until
        self.turns = turns
        self.refused = refused
        self.costNanoUSD = costNanoUSD
        self.refusedNanoUSD = refusedNanoUSD
        self.groups = groups
    }

    enum CodingKeys: String, CodingKey {
        case since, until, turns, refused
        case costNanoUSD = "cost_nano_usd"
        case refusedNanoUSD = "refused_nano_usd"
        case groups
    }
}

/// A rule to be tried on the past.
package struct LimitSimulationRequest: Sendable, Codable {
    package var rule: LimitRule
    package var since: String
    package var until: String?

    package init(rule: LimitRule, since: String, until: String?) {
        self.rule = rule
        self.since = since
        self.until = until
    }

    package static let members = ["rule", "since", "until"]
}
