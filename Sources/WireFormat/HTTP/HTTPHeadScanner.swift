// HTTPHeadScanner: finds the end of a head as bytes arrive, without looking at a byte twice, and reads its field lines.

import CSearch

#if canImport(Glibc)
    import Glibc
#endif

/// Finds where a head ends, however it is split.
package struct HTTPHeadScanner: Sendable {
    private var scanned = 0
    private var lineStart = 0

    package init() {}

    /// Looks at what is new in `bytes` (always the whole head so far) and returns the head's length with its empty line,
    /// or nil when it is not there yet.
    package mutating func end(in bytes: UnsafeRawBufferPointer, bytesMax: Int) throws(HTTPHeadError) -> Int? {
        guard let base = bytes.baseAddress else { return nil }
        while scanned < bytes.count {
            guard let found = memchr(base + scanned, 10, bytes.count - scanned) else {
                scanned = bytes.count
                break
            }
            let index = UnsafeRawPointer(found) - base
            guard index > 0, bytes[index - 1] == 13 else { throw .bareLineFeed }
            scanned = index + 1
            // A leading empty line is tolerated by RFC 9112 2.2; it is refused here, since nothing real sends one.
            if index - lineStart == 1 {
                guard lineStart > 0 else { throw .malformedStartLine }
                if index + 1 > bytesMax { throw .tooLarge }
                return index + 1
            }
            lineStart = index + 1
        }
        if bytes.count >= bytesMax { throw .tooLarge }
        return nil
    }
}

/// Reads the field lines between the start line and the empty line of a whole head.
func readFieldLines(
    _ bytes: UnsafeRawBufferPointer, from start: Int, fieldsMax: Int
) throws(HTTPHeadError) -> [HTTPFields.Field] {
    var fields: [HTTPFields.Field] = []
    fields.reserveCapacity(24)
    guard let base = bytes.baseAddress else { return fields }
    var line = start
    while line < bytes.count {
        guard let found = memchr(base + line, 10, bytes.count - line) else { throw .malformedFieldName }
        let end = UnsafeRawPointer(found) - base - 1
        guard end >= line, bytes[end] == 13 else { throw .bareLineFeed }
        if end == line {
            guard end + 2 == bytes.count else { throw .malformedFieldName }
            return fields
        }
        guard fields.count < fieldsMax else { throw .tooLarge }
        let first = bytes[line]
        if first == 32 || first == 9 { throw .foldedField }
        let colon = weir_token_end(base.assumingMemoryBound(to: UInt8.self), line, end)
        guard colon > line, colon < end, bytes[colon] == 58 else {
            throw colon < end && bytes[colon] == 0 ? .controlCharacter : .malformedFieldName
        }
        var valueStart = colon + 1
        var valueEnd = end
        while valueStart < valueEnd, bytes[valueStart] == 32 || bytes[valueStart] == 9 { valueStart += 1 }
        while valueEnd > valueStart, bytes[valueEnd - 1] == 32 || bytes[valueEnd - 1] == 9 { valueEnd -= 1 }
        // Nearly every value is printable ASCII, which is seen sixteen bytes at a time.
        if weir_is_printable(base.assumingMemoryBound(to: UInt8.self) + valueStart, valueEnd - valueStart) == 0 {
            for index in valueStart..<valueEnd where bytes[index] < 32 && bytes[index] != 9 || bytes[index] == 127 {
                throw .controlCharacter
            }
        }
        fields.append(
            HTTPFields.Field(
                nameStart: Int32(line), nameCount: Int32(colon - line), valueStart: Int32(valueStart),
                valueCount: Int32(valueEnd - valueStart)))
        line = end + 2
    }
    // The empty line is missing.
    throw .malformedFieldName
}

/// RFC 9110 5.6.2 `tchar`, a bit per byte value: literals, so that no start-up code stands between a byte and its answer.
private let tokenBitsBelow64: UInt64 = 0x03FF_6CFA_0000_0000
private let tokenBitsFrom64: UInt64 = 0x57FF_FFFF_C7FF_FFFE

/// Whether the byte may stand in a token (RFC 9110, section 5.6.2).
func isTokenByte(_ byte: UInt8) -> Bool {
    if byte < 64 { return tokenBitsBelow64 >> UInt64(byte) & 1 == 1 }
    return byte < 128 && tokenBitsFrom64 >> UInt64(byte - 64) & 1 == 1
}

/// How a message's body is delimited (RFC 9112, section 6).
package enum HTTPBodyFraming: Sendable, Hashable {
    case none
    case length(Int)
    case chunked
    /// Responses only: the body ends with the connection.
    case untilClose
}

/// Reads Content-Length and Transfer-Encoding with every ambiguity refused. Nil when neither is present.
func readFraming(_ fields: HTTPFields) throws(HTTPHeadError) -> HTTPBodyFraming? {
    var length: Int?
    var chunked = false
    for field in fields.list {
        if fields.isNamed(field, "content-length") {
            guard length == nil else { throw .repeatedContentLength }
            guard let value = fields.withValue(field, decimal) else { throw .malformedContentLength }
            length = value
        } else if fields.isNamed(field, "transfer-encoding") {
            guard !chunked, fields.withValue(field, { equalsIgnoringCase($0, "chunked") }) else {
                throw .unknownTransferEncoding
            }
            chunked = true
        }
    }
    if chunked {
        guard length == nil else { throw .contentLengthWithTransferEncoding }
        return .chunked
    }
    return length.map { .length($0) }
}

/// 1 to 15 digits and nothing else.
func decimal(_ bytes: UnsafeRawBufferPointer) -> Int? {
    guard (1...15).contains(bytes.count) else { return nil }
    var value = 0
    for byte in bytes {
        guard byte >= 48, byte <= 57 else { return nil }
        value = value * 10 + Int(byte - 48)
    }
    return value
}
