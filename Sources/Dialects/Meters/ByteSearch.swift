// ByteSearch: cheap looks at an event before anybody parses it.

import CSearch
import WireFormat

/// The index behind `"name":` and white space, or nil when there is no such text. Only a hint: it may lie inside a string,
/// where quotes are escaped, so a plain `"name":` there is impossible.
func valueStart(_ bytes: UnsafeRawBufferPointer, _ quotedName: StaticString) -> Int? {
    guard let base = bytes.baseAddress,
        let found = weir_memmem(base, bytes.count, quotedName.utf8Start, quotedName.utf8CodeUnitCount)
    else { return nil }
    var index = found - base + quotedName.utf8CodeUnitCount
    var sawColon = false
    while index < bytes.count {
        switch bytes[index] {
        case 32, 9, 10, 13: index += 1
        case 58 where !sawColon:
            sawColon = true
            index += 1
        default: return sawColon ? index : nil
        }
    }
    return nil
}

/// The length of the JSON value that begins at `start`, 0 when it is malformed.
func valueLength(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
    var scanner = JSONScanner(UnsafeRawBufferPointer(rebasing: bytes[start...]))
    return (try? scanner.skipValue())?.count ?? 0
}
