// Ids: a request's UUID version 7, entities' base32, and the stable words that clients and the ledger rely on.

import GatewayModel
import Testing

@Suite struct IdentifierTests {
    @Test func aRequestIDIsAVersion7UUID() {
        // RFC 9562, appendix A.6: 017F22E2-79B0-7CC3-98C4-DC0C0C07398F at 2022-02-22T19:22:22Z.
        let time = Timestamp(nanoseconds: 1_645_557_742_000 * 1_000_000)
        let id = RequestID(time: time, random: 0x18C4_DC0C_0C07_398F, random12: 0xCC3)
        #expect(id.description == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f")
        #expect(RequestID(id.description) == id)
        #expect(RequestID("017F22E2-79B0-7CC3-98C4-DC0C0C07398F") == id)
    }

    @Test func versionAndVariantAreRightWhateverTheRandomBits() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            let id = RequestID(
                time: Timestamp(nanoseconds: Int64.random(in: 0...(.max))), random: random.next(),
                random12: .random(in: 0...(.max)))
            let text = Array(id.description)
            #expect(text[14] == "7" && "89ab".contains(text[19]))
            #expect(RequestID(id.description) == id)
        }
    }

    @Test func idsSortByTime() {
        let ids = (0..<100).map {
            RequestID(time: Timestamp(seconds: Int64($0)), random: .random(in: 0...(.max)), random12: 0xFFF)
        }
        #expect(ids.shuffled().sorted() == ids)
        #expect(ids.map(\.description).sorted() == ids.map(\.description))
        _ = RequestID(time: Timestamp(nanoseconds: .min), random: 0, random12: 0)
    }

    @Test(arguments: [
        "", "017f22e2", "017f22e2-79b0-7cc3-98c4-dc0c0c07398", "017f22e2-79b0-7cc3-98c4-dc0c0c07398ff",
        "g17f22e2-79b0-7cc3-98c4-dc0c0c07398f", "017f22e2 79b0 7cc3 98c4 dc0c0c07398f",
    ])
    func whatIsNoIDIsRefused(_ text: String) {
        #expect(RequestID(text) == nil)
    }

    @Test func entityIDsHoldEightyBits() {
        #expect(makeEntityID(.team, random: (0, 0)) == "team_0000000000000000")
        #expect(makeEntityID(.virtualKey, random: (.max, .max)) == "key_zzzzzzzzzzzzzzzz")
        // Each bit shows: no two of the 80 single-bit values give the same id.
        let ids =
            (0..<64).map { makeEntityID(.team, random: (1 << UInt64($0), 0)) }
            + (0..<16).map { makeEntityID(.team, random: (0, 1 << UInt16($0))) }
        #expect(Set(ids).count == 80)
    }

    @Test func errorCodesAreStable() {
        let codes: [(GatewayError, String)] = [
            (.missingKey, "invalid_api_key"), (.revokedKey(keyID: ""), "revoked_api_key"),
            (.modelNotAllowed(keyID: "", model: "", allowed: []), "model_not_allowed"),
            (.unknownModel(model: "", suggestions: []), "model_not_found"),
            (.bodyTooLarge(maxBytes: 0), "request_too_large"),
            (.upstreamConnectFailed(provider: "", reason: ""), "upstream_unreachable"),
            (.journalUnavailable, "journal_unavailable"), (.webSocketNotSupported, "websocket_not_supported"),
        ]
        for (error, code) in codes { #expect(error.code == code) }
    }

    @Test func flagNamesFollowTheBits() {
        #expect(TurnFlags.names.count == 17 && TurnFlags.spentTries.names == ["spent_tries"])
        #expect(TurnFlags([.estimated, .rerated, .cancelled]).names == ["estimated", "cancelled", "rerated"])
        #expect(TurnFlags(rawValue: 1 << 40).names.isEmpty)
    }
}
