// JournalReader: records in order, from any cursor, while the writer writes. A record counts when its length, its checksum and
// its sequence number are right; the first that is not ends its boot, unless recovery has found that others lie behind it.

import GatewayModel
import WireFormat

#if canImport(Glibc)
    import Glibc
#endif

/// One record as it was read.
package struct JournalRecord: Sendable {
    package let position: JournalPosition
    package let kind: RecordKind?
    /// The whole record, UTF-8 JSON; empty when the reader was told to leave it out.
    package let json: [UInt8]
}

/// Reads the journal in a directory.
package struct JournalReader {
    private let directory: String
    private let skips: [RecordKind]
    /// The segment that was read last stays open.
    private var file: SegmentFile?
    /// Where the last read ended, so that the next need not search.
    private(set) var place: (segment: Int, offset: Int, position: JournalPosition)?

    /// The records of the kinds that it `skips` are there without their JSON.
    package init(directory: String, skips: [RecordKind] = []) {
        self.directory = directory
        self.skips = skips
    }

    /// Boot names, oldest first.
    package static func boots(in directory: String) -> [String] {
        listFolder(directory).filter { $0.utf8.count == 20 && $0.utf8.allSatisfy { (48...57).contains($0) } }.sorted()
    }

    /// Reads up to `countMax` records behind `cursor`. An empty answer means that there is nothing more now.
    ///
    /// - Parameter bootAlone: later boots are not gone on to.
    package mutating func read(after cursor: JournalPosition, countMax: Int, bootAlone: Bool = false) -> [JournalRecord] {
        var records: [JournalRecord] = []
        if bootAlone {
            readBoot(cursor.boot, after: cursor.sequence, countMax: countMax, into: &records)
            return records
        }
        if place?.position == cursor {
            // Going on where the last read ended: what comes there comes before any later boot.
            readBoot(cursor.boot, after: cursor.sequence, countMax: countMax, into: &records)
            if !records.isEmpty { return records }
        }
        for boot in Self.boots(in: directory) where boot >= cursor.boot && records.count < countMax {
            readBoot(boot, after: boot == cursor.boot ? cursor.sequence : 0, countMax: countMax, into: &records)
        }
        return records
    }

    /// Reads on to the boot's end, or until there are enough.
    private mutating func readBoot(
        _ boot: String, after sequence: Int64, countMax: Int, into records: inout [JournalRecord]
    ) {
        var segment: Int
        var offset = 0
        /// The last sequence number that was seen; nil at the beginning of what is left of the boot.
        var last: Int64?
        if let place, place.position == JournalPosition(boot: boot, sequence: sequence) {
            segment = place.segment
            offset = place.offset
            last = sequence
        } else {
            segment = firstSegment(boot, holding: sequence)
        }
        let skipsDamage = Self.isDamaged("\(directory)/\(boot)")
        while let file = open(path(boot, segment)) {
            // Asked before this segment is read: once the next one holds a record, this one is whole.
            let following = SegmentFile(path(boot, segment + 1))
            let isWhole = skipsDamage ? following?.firstRecord(behind: 0) != nil : following?.record(at: 0) != nil
            var hasGap = false
            while records.count < countMax {
                var isRecord = false
                let next = file.visitRecord(at: offset) { json in
                    guard let found = Self.header(json) else { return }
                    let before = last ?? found.sequence - 1
                    hasGap = skipsDamage ? found.sequence <= before : found.sequence != before + 1
                    guard !hasGap else { return }
                    isRecord = true
                    last = found.sequence
                    guard found.sequence > sequence else { return }
                    let isLeftOut = found.kind.map { skips.contains($0) } ?? false
                    records.append(
                        JournalRecord(
                            position: JournalPosition(boot: boot, sequence: found.sequence), kind: found.kind,
                            json: isLeftOut ? [] : Array(json)))
                }
                if hasGap { return }
                guard isRecord, let next, let last else {
                    guard skipsDamage, let behind = file.firstRecord(behind: offset + 4) else { break }
                    offset = behind
                    continue
                }
                offset = next
                place = (segment, offset, JournalPosition(boot: boot, sequence: last))
            }
            guard isWhole, records.count < countMax else { return }
            segment += 1
            offset = 0
        }
    }

    /// Whether recovery has found records behind damaged ones in this folder of a boot.
    package static func isDamaged(_ folder: String) -> Bool { access("\(folder)/damaged", F_OK) == 0 }

    private mutating func open(_ path: String) -> SegmentFile? {
        if file?.path != path { file = SegmentFile(path) }
        return file
    }

    private func path(_ boot: String, _ segment: Int) -> String {
        "\(directory)/\(boot)/\(Journal.segmentName(segment))"
    }

    /// The segments that are there, in order.
    static func segments(in folder: String) -> [Int] {
        listFolder(folder).compactMap { $0.hasSuffix(".log") ? Int($0.dropLast(4)) : nil }.sorted()
    }

    /// The last segment whose first record is not behind the sequence number.
    private func firstSegment(_ boot: String, holding sequence: Int64) -> Int {
        let all = Self.segments(in: "\(directory)/\(boot)")
        var found = all.first ?? 1
        guard sequence > 0 else { return found }
        for number in all {
            guard let (json, _) = SegmentFile(path(boot, number))?.record(at: 0), let header = Self.header(json),
                header.sequence <= sequence
            else { break }
            found = number
        }
        return found
    }

    /// The sequence number, kind and time of a record.
    static func header(_ json: [UInt8]) -> (sequence: Int64, kind: RecordKind?, time: Timestamp?)? {
        json.withUnsafeBytes { bytes in
            guard let found = header(bytes) else { return nil }
            return (found.sequence, found.kind, found.time.flatMap { Timestamp(rfc3339: text(bytes, $0)) })
        }
    }

    /// The sequence number and kind of a record, and where its time stands, with its quotes.
    static func header(_ bytes: UnsafeRawBufferPointer) -> (sequence: Int64, kind: RecordKind?, time: Range<Int>?)? {
        if let found = readQuickHeader(bytes) { return (found.sequence, kind(bytes[found.kind]), found.time) }
        var scanner = JSONScanner(bytes)
        var isFirst = true
        var kind: RecordKind?
        var time: Range<Int>?
        do throws(JSONError) {
            try scanner.enterObject()
            // The header's members come first, `seq` last of them.
            while let key = try scanner.nextKey(&isFirst) {
                let range = try scanner.skipValue()
                let name = UnsafeRawBufferPointer(rebasing: bytes[key])
                switch name.count {
                case 3 where isEqual(name, "seq"):
                    guard let sequence = decodeJSONInteger(UnsafeRawBufferPointer(rebasing: bytes[range])),
                        sequence > 0, sequence < .max
                    else { return nil }
                    return (sequence, kind, time)
                case 4 where isEqual(name, "kind"):
                    if range.count > 2 { kind = Self.kind(bytes[range].dropFirst().dropLast()) }
                case 4 where isEqual(name, "time"): time = range
                default: break
                }
            }
        } catch {
            return nil
        }
        return nil
    }

    /// Compared as bytes: every record has one.
    private static let kinds = RecordKind.allCases.map { (kind: $0, name: Array($0.rawValue.utf8)) }

    private static func kind(_ text: Slice<UnsafeRawBufferPointer>) -> RecordKind? {
        let bytes = UnsafeRawBufferPointer(rebasing: text)
        for (kind, name) in kinds where name.count == bytes.count && name.withUnsafeBytes({ isSame($0, bytes) }) { return kind }
        return nil
    }

    /// Of texts of one length; the ends of kinds differ.
    private static func isSame(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
        for index in left.indices.reversed() where left[index] != right[index] { return false }
        return true
    }

    /// Of texts of one length.
    private static func isEqual(_ bytes: UnsafeRawBufferPointer, _ name: StaticString) -> Bool {
        for index in 0..<bytes.count where bytes[index] != name.utf8Start[index] { return false }
        return true
    }

    /// A string without its quotes; header values hold no escapes.
    private static func text(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> String {
        range.count > 2 ? String(decoding: bytes[range].dropFirst().dropLast(), as: UTF8.self) : ""
    }
}
