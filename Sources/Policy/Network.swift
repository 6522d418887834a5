// Network: peer addresses and the CIDR blocks that they are checked against (RFC 4632, RFC 4291).

/// The address of a socket peer: 4 or 16 bytes; v4-mapped v6 addresses count as v4.
package struct PeerAddress: Sendable, Hashable, CustomStringConvertible {
    package let bytes: [UInt8]

    package static let unknown = PeerAddress([])

    package init(_ bytes: [UInt8]) {
        let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]
        self.bytes = bytes.count == 16 && bytes.starts(with: mapped) ? Array(bytes[12...]) : bytes
    }

    package var description: String {
        if bytes.count == 4 { return bytes.map(String.init).joined(separator: ".") }
        guard bytes.count == 16 else { return "an unknown address" }
        return stride(from: 0, to: 16, by: 2)
            .map { String(UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]), radix: 16) }.joined(separator: ":")
    }
}

/// A block of addresses.
package struct CIDRBlock: Sendable, Hashable {
    private let network: [UInt8]
    private let prefix: Int

    /// `10.0.0.0/8`, `2001:db8::/32` or a single address. Nil when it is neither.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let address = Self.parse(String(parts[0])) else { return nil }
        var length = address.count * 8
        if parts.count == 2 {
            guard parts[1].utf8.allSatisfy({ (48...57).contains($0) }), let given = Int(parts[1]),
                (0...length).contains(given)
            else { return nil }
            length = given
        }
        // Peers that are v4-mapped count as v4, so blocks do too.
        let isMapped = PeerAddress(address).bytes.count == 4 && address.count == 16 && length >= 96
        network = isMapped ? Array(address[12...]) : address
        prefix = isMapped ? length - 96 : length
    }

    /// Whether the address lies in the block; never, when their versions differ.
    package func contains(_ address: PeerAddress) -> Bool {
        guard address.bytes.count == network.count else { return false }
        for index in 0..<network.count {
            let bits = min(8, max(0, prefix - index * 8))
            let mask = bits == 0 ? 0 : UInt8(truncatingIfNeeded: 0xFF00 >> bits)
            if network[index] & mask != address.bytes[index] & mask { return false }
        }
        return true
    }

    /// Dotted quads and RFC 4291 text, without zones.
    static func parse(_ text: String) -> [UInt8]? {
        if !text.contains(":") {
            let parts = text.split(separator: ".", omittingEmptySubsequences: false)
            guard parts.count == 4 else { return nil }
            var bytes: [UInt8] = []
            for part in parts {
                guard part.utf8.allSatisfy({ (48...57).contains($0) }), part.utf8.count <= 3, let byte = UInt8(part),
                    part == "0" || !part.hasPrefix("0")
                else { return nil }
                bytes.append(byte)
            }
            return bytes
        }
        guard let gap = text.firstRange(ofDoubleColon: ()) else {
            return groups(text[...]).flatMap { $0.count == 16 ? $0 : nil }
        }
        guard let head = groups(text[..<gap.lower]), let tail = groups(text[gap.upper...]),
            head.count + tail.count <= 14
        else {
            return nil
        }
        return head + [UInt8](repeating: 0, count: 16 - head.count - tail.count) + tail
    }

    private static func groups(_ text: Substring) -> [UInt8]? {
        guard !text.isEmpty else { return [] }
        var bytes: [UInt8] = []
        for part in text.split(separator: ":", omittingEmptySubsequences: false) {
            guard !part.isEmpty, part.utf8.count <= 4, part.first?.isHexDigit == true,
                let group = UInt16(part, radix: 16)
            else { return nil }
            bytes.append(UInt8(group >> 8))
            bytes.append(UInt8(group & 0xFF))
        }
        return bytes
    }
}

extension String {
    fileprivate func firstRange(ofDoubleColon: Void) -> (lower: Index, upper: Index)? {
        var index = startIndex
        while index < endIndex {
            let next = self.index(after: index)
            if next < endIndex, self[index] == ":", self[next] == ":" { return (index, self.index(after: next)) }
            index = next
        }
        return nil
    }
}
