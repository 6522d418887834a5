// WindowCalendar: which calendar period holds an instant, in a time zone.

package import GatewayModel

/// The periods of a calendar window.
package struct WindowCalendar: Sendable, Hashable {
    private let window: LimitWindow
    private let zone: TimeZoneRules
    private let fiscalStartMonth: Int64

    package init(_ window: LimitWindow, zone: TimeZoneRules, fiscalStartMonth: Int = 1) {
        self.window = window
        self.zone = zone
        self.fiscalStartMonth = Int64(fiscalStartMonth)
    }

    /// Seconds since the epoch: from the first on, without the second.
    package func period(at now: Timestamp) -> (start: Int64, end: Int64) {
        let days = zone.day(at: now.seconds)
        let first: Int64
        let next: Int64
        switch window {
        case .day: (first, next) = (days, days + 1)
        case .week:
            // 1970-01-01 was a Thursday, and ISO weeks begin on Monday.
            first = days - ((days + 3) % 7 + 7) % 7
            next = first + 7
        case .month: (first, next) = Self.months(from: CivilDate(daysSinceEpoch: days), count: 1, phase: 0)
        case .quarter:
            (first, next) = Self.months(from: CivilDate(daysSinceEpoch: days), count: 3, phase: (fiscalStartMonth - 1) % 3)
        case .rolling, .rate, .none: return (0, .max)
        }
        return (zone.start(ofDay: first), zone.start(ofDay: next))
    }

    /// The days on which a period of so many months begins and the next one does.
    private static func months(from date: CivilDate, count: Int64, phase: Int64) -> (Int64, Int64) {
        let number = date.year * 12 + date.month - 1
        let start = number - ((number - phase) % count + count) % count
        func day(_ month: Int64) -> Int64 {
            CivilDate(year: month / 12, month: month % 12 + 1, day: 1)?.daysSinceEpoch ?? date.daysSinceEpoch
        }
        return (day(start), day(start + count))
    }
}
