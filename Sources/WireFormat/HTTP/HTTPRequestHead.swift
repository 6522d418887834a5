// HTTPRequestHead: a request line and its fields, read strictly. Routing and authorisation both use this one value.

#if canImport(Glibc)
    import Glibc
#endif

/// The head of one request.
package struct HTTPRequestHead: Sendable {
    package let method: String
    /// The path as sent, without the query; begins with `/`.
    package let path: String
    /// The query as sent, without `?`; empty when there is none.
    package let query: String
    package let fields: HTTPFields
    package let framing: HTTPBodyFraming
    /// Whether the connection may serve another request.
    package let keepsAlive: Bool
    /// `Expect: 100-continue` was sent.
    package let expectsContinue: Bool
    /// `Upgrade` was sent.
    package let wantsUpgrade: Bool

    /// Reads a whole head, from the request line to the empty line. `fieldsMax` bounds the number of fields.
    package init(_ bytes: UnsafeRawBufferPointer, fieldsMax: Int) throws(HTTPHeadError) {
        guard let base = bytes.baseAddress, let found = memchr(base, 10, bytes.count) else {
            throw .malformedStartLine
        }
        let lineEnd = UnsafeRawPointer(found) - base - 1
        guard lineEnd >= 0, bytes[lineEnd] == 13 else { throw .bareLineFeed }
        var space = 0
        while space < lineEnd, isTokenByte(bytes[space]) { space += 1 }
        guard space > 0, space <= 32, space < lineEnd, bytes[space] == 32 else { throw .malformedStartLine }
        // " HTTP/1.1" closes the line; only this version is served.
        let versionStart = lineEnd - 9
        guard versionStart > space + 1, bytes[versionStart] == 32 else { throw .malformedStartLine }
        let version = UnsafeRawBufferPointer(rebasing: bytes[versionStart + 1..<lineEnd])
        guard memcmp(base + versionStart + 1, "HTTP/1.1", 8) == 0 else {
            throw version.starts(with: "HTTP/".utf8) ? .unsupportedVersion : .malformedStartLine
        }
        let target = UnsafeRawBufferPointer(rebasing: bytes[space + 1..<versionStart])
        for byte in target where byte <= 32 || byte >= 127 || byte == 35 { throw .malformedTarget }

        method = String(decoding: bytes[0..<space], as: UTF8.self)
        let list = try readFieldLines(bytes, from: lineEnd + 2, fieldsMax: fieldsMax)
        let fields = HTTPFields(bytes: Array(bytes), list: list)
        self.fields = fields
        framing = try readFraming(fields) ?? .none
        (path, query) = try Self.splitTarget(target, fields: fields)

        var closes = false
        var expects = false
        var upgrades = false
        for field in list {
            if fields.isNamed(field, "connection") {
                closes = closes || fields.withValue(field) { listContains($0, "close") }
            } else if fields.isNamed(field, "expect") {
                expects = fields.withValue(field) { equalsIgnoringCase($0, "100-continue") }
            } else if fields.isNamed(field, "upgrade") {
                upgrades = true
            }
        }
        keepsAlive = !closes
        expectsContinue = expects
        wantsUpgrade = upgrades
    }

    /// The head that a connection sends when it sends another again with a body of another length: every byte is the same but for the
    /// digits of `Content-Length`. Nil when it is not. What was strict about the first is as strict about this one.
    package func repeated(by bytes: UnsafeRawBufferPointer) -> HTTPRequestHead? {
        guard case .length = framing, bytes.count == fields.bytes.count, let field = fields.first("content-length") else { return nil }
        let start = Int(field.valueStart)
        let end = start + Int(field.valueCount)
        let isSame = fields.bytes.withUnsafeBytes { own in
            guard let own = own.baseAddress, let base = bytes.baseAddress else { return false }
            return memcmp(own, base, start) == 0 && memcmp(own + end, base + end, bytes.count - end) == 0
        }
        guard isSame, let length = decimal(UnsafeRawBufferPointer(rebasing: bytes[start..<end])) else { return nil }
        return HTTPRequestHead(self, framing: .length(length))
    }

    private init(_ other: HTTPRequestHead, framing: HTTPBodyFraming) {
        method = other.method
        path = other.path
        query = other.query
        fields = other.fields
        self.framing = framing
        keepsAlive = other.keepsAlive
        expectsContinue = other.expectsContinue
        wantsUpgrade = other.wantsUpgrade
    }

    /// Origin form, or absolute form whose authority is the Host header's; nothing else.
    private static func splitTarget(
        _ target: UnsafeRawBufferPointer, fields: HTTPFields
    ) throws(HTTPHeadError) -> (path: String, query: String) {
        var host: HTTPFields.Field?
        for field in fields.list where fields.isNamed(field, "host") {
            guard host == nil else { throw .repeatedHost }
            host = field
        }
        guard let host else { throw .missingHost }
        var rest = target[...]
        if target.first != 47 {
            let text = String(decoding: target, as: UTF8.self)
            let lower = text.lowercased()
            let prefix = lower.hasPrefix("http://") ? 7 : lower.hasPrefix("https://") ? 8 : 0
            guard prefix > 0 else { throw .malformedTarget }
            rest = target[prefix...]
            let authorityEnd = rest.firstIndex { $0 == 47 || $0 == 63 } ?? rest.endIndex
            let authority = String(decoding: rest[..<authorityEnd], as: UTF8.self).lowercased()
            guard !authority.isEmpty, !authority.contains("@"), authority == fields.valueString(host)?.lowercased()
            else {
                throw .hostDisagreesWithTarget
            }
            rest = rest[authorityEnd...]
            guard rest.first == 47 else { return ("/", "") }
        }
        let question = rest.firstIndex(of: 63) ?? rest.endIndex
        let path = String(decoding: rest[..<question], as: UTF8.self)
        let query = question == rest.endIndex ? "" : String(decoding: rest[(question + 1)...], as: UTF8.self)
        return (path, query)
    }
}

/// Whether a comma-separated list of tokens holds `token` (lower-case ASCII), ignoring case.
package func listContains(_ list: UnsafeRawBufferPointer, _ token: StaticString) -> Bool {
    var start = 0
    for index in 0...list.count where index == list.count || list[index] == 44 {
        var from = start
        var to = index
        while from < to, list[from] == 32 || list[from] == 9 { from += 1 }
        while to > from, list[to - 1] == 32 || list[to - 1] == 9 { to -= 1 }
        if equalsIgnoringCase(UnsafeRawBufferPointer(rebasing: list[from..<to]), token) { return true }
        start = index + 1
    }
    return false
}
