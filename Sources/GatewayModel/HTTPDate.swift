// HTTPDate: the date of HTTP's header fields, in the form that servers must write (RFC 9110, section 5.6.7).

extension Timestamp {
    /// Reads `Sun, 06 Nov 1994 08:49:37 GMT`. Nil for anything else, obsolete forms included.
    package init?(httpDate text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count == 29, bytes[3...4].elementsEqual(", ".utf8), bytes[25...].elementsEqual(" GMT".utf8), bytes[7] == 32,
            bytes[11] == 32, bytes[16] == 32, bytes[19] == 58, bytes[22] == 58
        else { return nil }
        func number(_ range: Range<Int>) -> Int64? {
            var value: Int64 = 0
            for byte in bytes[range] {
                guard byte >= 48, byte <= 57 else { return nil }
                value = value * 10 + Int64(byte - 48)
            }
            return value
        }
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let name = String(decoding: bytes[8..<11], as: UTF8.self)
        guard let day = number(5..<7), let month = months.firstIndex(of: name), let year = number(12..<16), let hour = number(17..<19),
            let minute = number(20..<22), let second = number(23..<25), hour < 24, minute < 60, second <= 60,
            let date = CivilDate(year: year, month: Int64(month) + 1, day: day)
        else { return nil }
        let seconds = date.daysSinceEpoch * 86_400 + hour * 3600 + minute * 60 + second
        guard !seconds.multipliedReportingOverflow(by: 1_000_000_000).overflow else { return nil }
        self = Timestamp(seconds: seconds)
    }
}
