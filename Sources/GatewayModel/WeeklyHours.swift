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

    /// `08:00-18:00` or `mon-fri 08:00-18:00`; days are `mon` to `sun`, one or a range.
    package init?(text: String) {
        let parts = text.lowercased().split(separator: " ")
        guard let hours = parts.last, parts.count <= 2 else { return nil }
        let minutes = hours.split(separator: "-").map { part -> Int? in
            let numbers = part.split(separator: ":").map { Int($0) ?? -1 }
            guard numbers.count == 2, (0...24).contains(numbers[0]), (0...59).contains(numbers[1]), numbers[0] < 24 || numbers[1] == 0
            else { return nil }
            return numbers[0] * 60 + numbers[1]
        }
        guard minutes.count == 2, let from = minutes[0], let to = minutes[1], from != to else { return nil }
        var days = Self.everyDay
        if parts.count == 2 {
            let names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
            let ends = parts[0].split(separator: "-").map { day in names.firstIndex { $0 == day } }
            guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1] else { return nil }
            days = 0
            var day = first
            while true {
                days |= 1 << UInt8(day)
                if day == last { break }
                day = (day + 1) % 7
            }
        }
        self.init(weekdays: days, fromMinute: from, toMinute: to)
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
