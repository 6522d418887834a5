// SegmentWriter: one segment file, allocated whole and written a record at a time. What `pwrite` has taken survives the process: it is
// the kernel's. See decision 0001.

#if canImport(Glibc)
    import Glibc
#endif

/// A segment that is being written. Not thread-safe: the journal's lock guards it.
struct SegmentWriter: ~Copyable {
    let descriptor: Int32
    private(set) var path: String
    private let segmentBytes: Int
    private(set) var offset = 0

    /// Creates and allocates the segment.
    init(path: String, options: JournalOptions, disk: any JournalDisk) throws(JournalError) {
        let page = 4096
        segmentBytes = options.segmentBytes / page * page
        self.path = path
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

    deinit { close(descriptor) }

    /// Gives the segment its place in the order of the boot's segments.
    mutating func move(to next: String) throws(JournalError) {
        guard rename(path, next) == 0 else {
            throw .unavailable(reason: "cannot name a journal segment: \(describeErrno(errno))")
        }
        path = next
    }

    /// Gives back what was allocated and holds no record. Nothing may be appended any more.
    mutating func cut() {
        if offset == 0 { unlink(path) } else { _ = ftruncate(descriptor, off_t(offset)) }
    }

    /// Whether a record of this many bytes, with its frame and the end mark behind it, still fits.
    func hasRoom(_ count: Int) -> Bool { offset + count + 12 <= segmentBytes }

    /// Writes a framed record: `frameBytes` for its length and its checksum, then its text. A reader that comes in the middle finds
    /// the checksum wrong and the end of the journal there.
    mutating func append(_ frame: UnsafeRawBufferPointer, failpoint: (AppendMoment) -> Bool) throws(JournalError) {
        if failpoint(.before) { endProcess() }
        if failpoint(.torn) {
            try write(UnsafeRawBufferPointer(rebasing: frame.prefix(frame.count / 2)))
            endProcess()
        }
        try write(frame)
        // Records begin on 4-byte boundaries, where a search for the next whole one looks.
        offset = (offset + frame.count + 3) & ~3
        if failpoint(.after) { endProcess() }
    }

    /// The bytes of a length and a checksum.
    static let frameBytes = 8

    private func write(_ bytes: UnsafeRawBufferPointer) throws(JournalError) {
        var done = 0
        while done < bytes.count {
            let count = pwrite(
                descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, off_t(offset + done))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                throw .unavailable(reason: "a journal segment cannot be written: \(describeErrno(errno))")
            }
            done += count
        }
    }
}

/// The moments of an append that a durability test may end the process at.
enum AppendMoment {
    case before, torn, after
}
