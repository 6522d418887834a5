// PublicOrigin: the address of this gateway as it stands in what it serves. It becomes a part of a command that a developer's machine
// runs, so nothing but the characters of a host and a port may ever be in it.

import Proxy

/// `https://gw.example` or `http://127.0.0.1:8787`, without a slash at its end.
package struct PublicOrigin: Sendable, Hashable {
    package let text: String

    /// The operator's `public_url`, else what the request says. Nil when the request's Host is none.
    init?(settings: AgentOriginSettings, request: OriginRequest) {
        if let set = settings.publicURL {
            self.init(set)
        } else if let host = request.host {
            self.init("\(request.hasTLS ? "https" : "http")://\(host)")
        } else {
            return nil
        }
    }

    /// Nil unless it is scheme, host and port alone.
    package init?(_ text: String) {
        let isTLS = text.hasPrefix("https://")
        guard isTLS || text.hasPrefix("http://") else { return nil }
        guard Self.isAuthority(text.dropFirst(isTLS ? 8 : 7)) else { return nil }
        self.text = text
    }

    var hasTLS: Bool { text.hasPrefix("https://") }
    var authority: Substring { text.dropFirst(hasTLS ? 8 : 7) }

    /// A name, an IPv4 address or a bracketed IPv6 address, with a port or without.
    private static func isAuthority(_ text: Substring) -> Bool {
        var rest = text
        guard text.utf8.count <= 261 else { return false }
        if rest.first == "[" {
            guard let end = rest.firstIndex(of: "]") else { return false }
            let inside = rest[rest.index(after: rest.startIndex)..<end]
            guard inside.contains(":"), inside.utf8.allSatisfy({ isHexDigit($0) || $0 == 58 || $0 == 46 }) else { return false }
            rest = rest[rest.index(after: end)...]
        } else {
            let name = rest.prefix { $0 != ":" }
            let labels = name.split(separator: ".", omittingEmptySubsequences: false)
            guard
                labels.allSatisfy({ label in
                    (1...63).contains(label.utf8.count) && label.utf8.allSatisfy(isNameByte) && label.first != "-" && label.last != "-"
                })
            else { return false }
            rest = rest.dropFirst(name.count)
        }
        guard !rest.isEmpty else { return true }
        guard rest.first == ":" else { return false }
        let port = rest.dropFirst()
        return port.utf8.allSatisfy { (48...57).contains($0) } && UInt16(port).map { $0 > 0 } ?? false
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...70).contains(byte) || (97...102).contains(byte)
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || byte == 45 || byte == 95
    }
}
