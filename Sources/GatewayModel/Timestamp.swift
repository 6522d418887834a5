// Time: nanoseconds since 1970-01-01T00:00:00Z, always UTC. The calendar arithmetic is pure, so it needs no Foundation.

/// An instant in UTC, in nanoseconds since the Unix epoch.
package struct Timestamp: Sendable, Hashable, Comparable, Codable {
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    package var nanoseconds: Int64

    package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// Held at the ends of what nanoseconds can say (the years 1677 and 2262).
    package init(seconds: Int64) {
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        nanoseconds = overflow ? (seconds > 0 ? .max : .min) : product
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let time = Timestamp(rfc3339: text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not an RFC 3339 time: \(text)")
        }
        self = time
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rfc3339)
    }

    package static func < (left: Timestamp, right: Timestamp) -> Bool { left.nanoseconds < right.nanoseconds }

    /// Whole seconds since the epoch, rounded down.
    package var seconds: Int64 {
        let (quotient, remainder) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        return remainder < 0 ? quotient - 1 : quotient
    }

    /// Whole milliseconds since the epoch, rounded toward zero.
    package var milliseconds: Int64 { nanoseconds / 1_000_000 }

    /// Held at the ends, as `init(seconds:)`.
    package func adding(seconds: Int64) -> Timestamp {
        let (sum, overflow) = nanoseconds.addingReportingOverflow(Timestamp(seconds: seconds).nanoseconds)
        return Timestamp(nanoseconds: overflow ? (seconds > 0 ? .max : .min) : sum)
    }

    /// Held at the ends, as `init(seconds:)`.
    package func adding(milliseconds: Int64) -> Timestamp {
        let (product, tooMuch) = milliseconds.multipliedReportingOverflow(by: 1_000_000)
        let (sum, overflow) = nanoseconds.addingReportingOverflow(product)
        return Timestamp(nanoseconds: tooMuch || overflow ? (milliseconds > 0 ? .max : .min) : sum)
    }

    /// `2026-11-24T10:40:08.123456Z`: microseconds, always six digits, so that text order is time order.
    package var rfc3339: String { withRFC3339 { String(decoding: $0, as: UTF8.self) } }

    /// The 27 ASCII bytes of `rfc3339`, without building a String: every journal record has one.
    package func withRFC3339<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
        let day = CivilDate(daysSinceEpoch: Self.floorDivide(seconds, 86_400))
        let second = seconds - day.daysSinceEpoch * 86_400
        let remainder = nanoseconds % 1_000_000_000
        let micros = (remainder < 0 ? remainder + 1_000_000_000 : remainder) / 1_000
        return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 27) { buffer in
            var end = 0
            // Right to left within each number; what follows it stands behind its last digit.
            func write(_ number: Int64, _ width: Int, _ mark: UInt8) {
                var rest = number
                for index in (end..<end + width).reversed() {
                    buffer[index] = 48 + UInt8(truncatingIfNeeded: rest % 10)
                    rest /= 10
                }
                buffer[end + width] = mark
                end += width + 1
            }
            write(day.year, 4, 45)
            write(day.month, 2, 45)
            write(day.day, 2, 84)
            write(second / 3600, 2, 58)
            write(second / 60 % 60, 2, 58)
            write(second % 60, 2, 46)
            write(micros, 6, 90)
            return body(UnsafeBufferPointer(buffer))
        }
    }

    /// Reads RFC 3339 with `Z` or a numeric offset, or a bare date (midnight UTC). Nil for years that nanoseconds cannot say.
    package init?(rfc3339 text: String) {
        let bytes = Array(text.utf8)
        func number(_ from: Int, _ count: Int) -> Int64? {
            guard from + count <= bytes.count else { return nil }
            var value: Int64 = 0
            for byte in bytes[from..<from + count] {
                guard byte >= 48, byte <= 57 else { return nil }
                value = value * 10 + Int64(byte - 48)
            }
            return value
        }
        guard bytes.count >= 10, bytes[4] == 45, bytes[7] == 45,
            let year = number(0, 4), let month = number(5, 2), let day = number(8, 2),
            let date = CivilDate(year: year, month: month, day: day)
        else { return nil }
        if bytes.count == 10 {
            guard let time = Self.exact(seconds: date.daysSinceEpoch * 86_400, nanoseconds: 0) else { return nil }
            self = time
            return
        }
        guard bytes.count >= 20, bytes[10] == 84 || bytes[10] == 116 || bytes[10] == 32, bytes[13] == 58,
            bytes[16] == 58,
            let hour = number(11, 2), let minute = number(14, 2), let second = number(17, 2),
            hour < 24, minute < 60, second <= 60
        else { return nil }
        var index = 19
        var fraction: Int64 = 0
        if bytes[index] == 46 {
            index += 1
            var scale: Int64 = 100_000_000
            let start = index
            while index < bytes.count, bytes[index] >= 48, bytes[index] <= 57 {
                fraction += Int64(bytes[index] - 48) * scale
                scale /= 10
                index += 1
            }
            guard index > start else { return nil }
        }
        guard index < bytes.count else { return nil }
        var offset: Int64 = 0
        switch bytes[index] {
        case 90, 122:
            guard index + 1 == bytes.count else { return nil }
        case 43, 45:
            guard index + 6 == bytes.count, bytes[index + 3] == 58,
                let hours = number(index + 1, 2), let minutes = number(index + 4, 2), hours < 24, minutes < 60
            else { return nil }
            offset = (hours * 3600 + minutes * 60) * (bytes[index] == 45 ? -1 : 1)
        default: return nil
        }
        let total = date.daysSinceEpoch * 86_400 + hour * 3600 + minute * 60 + second - offset
        guard let time = Self.exact(seconds: total, nanoseconds: fraction) else { return nil }
        self = time
    }

    private static func exact(seconds: Int64, nanoseconds: Int64) -> Timestamp? {
        let (product, tooFar) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, overflow) = product.addingReportingOverflow(nanoseconds)
        return tooFar || overflow ? nil : Timestamp(nanoseconds: sum)
    }

    /// The start of the UTC hour, day or month that holds this instant.
    package func start(of unit: CalendarUnit) -> Timestamp {
        switch unit {
        case .hour: return Timestamp(seconds: Self.floorDivide(seconds, 3600) * 3600)
        case .day: return Timestamp(seconds: Self.floorDivide(seconds, 86_400) * 86_400)
        case .month:
            let date = CivilDate(daysSinceEpoch: Self.floorDivide(seconds, 86_400))
            let first = CivilDate(year: date.year, month: date.month, day: 1) ?? date
            return Timestamp(seconds: first.daysSinceEpoch * 86_400)
        }
    }

    /// The calendar day in UTC.
    package var date: CivilDate { CivilDate(daysSinceEpoch: Self.floorDivide(seconds, 86_400)) }

    static func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
        let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }
}

/// The units that rollups are kept in.
package enum CalendarUnit: String, Sendable, Codable, CaseIterable {
    case hour, day, month
}

/// A day of the proleptic Gregorian calendar (Howard Hinnant's `days_from_civil`).
package struct CivilDate: Sendable, Hashable {
    package let year: Int64
    package let month: Int64
    package let day: Int64
    package let daysSinceEpoch: Int64

    /// Nil when there is no such day.
    package init?(year: Int64, month: Int64, day: Int64) {
        guard (1...9999).contains(year), (1...12).contains(month), day >= 1 else { return nil }
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let lengths: [Int64] = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        guard day <= lengths[Int(month - 1)] else { return nil }
        let shifted = month <= 2 ? year - 1 : year
        let era = Timestamp.floorDivide(shifted, 400)
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        self.year = year
        self.month = month
        self.day = day
        daysSinceEpoch = era * 146_097 + dayOfEra - 719_468
    }

    package init(daysSinceEpoch days: Int64) {
        let shifted = days + 719_468
        let era = Timestamp.floorDivide(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        daysSinceEpoch = days
    }

    /// `2026-11-24`
    package var text: String {
        let yearText = String(year)
        return String(repeating: "0", count: max(0, 4 - yearText.count)) + yearText
            + (month < 10 ? "-0" : "-") + String(month) + (day < 10 ? "-0" : "-") + String(day)
    }
}
