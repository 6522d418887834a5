// NaiveRecount: what every counter must be, added up from the list of turns alone with none of the code under test: its own matching,
// Foundation's calendar, no state but the turns themselves.

import Foundation
import GatewayModel
import Policy

/// Counts again.
struct NaiveRecount {
    /// One counter of the history.
    struct Key: Hashable {
        var rule: Int
        var group: [String]
        var windowStart: Int64
    }

    private(set) var keys: [Key] = []
    private var numbers: [Key: Int] = [:]
    private var windows: [[Int64]: Int64] = [:]
    /// What somebody granted, by key.
    var granted: [Int: Int64] = [:]

    // MARK: Which counter

    static func value(_ facts: TurnFacts, _ dimension: LimitDimension) -> String? {
        switch dimension {
        case .team: facts.team
        case .developer: facts.developer
        case .session: facts.session
        case .key: facts.key
        case .model: facts.model
        case .repository: facts.repository
        case .tag(let name): facts.tags[name]
        default: nil
        }
    }

    static func fits(_ pattern: String, _ value: String) -> Bool {
        if pattern.hasSuffix("*") { return value.hasPrefix(pattern.dropLast()) }
        if pattern.hasPrefix("*") { return value.hasSuffix(pattern.dropFirst()) }
        return pattern == value
    }

    mutating func key(_ place: Int, _ rule: LimitRule, _ facts: TurnFacts, at time: Timestamp) -> Int? {
        for condition in rule.conditions {
            guard let value = Self.value(facts, condition.on) else {
                if condition.any.isEmpty { continue }
                return nil
            }
            if !condition.any.isEmpty, !condition.any.contains(where: { Self.fits($0, value) }) { return nil }
            if condition.except.contains(where: { Self.fits($0, value) }) { return nil }
        }
        var dimensions = rule.groupBy
        if dimensions.contains(.session), !dimensions.contains(.key) { dimensions.append(.key) }
        return number(
            Key(rule: place, group: dimensions.map { Self.value(facts, $0) ?? "" }, windowStart: windowStart(place, rule, at: time)))
    }

    mutating func number(_ key: Key) -> Int {
        if let known = numbers[key] { return known }
        numbers[key] = keys.count
        keys.append(key)
        return keys.count - 1
    }

    private static let calendars: [String: Calendar] = {
        var calendars: [String: Calendar] = [:]
        for zone in ["UTC", "Europe/Berlin", "America/New_York"] {
            var calendar = Calendar(identifier: .iso8601)
            calendar.timeZone = TimeZone(identifier: zone) ?? .gmt
            calendars[zone] = calendar
        }
        return calendars
    }()

    mutating func windowStart(_ place: Int, _ rule: LimitRule, at time: Timestamp) -> Int64 {
        let hour = time.seconds / 3600
        if let known = windows[[Int64(place), hour]] { return known }
        let start = Self.windowStart(rule, at: hour * 3600)
        windows[[Int64(place), hour]] = start
        return start
    }

    private static func windowStart(_ rule: LimitRule, at seconds: Int64) -> Int64 {
        guard let calendar = calendars[rule.zone] else { return 0 }
        let date = Date(timeIntervalSince1970: Double(seconds))
        let unit: Calendar.Component
        switch rule.window {
        case .day: unit = .day
        case .week: unit = .weekOfYear
        case .month, .quarter: unit = .month
        case .rolling, .rate, .none: return 0
        }
        var start = calendar.dateInterval(of: unit, for: date)?.start ?? date
        if rule.window == .quarter {
            let month = calendar.component(.month, from: start)
            let back = (month - rule.fiscalStartMonth + 12) % 3
            start = calendar.date(byAdding: .month, value: -back, to: start) ?? start
        }
        return Int64(start.timeIntervalSince1970)
    }

    // MARK: How much

    static func amount(_ unit: LimitUnit, _ amounts: LimitAmounts) -> Int64? {
        switch unit {
        case .nanoUSD: amounts.cost
        case .inputTokens: amounts.inputTokens
        case .outputTokens: amounts.outputTokens
        case .totalTokens: amounts.inputTokens + amounts.outputTokens
        case .requests, .concurrent: 1
        }
    }

    static func isEnforced(_ rule: LimitRule) -> Bool { rule.mode != .alert && rule.onExceed != .alert }

    static func isRate(_ rule: LimitRule) -> Bool { if case .rate = rule.window { true } else { false } }

    static func isRolling(_ rule: LimitRule) -> Bool { if case .rolling = rule.window { true } else { false } }

    /// What a turn that is not over holds; nil is unpriced.
    static func held(_ rule: LimitRule, _ turn: SimulatedTurn) -> Int64? {
        if isRate(rule) { return amount(rule.unit, turn.demand.estimate) ?? 0 }
        if rule.mode == .elastic {
            return amount(rule.unit, turn.amounts(turn.heldOutput)) ?? (isEnforced(rule) ? nil : 0)
        }
        return amount(rule.unit, turn.demand.whole) ?? (isEnforced(rule) ? nil : 0)
    }

    /// Posted and pending of a counter.
    func sums(_ key: Int, _ rule: LimitRule, _ turns: [SimulatedTurn]) -> (posted: Int64, pending: Int64) {
        let place = keys[key].rule
        var posted: Int64 = 0
        var pending: Int64 = 0
        for turn in turns where turn.keys[place] == key {
            switch turn.phase {
            case .reserved, .sent: pending += Self.held(rule, turn) ?? 0
            case .settled(let amounts):
                if rule.unit != .concurrent { posted += Self.amount(rule.unit, amounts) ?? 0 }
            case .void: break
            }
        }
        return (posted, pending)
    }

    /// What was posted for turns that were admitted from a time on.
    func posted(_ key: Int, _ rule: LimitRule, _ turns: [SimulatedTurn], from seconds: Int64) -> Int64 {
        var posted: Int64 = 0
        for turn in turns where turn.keys[keys[key].rule] == key && turn.admitted.seconds >= seconds {
            if case .settled(let amounts) = turn.phase { posted += Self.amount(rule.unit, amounts) ?? 0 }
        }
        return posted
    }
}
