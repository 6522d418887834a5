// SegmentFile: a segment opened for reading: its whole records, one after the other, and where they end.

#if canImport(Glibc)
    import Glibc
#endif

/// A segment file, opened for reading.
final class SegmentFile {
    private let descriptor: Int32
    let path: String
    /// What was read last: `blockCount` bytes from `blockStart`.
    private var block: [UInt8] = []
    private var blockStart = 0
    private var blockCount = 0
    /// More than the largest record and its frame.
    private static let blockBytes = 128 << 10
    private static let aheadBytes = 8 << 10
    /// How much the next read takes.
    private var ahead = aheadBytes

    init?(_ path: String) {
        self.path = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
    }

    deinit { close(descriptor) }

    /// The record at an offset and where the next begins; nil at the end of what is whole.
    func record(at offset: Int) -> (json: [UInt8], next: Int)? {
        var json: [UInt8] = []
        return visitRecord(at: offset) { json = Array($0) }.map { (json, $0) }
    }

    /// Shows the record at an offset, and gives where the next begins; nil at the end of what is whole.
    func visitRecord(at offset: Int, _ body: (UnsafeRawBufferPointer) -> Void) -> Int? {
        // What was read ahead may have been written since: the end is only believed when it was read anew.
        if blockStart <= offset, let next = parse(offset, body) { return next }
        // Who follows the writer finds a few records, and who reads all finds more the longer it reads.
        fill(from: offset, ahead)
        if let next = parse(offset, body) {
            ahead = min(ahead * 2, Self.blockBytes)
            return next
        }
        let isLonger = blockCount == ahead && ahead < Self.blockBytes && block.prefix(4).contains { $0 != 0 }
        ahead = Self.aheadBytes
        guard isLonger else { return nil }
        fill(from: offset, Self.blockBytes)
        return parse(offset, body)
    }

    private func fill(from offset: Int, _ count: Int) {
        if block.count < count { block = [UInt8](repeating: 0, count: count) }
        blockStart = offset
        blockCount = block.withUnsafeMutableBytes { max(0, pread(descriptor, $0.baseAddress, count, off_t(offset))) }
    }

    private func parse(_ offset: Int, _ body: (UnsafeRawBufferPointer) -> Void) -> Int? {
        block.withUnsafeBytes { bytes in
            guard let (json, next) = Self.frame(in: UnsafeRawBufferPointer(rebasing: bytes[..<blockCount]), at: offset - blockStart) else {
                return nil
            }
            body(json)
            return blockStart + next
        }
    }

    /// The record whose frame begins at an offset, and where the next frame begins; nil where no whole record is.
    static func frame(in bytes: UnsafeRawBufferPointer, at start: Int) -> (json: UnsafeRawBufferPointer, next: Int)? {
        let frameBytes = SegmentWriter.frameBytes
        guard start + frameBytes <= bytes.count else { return nil }
        let count = Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: UInt32.self)))
        let checksum = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: start + 4, as: UInt32.self))
        guard count > 0, count <= Journal.recordBytesMax, start + frameBytes + count <= bytes.count else { return nil }
        let json = UnsafeRawBufferPointer(rebasing: bytes[start + frameBytes..<start + frameBytes + count])
        guard CRC32C.checksum(json) == checksum else { return nil }
        return (json, (start + frameBytes + count + 3) & ~3)
    }

    /// Where the last whole record ends; 0 when there is none.
    func end() -> Int {
        var offset = 0
        while let (_, next) = record(at: offset) { offset = next }
        return offset
    }

    /// Where the first whole record at or behind `offset` begins. When there is one, and none at `offset`, what is there is damage and
    /// not the end of the writing.
    func firstRecord(behind offset: Int) -> Int? {
        var chunk = [UInt8](repeating: 0, count: 1 << 20)
        var start = offset
        while true {
            let count = chunk.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, off_t(start)) }
            guard count >= 16 else { return nil }
            let found = chunk.withUnsafeBytes { bytes in
                stride(from: 0, to: count - 8, by: 4).first { index in
                    // Every record begins with `{`, which spares most checksums.
                    bytes[index + 8] == 123
                        && (1...Journal.recordBytesMax).contains(
                            Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt32.self))))
                        && record(at: start + index) != nil
                }
            }
            if let found { return start + found }
            start += (count - 8) & ~3
        }
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
