// Peer addresses and CIDR blocks: version 4, version 6 and the mapped form between them.

import Policy
import Testing

@Suite struct NetworkTests {
    private func v4(_ bytes: UInt8...) -> PeerAddress { PeerAddress(bytes) }
    private func v6(_ tail: [UInt8], _ head: [UInt8] = []) -> PeerAddress {
        PeerAddress(head + [UInt8](repeating: 0, count: 16 - head.count - tail.count) + tail)
    }

    @Test(arguments: [
        ("10.0.0.0/8", true), ("10.1.2.3", true), ("10.1.2.3/32", true), ("10.1.2.0/24", true), ("10.1.2.2/31", true),
        ("0.0.0.0/0", true), ("10.1.2.99/24", true),
        ("10.1.2.4/32", false), ("11.0.0.0/8", false), ("10.1.2.0/31", false), ("::/0", false),
        ("192.168.0.0/16", false),
    ])
    func aVersion4AddressIsMatched(_ block: String, _ matches: Bool) {
        #expect(CIDRBlock(block)?.contains(v4(10, 1, 2, 3)) == matches)
        // The same peer on a socket of both versions.
        #expect(CIDRBlock(block)?.contains(v6([0xFF, 0xFF, 10, 1, 2, 3])) == matches)
    }

    @Test(arguments: [
        ("2001:db8::/32", true), ("2001:db8::1", true), ("2001:0DB8:0:0:0:0:0:1", true), ("2001:db8::/127", true),
        ("::/0", true), ("2001:db8:8000::/33", false), ("2001:db8::2/128", false),
        ("2001:db9::/32", false), ("0.0.0.0/0", false),
    ])
    func aVersion6AddressIsMatched(_ block: String, _ matches: Bool) {
        #expect(CIDRBlock(block)?.contains(v6([1], [0x20, 0x01, 0x0D, 0xB8])) == matches)
    }

    @Test func aMappedBlockIsAVersion4Block() {
        #expect(CIDRBlock("::ffff:a00:0/104")?.contains(v4(10, 200, 0, 1)) == true)
        #expect(CIDRBlock("::ffff:a00:0/104")?.contains(v4(11, 0, 0, 1)) == false)
        #expect(CIDRBlock("::ffff:0:0/96")?.contains(v4(1, 2, 3, 4)) == true)
        #expect(CIDRBlock("::ffff:0:0/95")?.contains(v4(1, 2, 3, 4)) == false)
    }

    @Test(arguments: [
        "", "/", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/8/8", "10.0.0", "10.0.0.0.0",
        "10.0.0.256", "10.0.0.-1", "10.0.0.+1", "010.0.0.1", "10.0.0.1 ", "10..0.1", "0x0a.0.0.1",
        "::/129", ":", ":::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "12345::", "g::", "+ab::", "-1::",
        "::1%eth0", "1:2:3:4:5:6:7::8", "localhost", "٣.0.0.0", "10.0.0.0/٨",
    ])
    func whatIsNoBlockIsRefused(_ text: String) {
        #expect(CIDRBlock(text) == nil)
    }

    @Test func anUnknownPeerIsInNoBlock() {
        for block in ["0.0.0.0/0", "::/0"] { #expect(CIDRBlock(block)?.contains(.unknown) == false) }
    }

    @Test func addressesArePrinted() {
        #expect(v4(10, 0, 0, 1).description == "10.0.0.1")
        #expect(v6([0xFF, 0xFF, 10, 0, 0, 1]).description == "10.0.0.1")
        #expect(v6([1]).description == "0:0:0:0:0:0:0:1")
        #expect(PeerAddress.unknown.description == "an unknown address")
    }
}
