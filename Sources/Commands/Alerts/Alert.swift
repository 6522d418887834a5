// Alert: something about money that a person should know, in words and as a document.

import GatewayModel
import Policy
import Proxy

/// One alert.
struct Alert: Sendable, Hashable, Encodable {
    enum Kind: String, Sendable, Encodable {
        case threshold
        case overReservation = "over_reservation"
        case wouldRefuse = "would_refuse"
        case forecast
        case leaked
        case unpricedModel = "unpriced_model"
        case ledgerFailing = "ledger_failing"
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

    enum CodingKeys: String, CodingKey { case kind, subject, group, text, at, used, limit, unit }
}

extension Alert {
    /// What a ledger of limits has to tell; nil when nobody asked to be told.
    init?(_ event: LimitEvent, _ book: LimitBook, windowStart: Timestamp?) {
        guard let rule = book.rules.first(where: { $0.id == event.rule }) else { return nil }
        let whose = scopeWords(rule, event.group)
        let name = "\(rule.unit == .nanoUSD ? "Budget" : "Limit") \"\(rule.name)\"\(whose.isEmpty ? "" : " (\(whose))")"
        let amounts = "\(amountWords(event.used, rule.unit)) of \(amountWords(event.limit, rule.unit))"
        var once = windowStart?.rfc3339 ?? ""
        let kind: Kind
        let text: String
        switch event.kind {
        case .threshold(let percent):
            (kind, text) = (.threshold, "\(name) has passed \(percent) %: \(amounts) used.")
            once += " \(percent)"
        case .overReservation(let excess):
            (kind, text) = (.overReservation, "\(name): a turn used \(amountWords(excess, rule.unit)) more than was reserved for it.")
        case .wouldRefuse: (kind, text) = (.wouldRefuse, "\(name) is used up and only tells: \(amounts) used.")
        case .leaked: (kind, text) = (.leaked, "\(name): a reservation was dropped without being settled, and was posted whole.")
        }
        self.init(
            kind: kind, subject: rule.id, group: event.group, text: text, at: event.at.rfc3339, used: event.used, limit: event.limit,
            unit: rule.unit.rawValue, once: once)
    }
}
