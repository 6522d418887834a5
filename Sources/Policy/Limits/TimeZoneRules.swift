// TimeZoneRules: a time zone from the bytes of its TZif file (RFC 9636). Pure: who has the file reads it. What is asked of it is only
// how far local time is from UTC at an instant, and when a local day begins.

/// The offsets of a time zone over time.
package struct TimeZoneRules: Sendable, Hashable {
    /// What is wrong with a file.
    package enum Fault: Error, Sendable, Hashable {
        case notTZif
        case truncated
        case inconsistent
    }

    /// Instants in seconds since the epoch, ascending, and the offset from each on.
    private let instants: [Int64]
    private let offsets: [Int32]
    private let firstOffset: Int32
    /// What holds after the last of them.
    private let footer: TimeZoneFooter?

    package static let utc = TimeZoneRules()

    private init() {
        instants = []
        offsets = []
        firstOffset = 0
        footer = nil
    }

    /// Reads a TZif file of version 1 or later.
    package init(tzif bytes: [UInt8]) throws(Fault) {
        var reader = TZifReader(bytes)
        var header = try reader.header()
        var wide = false
        if header.version >= 2 {
            try reader.skip(header.bytes(timeSize: 4))
            header = try reader.header()
            wide = true
        }
        guard header.typeCount > 0, header.typeCount <= 256, header.timeCount <= 100_000 else { throw .inconsistent }
        var instants: [Int64] = []
        for _ in 0..<header.timeCount { instants.append(try reader.integer(wide ? 8 : 4)) }
        var kinds: [UInt8] = []
        for _ in 0..<header.timeCount { kinds.append(try reader.byte()) }
        var types: [Int32] = []
        var firstStandard: Int32?
        for _ in 0..<header.typeCount {
            let offset = Int32(truncatingIfNeeded: try reader.integer(4))
            let isDaylight = try reader.byte() != 0
            _ = try reader.byte()
            guard offset > -93_600, offset < 93_600 else { throw .inconsistent }
            types.append(offset)
            if !isDaylight, firstStandard == nil { firstStandard = offset }
        }
        try reader.skip(header.charCount + header.leapCount * (wide ? 12 : 8) + header.standardCount + header.utCount)
        var offsets: [Int32] = []
        for kind in kinds {
            guard Int(kind) < types.count else { throw .inconsistent }
            offsets.append(types[Int(kind)])
        }
        for index in instants.indices.dropFirst() where instants[index] <= instants[index - 1] { throw .inconsistent }
        self.instants = instants
        self.offsets = offsets
        // RFC 9636, section 3.2: type 0 holds before the first transition.
        firstOffset = types.first ?? firstStandard ?? 0
        footer = wide ? reader.footer().flatMap(TimeZoneFooter.init) : nil
    }

    /// Seconds that local time is ahead of UTC at an instant.
    package func offset(at seconds: Int64) -> Int64 { segment(at: seconds).offset }

    /// The stretch of equal offset that holds an instant: its offset, and when the next one begins.
    private func segment(at seconds: Int64) -> (offset: Int64, end: Int64) {
        guard let first = instants.first, seconds >= first else {
            if instants.isEmpty, let footer { return footer.segment(at: seconds) }
            return (Int64(firstOffset), instants.first ?? .max)
        }
        if let last = instants.last, seconds >= last {
            return footer?.segment(at: seconds) ?? (Int64(offsets.last ?? firstOffset), .max)
        }
        var low = 0
        var high = instants.count - 1
        while high - low > 1 {
            let middle = (low + high) / 2
            if instants[middle] <= seconds { low = middle } else { high = middle }
        }
        return (Int64(offsets[low]), instants[high])
    }

    /// The first instant whose local time is at or past the midnight that begins a day. Where clocks skip midnight it is the moment
    /// after the gap; where midnight comes twice it is the first.
    package func start(ofDay daysSinceEpoch: Int64) -> Int64 {
        let local = daysSinceEpoch * 86_400
        var seconds = local - 2 * 86_400
        // Offsets change a few times a year, so a few segments cover the four days in question.
        for _ in 0..<64 {
            let (offset, end) = segment(at: seconds)
            let candidate = max(seconds, local - offset)
            if candidate < end { return candidate }
            seconds = end
        }
        return local
    }

    /// The local day that holds an instant.
    package func day(at seconds: Int64) -> Int64 {
        let local = seconds + offset(at: seconds)
        let day = local >= 0 ? local / 86_400 : (local - 86_399) / 86_400
        // Clocks that went back over midnight: the new day has begun already.
        return start(ofDay: day + 1) <= seconds ? day + 1 : day
    }
}

/// Reads the numbers of a TZif file.
private struct TZifReader {
    struct Header {
        var version: Int
        var utCount, standardCount, leapCount, timeCount, typeCount, charCount: Int

        func bytes(timeSize: Int) -> Int {
            timeCount * (timeSize + 1) + typeCount * 6 + charCount + leapCount * (timeSize + 4) + standardCount + utCount
        }
    }

    private let bytes: [UInt8]
    private var index = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func byte() throws(TimeZoneRules.Fault) -> UInt8 {
        guard index < bytes.count else { throw .truncated }
        index += 1
        return bytes[index - 1]
    }

    mutating func skip(_ count: Int) throws(TimeZoneRules.Fault) {
        guard count >= 0, count <= bytes.count - index else { throw .truncated }
        index += count
    }

    /// A signed number, most significant byte first.
    mutating func integer(_ size: Int) throws(TimeZoneRules.Fault) -> Int64 {
        var value = Int64(Int8(bitPattern: try byte()))
        for _ in 1..<size { value = value << 8 | Int64(try byte()) }
        return value
    }

    mutating func header() throws(TimeZoneRules.Fault) -> Header {
        guard bytes.count - index >= 44 else { throw .truncated }
        guard bytes[index..<index + 4].elementsEqual("TZif".utf8) else { throw .notTZif }
        index += 4
        let mark = try byte()
        try skip(15)
        var counts: [Int] = []
        for _ in 0..<6 {
            let count = Int(try integer(4))
            guard count >= 0, count <= bytes.count else { throw .inconsistent }
            counts.append(count)
        }
        return Header(
            version: mark >= 50 ? Int(mark - 48) : 1, utCount: counts[0], standardCount: counts[1], leapCount: counts[2],
            timeCount: counts[3], typeCount: counts[4], charCount: counts[5])
    }

    /// The text between the two line feeds at the end.
    func footer() -> [UInt8]? {
        guard index < bytes.count, bytes[index] == 10, let end = bytes[(index + 1)...].firstIndex(of: 10) else { return nil }
        return Array(bytes[(index + 1)..<end])
    }
}
