// Time: RFC 3339 both ways, the calendar against known days, and the ends of what nanoseconds can say.

import Foundation
import GatewayModel
import Testing

@Suite struct TimestampTests {
    @Test(
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("1970-01-01", 0), ("2026-11-24T10:40:08Z", 1_795_516_808),
            ("2026-11-24t10:40:08z", 1_795_516_808), ("2026-11-24 10:40:08Z", 1_795_516_808),
            ("2026-11-24T10:40:08+01:30", 1_795_516_808 - 5400), ("2026-11-24T10:40:08-00:30", 1_795_516_808 + 1800),
            ("2000-02-29T00:00:00Z", 951_782_400), ("2024-02-29", 1_709_164_800),
            ("1969-12-31T23:59:59Z", -1), ("2016-12-31T23:59:60Z", 1_483_228_800),
            ("2262-04-11T23:47:16Z", 9_223_372_036),
        ] as [(String, Int64)])
    func rfc3339IsRead(_ text: String, _ seconds: Int64) {
        #expect(Timestamp(rfc3339: text)?.seconds == seconds)
    }

    @Test func theDateOfAHeaderFieldIsRead() {
        #expect(Timestamp(httpDate: "Sun, 06 Nov 1994 08:49:37 GMT")?.seconds == 784_111_777)
        #expect(Timestamp(httpDate: "Thu, 01 Jan 1970 00:00:00 GMT")?.seconds == 0)
        for wrong in [
            "", "120", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 31 Feb 1994 08:49:37 GMT",
            "Sun, 06 nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 25:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun, 06 Nov 9999 08:49:37 GMT",
        ] {
            #expect(Timestamp(httpDate: wrong) == nil, "\(wrong)")
        }
    }

    @Test(arguments: [
        "", "2026", "2026-11", "2026-11-24T", "2026-11-24T10:40", "2026-11-24T10:40:08", "2026-13-01", "2026-00-01",
        "2026-02-29", "2025-02-29", "1900-02-29", "2026-04-31", "2026-01-32", "2026-01-00",
        "2026-11-24T24:00:00Z", "2026-11-24T10:60:00Z", "2026-11-24T10:00:61Z", "2026-11-24T10:00:00.Z",
        "2026-11-24T10:00:00ZZ", "2026-11-24T10:00:00+0100", "2026-11-24T10:00:00+24:00",
        "2026-11-24T10:00:00+01:60", "2026-11-24X10:00:00Z", "2026/11/24", "+026-11-24", "0000-01-01", "٢٠٢٦-11-24",
        " 2026-11-24", "2026-11-24T10:00:00 Z", "2026-1-124",
    ])
    func whatIsNoTimeIsRefused(_ text: String) {
        #expect(Timestamp(rfc3339: text) == nil)
    }

    @Test(arguments: [
        "9999-12-31", "9999-12-31T23:59:59Z", "2262-04-12", "2262-04-11T23:47:17Z", "1677-09-20", "0001-01-01",
        "2500-01-01T00:00:00.5Z",
    ])
    func aYearThatNanosecondsCannotSayIsRefusedAndDoesNotWrap(_ text: String) {
        // Once 9999-12-31, which people write for "never", wrapped around to a day in the past.
        #expect(Timestamp(rfc3339: text) == nil)
    }

    @Test func fractionsAreReadToTheNanosecond() {
        #expect(Timestamp(rfc3339: "1970-01-01T00:00:00.123456789Z")?.nanoseconds == 123_456_789)
        #expect(Timestamp(rfc3339: "1970-01-01T00:00:00.5Z")?.nanoseconds == 500_000_000)
        #expect(Timestamp(rfc3339: "1970-01-01T00:00:00.1234567899999999999999Z")?.nanoseconds == 123_456_789)
        #expect(Timestamp(rfc3339: "1969-12-31T23:59:59.9Z")?.nanoseconds == -100_000_000)
    }

    @Test func whatIsPrintedReadsBackToTheMicrosecond() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            let time = Timestamp(nanoseconds: Int64(bitPattern: random.next()))
            let text = time.rfc3339
            #expect(text.utf8.count == 27)
            let micros = Timestamp(nanoseconds: time.nanoseconds - ((time.nanoseconds % 1000) + 1000) % 1000)
            #expect(Timestamp(rfc3339: text) == micros, "\(time.nanoseconds)")
        }
    }

    @Test func textOrderIsTimeOrder() {
        var random = SystemRandomNumberGenerator()
        let times = (0..<2000).map { _ in Timestamp(nanoseconds: Int64(bitPattern: random.next()) / 1000 * 1000) }
            .sorted()
        #expect(times.map(\.rfc3339) == times.map(\.rfc3339).sorted())
    }

    @Test func theEndsDoNotTrap() {
        for time in [
            Timestamp(nanoseconds: .min), Timestamp(nanoseconds: .max), Timestamp(seconds: .min),
            Timestamp(seconds: .max),
        ] {
            _ = (time.rfc3339, time.seconds, time.milliseconds, time.date.text)
            for unit in CalendarUnit.allCases {
                #expect(time.start(of: unit) <= time || time.nanoseconds < Int64.min / 2)
            }
        }
        #expect(Timestamp(nanoseconds: .min).rfc3339 == "1677-09-21T00:12:43.145224Z")
        #expect(Timestamp(nanoseconds: .max).rfc3339 == "2262-04-11T23:47:16.854775Z")
        #expect(Timestamp(seconds: .max).nanoseconds == .max && Timestamp(seconds: .min).nanoseconds == .min)
        #expect(Timestamp(nanoseconds: .max).adding(seconds: 1).nanoseconds == .max)
        #expect(Timestamp(nanoseconds: .min).adding(seconds: -1).nanoseconds == .min)
        #expect(Timestamp(seconds: 5).adding(seconds: -7).seconds == -2)
    }

    @Test func unitsBeginWhereTheCalendarSays() throws {
        let time = try #require(Timestamp(rfc3339: "2024-02-29T23:59:59.999Z"))
        #expect(time.start(of: .hour).rfc3339 == "2024-02-29T23:00:00.000000Z")
        #expect(time.start(of: .day).rfc3339 == "2024-02-29T00:00:00.000000Z")
        #expect(time.start(of: .month).rfc3339 == "2024-02-01T00:00:00.000000Z")
        let before = try #require(Timestamp(rfc3339: "1969-12-31T23:30:00Z"))
        #expect(before.start(of: .hour).rfc3339 == "1969-12-31T23:00:00.000000Z")
        #expect(before.start(of: .month).rfc3339 == "1969-12-01T00:00:00.000000Z")
    }

    @Test func codedTimesAreText() throws {
        let time = Timestamp(nanoseconds: 1_500_000_000)
        let json = try JSONEncoder().encode([time])
        #expect(String(decoding: json, as: UTF8.self) == #"["1970-01-01T00:00:01.500000Z"]"#)
        #expect(try JSONDecoder().decode([Timestamp].self, from: json) == [time])
        #expect(throws: DecodingError.self) { try JSONDecoder().decode([Timestamp].self, from: Data(#"["x"]"#.utf8)) }
    }
}

@Suite struct CivilDateTests {
    @Test(
        arguments: [
            (1970, 1, 1, 0), (1969, 12, 31, -1), (2000, 2, 29, 11_016), (2000, 3, 1, 11_017), (1900, 3, 1, -25_508),
            (2026, 11, 24, 20_781), (1, 1, 1, -719_162), (9999, 12, 31, 2_932_896),
            (1600, 2, 29, -135_081),
        ] as [(Int64, Int64, Int64, Int64)])
    func knownDays(_ year: Int64, _ month: Int64, _ day: Int64, _ days: Int64) {
        #expect(CivilDate(year: year, month: month, day: day)?.daysSinceEpoch == days)
        let back = CivilDate(daysSinceEpoch: days)
        #expect(back.year == year && back.month == month && back.day == day)
    }

    @Test func everyDayOfFourHundredYearsFollowsTheOneBefore() {
        var last = CivilDate(daysSinceEpoch: -146_097)
        for days in -146_096...146_097 {
            let day = CivilDate(daysSinceEpoch: Int64(days))
            #expect(CivilDate(year: day.year, month: day.month, day: day.day) == day)
            let follows =
                day.day == last.day + 1 && day.month == last.month && day.year == last.year
                || day.day == 1 && day.month == last.month + 1 && day.year == last.year
                || day.day == 1 && day.month == 1 && last.month == 12 && day.year == last.year + 1
            if !follows { Issue.record("\(day) does not follow \(last)") }
            last = day
        }
    }

    @Test(
        arguments: [
            (2025, 2, 29), (1900, 2, 29), (2026, 4, 31), (2026, 13, 1), (2026, 0, 1), (2026, 1, 0), (0, 1, 1),
            (10_000, 1, 1), (2026, 1, -1),
        ] as [(Int64, Int64, Int64)])
    func noSuchDay(_ year: Int64, _ month: Int64, _ day: Int64) {
        #expect(CivilDate(year: year, month: month, day: day) == nil)
    }

    @Test func daysArePrintedWithZeros() {
        #expect(CivilDate(year: 33, month: 4, day: 5)?.text == "0033-04-05")
        #expect(CivilDate(year: 2026, month: 11, day: 24)?.text == "2026-11-24")
    }
}

@Suite struct WeeklyHoursTests {
    // 2026-11-23 was a Monday.
    private func time(_ text: String) throws -> Timestamp { try #require(Timestamp(rfc3339: "2026-11-\(text):00Z")) }

    @Test func hoursHoldOnTheirDays() throws {
        let office = WeeklyHours(weekdays: WeeklyHours.mondayToFriday, fromMinute: 9 * 60, toMinute: 17 * 60)
        for inside in ["23T09:00", "27T16:59", "24T12:00"] { #expect(office.contains(try time(inside)), "\(inside)") }
        for outside in ["23T08:59", "23T17:00", "28T12:00", "29T12:00"] {
            #expect(!office.contains(try time(outside)), "\(outside)")
        }
    }

    @Test func hoursCanCrossMidnight() throws {
        let night = WeeklyHours(fromMinute: 16 * 60 + 30, toMinute: 30)
        for inside in ["23T16:30", "23T23:59", "24T00:00", "24T00:29"] {
            #expect(night.contains(try time(inside)), "\(inside)")
        }
        for outside in ["23T16:29", "24T00:30", "24T12:00"] {
            #expect(!night.contains(try time(outside)), "\(outside)")
        }
    }

    @Test func weekdaysAreRightBeforeTheEpochToo() {
        let thursday = WeeklyHours(weekdays: 1 << 3, fromMinute: 0, toMinute: 24 * 60)
        #expect(thursday.contains(Timestamp(seconds: 0)))
        #expect(thursday.contains(Timestamp(seconds: -7 * 86_400)))
        #expect(!thursday.contains(Timestamp(seconds: -1)))
        #expect(!thursday.contains(Timestamp(seconds: 86_400)))
    }
}
