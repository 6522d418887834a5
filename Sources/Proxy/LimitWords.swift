// LimitWords: budgets and limits in words and in header fields: what a refused developer reads, and what a client can plan by.

import GatewayModel
package import Policy

extension LimitNotice {
    /// A wait of at most so long is said as one; agents hold their breath for no more.
    static let soonMilliseconds: Int64 = 60_000

    init(_ refusal: LimitRefusal, _ book: LimitBook, at now: Timestamp) {
        let hopeless = refusal.hopeless
        guard let verdict = hopeless ?? refusal.told else {
            self.init(kind: .spent, isBudget: false, name: refusal.reason.rawValue, scope: "", state: "no room")
            return
        }
        let wait = refusal.waitMilliseconds(at: now)
        let isSoon = refusal.isRate && hopeless == nil && wait <= Self.soonMilliseconds
        let rule = book.rules.first { $0.id == verdict.rule }
        self.init(
            kind: isSoon ? .soon : .spent, isBudget: verdict.unit == .nanoUSD, name: verdict.name,
            scope: rule.map { scopeWords($0, verdict.group) } ?? "", state: hopeless.map(hopelessWords) ?? stateWords(verdict),
            asked: verdict.unit.isSize && hopeless == nil ? verdict.amount.map { amountWords($0, verdict.unit) } : nil,
            resets: hopeless == nil ? verdict.resetsAt : nil, retryAfterMilliseconds: isSoon ? max(1, wait) : nil, contact: verdict.contact,
            command: verdict.action == .ask && !isSoon ? rule.flatMap { grantCommand($0, verdict, isHopeless: hopeless != nil) } : nil)
    }

    /// A session that waits for a person.
    init(_ standing: SessionStanding, contact: String?) {
        self.init(
            kind: .paused, isBudget: false, name: "runaway.\(standing.rule)", scope: standing.session, state: standing.text,
            contact: contact, command: "weir session grant \(shellWord(standing.session))")
    }

    /// A turn that may come soon, and was not held for so long.
    init(_ finding: RunawayFinding, until: Timestamp, at now: Timestamp, contact: String?) {
        self.init(
            kind: .soon, isBudget: false, name: "runaway.\(finding.kind.rawValue)", scope: "session \(finding.session.session)",
            state: finding.text, retryAfterMilliseconds: max(1, (until.nanoseconds - now.nanoseconds) / 1_000_000), contact: contact)
    }
}

extension LimitRefusal {
    /// The rate or place that has no room for the turn whenever it comes: it needs more than may come at once, or the limit is 0.
    fileprivate var hopeless: LimitVerdict? {
        guard isRate else { return nil }
        return failures.first { $0.unit == .concurrent ? $0.limit < $0.amount ?? 1 : $0.fitsAt == nil }
    }

    /// The failure that is put into words: the most specific one, but no full place where a rate is full as well, for which a turn waits
    /// longer.
    fileprivate var told: LimitVerdict? {
        isRate ? failures.first { $0.unit != .concurrent } ?? failures.first : failures.first
    }

    /// How long until all of it may fit. Nobody knows when a place comes free: a second is as good as any time.
    fileprivate func waitMilliseconds(at now: Timestamp) -> Int64 {
        var longest: Int64 = 0
        for failure in failures {
            if let at = failure.fitsAt {
                longest = max(longest, at > now ? (at.nanoseconds - now.nanoseconds) / 1_000_000 : 0)
            } else if failure.unit == .concurrent {
                longest = max(longest, 1000)
            }
        }
        return longest
    }
}

/// What lets a turn go on that a person is to be asked about: as much again as the rule gives, and more where that is too little for a
/// turn that never fits. Nil of a rate of nothing: on top of that, nothing comes back.
private func grantCommand(_ rule: LimitRule, _ verdict: LimitVerdict, isHopeless: Bool) -> String? {
    let isMoney = rule.unit == .nanoUSD
    if case .rate = rule.window, rule.limit == 0 { return nil }
    let more = isHopeless ? max(rule.limit, (verdict.amount ?? 0).subtractingReportingOverflow(verdict.limit).partialValue) : rule.limit
    if let place = rule.wholeGroup.firstIndex(of: .session), place < verdict.group.count, rule.unit != .concurrent {
        let amount =
            isMoney
            ? "--usd \(NanoUSD(more).dollars)"
            : "\(rule.unit == .requests ? "--turns" : "--tokens") \(more)"
        return "weir session grant \(shellWord(verdict.group[place])) \(amount)"
    }
    let whose = zip(rule.wholeGroup, verdict.group).map { " --group \(shellWord("\($0)=\($1)"))" }.joined()
    return isMoney
        ? "weir budget grant \(shellWord(rule.id)) --usd \(NanoUSD(more).dollars)\(whose)"
        : "weir limit grant \(shellWord(rule.id)) --amount \(more)\(whose)"
}

/// As a shell takes it: names come from outside.
package func shellWord(_ text: String) -> String {
    let isPlain = text.utf8.allSatisfy { byte in
        (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || "-_.:/@+=,".utf8.contains(byte)
    }
    return isPlain && !text.isEmpty && !text.hasPrefix("-") ? text : "'\(text.replacing("'", with: "'\\''"))'"
}

extension LimitUnit {
    fileprivate var words: String {
        switch self {
        case .nanoUSD: "USD"
        case .inputTokens: "input tokens"
        case .outputTokens: "output tokens"
        case .totalTokens: "tokens"
        case .requests: "requests"
        case .concurrent: "turns at once"
        }
    }
}

/// `team web, developer maria`.
package func scopeWords(_ rule: LimitRule, _ group: [String]) -> String {
    var words = rule.conditions.filter { !$0.any.isEmpty }.map { "\($0.on) \($0.any.prefix(3).joined(separator: "|"))" }
    for (dimension, value) in zip(rule.groupBy, group) { words.append("\(dimension) \(value.isEmpty ? "unattributed" : value)") }
    return words.joined(separator: ", ")
}

private func periodWords(_ window: LimitWindow) -> String {
    switch window {
    case .none: ""
    case .rate, .rolling: " \(window)"
    default: " this \(window)"
    }
}

/// Why no waiting helps. OpenCode takes "too large" and "exceeds the limit of" for a conversation that it has to make shorter.
private func hopelessWords(_ verdict: LimitVerdict) -> String {
    let allowed: String
    if let amount = verdict.amount, verdict.limit > 0, amount > verdict.limit {
        allowed = "\(amountWords(amount, verdict.unit)) of at most \(amountWords(verdict.limit, verdict.unit)) at once"
    } else {
        allowed = amountWords(0, verdict.unit) + periodWords(verdict.window)
    }
    return "this request is larger than the limit allows (\(allowed)); waiting does not help"
}

private func stateWords(_ verdict: LimitVerdict) -> String {
    let period = periodWords(verdict.window)
    if verdict.unit == .nanoUSD {
        return "\(shortDollars(verdict.before)) of \(shortDollars(verdict.limit))\(period) used or reserved"
    }
    return "\(grouped(verdict.before)) of \(grouped(verdict.limit)) \(verdict.unit.words)\(period) used or reserved"
}

/// `$0.12`, `8,192 tokens`.
package func amountWords(_ amount: Int64, _ unit: LimitUnit) -> String {
    unit == .nanoUSD ? shortDollars(amount) : "\(grouped(amount)) \(unit.words)"
}

/// To cents, or to four places below a dollar; rounded up, so that nothing looks free.
package func shortDollars(_ nano: Int64) -> String {
    let unit: Int64 = nano >= 1_000_000_000 ? 10_000_000 : 100_000
    let (rounded, overflow) = nano.addingReportingOverflow(unit - 1)
    let value = NanoUSD((overflow ? nano : rounded) / unit * unit)
    return "$" + value.dollars
}

private func grouped(_ number: Int64) -> String {
    let digits = String(number.magnitude)
    var text = ""
    for (index, digit) in digits.enumerated() {
        if index > 0, (digits.count - index) % 3 == 0 { text.append(",") }
        text.append(digit)
    }
    return number < 0 ? "-" + text : text
}

/// `RateLimit-Policy` with each limit, `RateLimit` with the one that is nearest its end (draft-ietf-httpapi-ratelimit-headers-09).
func rateLimitFields(_ verdicts: [LimitVerdict], at now: Timestamp) -> [UInt8] {
    let shown = verdicts.filter { $0.unit != .concurrent && $0.mode != .alert }.prefix(8)
    guard let nearest = shown.min(by: { share($0) < share($1) }) else { return [] }
    let policies = shown.map { verdict in
        var text = "\"\(token(verdict.name))\";q=\(verdict.limit)"
        if verdict.unit != .requests { text += ";qu=\"\(verdict.unit.rawValue.replacing("_", with: "-"))\"" }
        if let seconds = verdict.window.seconds { text += ";w=\(seconds)" }
        return text
    }
    var line = "RateLimit-Policy: \(policies.joined(separator: ", "))\r\nRateLimit: \"\(token(nearest.name))\";r="
    line += String(max(0, nearest.limit - nearest.after))
    if let resets = nearest.resetsAt { line += ";t=\(max(0, resets.seconds - now.seconds))" }
    return Array((line + "\r\n").utf8)
}

private func share(_ verdict: LimitVerdict) -> Double {
    verdict.limit <= 0 ? 0 : Double(max(0, verdict.limit - verdict.after)) / Double(verdict.limit)
}

/// What may stand in a structured field's string.
private func token(_ name: String) -> String {
    String(name.unicodeScalars.prefix(64).map { $0.value < 32 || $0.value > 126 || $0 == "\"" || $0 == "\\" ? "_" : Character($0) })
}

extension LimitWindow {
    /// Its length; nil of one that has none. A month and a quarter are said at their longest.
    fileprivate var seconds: Int64? {
        switch self {
        case .day: 86_400
        case .week: 7 * 86_400
        case .month: 31 * 86_400
        case .quarter: 92 * 86_400
        case .rolling(let seconds), .rate(let seconds): seconds
        case .none: nil
        }
    }
}
