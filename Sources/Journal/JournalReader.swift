// JournalReader: records in order, from any cursor, while the writer writes. A record counts when its length, its checksum and
// its sequence number are right; the first that is not ends its boot.

import GatewayModel
import WireFormat

#if canImport(Glibc)
    import Glibc
#endif

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
    private var place: (boot: String, segment: Int, offset: Int, position: JournalPosition)?

    package init(directory: String) { self.directory = directory }

    /// Boot names, oldest first.
    package static func boots(in directory: String) -> [String] {
        listFolder(directory).filter { $0.utf8.count == 20 && $0.allSatisfy(\.isNumber) }.sorted()
    }

    /// Reads up to `countMax` records behind `cursor`. An empty answer means that there is nothing more now.
    package mutating func read(after cursor: JournalPosition, countMax: Int) -> [JournalRecord] {
        var records: [JournalRecord] = []
        let boots = Self.boots(in: directory)
        for (index, boot) in boots.enumerated() where boot >= cursor.boot && records.count < countMax {
            let from = boot == cursor.boot ? cursor.sequence : 0
            let reachedEnd = readBoot(boot, after: from, countMax: countMax, into: &records)
            // A later boot is only read once this one is at its end; the newest may still grow.
            if !reachedEnd, index < boots.count - 1 { break }
        }
        return records
    }

    /// True when the boot's end was reached.
    private mutating func readBoot(
        _ boot: String, after sequence: Int64, countMax: Int, into records: inout [JournalRecord]
    ) -> Bool {
        var segment = 1
        var offset = 0
        if let place, place.boot == boot, place.position == JournalPosition(boot: boot, sequence: sequence) {
            segment = place.segment
            offset = place.offset
        } else if sequence > 0 {
            segment = firstSegment(boot, holding: sequence)
        } else {
            segment = segments(boot).first ?? 1
        }
        while true {
            let path = "\(directory)/\(boot)/\(Journal.segmentName(segment))"
            guard let file = SegmentFile(path) else { return true }
            var last: JournalPosition?
            while records.count < countMax, let (json, next) = file.record(at: offset) {
                offset = next
                guard let found = Self.header(json) else { continue }
                let position = JournalPosition(boot: boot, sequence: found.sequence)
                last = position
                if found.sequence > sequence {
                    records.append(JournalRecord(position: position, kind: found.kind, json: json))
                }
            }
            if let last { place = (boot, segment, offset, last) }
            if records.count >= countMax { return false }
            // The next segment exists only once this one was full (the spare holds no record yet).
            guard SegmentFile("\(directory)/\(boot)/\(Journal.segmentName(segment + 1))")?.record(at: 0) != nil else {
                return true
            }
            segment += 1
            offset = 0
        }
    }

    private func segments(_ boot: String) -> [Int] {
        listFolder("\(directory)/\(boot)").compactMap { $0.hasSuffix(".log") ? Int($0.dropLast(4)) : nil }.sorted()
    }

    /// The last segment whose first record is not behind the sequence number.
    private func firstSegment(_ boot: String, holding sequence: Int64) -> Int {
        var found = segments(boot).first ?? 1
        for number in segments(boot) {
            guard let file = SegmentFile("\(directory)/\(boot)/\(Journal.segmentName(number))"),
                let (json, _) = file.record(at: 0), let header = Self.header(json), header.sequence <= sequence
            else { break }
            found = number
        }
        return found
    }

    /// The sequence number and kind of a record.
    static func header(_ json: [UInt8]) -> (sequence: Int64, kind: RecordKind?)? {
        json.withUnsafeBytes { bytes in
            var scanner = JSONScanner(bytes)
            var isFirst = true
            var kind: RecordKind?
            do throws(JSONError) {
                try scanner.enterObject()
                // The header's members come first, `seq` last of them.
                while let key = try scanner.nextKey(&isFirst) {
                    let range = try scanner.skipValue()
                    let name = bytes[key]
                    let value = UnsafeRawBufferPointer(rebasing: bytes[range])
                    if name.elementsEqual("seq".utf8) { return decodeJSONInteger(value).map { ($0, kind) } }
                    if name.elementsEqual("kind".utf8), value.count > 2 {
                        kind = RecordKind(rawValue: String(decoding: value[1..<value.count - 1], as: UTF8.self))
                    }
                }
            } catch {
                return nil
            }
            return nil
        }
    }
}

/// A segment file, opened for reading.
private final class SegmentFile {
    private let descriptor: Int32

    init?(_ path: String) {
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
    }

    deinit { close(descriptor) }

    /// The record at an offset and where the next begins; nil at the end of what is whole.
    func record(at offset: Int) -> ([UInt8], Int)? {
        var frame: (UInt32, UInt32) = (0, 0)
        let gotFrame = withUnsafeMutableBytes(of: &frame) { pread(descriptor, $0.baseAddress, 8, off_t(offset)) }
        let count = Int(UInt32(littleEndian: frame.0))
        guard gotFrame == 8, count > 0, count <= 65_535 else { return nil }
        let json = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = max(0, pread(descriptor, buffer.baseAddress, count, off_t(offset + 8)))
        }
        guard json.count == count, json.withUnsafeBytes({ CRC32C.checksum($0) }) == UInt32(littleEndian: frame.1) else {
            return nil
        }
        return (json, (offset + 8 + count + 3) & ~3)
    }
}

/// The names in a folder, unsorted; empty when it cannot be read.
package func listFolder(_ path: String) -> [String] {
    guard let folder = opendir(path) else { return [] }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
            pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != ".", name != ".." { names.append(name) }
    }
    return names
}
