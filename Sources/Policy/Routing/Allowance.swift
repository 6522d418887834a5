// Allowance: what a provider says is left of its rate limits, so that they are respected before they are hit. Pure.

package import GatewayModel

/// What is left of one account's limits at one model.
package struct Allowance: Sendable, Hashable {
    private struct Left: Sendable, Hashable {
        var count: Int64
        var until: Timestamp
    }

    private var requests: Left?
    private var tokens: Left?

    /// No provider's window is taken for longer.
    private static var windowSecondsMax: Int64 { 3600 }

    package init() {}

    /// Reads the fields of an answer: `x-ratelimit-*` (OpenAI and what follows it), `anthropic-ratelimit-*`. Azure has sent limits of -1
    /// and resets of 0: a limit that is not above zero is none.
    package mutating func read(at now: Timestamp, field: (String) -> String?) {
        func left(_ limit: String, _ remaining: String, _ reset: String) -> Left? {
            guard let count = field(remaining).flatMap(Int64.init), count >= 0, field(limit).flatMap(Int64.init) ?? 1 > 0,
                let text = field(reset), let until = Self.moment(text, now: now), until > now
            else { return nil }
            return Left(count: count, until: min(until, now.adding(seconds: Self.windowSecondsMax)))
        }
        func openAI(_ what: String) -> Left? {
            left("x-ratelimit-limit-\(what)", "x-ratelimit-remaining-\(what)", "x-ratelimit-reset-\(what)")
        }
        func anthropic(_ what: String) -> Left? {
            left("anthropic-ratelimit-\(what)-limit", "anthropic-ratelimit-\(what)-remaining", "anthropic-ratelimit-\(what)-reset")
        }
        if let found = openAI("requests") ?? anthropic("requests") { requests = found }
        if let found = openAI("tokens") ?? anthropic("input-tokens") ?? anthropic("tokens") { tokens = found }
    }

    /// Until when there is not enough left for a turn of so many tokens; nil when there is.
    package func isSpent(at now: Timestamp, tokens wanted: Int64) -> Timestamp? {
        if let requests, requests.count < 1, now < requests.until { return requests.until }
        if let tokens, tokens.count < wanted, now < tokens.until { return tokens.until }
        return nil
    }

    /// `12ms`, `6m0s`, `1h2m3.5s`, seconds, or an RFC 3339 time.
    static func moment(_ text: String, now: Timestamp) -> Timestamp? {
        if let time = Timestamp(rfc3339: text) { return time }
        return duration(text).map { now.adding(milliseconds: $0) }
    }

    /// Milliseconds.
    static func duration(_ text: String) -> Int64? {
        var total = 0.0
        var rest = text[...]
        guard !rest.isEmpty, rest.utf8.count <= 32 else { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            guard let number = Double(String(digits)) else { return nil }
            rest = rest[digits.endIndex...]
            let unit = rest.prefix { $0.isLetter }
            rest = rest[unit.endIndex...]
            switch unit {
            case "ms": total += number
            case "s", "": total += number * 1000
            case "m": total += number * 60_000
            case "h": total += number * 3_600_000
            default: return nil
            }
        }
        return total.isFinite && total >= 0 && total < 1e12 ? Int64(total) : nil
    }
}
