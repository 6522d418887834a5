// TimeZoneFooter: the rule at the end of a TZif file for all the years after its last transition: `CET-1CEST,M3.5.0,M10.5.0/3`
// (POSIX.1-2017, 8.3, with the hours of RFC 9636).

import GatewayModel

/// Standard time, and daylight-saving time where there is one.
struct TimeZoneFooter: Sendable, Hashable {
    /// When in a year clocks change, in local time.
    struct Change: Sendable, Hashable {
        enum Day: Sendable, Hashable {
            /// 1 to 365; February 29 is never counted.
            case julian(Int64)
            /// 0 to 365.
            case ordinal(Int64)
            /// The nth (5 is the last) such weekday of a month; 0 is Sunday.
            case weekday(month: Int64, week: Int64, day: Int64)
        }

        var day: Day
        var seconds: Int64

        /// Local seconds since the epoch.
        func local(in year: Int64) -> Int64 {
            let first = CivilDate(year: year, month: 1, day: 1)?.daysSinceEpoch ?? 0
            let days: Int64 =
                switch day {
                case .julian(let number):
                    first + number - 1 + (number >= 60 && CivilDate(year: year, month: 2, day: 29) != nil ? 1 : 0)
                case .ordinal(let number): first + number
                case .weekday(let month, let week, let weekday): Self.day(year, month, week, weekday)
                }
            return days * 86_400 + seconds
        }

        private static func day(_ year: Int64, _ month: Int64, _ week: Int64, _ weekday: Int64) -> Int64 {
            let first = CivilDate(year: year, month: month, day: 1)?.daysSinceEpoch ?? 0
            // 1970-01-01 was a Thursday.
            let firstWeekday = ((first + 4) % 7 + 7) % 7
            var day = 1 + (weekday - firstWeekday + 7) % 7 + (week - 1) * 7
            while CivilDate(year: year, month: month, day: day) == nil, day > 7 { day -= 7 }
            return first + day - 1
        }
    }

    var standard: Int64
    var daylight: (offset: Int64, begins: Change, ends: Change)?

    static func == (left: TimeZoneFooter, right: TimeZoneFooter) -> Bool {
        left.standard == right.standard && left.daylight?.offset == right.daylight?.offset
            && left.daylight?.begins == right.daylight?.begins && left.daylight?.ends == right.daylight?.ends
    }

    func hash(into hasher: inout Hasher) { hasher.combine(standard) }

    init?(_ text: [UInt8]) {
        var parser = FooterParser(text)
        guard parser.name(), let west = parser.time() else { return nil }
        standard = -west
        guard !parser.isAtEnd else { return }
        guard parser.name() else { return nil }
        var offset = standard + 3600
        if !parser.take(44) {
            guard let west = parser.time(), parser.take(44) else { return nil }
            offset = -west
        }
        guard let begins = parser.change(), parser.take(44), let ends = parser.change(), parser.isAtEnd else { return nil }
        daylight = (offset, begins, ends)
    }

    /// The offset at an instant, and when the next one begins.
    func segment(at seconds: Int64) -> (offset: Int64, end: Int64) {
        guard let daylight else { return (standard, .max) }
        let year = Timestamp(seconds: seconds).date.year
        var changes: [(at: Int64, offset: Int64)] = []
        for year in year - 1...year + 2 {
            changes.append((daylight.begins.local(in: year) - standard, daylight.offset))
            changes.append((daylight.ends.local(in: year) - daylight.offset, standard))
        }
        changes.sort { $0.at < $1.at }
        var offset = standard
        for (at, next) in changes {
            if at > seconds { return (offset, at) }
            offset = next
        }
        return (offset, .max)
    }
}

/// Takes the footer's text apart.
private struct FooterParser {
    private let text: [UInt8]
    private var index = 0

    init(_ text: [UInt8]) { self.text = text }

    var isAtEnd: Bool { index == text.count }

    mutating func take(_ byte: UInt8) -> Bool {
        guard index < text.count, text[index] == byte else { return false }
        index += 1
        return true
    }

    /// An abbreviation: letters, or anything in angle brackets.
    mutating func name() -> Bool {
        let start = index
        if take(60) {
            while index < text.count, text[index] != 62 { index += 1 }
            return take(62)
        }
        while index < text.count, (65...90).contains(text[index]) || (97...122).contains(text[index]) { index += 1 }
        return index > start
    }

    mutating func number() -> Int64? {
        var value: Int64 = 0
        let start = index
        while index < text.count, (48...57).contains(text[index]), index - start < 6 {
            value = value * 10 + Int64(text[index] - 48)
            index += 1
        }
        return index > start ? value : nil
    }

    /// `[+-]hh[:mm[:ss]]` in seconds.
    mutating func time() -> Int64? {
        let isNegative = take(45)
        if !isNegative { _ = take(43) }
        guard var seconds = number().map({ $0 * 3600 }) else { return nil }
        if take(58) {
            guard let minutes = number() else { return nil }
            seconds += minutes * 60
            if take(58) {
                guard let rest = number() else { return nil }
                seconds += rest
            }
        }
        return isNegative ? -seconds : seconds
    }

    mutating func change() -> TimeZoneFooter.Change? {
        let day: TimeZoneFooter.Change.Day
        if take(77) {
            guard let month = number(), take(46), let week = number(), take(46), let weekday = number(), (1...12).contains(month),
                (1...5).contains(week), weekday <= 6
            else { return nil }
            day = .weekday(month: month, week: week, day: weekday)
        } else if take(74) {
            guard let count = number(), (1...365).contains(count) else { return nil }
            day = .julian(count)
        } else {
            guard let count = number(), count <= 365 else { return nil }
            day = .ordinal(count)
        }
        guard take(47) else { return .init(day: day, seconds: 7200) }
        guard let seconds = time() else { return nil }
        return .init(day: day, seconds: seconds)
    }
}
