// HTTPResponseHead: a status line and its fields from an upstream, read as strictly as a client's: a provider's proxy can
// smuggle too.

#if canImport(Glibc)
    import Glibc
#endif

/// The head of one response.
package struct HTTPResponseHead: Sendable {
    /// 100...999.
    package let status: Int
    package let fields: HTTPFields
    package let framing: HTTPBodyFraming
    package let keepsAlive: Bool

    /// Reads a whole head. `requestMethod` decides whether a body follows (RFC 9112, section 6.3).
    package init(
        _ bytes: UnsafeRawBufferPointer, requestMethod: String, fieldsMax: Int
    ) throws(HTTPHeadError) {
        guard let base = bytes.baseAddress, let found = memchr(base, 10, bytes.count) else {
            throw .malformedStartLine
        }
        let lineEnd = UnsafeRawPointer(found) - base - 1
        guard lineEnd >= 0, bytes[lineEnd] == 13 else { throw .bareLineFeed }
        // "HTTP/1.x NNN" and an optional reason.
        guard lineEnd >= 12, UnsafeRawBufferPointer(rebasing: bytes[0..<7]).elementsEqual("HTTP/1.".utf8),
            bytes[7] == 49 || bytes[7] == 48, bytes[8] == 32, lineEnd == 12 || bytes[12] == 32
        else { throw .malformedStartLine }
        var status = 0
        for byte in bytes[9..<12] {
            guard byte >= 48, byte <= 57 else { throw .malformedStartLine }
            status = status * 10 + Int(byte - 48)
        }
        guard status >= 100 else { throw .malformedStartLine }
        for byte in bytes[12..<max(12, lineEnd)] where byte < 32 && byte != 9 || byte == 127 { throw .controlCharacter }
        self.status = status
        let list = try readFieldLines(bytes, from: lineEnd + 2, fieldsMax: fieldsMax)
        let fields = HTTPFields(bytes: Array(bytes), list: list)
        self.fields = fields
        let declared = try readFraming(fields)
        let isHTTP10 = bytes[7] == 48
        if requestMethod == "HEAD" || status < 200 || status == 204 || status == 304 {
            framing = .none
        } else if isHTTP10, declared == .chunked {
            throw .unknownTransferEncoding
        } else {
            framing = declared ?? .untilClose
        }
        var closes = isHTTP10
        for field in list where fields.isNamed(field, "connection") {
            if fields.withValue(field, { listContains($0, "close") }) { closes = true }
            if isHTTP10, fields.withValue(field, { listContains($0, "keep-alive") }) { closes = false }
        }
        keepsAlive = !closes && framing != .untilClose
    }
}
