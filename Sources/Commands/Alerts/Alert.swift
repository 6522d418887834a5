// Alert: something about money that a person should know, in words and as a document.

import GatewayModel
import Policy
import Proxy

/// One alert.
struct Alert: Sendable, Hashable, Codable {
    enum Kind: String, Sendable, Codable {
        case threshold
        case overReservation = "over_reservation"
        case reservedUnused = "reserved_unused"
        case wouldRefuse = "would_refuse"
        case forecast
        case leaked
        case unpricedModel = "unpriced_model"
        case ledgerFailing = "ledger_failing"
        case journalFailing = "journal_failing"
        case runaway
        case test
    }

    var kind: Kind
    /// What it is about: a rule, a deployment, a session.
    var subject: String
    var group: [String] = []
    var text: String
    var at: String
    var used: Int64?
    var limit: Int64?
    var unit: String?
    /// Told once for each of these.
    var once: String = ""
    /// From when on the same may be told again; nil is a day after it was told.
    var again: Timestamp?

    /// What it is told once for.
    var name: String { "\(kind.rawValue) \(subject) \(group.joined(separator: "\u{1F}")) \(once)" }

    enum CodingKeys: String, CodingKey { case kind, subject, group, text, at, used, limit, unit }
}

extension Alert {
    /// A budget that will probably not last.
    init(_ found: CounterForecast, at now: Timestamp) {
        let rule = found.rule
        let forecast = found.forecast
        let when = forecast.exhaustedOn.map { CivilDate(daysSinceEpoch: $0).text } ?? ""
        self.init(
            kind: .forecast, subject: rule.id, group: found.group,
            text:
                "\(Self.name(rule, found.group)) will probably be used up on \(when), before it begins anew on "
                + "\(CivilDate(daysSinceEpoch: found.end).text): "
                + "\(amountWords(forecast.spent, rule.unit)) of \(amountWords(found.limit, rule.unit)) used, "
                + "\(amountWords(forecast.expected, rule.unit)) expected.",
            at: now.rfc3339, used: forecast.spent, limit: found.limit, unit: rule.unit.rawValue,
            once: CivilDate(daysSinceEpoch: found.start).text, again: Timestamp(seconds: (found.end + 1) * 86_400))
    }

    /// A session that runs away.
    init(_ finding: RunawayFinding) {
        let name = finding.session.session
        var text = "Session \"\(name)\" of \(finding.developer) (key \(finding.session.key)) runs away"
        text += " (runaway.\(finding.kind.rawValue)): \(finding.text)."
        switch finding.action {
        case .pause: text += " It is paused: weir session grant \(shellWord(name))"
        case .throttle: text += " It is slowed down: weir session grant \(shellWord(name))"
        case .off, .alert: break
        }
        self.init(
            kind: .runaway, subject: name, group: [finding.session.key, finding.kind.rawValue], text: text, at: finding.at.rfc3339,
            used: finding.count, limit: finding.allowed, once: finding.at.rfc3339)
    }

    /// Turns of a window that is over may end after it.
    private static let graceSeconds: Int64 = 86_400
    /// What a short rolling window has to say is said no more often.
    private static let rollingSecondsMin: Int64 = 3600

    private static func name(_ rule: LimitRule, _ group: [String]) -> String {
        let whose = scopeWords(rule, group)
        return "\(rule.unit == .nanoUSD ? "Budget" : "Limit") \"\(rule.name)\"\(whose.isEmpty ? "" : " (\(whose))")"
    }

    /// What a ledger of limits has to tell; nil when nobody asked to be told.
    init?(_ event: LimitEvent, _ book: LimitBook) {
        guard let rule = book.rules.first(where: { $0.id == event.rule }) else { return nil }
        let name = Self.name(rule, event.group)
        let amounts = "\(amountWords(event.used, rule.unit)) of \(amountWords(event.limit, rule.unit))"
        let start = rule.window.isCalendar ? Timestamp(seconds: event.windowStart) : nil
        var once = start?.rfc3339 ?? ""
        var again = start.map { Timestamp(seconds: calendar(rule).period(at: $0).end).adding(seconds: Self.graceSeconds) }
        if case .rolling(let seconds) = rule.window { again = event.at.adding(seconds: max(seconds, Self.rollingSecondsMin)) }
        let kind: Kind
        let text: String
        switch event.kind {
        case .threshold(let percent):
            (kind, text) = (.threshold, "\(name) has passed \(percent) %: \(amounts) used.")
            once += " \(percent)"
            if rule.window == .none { again = .never }
        case .overReservation(let excess):
            (kind, text) = (.overReservation, "\(name): a turn used \(amountWords(excess, rule.unit)) more than was reserved for it.")
        case .reservedUnused(let reserved):
            kind = .reservedUnused
            text =
                "\(name): a turn was refused though only \(amounts) used: turns in flight have reserved "
                + "\(amountWords(reserved, rule.unit)). Elastic mode, or smaller caps on output, reserve less."
        case .wouldRefuse: (kind, text) = (.wouldRefuse, "\(name) is used up and only tells: \(amounts) used.")
        case .leaked: (kind, text) = (.leaked, "\(name): a reservation was dropped without being settled, and was posted whole.")
        }
        self.init(
            kind: kind, subject: rule.id, group: event.group, text: text, at: event.at.rfc3339, used: event.used, limit: event.limit,
            unit: rule.unit.rawValue, once: once, again: again)
    }
}

extension Timestamp {
    fileprivate static let never = Timestamp(nanoseconds: .max)
}
