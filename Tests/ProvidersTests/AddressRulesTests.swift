// AddressRulesTests: a name server's answer may not lead Weir into places that it has no business in.

import Foundation
import Providers
import Testing

#if canImport(Glibc)
    import Glibc
#endif

/// What may be connected to.
private enum Rule {
    /// By everybody, by providers that may be in the private network, by nobody.
    case open, privateOnly, never
}

private func bytes(_ text: String) throws -> [UInt8] {
    if text.contains(":") {
        var address = in6_addr()
        try #require(inet_pton(AF_INET6, text, &address) == 1)
        return withUnsafeBytes(of: address) { Array($0) }
    }
    var address = in_addr()
    try #require(inet_pton(AF_INET, text, &address) == 1)
    return withUnsafeBytes(of: address) { Array($0) }
}

@Suite struct AddressRulesTests {
    private static let table: [(String, Rule)] = [
        ("8.8.8.8", .open), ("1.1.1.1", .open), ("9.255.255.255", .open), ("11.0.0.0", .open),
        ("172.15.255.255", .open),
        ("172.32.0.0", .open), ("192.167.255.255", .open), ("192.169.0.0", .open), ("100.63.255.255", .open),
        ("100.128.0.0", .open), ("169.253.255.255", .open), ("169.255.0.0", .open), ("126.255.255.255", .open),
        ("223.255.255.255", .open),
        ("10.0.0.1", .privateOnly), ("10.255.255.255", .privateOnly), ("127.0.0.1", .privateOnly),
        ("127.255.255.254", .privateOnly), ("172.16.0.1", .privateOnly), ("172.31.255.255", .privateOnly),
        ("192.168.0.1", .privateOnly), ("100.64.0.1", .privateOnly), ("100.127.255.255", .privateOnly),
        ("198.18.0.1", .privateOnly), ("198.19.255.255", .privateOnly),
        ("0.0.0.0", .never), ("0.1.2.3", .never), ("169.254.169.254", .never), ("169.254.0.1", .never),
        ("224.0.0.1", .never),
        ("239.255.255.255", .never), ("240.0.0.1", .never), ("255.255.255.255", .never), ("192.0.2.1", .never),
        ("192.0.0.1", .never), ("198.51.100.1", .never), ("203.0.113.1", .never),
        ("2606:4700::1111", .open), ("2001:4860:4860::8888", .open), ("64:ff9b::8.8.8.8", .open),
        ("::ffff:8.8.8.8", .open),
        ("2002:808:808::1", .open),
        ("::1", .privateOnly), ("fc00::1", .privateOnly), ("fd12:3456::1", .privateOnly),
        ("::ffff:127.0.0.1", .privateOnly),
        ("::ffff:10.0.0.1", .privateOnly), ("64:ff9b::10.0.0.1", .privateOnly), ("64:ff9b::127.0.0.1", .privateOnly),
        ("2002:a00:1::1", .privateOnly), ("2002:7f00:1::", .privateOnly),
        ("::", .never), ("::2", .never), ("::7f00:1", .never), ("::ffff:169.254.169.254", .never),
        ("::ffff:0.0.0.0", .never),
        ("64:ff9b::169.254.169.254", .never), ("64:ff9b:1::10.0.0.1", .never), ("2002:a9fe:a9fe::1", .never),
        ("fe80::1", .never), ("febf::1", .never), ("fec0::1", .never), ("ff02::1", .never), ("fd00:ec2::254", .never),
        ("2001::1", .never), ("2001:db8::1", .never), ("100::1", .never),
    ]

    @Test(arguments: table.map(\.0))
    func anAddressIsAllowedAsTheRulesSay(_ text: String) throws {
        let rule = try #require(Self.table.first { $0.0 == text }).1
        let address = try bytes(text)
        #expect(AddressRules.isForbidden(address, allowsPrivate: false) == (rule != .open))
        #expect(AddressRules.isForbidden(address, allowsPrivate: true) == (rule == .never))
    }

    @Test func bytesThatAreNoAddressAreForbidden() {
        for count in [0, 1, 3, 5, 15, 17, 100] {
            #expect(AddressRules.isForbidden([UInt8](repeating: 8, count: count), allowsPrivate: true))
        }
    }
}
