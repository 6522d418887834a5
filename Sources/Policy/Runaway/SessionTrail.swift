// SessionTrail: what is remembered of a session's last turns, and what it shows. Pure; some two hundred bytes a session.

import GatewayModel

/// The trail of one session.
struct SessionTrail {
    /// Cycles of up to so many calls are seen.
    static let cycleMax = 4

    /// Signatures of the last turns, the newest first.
    private var recent: SIMD4<UInt64> = .zero
    /// How many turns in a row were the same as the one so many turns before.
    private var runs: SIMD4<Int32> = .zero
    private var bytes: Int64 = 0
    /// The first turn.
    var began: Timestamp?
    private var lastCalls: UInt64 = 0

    private var growingTurns: Int64 = 0
    private var growingFrom: Int64 = 0
    /// A bit for each of 64 classes of calls that came while the context grew.
    private var seenCalls: UInt64 = 0
    private var newCalls: Int64 = 0

    /// What was told already, so that it is told once.
    private(set) var told: Set<RunawayKind> = []
    var finding: RunawayFinding?
    var nextAt = Timestamp(nanoseconds: 0)

    /// Takes the next turn. Gives how often its calls have come in a row (1 is once), and for how many turns the context has grown
    /// without anything new.
    mutating func take(_ signs: TurnSigns) -> (repetitions: Int64, growing: Int64) {
        if signs.calls == 0 {
            // A person speaks: whatever went round in circles is over.
            let before = self
            self = SessionTrail()
            (bytes, told, finding, nextAt, began) = (signs.bytes, before.told, before.finding, before.nextAt, before.began)
            return (0, 0)
        }
        // A client that sends the very same request again repeats a request and no call.
        if signs.bytes == bytes, signs.calls == lastCalls { return (repetitions, growing) }
        lastCalls = signs.calls
        let signature = (signs.calls ^ (signs.results &* 0x9E37_79B9_7F4A_7C15)) | 1
        for place in 0..<Self.cycleMax { runs[place] = recent[place] == signature ? runs[place] &+ 1 : 0 }
        recent = [signature, recent[0], recent[1], recent[2]]
        grow(signs)
        bytes = signs.bytes
        return (repetitions, growing)
    }

    private mutating func grow(_ signs: TurnSigns) {
        if growingTurns == 0 || signs.bytes < bytes {
            // It was compacted, or it begins.
            growingTurns = 1
            growingFrom = signs.bytes
            seenCalls = 0
            newCalls = 0
        } else {
            growingTurns += 1
        }
        let bit: UInt64 = 1 << (signs.calls >> 58)
        if seenCalls & bit == 0 { newCalls += 1 }
        seenCalls |= bit
    }

    private var repetitions: Int64 {
        var most: Int64 = 0
        for place in 0..<Self.cycleMax { most = max(most, Int64(runs[place]) / Int64(place + 1)) }
        return recent[0] == 0 ? 0 : most + 1
    }

    private var growing: Int64 {
        bytes >= growingFrom.multipliedReportingOverflow(by: 2).partialValue && newCalls * 4 <= growingTurns ? growingTurns : 0
    }

    /// Whether it has not been told since it began.
    mutating func isNews(_ kind: RunawayKind) -> Bool { told.insert(kind).inserted }

    mutating func isOver(_ kind: RunawayKind) { told.remove(kind) }
}

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
