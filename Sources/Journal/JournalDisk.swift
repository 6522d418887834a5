// JournalDisk: the few things that a journal asks of a disk, so that a test can make them fail.

#if canImport(Glibc)
    import Glibc
#endif

/// Disk operations; each gives 0 or an errno.
package protocol JournalDisk: Sendable {
    /// Reserves real blocks for the first `bytes` of the file, so that no later write lacks room.
    func allocate(_ descriptor: Int32, bytes: Int) -> Int32
    func synchronise(_ descriptor: Int32) -> Int32
}

/// The operating system's disk.
package struct SystemDisk: JournalDisk {
    package init() {}

    package func allocate(_ descriptor: Int32, bytes: Int) -> Int32 {
        posix_fallocate(descriptor, 0, bytes)
    }

    package func synchronise(_ descriptor: Int32) -> Int32 {
        fdatasync(descriptor) == 0 ? 0 : errno
    }
}

/// Words for an errno.
func describeErrno(_ number: Int32) -> String {
    strerror(number).map { String(cString: $0) } ?? "errno \(number)"
}
