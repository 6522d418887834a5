// GatewayAddress: the address that a platform engineer hands out, in the one spelling that everything else is built on.

/// A gateway's address: `https://gw.example`, with no slash at its end and no `/v1`.
package struct GatewayAddress: Sendable, Equatable {
    package let text: String
    /// Host without port and brackets.
    package let host: String
    package let isEncrypted: Bool

    /// Reads an address as people paste it: with or without a slash at its end and `/v1`.
    package init(_ given: String) throws(SetupRefusal) {
        let example = "give it like --gateway https://weir.example.com"
        var rest = given.trimmed[...]
        let lower = rest.lowercased()
        guard lower.hasPrefix("https://") || lower.hasPrefix("http://") else {
            throw SetupRefusal("bad_gateway", "\(given.shown) is not an http:// or https:// address", mend: example)
        }
        isEncrypted = lower.hasPrefix("https://")
        rest = rest.dropFirst(isEncrypted ? 8 : 7)
        guard !rest.contains(where: { $0 == "?" || $0 == "#" || $0 == "@" || $0 == "\\" || $0.isWhitespace || $0.isNewline }) else {
            throw SetupRefusal("bad_gateway", "\(given.shown) holds more than a host, a port and a path", mend: example)
        }
        while rest.hasSuffix("/") { rest = rest.dropLast() }
        if rest.hasSuffix("/v1") { rest = rest.dropLast(3) }
        while rest.hasSuffix("/") { rest = rest.dropLast() }
        let authority = rest.prefix { $0 != "/" }
        var name = String(authority).lowercased()
        if name.hasPrefix("["), let end = name.firstIndex(of: "]") {
            let port = name[name.index(after: end)...]
            guard port.isEmpty || Self.isPort(port.dropFirst()) && port.hasPrefix(":") else {
                throw SetupRefusal("bad_gateway", "\(given.shown) has no valid port", mend: example)
            }
            name = String(name[name.index(after: name.startIndex)..<end])
        } else if let colon = name.firstIndex(of: ":") {
            guard Self.isPort(name[name.index(after: colon)...]) else {
                throw SetupRefusal("bad_gateway", "\(given.shown) has no valid port", mend: example)
            }
            name = String(name[..<colon])
        }
        guard !name.isEmpty, name.utf8.allSatisfy({ (48...57).contains($0) || (97...122).contains($0) || ".-_:".utf8.contains($0) }) else {
            throw SetupRefusal("bad_gateway", "\(given.shown) names no host", mend: example)
        }
        host = name
        text = (isEncrypted ? "https://" : "http://") + authority.lowercased() + rest.dropFirst(authority.count)
        guard isEncrypted || Self.isNear(name) else {
            throw SetupRefusal(
                "gateway_not_encrypted", "\(text) would carry keys and code over the network in the clear",
                mend: "use https://; http:// is for loopback and private addresses only")
        }
    }

    /// What a developer should know of the address.
    package var warning: String? {
        isEncrypted || Self.isLoopback(host)
            ? nil : "\(text) is not encrypted: whoever is on this network can read keys and code. Use https:// for more than a trial."
    }

    private static func isPort(_ text: Substring) -> Bool {
        guard let port = Int(text), text.allSatisfy({ $0.isASCII && $0.isNumber }) else { return false }
        return (1...65535).contains(port)
    }

    private static func isLoopback(_ host: String) -> Bool {
        host == "localhost" || host.hasSuffix(".localhost") || host == "::1" || (octets(host)?[0] == 127)
    }

    /// Loopback, private, link-local and shared addresses, and names without a dot or under `.local` and `.internal`.
    private static func isNear(_ host: String) -> Bool {
        if isLoopback(host) { return true }
        if let octets = octets(host) {
            return octets[0] == 10 || (octets[0] == 172 && (16...31).contains(octets[1])) || (octets[0] == 192 && octets[1] == 168)
                || (octets[0] == 169 && octets[1] == 254) || (octets[0] == 100 && (64...127).contains(octets[1]))
        }
        if host.contains(":") { return host.hasPrefix("fc") || host.hasPrefix("fd") || host.hasPrefix("fe80:") }
        return !host.contains(".") || host.hasSuffix(".local") || host.hasSuffix(".internal") || host.hasSuffix(".lan")
    }

    private static func octets(_ host: String) -> [Int]? {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false).map { Int($0) }
        let octets = parts.compactMap { $0 }.filter { (0...255).contains($0) }
        return parts.count == 4 && octets.count == 4 ? octets : nil
    }
}

extension String {
    /// In quotes, for a sentence.
    var shown: String { isEmpty ? "an empty address" : "\"\(self)\"" }
}
