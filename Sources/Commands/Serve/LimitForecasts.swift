// LimitForecasts: how budgets and limits of calendar windows came so far, day by day, and where they will stand at the end: from the
// hours of the ledger. Days are those of the rule's zone; an hour belongs to the day in which it begins.

import AdminAPI
import Foundation
import GatewayModel
import Policy
import Proxy
import ServerConfiguration
import Storage

/// One counter's days and its forecast.
struct CounterForecast: Sendable {
    var rule: LimitRule
    var group: [String]
    /// With what was granted.
    var limit: Int64
    /// Of its window, as days since the epoch: the first, and the first of the next.
    var start: Int64
    var end: Int64
    var days: [SpentDay]
    var forecast: BudgetForecast

    /// So many days before the end of its window a budget that runs out is worth a word; days themselves are too short for one.
    private var marginDays: Int64 { end - start >= 28 ? 3 : 1 }

    /// Whether people should be told that it will not last.
    var isAlarming: Bool {
        guard forecast.exceeds(limit), forecast.spent < limit, forecast.daysKnown >= 3, end - start > 1,
            let exhaustedOn = forecast.exhaustedOn
        else { return false }
        return exhaustedOn + marginDays <= end
    }
}

/// Reads the past for forecasts.
struct LimitForecasts: Sendable {
    let limits: LimitsInForce
    let databases: Databases
    let clock: any GatewayClock

    private static let countersMax = 100_000

    /// Of which rules there can be one: hours keep neither sessions nor tags.
    static func isForecast(_ rule: LimitRule) -> Bool {
        rule.window.isCalendar && rule.unit != .concurrent
            && (rule.conditions.map(\.on) + rule.groupBy).allSatisfy {
                if case .tag = $0 { return false }
                return $0 != .session
            }
    }

    /// Every counter of these rules that is used in its present window, the fullest first; blocks for as long as the reading takes.
    func forecasts(_ all: [LimitRule]) throws -> [CounterForecast] {
        let now = clock.now()
        let plans = Dictionary(
            all.filter(Self.isForecast).map { ($0.id, ForecastPlan($0, at: now)) }, uniquingKeysWith: { first, _ in first })
        guard let since = plans.values.map(\.from).min() else { return [] }
        let book = try limitBook(plans.values.map(\.rule))
        var spent: [CounterName: [Int64: Int64]] = [:]
        try LedgerHistory.read(databases.ledger) { history in
            try history.hours(from: since.start(of: .hour)) { use in
                let amounts = LimitAmounts(cost: use.costNanoUSD, inputTokens: use.inputTokens, outputTokens: use.outputTokens)
                for (rule, group) in book.counters(of: TurnFacts(use)) {
                    let name = CounterName(rule: rule.id, group: group)
                    guard let plan = plans[rule.id], spent.count < Self.countersMax || spent[name] != nil else { continue }
                    let amount = rule.unit == .requests ? use.turns : amounts.of(rule.unit) ?? 0
                    spent[name, default: [:]][plan.zone.day(at: use.time.seconds), default: 0].addSaturating(amount)
                }
            }
        }
        var found: [CounterForecast] = []
        for plan in plans.values {
            for counter in limits.liveCounters(plan.rule, at: now) {
                let days = spent[CounterName(rule: plan.rule.id, group: counter.group)] ?? [:]
                found.append(plan.forecast(counter, days, at: now))
            }
        }
        return found.sorted { ($1.forecast.spent, $0.rule.id) < ($0.forecast.spent, $1.rule.id) }
    }

    /// The same of one rule, as it is shown.
    func views(_ rule: LimitRule) throws -> [LimitForecastView]? {
        guard Self.isForecast(rule) else { return nil }
        return try forecasts([rule]).prefix(100).map { found in
            let used = Dictionary(found.days.map { ($0.day, $0.spent) }, uniquingKeysWith: +)
            let points = burnDown(days: found.days, start: found.start, end: found.end, limit: found.limit)
            func date(_ day: Int64) -> String { CivilDate(daysSinceEpoch: day).text }
            var view = LimitForecastView(
                group: found.group, start: date(found.start), end: date(found.end),
                days: points.map { .init(date: date($0.day), used: used[$0.day] ?? 0, left: $0.left, even: $0.even) })
            view.daysKnown = found.forecast.daysKnown
            guard view.daysKnown > 0 else { return view }
            (view.expected, view.low, view.high) = (found.forecast.expected, found.forecast.low, found.forecast.high)
            view.exhaustedOn = found.forecast.exhaustedOn.map(date)
            return view
        }
    }
}

private struct CounterName: Hashable {
    var rule: String
    var group: [String]
}

/// What is read for one rule, and how its days become a forecast.
private struct ForecastPlan {
    /// A forecast rests on so many whole days before today.
    private static let daysBefore: Int64 = 28

    let rule: LimitRule
    let zone: TimeZoneRules
    private let today: Int64
    private let start: Int64
    private let end: Int64
    /// From when on hours are read.
    let from: Timestamp

    init(_ rule: LimitRule, at now: Timestamp) {
        self.rule = rule
        zone = timeZoneRules(rule.zone) ?? .utc
        let period = calendar(rule).period(at: now)
        today = zone.day(at: now.seconds)
        start = zone.day(at: period.start)
        end = zone.day(at: period.end)
        from = Timestamp(seconds: min(period.start, zone.start(ofDay: today - Self.daysBefore)))
    }

    func forecast(_ counter: LimitCounter, _ used: [Int64: Int64], at now: Timestamp) -> CounterForecast {
        let limit = rule.limit.saturatingAdding(counter.granted)
        // Days before the first use say nothing; days without use after it do.
        let first = used.keys.min() ?? today
        let history = (max(first, today - Self.daysBefore)..<max(first, today)).map { SpentDay(day: $0, spent: used[$0] ?? 0) }
        let midnight = zone.start(ofDay: today)
        let passed = Double(now.seconds - midnight) / Double(max(1, zone.start(ofDay: today + 1) - midnight))
        let forecast =
            forecastBudget(history: history, spent: counter.posted, today: today, passed: passed, end: end, limit: limit)
            ?? BudgetForecast(knownOnly: counter.posted)
        let days = (start...max(start, today)).map { SpentDay(day: $0, spent: used[$0] ?? 0) }
        return CounterForecast(
            rule: rule, group: counter.group, limit: limit, start: start, end: end, days: days, forecast: forecast)
    }
}
