// KeySearch: finds the values of a few keys in one pass over an event. Every event of a stream passes here, and a search for each
// key would cost more than relaying it.

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
    func visit(_ bytes: UnsafeRawBufferPointer, _ found: (Int, Int) -> Void) {
        guard let base = bytes.baseAddress else { return }
        var index = 0
        while index + 8 <= bytes.count {
            // The high bit of each byte that is a quote, and perhaps of one that follows such a byte.
            let word = UInt64(littleEndian: (base + index).loadUnaligned(as: UInt64.self)) ^ 0x2222_2222_2222_2222
            var quotes = (word &- 0x0101_0101_0101_0101) & ~word & 0x8080_8080_8080_8080
            while quotes != 0 {
                look(at: index + quotes.trailingZeroBitCount / 8, bytes, found)
                quotes &= quotes &- 1
            }
            index += 8
        }
        // A key in the last seven bytes has no room for a value.
    }

    @inline(__always)
    private func look(at quote: Int, _ bytes: UnsafeRawBufferPointer, _ found: (Int, Int) -> Void) {
        guard quote + 1 < bytes.count, firstLetters >> UInt64(bytes[quote + 1] & 63) & 1 == 1, bytes[quote] == 34 else {
            return
        }
        compare(at: quote, bytes, found)
    }

    private func compare(at quote: Int, _ bytes: UnsafeRawBufferPointer, _ found: (Int, Int) -> Void) {
        for (which, name) in names.enumerated() {
            let end = quote + 1 + name.utf8CodeUnitCount
            guard end < bytes.count, bytes[end] == 34 else { continue }
            let key = UnsafeRawBufferPointer(rebasing: bytes[quote + 1..<end])
            guard key.elementsEqual(UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)) else {
                continue
            }
            var index = skipSpace(bytes, end + 1)
            guard index < bytes.count, bytes[index] == 58 else { return }
            index = skipSpace(bytes, index + 1)
            if index < bytes.count { found(which, index) }
            return
        }
    }
}
