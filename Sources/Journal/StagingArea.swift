// StagingArea: where records lie until they are written into their segment: a small file, mapped and shared, so that what was copied
// into it is the kernel's and survives the process, without a system call a record. See decision 0009.

import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// The records of the present segment that its file may not have yet. The byte at an offset of the segment lies at that offset modulo
/// the area's size, so that a record's place needs no note beside it.
///
/// Sendable without a check: `bytes` is written by `append` alone, whose callers hold the journal's lock, and only where `written` says
/// that the file has what lay there; `write` reads below `filled`, and holds the target's lock while it does.
final class StagingArea: @unchecked Sendable {
    private let bytes: UnsafeMutableRawBufferPointer
    private let mask: Int
    private let path: String
    /// Offsets of the segment: records lie below `filled`, and the file has what is below `written`.
    private let filled = Atomic<Int>(0)
    private let written = Atomic<Int>(0)
    /// The descriptor of the segment that is written to.
    private let target: Guarded<Int32>

    /// The file's name in the folder of a boot.
    static let name = "staged"

    /// File systems that write a page where it lies. On others a page that is written to may lack room, and a mapping can say so only by
    /// a signal.
    private static let knownFileSystems: Set<Substring> = ["ext2", "ext3", "ext4", "xfs", "tmpfs"]

    /// Nil where the file cannot be had or the file system is none of those: then each record is a write of its own.
    ///
    /// - Parameter size: in bytes, a power of two that holds more than the largest record.
    init?(folder: String, size: Int, segment descriptor: Int32) {
        guard size & (size - 1) == 0, size > Journal.recordBytesMax + SegmentWriter.frameBytes else { return nil }
        path = "\(folder)/\(Self.name)"
        let file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { return nil }
        defer { close(file) }
        guard let mapping = Self.map(file, size) else {
            unlink(path)
            return nil
        }
        bytes = mapping
        mask = size - 1
        target = Guarded(descriptor)
    }

    private static func map(_ file: Int32, _ size: Int) -> UnsafeMutableRawBufferPointer? {
        guard let system = fileSystem(of: file), knownFileSystems.contains(system) else { return nil }
        // Blocks that were written and not only reserved, so that no later write has to change the file's extents.
        let zeros = [UInt8](repeating: 0, count: size)
        guard zeros.withUnsafeBytes({ writeWhole(file, $0, at: 0) }) == 0, fsync(file) == 0,
            let address = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0), address != MAP_FAILED
        else { return nil }
        // A page that was thrown out would have to be read again, on an event loop. Where it may not be locked, that is so.
        _ = mlock(address, size)
        let bytes = UnsafeMutableRawBufferPointer(start: address, count: size)
        for page in stride(from: 0, to: size, by: 4096) { bytes.storeBytes(of: 0, toByteOffset: page, as: UInt8.self) }
        return bytes
    }

    deinit { munmap(bytes.baseAddress, bytes.count) }

    // MARK: Under the journal's lock

    /// Copies a framed record to where it belongs. Writes what lies there first when the file does not have it; gives an errno when that
    /// fails, and has copied nothing then.
    func append(_ frame: UnsafeRawBufferPointer, at offset: Int) -> Int32 {
        let end = (offset + frame.count + 3) & ~3
        if end - written.load(ordering: .acquiring) > bytes.count {
            let failure = write()
            guard failure == 0 else { return failure }
        }
        // The bytes up to the next record are none of an older one.
        if frame.count & 3 != 0 { bytes.storeBytes(of: 0, toByteOffset: (end - 4) & mask, as: UInt32.self) }
        let place = offset & mask
        let first = min(frame.count, bytes.count - place)
        copy(frame, 0..<first, to: place)
        copy(frame, first..<frame.count, to: 0)
        filled.store(end, ordering: .releasing)
        return 0
    }

    private func copy(_ frame: UnsafeRawBufferPointer, _ range: Range<Int>, to place: Int) {
        guard !range.isEmpty else { return }
        UnsafeMutableRawBufferPointer(rebasing: bytes[place..<place + range.count])
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: frame[range]))
    }

    /// Goes on with the next segment. Everything of the one before has been written.
    func begin(segment descriptor: Int32) {
        target.withLock { target in
            target = descriptor
            filled.store(0, ordering: .relaxed)
            written.store(0, ordering: .releasing)
        }
    }

    // MARK: On any thread

    /// Writes into the segment what it does not have yet. Gives 0 or an errno; what was written until then stays so.
    func write() -> Int32 {
        target.withLock { descriptor in
            var offset = written.load(ordering: .relaxed)
            let end = filled.load(ordering: .acquiring)
            while offset < end {
                let place = offset & mask
                let count = min(end - offset, bytes.count - place)
                let failure = writeWhole(descriptor, UnsafeRawBufferPointer(rebasing: bytes[place..<place + count]), at: offset)
                guard failure == 0 else { return failure }
                offset += count
                written.store(offset, ordering: .releasing)
            }
            return 0
        }
    }

    /// Gives the file back once the segment has all of it.
    func remove() {
        if written.load(ordering: .acquiring) == filled.load(ordering: .acquiring) { unlink(path) }
    }
}

/// The type of the file system that an open file lies on, as proc(5) tells of the file's mount; nil where that is not to be had.
private func fileSystem(of file: Int32) -> Substring? {
    guard let status = readWhole("/proc/self/fdinfo/\(file)"), let mounts = readWhole("/proc/self/mountinfo"),
        let mount = lines(status).first(where: { $0.hasPrefix("mnt_id:") })?.split(separator: "\t").last
    else { return nil }
    for line in lines(mounts) {
        let words = line.split(separator: " ")
        guard words.first == mount, let end = words.firstIndex(of: "-"), end + 1 < words.count else { continue }
        return words[end + 1]
    }
    return nil
}

private func lines(_ text: [UInt8]) -> [Substring] { String(decoding: text, as: UTF8.self).split(separator: "\n") }

/// Writes all of the bytes. Gives 0 or an errno.
func writeWhole(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, at offset: Int) -> Int32 {
    var done = 0
    while done < bytes.count {
        let count = pwrite(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, off_t(offset + done))
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return count < 0 ? errno : ENOSPC }
        done += count
    }
    return 0
}

/// A file's bytes; nil when it cannot be read. Files of `/proc` do not say how long they are.
func readWhole(_ path: String) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 64 << 10)
    while true {
        let count = block.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return count == 0 ? bytes : nil }
        bytes += block[..<count]
    }
}
