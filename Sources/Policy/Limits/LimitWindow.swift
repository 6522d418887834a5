// LimitWindow: over which stretch of time a limit counts. As text: `day`, `week`, `month`, `quarter`, `rolling 5h`, `per minute`,
// `per hour`, `per day`, `none`.

/// The stretch of time that a limit counts over.
package enum LimitWindow: Sendable, Hashable, Codable, CustomStringConvertible {
    /// Calendar periods in the rule's time zone: a day, an ISO week (from Monday), a month, a quarter of the fiscal year.
    case day, week, month, quarter
    /// The last so many seconds, kept as 60 buckets of which the oldest counts whole.
    case rolling(seconds: Int64)
    /// A rate: a bucket of `limit` that refills evenly over so many seconds (60, 3,600 or 86,400).
    case rate(seconds: Int64)
    /// For good: a lifetime budget, or a number of turns at once.
    case none

    package static let rollingSecondsMin: Int64 = 60
    package static let rollingSecondsMax: Int64 = 400 * 86_400

    package var isCalendar: Bool {
        switch self {
        case .day, .week, .month, .quarter: true
        case .rolling, .rate, .none: false
        }
    }

    package var description: String {
        switch self {
        case .day: "day"
        case .week: "week"
        case .month: "month"
        case .quarter: "quarter"
        case .none: "none"
        case .rate(let seconds): seconds == 60 ? "per minute" : seconds == 3600 ? "per hour" : "per day"
        case .rolling(let seconds):
            seconds % 86_400 == 0
                ? "rolling \(seconds / 86_400)d"
                : seconds % 3600 == 0
                    ? "rolling \(seconds / 3600)h" : seconds % 60 == 0 ? "rolling \(seconds / 60)m" : "rolling \(seconds)s"
        }
    }

    package init?(_ text: String) {
        switch text {
        case "day": self = .day
        case "week": self = .week
        case "month": self = .month
        case "quarter": self = .quarter
        case "none": self = .none
        case "per minute", "per_minute": self = .rate(seconds: 60)
        case "per hour", "per_hour": self = .rate(seconds: 3600)
        case "per day", "per_day": self = .rate(seconds: 86_400)
        default:
            guard text.hasPrefix("rolling "), let seconds = Self.seconds(text.dropFirst(8)) else { return nil }
            self = .rolling(seconds: seconds)
        }
    }

    private static func seconds(_ text: Substring) -> Int64? {
        let scales: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        guard let last = text.last, let scale = scales[last], let count = Int64(text.dropLast()), count > 0 else { return nil }
        let (product, overflow) = count.multipliedReportingOverflow(by: scale)
        return overflow ? nil : product
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let value = LimitWindow(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "no such window of a limit: \(text)")
        }
        self = value
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
