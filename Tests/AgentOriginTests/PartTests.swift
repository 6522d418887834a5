// PartTests: the parts under the paths: the origin that is echoed, forms, prices.

import AgentOrigin
import Foundation
import GatewayModel
import Testing

@Suite struct PartTests {
    @Test(arguments: [
        "https://gw.example", "http://127.0.0.1:8787", "https://[2001:db8::1]:8443", "https://a-b.c_d.example:1", "http://[::1]",
    ])
    func anOriginIsKeptAsItIs(text: String) { #expect(PublicOrigin(text)?.text == text) }

    @Test(arguments: [
        "", "gw.example", "ftp://gw", "https://", "https://gw/", "https://gw/x", "https://u@gw", "https://gw:0", "https://gw:65536",
        "https://gw:", "https://gw:8 0", "https://-gw", "https://gw-.x", "https://a..b", "https://gw'", "https://gw\"", "https://$(id)",
        "https://gw`id`", "https://gw\\x", "https://gw\n", "https://gw;id", "https://gw&x", "https://[::1", "https://[gw]",
        "https://[::1]x",
        "https://gé.example", "https://" + String(repeating: "a", count: 64), "https://gw?x", "https://gw#x", "HTTPS://gw",
    ])
    func whatIsMoreThanSchemeHostAndPortIsNone(text: String) { #expect(PublicOrigin(text) == nil) }

    @Test func formsAreReadStrictly() {
        let form = FormBody("a=1&b=x+y%2Bz&c=&d&%C3%A9=%e2%82%ac".utf8)
        #expect(form?["a"] == "1" && form?["b"] == "x y+z" && form?["c"] == "" && form?["d"] == "" && form?["é"] == "€")
        #expect(form?["missing"] == "")
        for odd in ["a=1&a=2", "a=%", "a=%4", "a=%zz", "a=%ff", (0..<33).map { "n\($0)=1" }.joined(separator: "&")] {
            #expect(FormBody(odd.utf8) == nil, "\(odd)")
        }
    }

    @Test(arguments: [(0, "0"), (1_250_000_000, "1.25"), (10_000_000_000, "10"), (1, "0.000000001"), (500_000_000, "0.5")])
    func pricesAreExact(nanoUSD: Int64, text: String) { #expect(dollars(nanoUSD) == text) }
}
