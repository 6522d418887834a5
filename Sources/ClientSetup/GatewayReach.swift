// GatewayReach: over which networks a key may go to a gateway in the clear.

/// What an address without encryption means.
package enum GatewayReach: Sendable, Equatable {
    /// Encrypted, or this machine.
    case fine
    /// A private network.
    case exposed
    /// The internet.
    case refused

    /// Looks at an origin: `http://10.0.0.7:8787`.
    package init(_ origin: String) {
        guard origin.lowercased().hasPrefix("http://") else {
            self = .fine
            return
        }
        let rest = origin.lowercased().dropFirst(7).prefix { $0 != "/" }
        let host = rest.hasPrefix("[") ? String(rest.dropFirst().prefix { $0 != "]" }) : String(rest.prefix { $0 != ":" })
        self = Self.isLoopback(host) ? .fine : Self.isPrivate(host) ? .exposed : .refused
    }

    private static func isLoopback(_ host: String) -> Bool {
        host == "localhost" || host.hasSuffix(".localhost") || host == "::1" || octets(host)?[0] == 127
    }

    /// Private, link-local and shared addresses, and names without a dot or under `.local`, `.lan` and `.internal`.
    private static func isPrivate(_ host: String) -> Bool {
        if let octets = octets(host) {
            return octets[0] == 10 || (octets[0] == 172 && (16...31).contains(octets[1])) || (octets[0] == 192 && octets[1] == 168)
                || (octets[0] == 169 && octets[1] == 254) || (octets[0] == 100 && (64...127).contains(octets[1]))
        }
        if host.contains(":") { return ["fc", "fd", "fe80:"].contains { host.hasPrefix($0) } }
        return !host.contains(".") || [".local", ".lan", ".internal"].contains { host.hasSuffix($0) }
    }

    private static func octets(_ host: String) -> [Int]? {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false).compactMap { Int($0) }.filter { (0...255).contains($0) }
        return parts.count == 4 && host.allSatisfy { $0.isNumber || $0 == "." } ? parts : nil
    }
}
