// LimitRule: the one mechanism behind budgets, rate limits, caps of a session and numbers of turns at once.

/// What a limit counts.
package enum LimitUnit: String, Sendable, Codable, CaseIterable {
    case nanoUSD = "nano_usd"
    /// Everything that the model reads, caches included.
    case inputTokens = "input_tokens"
    /// Everything that the model writes, reasoning included.
    case outputTokens = "output_tokens"
    case totalTokens = "total_tokens"
    /// Turns.
    case requests
    /// Turns at once.
    case concurrent

    /// A turn takes some of it, and not one.
    package var isSize: Bool { self != .requests && self != .concurrent }
}

/// How hard a limit is.
package enum LimitMode: String, Sendable, Codable, CaseIterable {
    /// The most that a turn can use is reserved before it begins: never over.
    case strict
    /// The input and a first piece of output are reserved, and more as the answer comes: over by the published bound at most.
    case elastic
    /// Only counts and tells.
    case alert
}

/// What happens to an answer for which an elastic limit grants no more.
package enum ElasticPolicy: String, Sendable, Codable, CaseIterable, Comparable {
    case finishTurn = "finish_turn"
    /// Until the end of the text, thinking or tool call that is being written, and no further than what is reserved.
    case finishBlock = "finish_block"
    case stopNow = "stop_now"

    package static func < (left: ElasticPolicy, right: ElasticPolicy) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .finishTurn: 0
        case .finishBlock: 1
        case .stopNow: 2
        }
    }
}

/// What is done with a turn that does not fit. As text: `block`, `ask`, `alert`, `route:<model>`.
package enum LimitAction: Sendable, Hashable, Codable, CustomStringConvertible {
    case block
    /// Refused, and somebody with the right can grant more.
    case ask
    /// Let through, and told.
    case alert
    /// Served by a cheaper model instead.
    case route(model: String)

    package var description: String {
        switch self {
        case .block: "block"
        case .ask: "ask"
        case .alert: "alert"
        case .route(let model): "route:" + model
        }
    }

    package init?(_ text: String) {
        switch text {
        case "block": self = .block
        case "ask": self = .ask
        case "alert": self = .alert
        default:
            guard text.hasPrefix("route:"), text.utf8.count > 6 else { return nil }
            self = .route(model: String(text.dropFirst(6)))
        }
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let value = LimitAction(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "no such action of a limit: \(text)")
        }
        self = value
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// One condition of a selector. Patterns are exact, or have `*` at the start, the end, or both.
package struct LimitCondition: Sendable, Hashable, Codable {
    package var on: LimitDimension
    /// The turn's value must match one of these; empty is any value, and none at all.
    package var any: [String]
    /// And none of these.
    package var except: [String]

    package init(_ on: LimitDimension, any: [String] = [], except: [String] = []) {
        self.on = on
        self.any = any
        self.except = except
    }

    enum CodingKeys: String, CodingKey { case on, any, except }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        on = try container.decode(LimitDimension.self, forKey: .on)
        any = try container.decodeIfPresent([String].self, forKey: .any) ?? []
        except = try container.decodeIfPresent([String].self, forKey: .except) ?? []
    }
}

/// A budget, a rate limit, a cap of a session, a number of turns at once.
package struct LimitRule: Sendable, Hashable, Codable {
    /// Stable: counters belong to it. At most 128 bytes.
    package var id: String
    /// What people call it; a refusal says it.
    package var name: String
    /// All must hold.
    package var conditions: [LimitCondition] = []
    /// One counter for each combination of these, made when it is first used. A session belongs to its key.
    package var groupBy: [LimitDimension] = []
    package var limit: Int64
    package var unit: LimitUnit
    package var window: LimitWindow
    /// The IANA time zone of calendar windows.
    package var zone: String = "UTC"
    /// The month (1 to 12) in which the fiscal year begins; for `quarter`.
    package var fiscalStartMonth: Int = 1
    package var mode: LimitMode = .strict
    package var onExceed: LimitAction = .block
    package var elastic: ElasticPolicy = .finishBlock
    /// How long a turn may wait for a rate or a place instead of being refused.
    package var waitMillisecondsMax: Int64 = 0
    /// What may come at once under a rate; nil is the limit itself.
    package var burst: Int64?
    /// Shares of the limit, in percent, of which is told when they are passed; at most 8.
    package var thresholds: [Int] = [50, 80, 100]
    /// Whom to ask for more; a refusal says it.
    package var contact: String?
    /// After so long without a turn, a counter that has no window is forgotten; nil keeps it. For groups by session.
    package var idleSecondsMax: Int64?

    package init(id: String, name: String, limit: Int64, unit: LimitUnit, window: LimitWindow) {
        self.id = id
        self.name = name
        self.limit = limit
        self.unit = unit
        self.window = window
    }

    enum CodingKeys: String, CodingKey, CaseIterable {
        case id, name, conditions
        case groupBy = "group_by"
        case limit, unit, window, zone
        case fiscalStartMonth = "fiscal_start_month"
        case mode
        case onExceed = "on_exceed"
        case elastic
        case waitMillisecondsMax = "wait_milliseconds_max"
        case burst, thresholds, contact
        case idleSecondsMax = "idle_seconds_max"
    }

    package init(from decoder: any Decoder) throws {
        let from = try decoder.container(keyedBy: CodingKeys.self)
        id = try from.decode(String.self, forKey: .id)
        name = try from.decodeIfPresent(String.self, forKey: .name) ?? id
        limit = try from.decode(Int64.self, forKey: .limit)
        unit = try from.decode(LimitUnit.self, forKey: .unit)
        window = try from.decode(LimitWindow.self, forKey: .window)
        conditions = try from.decodeIfPresent([LimitCondition].self, forKey: .conditions) ?? conditions
        groupBy = try from.decodeIfPresent([LimitDimension].self, forKey: .groupBy) ?? groupBy
        zone = try from.decodeIfPresent(String.self, forKey: .zone) ?? zone
        fiscalStartMonth = try from.decodeIfPresent(Int.self, forKey: .fiscalStartMonth) ?? fiscalStartMonth
        mode = try from.decodeIfPresent(LimitMode.self, forKey: .mode) ?? mode
        onExceed = try from.decodeIfPresent(LimitAction.self, forKey: .onExceed) ?? onExceed
        elastic = try from.decodeIfPresent(ElasticPolicy.self, forKey: .elastic) ?? elastic
        waitMillisecondsMax = try from.decodeIfPresent(Int64.self, forKey: .waitMillisecondsMax) ?? waitMillisecondsMax
        burst = try from.decodeIfPresent(Int64.self, forKey: .burst)
        thresholds = try from.decodeIfPresent([Int].self, forKey: .thresholds) ?? thresholds
        contact = try from.decodeIfPresent(String.self, forKey: .contact)
        idleSecondsMax = try from.decodeIfPresent(Int64.self, forKey: .idleSecondsMax)
    }

    /// The members of its JSON.
    package static let memberNames = CodingKeys.allCases.map(\.rawValue)

    /// Whether a turn that does not fit is kept from going on as it is.
    var isEnforced: Bool { mode != .alert && onExceed != .alert }
}
