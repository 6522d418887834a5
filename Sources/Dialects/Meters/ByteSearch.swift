// ByteSearch: cheap looks at an event before anybody parses it.

import CSearch
import WireFormat

/// The index of the first value whose key is `quotedName`, or nil when there is none. Only a hint, since it knows no depth; a
/// string that holds the text cannot deceive it: quotes are escaped there, and a value that equals the name has no colon.
func valueStart(_ bytes: UnsafeRawBufferPointer, _ quotedName: StaticString) -> Int? {
    guard let base = bytes.baseAddress else { return nil }
    var from = 0
    let count = quotedName.utf8CodeUnitCount
    while let found = weir_memmem(base + from, bytes.count - from, quotedName.utf8Start, count) {
        from = found - base + count
        var index = skipSpace(bytes, from)
        guard index < bytes.count, bytes[index] == 58 else { continue }
        index = skipSpace(bytes, index + 1)
        if index < bytes.count { return index }
    }
    return nil
}

func skipSpace(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> Int {
    var index = start
    while index < bytes.count, bytes[index] == 32 || bytes[index] == 10 || bytes[index] == 13 || bytes[index] == 9 {
        index += 1
    }
    return index
}

/// The length of the JSON value that begins at `start`, 0 when it is malformed.
func valueLength(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
    var scanner = JSONScanner(UnsafeRawBufferPointer(rebasing: bytes[start...]))
    return (try? scanner.skipValue())?.count ?? 0
}
