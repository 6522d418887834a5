// JournalReader: records in order, from any cursor, while the writer writes. A record counts when its length, its checksum and
// its sequence number are right; the first that is not ends its boot.

import GatewayModel
import WireFormat

/// One record as it was read.
package struct JournalRecord: Sendable {
    package let position: JournalPosition
    package let kind: RecordKind?
    /// The whole record, UTF-8 JSON.
    package let json: [UInt8]
}

/// Reads the journal in a directory.
package struct JournalReader: Sendable {
    private let directory: String
    /// Where the last read ended, so that the next need not search.
    private var place: (segment: Int, offset: Int, position: JournalPosition)?

    package init(directory: String) { self.directory = directory }

    /// Boot names, oldest first.
    package static func boots(in directory: String) -> [String] {
        listFolder(directory).filter { $0.utf8.count == 20 && $0.utf8.allSatisfy { (48...57).contains($0) } }.sorted()
    }

    /// Reads up to `countMax` records behind `cursor`. An empty answer means that there is nothing more now.
    package mutating func read(after cursor: JournalPosition, countMax: Int) -> [JournalRecord] {
        var records: [JournalRecord] = []
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
        while let file = SegmentFile(path(boot, segment)) {
            // Asked before this segment is read: once the next one holds a record, this one is whole.
            let isWhole = SegmentFile(path(boot, segment + 1))?.record(at: 0) != nil
            while records.count < countMax, let (json, next) = file.record(at: offset), let found = Self.header(json) {
                guard found.sequence == (last ?? found.sequence - 1) + 1 else { return }
                offset = next
                last = found.sequence
                let position = JournalPosition(boot: boot, sequence: found.sequence)
                place = (segment, offset, position)
                guard found.sequence > sequence else { continue }
                records.append(JournalRecord(position: position, kind: found.kind, json: json))
            }
            guard isWhole, records.count < countMax else { return }
            segment += 1
            offset = 0
        }
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
            var scanner = JSONScanner(bytes)
            var isFirst = true
            var kind: RecordKind?
            var time: Range<Int>?
            do throws(JSONError) {
                try scanner.enterObject()
                // The header's members come first, `seq` last of them.
                while let key = try scanner.nextKey(&isFirst) {
                    let range = try scanner.skipValue()
                    let name = bytes[key]
                    if name.elementsEqual("seq".utf8) {
                        guard let sequence = decodeJSONInteger(UnsafeRawBufferPointer(rebasing: bytes[range])),
                            sequence > 0, sequence < .max
                        else { return nil }
                        return (sequence, kind, time.flatMap { Timestamp(rfc3339: Self.text(bytes, $0)) })
                    }
                    if name.elementsEqual("kind".utf8) { kind = RecordKind(rawValue: Self.text(bytes, range)) }
                    if name.elementsEqual("time".utf8) { time = range }
                }
            } catch {
                return nil
            }
            return nil
        }
    }

    /// A string without its quotes; header values hold no escapes.
    private static func text(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> String {
        range.count > 2 ? String(decoding: bytes[range].dropFirst().dropLast(), as: UTF8.self) : ""
    }
}
