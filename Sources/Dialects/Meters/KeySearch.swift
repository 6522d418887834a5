// KeySearch: finds the values of a few keys in one pass over an event. Every event of a stream passes here, and a search for each
// key would cost more than relaying it.

import CSearch

#if canImport(Glibc)
    import Glibc
#endif

/// A search for the values of some keys, at any depth. As `valueStart`, it knows no depth, and a string that holds the text
/// cannot deceive it: quotes are escaped there, and a value that equals a name has no colon.
struct KeySearch: Sendable {
    private let names: [StaticString]
    /// A bit for each first letter, by its last six bits.
    private let firstLetters: UInt64

    init(_ names: [StaticString]) {
        self.names = names
        firstLetters = names.reduce(0) { $0 | 1 << UInt64($1.utf8Start.pointee & 63) }
    }

    /// Calls back with the index of a key and where its value begins, in the order of the text.
    @inline(__always)
    func visit(_ bytes: UnsafeRawBufferPointer, _ found: (Int, Int) -> Void) {
        guard let base = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
        var quote = weir_next_quoted(base, 0, bytes.count, firstLetters)
        while quote < bytes.count {
            if let (which, value) = key(at: quote, bytes) { found(which, value) }
            quote = weir_next_quoted(base, quote + 1, bytes.count, firstLetters)
        }
    }

    /// The index of the key that stands at a quote, and where its value begins.
    private func key(at quote: Int, _ bytes: UnsafeRawBufferPointer) -> (Int, Int)? {
        for which in 0..<names.count {
            let name = names[which]
            let count = name.utf8CodeUnitCount
            let end = quote + 1 + count
            guard end < bytes.count, bytes[end] == 34, let base = bytes.baseAddress,
                memcmp(base + quote + 1, name.utf8Start, count) == 0
            else { continue }
            var index = skipSpace(bytes, end + 1)
            guard index < bytes.count, bytes[index] == 58 else { return nil }
            index = skipSpace(bytes, index + 1)
            return index < bytes.count ? (which, index) : nil
        }
        return nil
    }
}
