// JournalError: what can go wrong with the journal. None of it is retried and trusted.

/// A failure of the journal.
package enum JournalError: Error, Sendable, Hashable {
    /// The disk failed or is full, so no new turn may begin.
    case unavailable(reason: String)
    /// A record is larger than 65,535 bytes.
    case recordTooLarge(bytes: Int)
    case cannotOpen(path: String, reason: String)
}

/// Where a record lies: boots sort by time, sequence numbers within a boot have no gaps.
package struct JournalPosition: Sendable, Hashable, Comparable {
    package var boot: String
    package var sequence: Int64

    package init(boot: String, sequence: Int64) {
        self.boot = boot
        self.sequence = sequence
    }

    package static let start = JournalPosition(boot: "", sequence: 0)

    package static func < (left: JournalPosition, right: JournalPosition) -> Bool {
        left.boot != right.boot ? left.boot < right.boot : left.sequence < right.sequence
    }
}

/// How a journal is kept.
package struct JournalOptions: Sendable, Hashable {
    /// A segment's size, allocated when it is opened.
    package var segmentBytes = 64 << 20
    /// How long appended records may wait for their fdatasync.
    package var syncMilliseconds = 5
    /// The size of the file where records lie until they are written into their segment: a power of two; 0 for none.
    package var stagingBytes = 256 << 10

    package init() {}
}
