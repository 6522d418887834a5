// Dice: the one source of chance in a simulated history, and the rules and turns that it throws.

import GatewayModel
import Policy

/// SplitMix64 (Steele, Lea and Flood).
struct Dice {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(max(1, bound))) }
    mutating func number(_ range: ClosedRange<Int64>) -> Int64 {
        range.lowerBound + Int64(next() % UInt64(range.upperBound - range.lowerBound + 1))
    }
    mutating func chance(_ percent: Int) -> Bool { below(100) < percent }
    mutating func pick<T>(_ list: [T]) -> T { list[below(list.count)] }

    // MARK: Rules

    mutating func rule(_ number: Int) -> LimitRule {
        var unit = pick(LimitUnit.allCases + [.nanoUSD, .nanoUSD, .nanoUSD])
        var window: LimitWindow = pick([
            .day, .week, .month, .quarter, .none, .none, .day, .rolling(seconds: 3600), .rolling(seconds: 5 * 3600),
            .rate(seconds: 60), .rate(seconds: 60), .rate(seconds: 3600), .rate(seconds: 3600),
        ])
        if unit == .concurrent { window = .none }
        let isRate = if case .rate = window { true } else { false }
        // Turns are few and alike: they fill a rate to its last one.
        if isRate, chance(50) { unit = .requests }
        let scale: ClosedRange<Int64> =
            switch unit {
            case .nanoUSD: 1500...15_000
            case .inputTokens: 150...3000
            case .outputTokens: 100...1500
            case .totalTokens: 300...4000
            case .requests: 1...12
            case .concurrent: 1...4
            }
        var rule = LimitRule(id: "r\(number)", name: "rule \(number)", limit: self.number(scale), unit: unit, window: window)
        rule.zone = pick(["UTC", "Europe/Berlin", "America/New_York"])
        rule.fiscalStartMonth = 1 + below(12)
        let canBeElastic = unit != .requests && unit != .concurrent && !isRate
        rule.mode = chance(10) ? .alert : canBeElastic && chance(45) ? .elastic : .strict
        rule.elastic = pick(ElasticPolicy.allCases)
        rule.onExceed = chance(10) ? .alert : pick([.block, .block, .ask, .route(model: "m0")])
        if (isRate || unit == .concurrent) && chance(30) { rule.waitMillisecondsMax = 5000 }
        if isRate, chance(30) { rule.burst = max(1, rule.limit / 2) }
        let dimensions: [LimitDimension] = [.team, .developer, .session, .key, .model, .tag("env"), .repository]
        if chance(60) { rule.groupBy = [pick(dimensions)] }
        if chance(20) { rule.groupBy = Array(Set([pick(dimensions), pick(dimensions)])).sorted { "\($0)" < "\($1)" } }
        if chance(25) { rule.conditions.append(LimitCondition(.team, any: ["t\(below(2))"])) }
        if chance(15) { rule.conditions.append(LimitCondition(.model, any: ["m*"], except: ["*1"])) }
        if chance(10) { rule.conditions.append(LimitCondition(.tag("env"), any: ["prod"])) }
        if chance(10) { rule.conditions.append(LimitCondition(.developer, except: ["d0"])) }
        return rule
    }

    // MARK: Turns

    mutating func facts() -> TurnFacts {
        var facts = TurnFacts()
        let developer = below(3)
        facts.workspace = "w"
        facts.team = "t\(developer % 2)"
        facts.developer = "d\(developer)"
        facts.key = "k\(developer * 2 + below(2))"
        facts.session = "s\(below(3))"
        facts.model = "m\(below(2))"
        facts.provider = "p"
        facts.deployment = "p/" + (facts.model ?? "")
        if chance(60) { facts.repository = "github.com/acme/r\(below(2))" }
        if chance(50) { facts.tags["env"] = pick(["prod", "dev"]) }
        return facts
    }
}

/// A model's prices: dearer beyond 100 tokens of input, as long contexts are.
struct Tariff {
    var isDear: Bool

    func cost(_ input: Int64, _ output: Int64) -> Int64 {
        let factor: Int64 = input > 100 ? 2 : 1
        return (isDear ? 2 : 1) * factor * (input * 3 + output * 15)
    }

    func amounts(_ input: Int64, _ output: Int64, isPriced: Bool) -> LimitAmounts {
        LimitAmounts(cost: isPriced ? cost(input, output) : nil, inputTokens: input, outputTokens: output)
    }
}
