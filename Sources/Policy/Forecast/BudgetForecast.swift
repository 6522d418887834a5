// BudgetForecast: where a budget will stand when its window ends, with an interval, and when it will be used up. From the days before,
// each kind of day by itself: agents work on weekdays, and a mean over all days would be wrong on every one of them.

import GatewayModel

/// What was spent on one local day.
package struct SpentDay: Sendable, Hashable, Codable {
    /// The day's number since 1970-01-01.
    package var day: Int64
    package var spent: Int64

    package init(day: Int64, spent: Int64) {
        self.day = day
        self.spent = spent
    }

    /// 1970-01-01 was a Thursday.
    var isWeekend: Bool { ((day + 3) % 7 + 7) % 7 >= 5 }
}

/// A forecast to the end of a window.
package struct BudgetForecast: Sendable, Hashable {
    package var spent: Int64
    /// What will have been spent at the end, most probably, and the bounds within which it will be in four of five cases.
    package var expected: Int64
    package var low: Int64
    package var high: Int64
    /// The day on which the limit will be reached, most probably; nil when it will not be in this window.
    package var exhaustedOn: Int64?
    /// Days that the forecast rests on.
    package var daysKnown: Int

    /// Before a whole day is known: what is used, and nothing beyond.
    package init(knownOnly spent: Int64) {
        self.init(spent: spent, expected: spent, low: spent, high: spent, exhaustedOn: nil, daysKnown: 0)
    }

    init(spent: Int64, expected: Int64, low: Int64, high: Int64, exhaustedOn: Int64?, daysKnown: Int) {
        self.spent = spent
        self.expected = expected
        self.low = low
        self.high = high
        self.exhaustedOn = exhaustedOn
        self.daysKnown = daysKnown
    }

    /// Whether it will probably be exceeded.
    package func exceeds(_ limit: Int64) -> Bool { expected > limit }
}

/// The usual spend on one kind of day.
private struct DayKind {
    var count = 0
    var mean = 0.0
    private var squares = 0.0

    mutating func add(_ value: Double) {
        count += 1
        let before = value - mean
        mean += before / Double(count)
        squares += before * (value - mean)
    }

    /// Of a single day; with one day or none known, as wide as the mean itself.
    var variance: Double { count > 1 ? squares / Double(count - 1) : mean * mean }
}

/// Forecasts what is spent until a window ends; nil with no day known.
///
/// - Parameters:
///   - history: whole local days before today, at most a few weeks; days without spend count and must be in it.
///   - spent: within the window until now.
///   - today: today's number since the epoch, and how much of it has passed (0 to 1).
///   - end: the day on which the window has ended: the first of the next one.
package func forecastBudget(
    history: [SpentDay], spent: Int64, today: Int64, passed: Double, end: Int64, limit: Int64
) -> BudgetForecast? {
    guard !history.isEmpty, end > today else { return nil }
    var weekday = DayKind()
    var weekend = DayKind()
    for day in history { if day.isWeekend { weekend.add(Double(day.spent)) } else { weekday.add(Double(day.spent)) } }
    // One kind stands for the other until it has been seen.
    if weekday.count == 0 { weekday = weekend }
    if weekend.count == 0 { weekend = weekday }
    var mean = 0.0
    var variance = 0.0
    var shares = (weekday: 0.0, weekend: 0.0)
    var exhaustedOn: Int64? = spent >= limit ? today : nil
    for day in today..<min(end, today + 400) {
        let share = day == today ? 1 - min(1, max(0, passed)) : 1
        let isWeekend = SpentDay(day: day, spent: 0).isWeekend
        let kind = isWeekend ? weekend : weekday
        mean += kind.mean * share
        variance += kind.variance * share
        if isWeekend { shares.weekend += share } else { shares.weekday += share }
        if exhaustedOn == nil, Double(spent) + mean >= Double(limit) { exhaustedOn = day }
    }
    // The means are themselves known only from so many days, and err alike on each day to come.
    variance += shares.weekday * shares.weekday * weekday.variance / Double(max(1, weekday.count))
    variance += shares.weekend * shares.weekend * weekend.variance / Double(max(1, weekend.count))
    // Ten percent on each side, of the normal distribution; wider while few days are known, as Student's is.
    let half = variance.squareRoot() * 1.2816 * (1 + 1 / Double(history.count))
    func amount(_ value: Double) -> Int64 { Int64(min(max(value, 0), Double(Int64.max / 2))) }
    let rest = amount(mean)
    let low = amount(mean - half)
    let high = amount(mean + half)
    func sum(_ more: Int64) -> Int64 { spent.saturatingAdding(more) }
    return BudgetForecast(
        spent: spent, expected: sum(rest), low: sum(low), high: sum(high), exhaustedOn: exhaustedOn, daysKnown: history.count)
}

/// One point of a burn-down: what is left of a limit after each day, and what would be left at an even pace.
package struct BurnDownPoint: Sendable, Hashable, Codable {
    package var day: Int64
    package var left: Int64
    package var even: Int64
}

/// The burn-down of a window from its first day to the last that is known.
package func burnDown(days: [SpentDay], start: Int64, end: Int64, limit: Int64) -> [BurnDownPoint] {
    var left = limit
    let length = max(1, end - start)
    var spent: [Int64: Int64] = [:]
    for day in days { spent[day.day, default: 0].addSaturating(day.spent) }
    guard let last = days.map(\.day).max(), last >= start else { return [] }
    return (start...min(last, end - 1, start + 400)).map { day in
        left.subtractSaturating(spent[day] ?? 0)
        let even = Int64(clamping: Int128(limit) * Int128(end - day - 1) / Int128(length))
        return BurnDownPoint(day: day, left: left, even: even)
    }
}
