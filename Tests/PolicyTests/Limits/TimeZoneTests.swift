// Time zones from TZif bytes, held against a table that Python's zoneinfo made (`Fixtures/time_zones/make_table.py`).

import Foundation
import GatewayModel
import Policy
import Testing

/// A zone of the fixtures; nil when there is none.
func fixtureZone(_ name: String, _ ending: String = ".tzif") -> TimeZoneRules? {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "../../../Fixtures/time_zones")
    let file = folder.appending(path: name.replacing("/", with: "_") + ending)
    return (try? Data(contentsOf: file)).flatMap { try? TimeZoneRules(tzif: [UInt8]($0)) }
}

@Suite struct TimeZoneTests {
    struct Row {
        var zone: String
        var date: CivilDate
        var start: Int64
        var length: Int64
    }

    static let table: [Row] = {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(
            path: "../../../Fixtures/time_zones/table.txt")
        let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").compactMap { line in
            let parts = line.split(separator: " ")
            let date = parts[1].split(separator: "-").compactMap { Int64($0) }
            guard let date = CivilDate(year: date[0], month: date[1], day: date[2]), let start = Int64(parts[2]),
                let length = Int64(parts[3])
            else { return nil }
            return Row(zone: String(parts[0]), date: date, start: start, length: length)
        }
    }()

    @Test func daysBeginAndLastAsPythonSaysInAllZones() throws {
        #expect(Self.table.count > 3000 && Set(Self.table.map(\.length)) == [0, 82_800, 84_600, 86_400, 88_200, 90_000])
        var zones: [String: TimeZoneRules] = [:]
        for row in Self.table where zones[row.zone] == nil { zones[row.zone] = fixtureZone(row.zone) }
        for row in Self.table {
            let zone = try #require(zones[row.zone])
            let day = row.date.daysSinceEpoch
            #expect(zone.start(ofDay: day) == row.start, "\(row)")
            #expect(zone.start(ofDay: day + 1) - row.start == row.length, "\(row)")
            guard row.length > 0 else { continue }
            for instant in [row.start, row.start + row.length / 2, row.start + row.length - 1] {
                #expect(zone.day(at: instant) == day, "\(row) at \(instant)")
            }
            #expect(zone.day(at: row.start - 1) < day && zone.day(at: row.start + row.length) > day, "\(row)")
        }
    }

    @Test(arguments: ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Europe/Dublin"])
    func aFileWithFewTransitionsSaysTheSameByItsClosingRule(_ name: String) throws {
        let whole = try #require(fixtureZone(name))
        let slim = try #require(fixtureZone(name, ".slim.tzif"))
        for instant in stride(from: Int64(1_200_000_000), to: 4_000_000_000, by: 40_013) {
            #expect(whole.offset(at: instant) == slim.offset(at: instant), "\(instant)")
        }
        for row in Self.table where row.zone == name && row.start > 1_200_000_000 {
            #expect(slim.start(ofDay: row.date.daysSinceEpoch) == row.start)
        }
    }

    @Test func aDayOf23And25HoursIsOneWindow() throws {
        let berlin = try #require(fixtureZone("Europe/Berlin"))
        let day = WindowCalendar(.day, zone: berlin)
        let spring = day.period(at: try #require(Timestamp(rfc3339: "2026-03-29T10:00:00Z")))
        #expect(Timestamp(seconds: spring.start).rfc3339 == "2026-03-28T23:00:00.000000Z" && spring.end - spring.start == 23 * 3600)
        let autumn = day.period(at: try #require(Timestamp(rfc3339: "2026-10-25T10:00:00Z")))
        #expect(Timestamp(seconds: autumn.start).rfc3339 == "2026-10-24T22:00:00.000000Z" && autumn.end - autumn.start == 25 * 3600)
    }

    @Test(arguments: [
        (LimitWindow.week, 1, "2027-01-02T12:00:00Z", "2026-12-27T23:00:00.000000Z", "2027-01-03T23:00:00.000000Z"),
        (.month, 1, "2026-03-31T22:30:00Z", "2026-03-31T22:00:00.000000Z", "2026-04-30T22:00:00.000000Z"),
        (.month, 1, "2026-03-31T21:59:59Z", "2026-02-28T23:00:00.000000Z", "2026-03-31T22:00:00.000000Z"),
        (.quarter, 1, "2026-05-05T00:00:00Z", "2026-03-31T22:00:00.000000Z", "2026-06-30T22:00:00.000000Z"),
        (.quarter, 2, "2026-01-15T00:00:00Z", "2025-10-31T23:00:00.000000Z", "2026-01-31T23:00:00.000000Z"),
        (.quarter, 12, "2026-01-15T00:00:00Z", "2025-11-30T23:00:00.000000Z", "2026-02-28T23:00:00.000000Z"),
    ])
    func periodsFollowTheLocalCalendar(_ window: LimitWindow, _ month: Int, _ at: String, _ start: String, _ end: String) throws {
        let berlin = try #require(fixtureZone("Europe/Berlin"))
        let found = WindowCalendar(window, zone: berlin, fiscalStartMonth: month).period(at: try #require(Timestamp(rfc3339: at)))
        #expect(Timestamp(seconds: found.start).rfc3339 == start && Timestamp(seconds: found.end).rfc3339 == end)
    }

    @Test func periodsFollowEachOtherWithoutGapOrOverlap() throws {
        for name in ["America/Santiago", "Pacific/Apia", "America/Havana", "Africa/Cairo"] {
            let zone = try #require(fixtureZone(name))
            for window in [LimitWindow.day, .week, .month, .quarter] {
                let calendar = WindowCalendar(window, zone: zone, fiscalStartMonth: 4)
                var period = calendar.period(at: Timestamp(seconds: 1_320_000_000))
                while period.start < 1_800_000_000 {
                    let next = calendar.period(at: Timestamp(seconds: period.end))
                    #expect(next.start == period.end && next.end > next.start, "\(name) \(window)")
                    #expect(calendar.period(at: Timestamp(seconds: period.end - 1)) == period)
                    period = next
                }
            }
        }
    }

    @Test func aFileCutAnywhereOrChangedInAnyByteIsReadOrRefusedAndNothingElse() throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "../../../Fixtures/time_zones")
        let bytes = [UInt8](try Data(contentsOf: folder.appending(path: "Europe_Berlin.tzif")))
        for count in 0..<bytes.count - 30 {
            #expect(throws: TimeZoneRules.Fault.self) { try TimeZoneRules(tzif: Array(bytes.prefix(count))) }
        }
        for place in bytes.indices {
            var changed = bytes
            changed[place] ^= 0xFF
            if let rules = try? TimeZoneRules(tzif: changed) { _ = rules.day(at: 1_790_000_000) }
        }
    }
}
