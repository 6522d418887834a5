// SegmentWriter: one segment file, allocated whole. A record is staged for it, or written into it at once: either way it is the kernel's
// then, and survives the process. See decisions 0001 and 0009.

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

    /// Takes a framed record: `frameBytes` for its length and its checksum, then its text. Who reads in the middle of it, or after a
    /// crash there, finds the checksum wrong and the end of the journal.
    ///
    /// - Parameter staging: of this segment; without one, the record is written at once.
    mutating func append(
        _ frame: UnsafeRawBufferPointer, in staging: StagingArea?, failpoint: (AppendMoment) -> Bool
    ) throws(JournalError) {
        if failpoint(.before) { endProcess() }
        if failpoint(.torn) {
            try put(UnsafeRawBufferPointer(rebasing: frame.prefix(frame.count / 2)), staging)
            endProcess()
        }
        try put(frame, staging)
        // Records begin on 4-byte boundaries, where a search for the next whole one looks.
        offset = (offset + frame.count + 3) & ~3
        if failpoint(.after) { endProcess() }
    }

    /// The bytes of a length and a checksum.
    static let frameBytes = 8

    private func put(_ bytes: UnsafeRawBufferPointer, _ staging: StagingArea?) throws(JournalError) {
        let failure = staging?.append(bytes, at: offset) ?? writeWhole(descriptor, bytes, at: offset)
        if failure != 0 { throw Self.cannotWrite(failure) }
    }

    static func cannotWrite(_ failure: Int32) -> JournalError {
        .unavailable(reason: "a journal segment cannot be written: \(describeErrno(failure))")
    }
}

/// The moments of an append that a durability test may end the process at.
enum AppendMoment {
    case before, torn, after
}
