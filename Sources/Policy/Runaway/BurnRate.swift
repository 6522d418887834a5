// BurnRate: how fast a developer spends now, held against how fast normally. Pure; sums that fade, no history.

import GatewayModel

/// Spend that fades: half of it is forgotten after each half-life.
struct FadingSum: Sendable {
    private(set) var value = 0.0
    private var at: Int64 = 0
    let halfLifeSeconds: Double

    init(halfLifeSeconds: Double) { self.halfLifeSeconds = halfLifeSeconds }

    mutating func add(_ amount: Double, at time: Timestamp) {
        fade(to: time)
        value += amount
    }

    mutating func fade(to time: Timestamp) {
        let seconds = Double(time.nanoseconds - at) / 1e9
        if at == 0 { value = 0 } else if seconds > 0 { value *= FadingSum.half(seconds / halfLifeSeconds) }
        at = max(at, time.nanoseconds)
    }

    /// Two to the power of minus `lives`, without the mathematical library: halvings, then a polynomial for the rest (error below 1e-4).
    static func half(_ lives: Double) -> Double {
        guard lives < 60 else { return 0 }
        let whole = lives.rounded(.down)
        let rest = (lives - whole) * 0.693147180559945
        var value = 1 - rest * (1 - rest / 2 * (1 - rest / 3 * (1 - rest / 4 * (1 - rest / 5))))
        for _ in 0..<Int(whole) { value /= 2 }
        return value
    }
}

/// How fast a developer spends now, and how fast normally.
struct BurnRate: Sendable {
    private var now = FadingSum(halfLifeSeconds: 600)
    private var spent = FadingSum(halfLifeSeconds: 7 * 86_400)
    private var active = FadingSum(halfLifeSeconds: 7 * 86_400)
    private var last: Timestamp?

    /// Two turns that are no further apart belong to one stretch of work.
    static let pauseSeconds: Int64 = 300

    mutating func add(_ cost: Int64, at time: Timestamp) {
        let gap = last.map { max(0, min(Self.pauseSeconds, time.seconds - $0.seconds)) } ?? Self.pauseSeconds
        last = max(last ?? time, time)
        now.add(Double(cost), at: time)
        spent.add(Double(cost), at: time)
        active.add(Double(gap), at: time)
    }

    /// An hour of the past, as it would have been added turn by turn.
    mutating func recall(hour: Timestamp, turns: Int64, cost: Int64) {
        let end = hour.adding(seconds: 3600)
        spent.add(Double(max(0, cost)), at: end)
        active.add(Double(min(3600, max(0, min(turns, 12)) * Self.pauseSeconds)), at: end)
    }

    /// How many times the normal it is; 0 while little is known, or while it is slow whatever the normal is.
    mutating func factor(over least: Int64, at time: Timestamp) -> Int64 {
        now.fade(to: time)
        spent.fade(to: time)
        active.fade(to: time)
        // What fades with a half-life of ten minutes stands for 866 seconds of an even flow.
        let hourly = now.value * 3600 / (600 / 0.693147180559945)
        guard active.value >= 2 * 3600, hourly >= Double(least) else { return 0 }
        let normal = max(1, (spent.value - now.value) / active.value * 3600)
        return Int64(min(hourly / normal, 1_000_000))
    }
}
