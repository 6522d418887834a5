// RunawayState: the state machine behind `RunawayWatch`. Pure; a turn costs a few look-ups.

import GatewayModel

struct RunawayState {
    /// In two generations: the older one goes when the younger is full.
    private var trails: Generations<WatchedSession, SessionTrail>
    private var burns: Generations<String, BurnRate>
    private(set) var standings: [WatchedSession: SessionStanding] = [:]
    var findings: [RunawayFinding] = []

    static let findingsMax = 1024
    /// More than people pause and grant; then the oldest that goes on is forgotten.
    static let standingsMax = 100_000
    /// A developer who was let go on spends fast for so long.
    static let burnGrantSeconds: Int64 = 3600

    init(sessionsMax: Int) {
        trails = Generations(max: sessionsMax)
        burns = Generations(max: sessionsMax)
    }

    mutating func check(
        _ session: WatchedSession, _ developer: String, _ signs: TurnSigns, _ policy: RunawayPolicy, at now: Timestamp
    ) -> RunawayVerdict {
        let standing = standings.isEmpty ? nil : standings[session]
        if let standing, isPaused(standing, policy) { return .paused(standing, isNews: false) }
        var trail = trails.take(session) ?? SessionTrail()
        let (repetitions, growing) = trail.take(signs)
        let began = trail.began ?? now
        trail.began = began
        let until = standing?.until ?? began.adding(seconds: Int64(policy.sessionMinutesMax) * 60)
        let turnsMax = standing?.turnsMax ?? Int64(policy.sessionTurnsMax)
        let costMax = standing?.costMax ?? policy.costMax
        let burning = burnFactor(developer, standing, policy, at: now)
        var worst: RunawayFinding?
        func weigh(_ kind: RunawayKind, _ count: Int64, over allowed: Int64, _ isSo: Bool) {
            let action = policy.action(kind)
            guard isSo, action != .off else {
                trail.isOver(kind)
                return
            }
            let finding = RunawayFinding(
                kind: kind, action: action, session: session, developer: developer, count: count, allowed: allowed, at: now)
            if trail.isNews(kind), findings.count < Self.findingsMax { findings.append(finding) }
            if action > worst?.action ?? .off { worst = finding }
        }
        weigh(.repeatedCalls, repetitions, over: Int64(policy.repetitionsMax), repetitions > Int64(policy.repetitionsMax))
        weigh(.growingContext, growing, over: Int64(policy.growingTurnsMin), growing >= max(1, Int64(policy.growingTurnsMin)))
        weigh(.burnRate, burning, over: Int64(policy.burnFactor), burning >= Int64(policy.burnFactor))
        weigh(.longSession, (now.seconds - began.seconds) / 60, over: (until.seconds - began.seconds) / 60, now > until)
        weigh(.manyTurns, trail.turns, over: turnsMax, trail.turns >= turnsMax)
        weigh(.highCost, trail.cost, over: costMax, trail.cost >= costMax)
        let verdict = decide(&trail, worst, policy, at: now)
        if case .paused = verdict {} else { trail.turns += 1 }
        trails.put(session, trail)
        return verdict
    }

    /// What is no longer to be paused for lets the session go on.
    private func isPaused(_ standing: SessionStanding, _ policy: RunawayPolicy) -> Bool {
        standing.state == .paused && RunawayKind(rawValue: standing.rule).map { policy.action($0) == .pause } ?? true
    }

    private mutating func burnFactor(
        _ developer: String, _ standing: SessionStanding?, _ policy: RunawayPolicy, at now: Timestamp
    ) -> Int64 {
        guard policy.burnRate != .off, var burn = burns[developer] else { return 0 }
        if let standing, standing.rule == RunawayKind.burnRate.rawValue, now < standing.at.adding(seconds: Self.burnGrantSeconds) {
            return 0
        }
        return burn.factor(over: Int64(policy.burnUSDPerHourMin) * 1_000_000_000, at: now)
    }

    private mutating func decide(
        _ trail: inout SessionTrail, _ worst: RunawayFinding?, _ policy: RunawayPolicy, at now: Timestamp
    ) -> RunawayVerdict {
        trail.finding = worst
        switch worst?.action {
        case .pause:
            guard var standing = worst?.standing else { return .fine }
            // What was granted stays granted.
            if let before = standings[WatchedSession(standing)] {
                (standing.turnsMax, standing.costMax, standing.until) = (before.turnsMax, before.costMax, before.until)
            }
            set(standing, clearing: false)
            return .paused(standing, isNews: true)
        case .throttle: return throttle(&trail, policy, at: now)
        default: return .fine
        }
    }

    private func throttle(_ trail: inout SessionTrail, _ policy: RunawayPolicy, at now: Timestamp) -> RunawayVerdict {
        guard let finding = trail.finding, finding.action == .throttle else { return .fine }
        if trail.nextAt > now { return .throttled(until: trail.nextAt, finding) }
        trail.nextAt = now.adding(seconds: Int64(policy.throttleSeconds))
        return .fine
    }

    mutating func checkAgain(_ session: WatchedSession, _ policy: RunawayPolicy, at now: Timestamp) -> RunawayVerdict {
        if let standing = standings[session], isPaused(standing, policy) { return .paused(standing, isNews: false) }
        guard var trail = trails.take(session) else { return .fine }
        defer { trails.put(session, trail) }
        return throttle(&trail, policy, at: now)
    }

    mutating func settled(_ session: WatchedSession, _ developer: String, _ cost: Int64, at now: Timestamp) {
        var burn = burns.take(developer) ?? BurnRate()
        burn.add(max(0, cost), at: now)
        burns.put(developer, burn)
        guard var trail = trails.take(session) else { return }
        trail.add(cost: cost)
        trails.put(session, trail)
    }

    // MARK: Standings

    mutating func grant(
        _ session: WatchedSession, _ turns: Int64?, _ cost: Int64?, _ until: Timestamp?, _ by: String, _ reason: String,
        _ policy: RunawayPolicy, at now: Timestamp
    ) -> SessionStanding? {
        let before = standings[session]
        let trail = trails[session]
        guard before != nil || trail != nil else { return nil }
        let (usedTurns, usedCost) = (trail?.turns ?? 0, trail?.cost ?? 0)
        func more(_ amount: Int64?, _ used: Int64, _ allowed: Int64?, _ usual: Int64) -> Int64? {
            guard let more = amount ?? (used >= allowed ?? usual ? usual : nil) else { return allowed }
            return used.saturatingAdding(more)
        }
        let usualUntil = now.adding(seconds: Int64(policy.sessionMinutesMax) * 60)
        let oldUntil = before?.until ?? trail?.began.map { $0.adding(seconds: Int64(policy.sessionMinutesMax) * 60) }
        return SessionStanding(
            key: session.key, session: session.session, developer: before?.developer ?? trail?.finding?.developer ?? "", state: .granted,
            rule: before?.rule ?? trail?.finding?.kind.rawValue ?? "", text: before?.text ?? trail?.finding?.text ?? "",
            turnsMax: more(turns, usedTurns, before?.turnsMax, Int64(policy.sessionTurnsMax)),
            costMax: more(cost, usedCost, before?.costMax, policy.costMax),
            until: until ?? (oldUntil.map { $0 < now } == true ? usualUntil : before?.until), by: by, reason: reason, at: now)
    }

    mutating func set(_ standing: SessionStanding, clearing: Bool = true) {
        let session = WatchedSession(standing)
        if standings.count >= Self.standingsMax, standings[session] == nil,
            let oldest = standings.values.filter({ $0.state == .granted }).min(by: { $0.at < $1.at })
        {
            standings[WatchedSession(oldest)] = nil
        }
        standings[session] = standing
        guard clearing, standing.state == .granted, var trail = trails.take(session) else { return }
        trail.clear()
        trails.put(session, trail)
    }

    func sessions(named name: String) -> [WatchedSession] {
        Set(standings.keys.filter { $0.session == name } + trails.keys.filter { $0.session == name }).sorted { $0.key < $1.key }
    }

    // MARK: What was before

    mutating func recall(_ session: WatchedSession, began: Timestamp, turns: Int64, cost: Int64) {
        var trail = trails.take(session) ?? SessionTrail()
        trail.began = min(trail.began ?? began, began)
        trail.turns = max(trail.turns, turns)
        trail.cost = max(trail.cost, cost)
        trails.put(session, trail)
    }

    mutating func recall(developer: String, hour: Timestamp, turns: Int64, cost: Int64) {
        var burn = burns.take(developer) ?? BurnRate()
        burn.recall(hour: hour, turns: turns, cost: cost)
        burns.put(developer, burn)
    }
}

/// Values by key in two generations, so that what was not asked for longest goes first, a half at a time.
struct Generations<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private var young: [Key: Value] = [:]
    private var old: [Key: Value] = [:]
    private let half: Int

    init(max count: Int) { half = max(1, count / 2) }

    subscript(_ key: Key) -> Value? { young[key] ?? old[key] }
    var keys: [Key] { Array(young.keys) + old.keys }

    mutating func take(_ key: Key) -> Value? { young.removeValue(forKey: key) ?? old.removeValue(forKey: key) }

    mutating func put(_ key: Key, _ value: Value) {
        if young.count >= half {
            old = young
            young = [:]
        }
        young[key] = value
    }
}
