// AddressRules: which addresses a provider may have. A name server's answer is outside input.

/// The SSRF rules over the bytes of an address.
package enum AddressRules {
    /// - Parameter allowsPrivate: the operator said that this provider may be in the private network. Link-local addresses
    ///   (cloud metadata services) stay forbidden, as do multicast and reserved ones.
    package static func isForbidden(_ address: [UInt8], allowsPrivate: Bool) -> Bool {
        switch address.count {
        case 4: isForbiddenV4(address, allowsPrivate)
        case 16: isForbiddenV6(address, allowsPrivate)
        default: true
        }
    }

    private static func isForbiddenV4(_ a: [UInt8], _ allowsPrivate: Bool) -> Bool {
        switch (a[0], a[1]) {
        case (169, 254), (224..., _): return true
        case (0, _): return true
        case (10, _), (127, _), (172, 16...31), (192, 168), (100, 64...127): return !allowsPrivate
        case (192, 0) where a[2] == 0 || a[2] == 2: return true
        case (198, 18...19): return !allowsPrivate
        case (198, 51) where a[2] == 100: return true
        case (203, 0) where a[2] == 113: return true
        default: return false
        }
    }

    private static func isForbiddenV6(_ a: [UInt8], _ allowsPrivate: Bool) -> Bool {
        let zeros = a.prefix(10).allSatisfy { $0 == 0 }
        // ::ffff:a.b.c.d and the obsolete ::a.b.c.d
        if zeros, a[10] == 0xFF, a[11] == 0xFF { return isForbiddenV4(Array(a[12...]), allowsPrivate) }
        if zeros, a[10] == 0, a[11] == 0 {
            if a[12...].elementsEqual([0, 0, 0, 1]) { return !allowsPrivate }
            return true
        }
        // NAT64 (RFC 6052) and 6to4 carry an IPv4 address.
        if a.starts(with: [0x00, 0x64, 0xFF, 0x9B]) {
            return a[4..<12].contains { $0 != 0 } || isForbiddenV4(Array(a[12...]), allowsPrivate)
        }
        if a[0] == 0x20, a[1] == 0x02 { return isForbiddenV4(Array(a[2..<6]), allowsPrivate) }
        // Teredo, documentation, discard-only.
        if a.starts(with: [0x20, 0x01, 0, 0]) || a.starts(with: [0x20, 0x01, 0x0D, 0xB8]) || a.starts(with: [1, 0]) { return true }
        // AWS answers its metadata service here too.
        if a.starts(with: [0xFD, 0x00, 0x0E, 0xC2]) { return true }
        if a[0] & 0xFE == 0xFC { return !allowsPrivate }
        if a[0] == 0xFE, a[1] & 0xC0 == 0x80 || a[1] & 0xC0 == 0xC0 { return true }
        return a[0] == 0xFF
    }
}
