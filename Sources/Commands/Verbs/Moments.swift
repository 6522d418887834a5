// Moments: times as people type and read them.

import ArgumentParser
import Foundation
import GatewayModel

/// `90d`, `12h`, `30m`, `45s` in seconds.
package func durationSeconds(_ text: String) -> Int64? {
    guard let unit = text.last, let number = Int64(text.dropLast()), number >= 0, number < 1_000_000 else { return nil }
    switch unit {
    case "d": return number * 86_400
    case "h": return number * 3600
    case "m": return number * 60
    case "s": return number
    default: return nil
    }
}

/// A time ahead (`90d`) or an instant, as RFC 3339.
func momentText(_ text: String, _ option: String) throws -> String {
    if let seconds = durationSeconds(text) { return SystemClock().now().adding(seconds: seconds).rfc3339 }
    guard let time = Timestamp(rfc3339: text) else {
        throw ValidationError("\(option) takes a time such as 90d, 12h or 2027-02-22T00:00:00Z")
    }
    return time.rfc3339
}

/// The beginning of a range: a day (`2026-11-01`), a time back (`7d`), a month (`2026-11`), or an instant. As RFC 3339.
package func rangeText(_ text: String?, _ option: String) throws -> String? {
    guard let text else { return nil }
    if let seconds = durationSeconds(text) { return SystemClock().now().adding(seconds: -seconds).rfc3339 }
    let whole = text.count == 7 ? "\(text)-01T00:00:00Z" : text.count == 10 ? "\(text)T00:00:00Z" : text
    guard let time = Timestamp(rfc3339: whole) else {
        throw ValidationError("\(option) takes a day (2026-11-01), a month (2026-11), a time back (7d) or an RFC 3339 time")
    }
    return time.rfc3339
}

/// `2026-11-24 14:03`; a dash for none.
package func shownTime(_ text: String?) -> String {
    guard let text, text.count >= 16 else { return "-" }
    return text.prefix(16).replacingOccurrences(of: "T", with: " ")
}
