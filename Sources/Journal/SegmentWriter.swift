// SegmentWriter: one segment file, allocated whole and written through a shared mapping. Bytes that were copied into it survive
// the process: they are the kernel's, and no system call stands between a turn and its record. See decision 0001.

#if canImport(Glibc)
    import Glibc
#endif

/// A segment that is being written. Not thread-safe: the journal's lock guards it.
struct SegmentWriter: ~Copyable {
    let descriptor: Int32
    let number: Int
    let path: String
    private let segmentBytes: Int
    private let windowBytes: Int
    private var window: UnsafeMutableRawPointer?
    private var windowStart = 0
    private(set) var offset = 0

    /// Creates, allocates and maps the segment.
    init(path: String, number: Int, options: JournalOptions, disk: any JournalDisk) throws(JournalError) {
        let page = 4096
        segmentBytes = options.segmentBytes / page * page
        windowBytes = min(max(options.windowBytes / page * page, 256 << 10), segmentBytes)
        self.path = path
        self.number = number
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .cannotOpen(path: path, reason: describeErrno(errno)) }
        let failure = disk.allocate(descriptor, bytes: segmentBytes)
        guard failure == 0 else {
            close(descriptor)
            unlink(path)
            throw .unavailable(reason: "no room for a journal segment: \(describeErrno(failure))")
        }
        self.descriptor = descriptor
    }

    deinit {
        if let window { munmap(window, windowBytes) }
        close(descriptor)
    }

    /// Whether a record of this many bytes, with its frame and the end mark behind it, still fits.
    func hasRoom(_ count: Int) -> Bool { offset + count + 12 <= segmentBytes }

    /// Copies a framed record. The length is written last, so that a reader never sees half a record as whole.
    mutating func append(
        _ record: UnsafeRawBufferPointer, crc: UInt32, failpoint: (AppendMoment) -> Void
    ) throws(JournalError) {
        try map(offset, record.count + 8)
        guard let window else { throw .unavailable(reason: "the segment is not mapped") }
        let target = window + (offset - windowStart)
        failpoint(.before)
        if let base = record.baseAddress {
            let half = record.count / 2
            (target + 8).copyMemory(from: base, byteCount: half)
            failpoint(.torn)
            (target + 8 + half).copyMemory(from: base + half, byteCount: record.count - half)
        }
        target.storeBytes(of: crc.littleEndian, toByteOffset: 4, as: UInt32.self)
        target.storeBytes(of: UInt32(record.count).littleEndian, as: UInt32.self)
        offset += record.count + 8
        // Records begin on 4-byte boundaries, so that the length is written in one store.
        offset = (offset + 3) & ~3
        failpoint(.after)
    }

    /// Moves the mapped window so that it covers the range.
    private mutating func map(_ start: Int, _ count: Int) throws(JournalError) {
        if window != nil, start >= windowStart, start + count <= windowStart + windowBytes { return }
        if let window { munmap(window, windowBytes) }
        window = nil
        windowStart = min(start & ~4095, segmentBytes - windowBytes)
        guard start + count <= windowStart + windowBytes else { throw .recordTooLarge(bytes: count) }
        let mapped = mmap(nil, windowBytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, off_t(windowStart))
        guard let mapped, mapped != MAP_FAILED else { throw .unavailable(reason: "mmap failed: \(describeErrno(errno))") }
        window = mapped
    }
}

/// The moments of an append that a durability test may end the process at.
enum AppendMoment {
    case before, torn, after
}
