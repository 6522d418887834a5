// CompiledLimit: a rule with what admission needs of it laid out flat, and what it seldom needs apart.

/// How a counter counts.
enum CounterKind: UInt8, Sendable {
    /// Posted and pending of a calendar window.
    case calendar
    /// Posted and pending, for good.
    case lifetime
    /// Posted in buckets, and pending.
    case rolling
    /// GCRA: when the bucket is empty again.
    case rate
    /// Turns at once: only pending.
    case concurrent
}

/// The dimensions of a group, by their place in the book; at most four.
struct LimitGrouping: Sendable, Hashable {
    let dimensions: SIMD4<UInt16>
    let count: Int

    init(_ places: [Int]) {
        var dimensions = SIMD4<UInt16>()
        for (index, place) in places.prefix(4).enumerated() { dimensions[index] = UInt16(clamping: place) }
        self.dimensions = dimensions
        count = min(4, places.count)
    }
}

/// What every admission and settlement looks at: plain values, so that looking at them counts no reference.
struct LimitCore: Sendable {
    let kind: CounterKind
    let unit: LimitUnit
    let elastic: ElasticPolicy
    let isEnforced: Bool
    let isElastic: Bool
    let hasThresholds: Bool
    /// Reserves the whole of its unit: neither elastic nor a rate.
    let isPlain: Bool
    /// The place of its group among the book's.
    let grouping: UInt16
    let limit: Int64
    /// Of a rate: what may come at once.
    let burst: Int64
    /// The length of a rolling window's bucket, or of a rate's period.
    let seconds: Int64
    /// The lowest threshold in percent.
    let thresholdMin: Int64
    /// Of a rate: how long its burst takes to refill, in nanoseconds.
    let burstRefill: Int64

    init(_ rule: LimitRule, grouping: Int) {
        unit = rule.unit
        elastic = rule.elastic
        limit = rule.limit
        burst = rule.burst ?? rule.limit
        isEnforced = rule.isEnforced
        isElastic = rule.mode == .elastic
        hasThresholds = !rule.thresholds.isEmpty
        if case .rate = rule.window { isPlain = false } else { isPlain = rule.mode != .elastic }
        thresholdMin = Int64(rule.thresholds.min() ?? 0)
        // There are at most as many as rules.
        self.grouping = UInt16(clamping: grouping)
        switch rule.window {
        case .day, .week, .month, .quarter: (kind, seconds) = (.calendar, 0)
        case .rolling(let length): (kind, seconds) = (.rolling, (length + RollingBuckets.count - 1) / RollingBuckets.count)
        case .rate(let length): (kind, seconds) = (.rate, length)
        case .none: (kind, seconds) = (rule.unit == .concurrent ? .concurrent : .lifetime, 0)
        }
        burstRefill = Self.refill(burst, limit: limit, seconds: seconds)
    }

    /// What the turn has to reserve; nil when its price or its bound is not known and this limit must know it.
    func need(_ demand: LimitDemand) -> Int64? {
        if kind == .rate { return demand.estimate.of(unit) ?? 0 }
        if demand.isUnbounded, isEnforced, !isElastic, unit.isSize { return nil }
        guard let whole = demand.whole.of(unit) else { return isEnforced ? nil : 0 }
        return isElastic ? min(whole, demand.first.of(unit) ?? whole) : whole
    }

    /// The time that so much takes to refill, in nanoseconds, rounded down: seven turns of a seventh of a minute each must fit into a
    /// minute. `max` when it never does.
    func refill(_ amount: Int64) -> Int64 { amount == burst ? burstRefill : Self.refill(amount, limit: limit, seconds: seconds) }

    private static func refill(_ amount: Int64, limit: Int64, seconds: Int64) -> Int64 {
        guard limit > 0 else { return amount > 0 ? .max : 0 }
        // A rate's period is a day at most, so only the amount can make this too large.
        let (scaled, isLarge) = amount.multipliedReportingOverflow(by: seconds &* 1_000_000_000)
        if !isLarge { return scaled / limit }
        return Int64(clamping: Int128(amount) * Int128(seconds) * 1_000_000_000 / Int128(limit))
    }

    /// What of a rate's burst a refill time stands for, rounded up.
    func amount(refilledIn nanoseconds: Int64) -> Int64 {
        let period = seconds &* 1_000_000_000
        let (scaled, isLarge) = nanoseconds.multipliedReportingOverflow(by: limit)
        let (above, isLarger) = scaled.addingReportingOverflow(period - 1)
        if !isLarge, !isLarger { return above / period }
        return Int64(clamping: (Int128(nanoseconds) * Int128(limit) + Int128(period) - 1) / Int128(period))
    }
}

/// A rule, compiled: what refusals, alerts and restoring need of it beside its core.
final class CompiledLimit: Sendable {
    let rule: LimitRule
    let core: LimitCore
    /// The dimensions of the group, by their place in the book; at most four.
    let group: [Int]
    let calendar: WindowCalendar?
    let waitNanosecondsMax: Int64
    /// Equal for rules that can go on with each other's counters.
    let identity: String

    init(_ rule: LimitRule, zone: TimeZoneRules, group: [Int], grouping: Int) {
        self.rule = rule
        self.group = group
        core = LimitCore(rule, grouping: grouping)
        waitNanosecondsMax = rule.waitMillisecondsMax * 1_000_000
        identity = rule.counterIdentity
        calendar =
            rule.window.isCalendar ? WindowCalendar(rule.window, zone: zone, fiscalStartMonth: rule.fiscalStartMonth) : nil
    }
}
