// RepositoryName: one spelling for a git remote, and never a credential in it.

/// Normalises a remote to `host/path`: `https://user:secret@GitHub.com/acme/shop.git` and `git@github.com:acme/shop` are both
/// `github.com/acme/shop`. Nil for local paths and for anything that is no remote.
package func normaliseRepository(_ text: String) -> String? {
    if isNormalRepository(text) { return text }
    guard text.utf8.count <= 512, text.unicodeScalars.allSatisfy({ $0.value > 32 && $0.value < 127 }) else {
        return nil
    }
    var rest = Substring(text)
    var isURL = false
    if let scheme = rest.range(of: "://") {
        let name = rest[..<scheme.lower].lowercased()
        guard ["https", "http", "ssh", "git", "git+ssh", "git+https"].contains(name) else { return nil }
        rest = rest[scheme.upper...]
        isURL = true
    }
    if let end = rest.firstIndex(where: { $0 == "?" || $0 == "#" }) { rest = rest[..<end] }
    // Everything up to the last @ before the path is user information; a secret may hold @ and :.
    let authorityEnd = rest.firstIndex(of: "/") ?? rest.endIndex
    if let at = rest[..<authorityEnd].lastIndex(of: "@") { rest = rest[rest.index(after: at)...] }
    guard let separator = rest.firstIndex(where: { $0 == "/" || (!isURL && $0 == ":") }) else { return nil }
    var host = rest[..<separator].lowercased()
    var path = rest[rest.index(after: separator)...]
    if isURL, let colon = host.firstIndex(of: ":") {
        let port = host[host.index(after: colon)...]
        guard port.allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
        if ["443", "80", "22", "9418", ""].contains(String(port)) { host = String(host[..<colon]) }
    }
    guard isHost(host) else { return nil }
    while path.hasSuffix("/") { path = path.dropLast() }
    while path.hasPrefix("/") { path = path.dropFirst() }
    if path.hasSuffix(".git") { path = path.dropLast(4) }
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    guard !path.isEmpty, path.utf8.count <= 200, !path.contains("@"), !path.contains(":"), !path.contains("\\"),
        parts.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." })
    else { return nil }
    return "\(host)/\(path)"
}

/// Whether this is the normal spelling already, as it is on most requests: one look at each byte tells.
private func isNormalRepository(_ text: String) -> Bool {
    var text = text
    return text.withUTF8 { bytes in
        guard bytes.count <= 200, let slash = bytes.firstIndex(of: 47), slash > 0, slash < bytes.count - 1 else {
            return false
        }
        var hostHasDot = false
        for index in 0..<slash {
            switch bytes[index] {
            case 48...57, 97...122, 45: break
            case 46 where index > 0 && index < slash - 1: hostHasDot = true
            default: return false
            }
        }
        guard hostHasDot else { return false }
        // Parts of the path begin with a letter, a digit or a line, so that none is empty, `.` or `..`.
        var isPartStart = true
        for index in (slash + 1)..<bytes.count {
            switch bytes[index] {
            case 48...57, 65...90, 97...122, 45, 95: isPartStart = false
            case 46 where !isPartStart: break
            case 47 where !isPartStart: isPartStart = true
            default: return false
            }
        }
        return !isPartStart && !(bytes.count > 4 && bytes.suffix(4).elementsEqual(".git".utf8))
    }
}

/// What a person or a header calls a repository: a remote in any spelling, or `acme/shop` without its host, taken as it is.
package func repositoryLabel(_ text: String) -> String? {
    if let normal = normaliseRepository(text) { return normal }
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard (1...4).contains(parts.count), text.utf8.count <= 200,
        parts.allSatisfy({ part in
            !part.isEmpty && part != "." && part != ".."
                && part.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) }
        })
    else { return nil }
    return text
}

/// A DNS name or an address, with an optional port. A bare word such as `acme` is an owner, not a host.
private func isHost(_ text: String) -> Bool {
    let name = text.split(separator: ":", maxSplits: 1).first ?? ""
    return name.contains(".") && name.utf8.count <= 253 && !name.hasPrefix(".") && !name.hasSuffix(".")
        && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == ".") }
        || name == "localhost"
}

extension Substring {
    /// Where a short text stands; without Foundation.
    fileprivate func range(of wanted: String) -> (lower: Index, upper: Index)? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(wanted) { return (start, index(start, offsetBy: wanted.count)) }
            start = index(after: start)
        }
        return nil
    }
}
