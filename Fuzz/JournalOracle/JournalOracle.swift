// JournalOracle: what must hold of the journal reader for any bytes in a segment: no trap, no gap, no invented record, and the
// same records however many are asked for at once and from whichever cursor.

package import FuzzOracles
import GatewayModel
import Journal

#if canImport(Glibc)
    import Glibc
#endif

/// The first byte chooses how the rest lies on the disk: as it is, or as lines that are framed rightly and then damaged.
package func checkJournal(_ input: [UInt8], folder: String) -> Finding? {
    guard let choice = input.first else { return nil }
    let bytes = Array(input.dropFirst())
    var random = Seeded(bytes: input)
    var segment = choice & 1 == 0 ? bytes : framed(bytes.split(separator: 10).map(Array.init))
    if choice & 2 != 0, !segment.isEmpty { segment[random.below(segment.count)] ^= 1 << UInt8(random.below(8)) }
    if choice & 4 != 0 { segment.removeLast(random.below(segment.count + 1)) }
    let cut = choice & 8 != 0 ? random.below(segment.count + 1) & ~3 : segment.count
    let boot = "00000000000000000007"
    mkdir(folder, 0o700)
    mkdir("\(folder)/\(boot)", 0o700)
    write(Array(segment[..<cut]), to: "\(folder)/\(boot)/00000001.log")
    write(Array(segment[cut...]), to: "\(folder)/\(boot)/00000002.log")
    return checkReads(folder: folder, boot: boot, segment: segment)
}

private func checkReads(folder: String, boot: String, segment: [UInt8]) -> Finding? {
    let start = JournalPosition(boot: boot, sequence: 0)
    let all = read(folder, after: start, countMax: 10_000)
    for (earlier, later) in zip(all, all.dropFirst()) where later.position.sequence != earlier.position.sequence + 1 {
        return "the sequence has a gap at \(later.position)"
    }
    for record in all {
        if !holds(segment, record.json) { return "a record was read that is not in the segment" }
        record.json.withUnsafeBytes { _ = decodeTurn($0) }
    }
    var one = JournalReader(directory: folder)
    var cursor = start
    for record in all {
        let next = one.read(after: cursor, countMax: 1)
        guard next.count == 1, next[0].position == record.position, next[0].json == record.json else {
            return "reading one by one gives other records"
        }
        cursor = record.position
    }
    if !one.read(after: cursor, countMax: 1).isEmpty { return "reading one by one gives more records" }
    guard !all.isEmpty else { return nil }
    let middle = all.count / 2
    let rest = read(folder, after: all[middle].position, countMax: 10_000)
    return rest.map(\.position) == all[(middle + 1)...].map(\.position)
        ? nil : "reading from a cursor gives other records"
}

private func read(_ folder: String, after cursor: JournalPosition, countMax: Int) -> [JournalRecord] {
    var reader = JournalReader(directory: folder)
    return reader.read(after: cursor, countMax: countMax)
}

/// Records as the writer lays them down: length, CRC-32C, bytes, padding to four.
package func framed(_ records: [[UInt8]]) -> [UInt8] {
    var out: [UInt8] = []
    for record in records {
        withUnsafeBytes(of: UInt32(record.count).littleEndian) { out.append(contentsOf: $0) }
        withUnsafeBytes(of: crc32c(record).littleEndian) { out.append(contentsOf: $0) }
        out += record
        while out.count % 4 != 0 { out.append(0) }
    }
    return out
}

/// RFC 3720, appendix B.4, a bit at a time: not the writer's table.
private func crc32c(_ bytes: [UInt8]) -> UInt32 {
    var crc: UInt32 = 0xFFFF_FFFF
    for byte in bytes {
        crc ^= UInt32(byte)
        for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0x82F6_3B78 : crc >> 1 }
    }
    return ~crc
}

private func holds(_ bytes: [UInt8], _ wanted: [UInt8]) -> Bool {
    guard wanted.count <= bytes.count else { return false }
    return (0...bytes.count - wanted.count).contains { bytes[$0...].starts(with: wanted) }
}

private func write(_ bytes: [UInt8], to path: String) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    bytes.withUnsafeBytes { _ = Glibc.write(descriptor, $0.baseAddress, $0.count) }
}
