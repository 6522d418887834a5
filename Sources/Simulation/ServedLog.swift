// ServedLog: the provider's own durable account of what it served: one line a request, written before the answer's first byte.
// The durability tests hold it against Weir's ledger.

import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// Appends lines to a file. A line is in the kernel when `append` returns, so it outlives the process.
final class ServedLog: Sendable {
    private let descriptor: Int32

    /// Nil when the file cannot be opened.
    init?(path: String) {
        descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        if descriptor < 0 { return nil }
    }

    deinit { close(descriptor) }

    func append(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        _ = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    }
}
