// LimitCost: what limits cost a turn, and what counters cost in memory. `Benchmarks/limits.py` runs it, under callgrind for the first.
//
//     LimitCost turns COUNT       admits and settles so many turns under twelve limits
//     LimitCost none COUNT        the same turns under no limit
//     LimitCost counters COUNT    makes so many counters, one a session, and prints the resident bytes that each takes
//     LimitCost rolling COUNT     the same with rolling windows of which a few buckets are filled
//     LimitCost sessions COUNT    watches so many sessions for agents that run away, each with all that is kept of one

import GatewayModel
import Glibc
import Policy

/// Twelve limits that all hold for one turn: the tiers of a company, caps of a session, rates, and turns at once.
func twelveRules() -> [LimitRule] {
    func rule(
        _ id: String, _ limit: Int64, _ unit: LimitUnit, _ window: LimitWindow, _ groups: [LimitDimension],
        _ conditions: [LimitCondition] = []
    ) -> LimitRule {
        var rule = LimitRule(id: id, name: id, limit: limit, unit: unit, window: window)
        rule.groupBy = groups
        rule.conditions = conditions
        return rule
    }
    let much: Int64 = 1_000_000_000_000_000
    var repository = rule("repository", much, .nanoUSD, .month, [.repository], [LimitCondition(.repository, any: ["github.com/acme/*"])])
    repository.mode = .elastic
    return [
        rule("workspace", much, .nanoUSD, .quarter, [], [LimitCondition(.workspace, any: ["acme"])]),
        rule("team", much, .nanoUSD, .month, [.team]),
        rule("team shop", much, .nanoUSD, .month, [], [LimitCondition(.team, any: ["shop"])]),
        rule("developer", much, .nanoUSD, .day, [.developer]),
        rule("key", much, .nanoUSD, .day, [.key]),
        rule("session cost", much, .nanoUSD, .none, [.session]),
        rule("session turns", much, .requests, .none, [.session]),
        repository,
        rule("model tokens", much, .totalTokens, .week, [.model, .team], [LimitCondition(.model, any: ["*sonnet*"])]),
        rule("requests a minute", much, .requests, .rate(seconds: 60), [.key]),
        rule("at once", 1000, .concurrent, .none, [.developer]),
        rule("five hours", much, .nanoUSD, .rolling(seconds: 18_000), [.developer]),
    ]
}

func facts(_ number: Int) -> TurnFacts {
    var facts = TurnFacts()
    facts.workspace = "acme"
    facts.team = "shop"
    facts.developer = "developer-\(number % 100)@acme.test"
    facts.key = "k4fj2x\(number % 100)"
    facts.repository = "github.com/acme/service-\(number % 20)"
    facts.branch = "feature/\(number % 50)"
    facts.session = "ses_01997c2e-9a4b-7c31-8f10-\(number)"
    facts.model = "claude-sonnet-5-5"
    facts.provider = "anthropic"
    facts.deployment = "anthropic/claude-sonnet-5-5"
    facts.agent = "build"
    return facts
}

/// The resident set in bytes.
func residentBytes() -> Int {
    guard let file = fopen("/proc/self/statm", "r") else { return 0 }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    guard fgets(&line, 256, file) != nil else { return 0 }
    let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return (Int(text.split(separator: " ")[1]) ?? 0) * 4096
}

func processorMicroseconds() -> Int {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return time.tv_sec * 1_000_000 + time.tv_nsec / 1000
}

let whole = LimitAmounts(cost: 50_000_000, inputTokens: 20_000, outputTokens: 8192)
let first = LimitAmounts(cost: 20_000_000, inputTokens: 20_000, outputTokens: 2048)
let actual = LimitAmounts(cost: 9_000_000, inputTokens: 18_000, outputTokens: 700)
let demand = LimitDemand(whole: whole, first: first, estimate: actual, overshoot: .zero)
let start = Timestamp(seconds: 1_790_000_000)

func turn(_ facts: TurnFacts, _ ledger: LimitLedger, _ book: LimitBook, _ time: Timestamp) -> Bool {
    switch ledger.admit(facts, demand, under: book, at: time) {
    case .granted(let reservation):
        _ = reservation.settle(actual, at: time)
        return true
    case .refused: return false
    case .wait: return false
    }
}

func measureTurns(_ rules: [LimitRule], _ count: Int) throws(LimitFault) {
    let book = try LimitBook(rules) { _ in nil }
    let ledger = LimitLedger(seed: 1)
    let some = (0..<100).map(facts)
    for number in 0..<some.count { _ = turn(some[number], ledger, book, start) }
    let began = processorMicroseconds()
    var admitted = 0
    for number in 0..<count where turn(some[number % 100], ledger, book, start.adding(seconds: Int64(number / 50))) { admitted += 1 }
    print("\(admitted) turns, \((processorMicroseconds() - began) * 1000 / max(1, count)) ns each")
}

func measureCounters(_ window: LimitWindow, _ count: Int) throws(LimitFault) {
    var rule = LimitRule(id: "session", name: "session", limit: 1 << 60, unit: .nanoUSD, window: window)
    rule.groupBy = [.session]
    let book = try LimitBook([rule]) { _ in nil }
    let ledger = LimitLedger(seed: 1, accountsMax: count)
    let before = residentBytes()
    for number in 0..<count {
        for hour in 0..<(window == .month ? 1 : 3) { _ = turn(facts(number), ledger, book, start.adding(seconds: Int64(hour) * 3600)) }
    }
    let bytes = residentBytes() - before
    print("\(ledger.figures.counters) counters, \(bytes / max(1, count)) bytes each, \(bytes >> 20) MiB")
}

/// Each session has four conversations, a finding, and a developer of its own.
func measureSessions(_ count: Int) {
    var policy = RunawayPolicy()
    (policy.repeatedCalls, policy.burnRate, policy.manyTurns, policy.sessionTurnsMax) = (.throttle, .alert, .throttle, 3)
    let watch = RunawayWatch(sessionsMax: count)
    let before = residentBytes()
    for number in 0..<count {
        let facts = facts(number)
        let session = WatchedSession(key: facts.key ?? "", session: facts.session ?? "")
        let developer = "developer-\(number)@acme.test"
        for opener in 1...4 {
            let signs = TurnSigns(opener: UInt64(opener), calls: UInt64(number + 1), results: 1, bytes: 100_000)
            _ = watch.check(session, developer: developer, signs, under: policy, at: start)
        }
        watch.settled(session, developer: developer, cost: 9_000_000, at: start)
        _ = watch.takeFindings()
    }
    let bytes = residentBytes() - before
    let known = watch.sessions(named: facts(0).session ?? "").count + watch.sessions(named: facts(count - 1).session ?? "").count
    print("\(known == 2 ? count : 0) sessions, \(bytes / max(1, count)) bytes each, \(bytes >> 20) MiB")
}

let arguments = CommandLine.arguments
let count = arguments.count > 2 ? Int(arguments[2]) ?? 1000 : 1000
switch arguments.count > 1 ? arguments[1] : "" {
case "turns": try measureTurns(twelveRules(), count)
case "none": try measureTurns([], count)
case "counters": try measureCounters(.month, count)
case "rolling": try measureCounters(.rolling(seconds: 18_000), count)
case "sessions": measureSessions(count)
default: print("usage: LimitCost turns|none|counters|rolling|sessions COUNT")
}
