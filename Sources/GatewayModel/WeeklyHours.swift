// WeeklyHours: a stretch of the day, on some days of the week, in UTC. Some providers charge less at night.

/// Hours in which a price holds. Days and minutes are UTC.
package struct WeeklyHours: Sendable, Hashable, Codable {
    /// Bit 0 is Monday, bit 6 Sunday.
    package var weekdays: UInt8
    /// Minutes after midnight: from this one on.
    package var fromMinute: Int
    /// Up to and without this one; less than `fromMinute` when the stretch crosses midnight.
    package var toMinute: Int

    package static let everyDay: UInt8 = 0b111_1111
    package static let mondayToFriday: UInt8 = 0b001_1111

    package init(weekdays: UInt8 = WeeklyHours.everyDay, fromMinute: Int, toMinute: Int) {
        self.weekdays = weekdays
        self.fromMinute = fromMinute
        self.toMinute = toMinute
    }

    /// Whether the instant lies in these hours. Across midnight, the weekday is the instant's own.
    package func contains(_ time: Timestamp) -> Bool {
        // 1970-01-01 was a Thursday.
        let days = time.date.daysSinceEpoch
        let weekday = UInt8(truncatingIfNeeded: ((days + 3) % 7 + 7) % 7)
        guard weekdays >> weekday & 1 == 1 else { return false }
        let minute = Int((time.seconds - days * 86_400) / 60)
        return fromMinute <= toMinute
            ? minute >= fromMinute && minute < toMinute : minute >= fromMinute || minute < toMinute
    }
}
