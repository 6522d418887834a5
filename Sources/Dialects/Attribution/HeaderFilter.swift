// HeaderFilter: which header fields cross the gateway. Requests lose credentials, hop-by-hop fields and attribution that is
// nobody else's business; responses lose hop-by-hop fields and cookies.

package import WireFormat

/// Names of fields, with the lengths that they have: most fields are seen to be none of them without a comparison.
private struct FieldNames {
    let names: [StaticString]
    let lengths: Lengths

    struct Lengths {
        private var bits: UInt64 = 0

        mutating func insert(_ length: Int) { bits |= 1 << UInt64(length & 63) }

        func contains(_ length: Int) -> Bool { length < 64 && bits >> UInt64(length) & 1 == 1 }
    }

    init(_ names: [StaticString]) {
        self.names = names
        var lengths = Lengths()
        for name in names { lengths.insert(name.utf8CodeUnitCount) }
        self.lengths = lengths
    }
}

/// Hop-by-hop fields (RFC 9110, section 7.6.1), in both directions.
private let hopByHop = FieldNames([
    "connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization", "te", "trailer",
    "transfer-encoding", "upgrade", "content-length",
])

/// What only Weir and its client need to know.
private let requestOnly = FieldNames([
    "host", "authorization", "x-api-key", "x-goog-api-key", "api-key", "cookie", "forwarded", "via", "x-real-ip",
    "accept-encoding", "expect", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-port",
    // Of a signature of the client's own.
    "x-amz-date", "x-amz-security-token", "x-amz-content-sha256",
])

/// Prefixes of Weir's own fields and of other gateways' attribution.
private let requestPrefixes: [StaticString] = [
    "x-weir-", "helicone-", "x-portkey-", "x-litellm-", "x-agentcc-", "x-forwarded-",
]

/// Whether a request field goes to the provider. `name` is as received.
package func shouldForwardRequestField(_ name: UnsafeRawBufferPointer) -> Bool {
    guard let first = name.first else { return false }
    switch asciiLowercased(first) {
    case 97, 99, 101, 102, 104, 107, 112, 116, 117, 118, 120:
        if hopByHop.lengths.contains(name.count) {
            for index in 0..<hopByHop.names.count where equalsIgnoringCase(name, hopByHop.names[index]) { return false }
        }
        if requestOnly.lengths.contains(name.count) {
            for index in 0..<requestOnly.names.count where equalsIgnoringCase(name, requestOnly.names[index]) { return false }
        }
        guard asciiLowercased(first) == 120 || asciiLowercased(first) == 104 else { return true }
        for prefix in requestPrefixes where hasPrefixIgnoringCase(name, prefix) { return false }
        return true
    default: return true
    }
}

/// Whether a response field goes to the client. `content-length` is written anew with the framing.
package func shouldForwardResponseField(_ name: UnsafeRawBufferPointer) -> Bool {
    guard let first = name.first else { return false }
    switch asciiLowercased(first) {
    case 97, 99, 107, 112, 115, 116, 117, 120:
        if hopByHop.lengths.contains(name.count) {
            for index in 0..<hopByHop.names.count where equalsIgnoringCase(name, hopByHop.names[index]) { return false }
        }
        return !equalsIgnoringCase(name, "set-cookie") && !hasPrefixIgnoringCase(name, "x-weir-")
            && !equalsIgnoringCase(name, "alt-svc")
    default: return true
    }
}

func hasPrefixIgnoringCase(_ bytes: UnsafeRawBufferPointer, _ prefix: StaticString) -> Bool {
    let count = prefix.utf8CodeUnitCount
    return bytes.count >= count && equalsIgnoringCase(UnsafeRawBufferPointer(rebasing: bytes[0..<count]), prefix)
}

/// The splices that take Codex's local paths out of a body: its `client_metadata` repeats the header's JSON, as a string.
/// - Parameter range: where the object lies in `body`.
package func codexMetadataSplices(_ body: UnsafeRawBufferPointer, clientMetadata range: Range<Int>) -> [Splice] {
    var splices: [Splice] = []
    visitJSONMembers(UnsafeRawBufferPointer(rebasing: body[range])) { member in
        guard member.isNamed("x-codex-turn-metadata") else { return }
        let rewritten: [UInt8]?
        if var text = member.string {
            rewritten = text.withUTF8 { bytes in
                rewriteCodexMetadata(UnsafeRawBufferPointer(bytes)).map { inner in
                    var writer = JSONWriter(capacity: inner.count + 64)
                    writer.element(String(decoding: inner, as: UTF8.self))
                    return writer.bytes
                }
            }
        } else {
            rewritten = member.kind == .object ? rewriteCodexMetadata(member.value) : nil
        }
        splices.append(
            Splice(
                offset: range.lowerBound + member.range.lowerBound, removeCount: member.range.count,
                insert: rewritten ?? Array("null".utf8)))
    }
    return splices
}

/// Codex's turn metadata without the local paths that key its `workspaces`: they become `workspace-1`, … Its remotes
/// lose the passwords that older versions leave in them. Nil drops the field.
package func rewriteCodexMetadata(_ value: UnsafeRawBufferPointer) -> [UInt8]? {
    var out: [UInt8] = []
    var position = 0
    var count = 0
    do {
        try forEachJSONMember(value, failure: { $0 }) { (member: JSONMember) throws(JSONError) in
            guard member.isNamed("workspaces"), member.kind == .object, let base = value.baseAddress else { return }
            try forEachJSONMember(member.value, failure: { $0 }) { (workspace: JSONMember) throws(JSONError) in
                guard let keyBase = workspace.rawKey.baseAddress else { return }
                let start = keyBase - base
                out.append(contentsOf: value[position..<start])
                count += 1
                out.append(contentsOf: "workspace-\(count)".utf8)
                position = start + workspace.rawKey.count
                guard workspace.kind == .object else { return }
                try forEachJSONMember(workspace.value, failure: { $0 }) { (field: JSONMember) throws(JSONError) in
                    guard field.isNamed("associated_remote_urls"), field.kind == .object else { return }
                    try forEachJSONMember(field.value, failure: { $0 }) { (remote: JSONMember) throws(JSONError) in
                        guard let url = remote.string.flatMap(withoutUserInformation),
                            let place = remote.value.baseAddress
                        else { return }
                        var writer = JSONWriter()
                        writer.element(url)
                        out.append(contentsOf: value[position..<(place - base)])
                        out.append(contentsOf: writer.bytes)
                        position = place - base + remote.value.count
                    }
                }
            }
        }
    } catch {
        return nil
    }
    out.append(contentsOf: value[position...])
    return out
}

/// A remote's URL without `user:password@`; nil where there is none. `git@host:path` names no secret.
private func withoutUserInformation(_ url: String) -> String? {
    let bytes = url.utf8
    guard let colon = bytes.firstIndex(of: 58), bytes[colon...].starts(with: "://".utf8) else { return nil }
    let start = bytes.index(colon, offsetBy: 3)
    let authority = bytes[start...].prefix { $0 != 47 && $0 != 63 && $0 != 35 }
    guard let at = authority.lastIndex(of: 64) else { return nil }
    return String(url[..<start]) + String(url[bytes.index(after: at)...])
}
