// Key tokens: a known one, every corruption refused before anything is looked up, and what is made is well made.

import GatewayModel
import Policy
import Testing

/// A random source that a test can repeat.
final class Counting: RandomSource {
    private let words: [UInt64]
    nonisolated(unsafe) private var index = 0
    init(_ words: [UInt64]) { self.words = words }
    func next() -> UInt64 {
        defer { index += 1 }
        return words[index % words.count] &+ UInt64(index) &* 0x9E37_79B9_7F4A_7C15
    }
}

@Suite struct KeyTokenTests {
    private func parse(_ text: String) -> KeyToken? {
        Array(text.utf8).withUnsafeBytes { bytes in try? KeyToken.parse(bytes) }
    }

    // Checked with Python's zlib.crc32 over the first 61 characters, in base62 with digits, capitals, small letters.
    static let known = "weir_k_0123456789_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopq2SWm0B"

    @Test func aKnownTokenIsRead() {
        let token = parse(Self.known)
        #expect(token?.keyID == "0123456789")
        #expect(
            token.map { String(decoding: $0.secret, as: UTF8.self) } == "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopq")
    }

    @Test func everyChangeOfOneCharacterIsRefused() {
        let bytes = Array(Self.known.utf8)
        let others = Array("0159AMZamz_- \u{0}\u{7F}ks".utf8) + [0x80, 0xFF]
        for place in bytes.indices {
            for other in others where other != bytes[place] {
                var changed = bytes
                changed[place] = other
                #expect(changed.withUnsafeBytes { (try? KeyToken.parse($0)) == nil }, "\(place) \(other)")
            }
        }
    }

    @Test func everyTwoNeighboursExchangedAreRefused() {
        let bytes = Array(Self.known.utf8)
        for place in 1..<bytes.count where bytes[place] != bytes[place - 1] {
            var changed = bytes
            changed.swapAt(place, place - 1)
            #expect(changed.withUnsafeBytes { (try? KeyToken.parse($0)) == nil }, "\(place)")
        }
    }

    @Test func otherLengthsAreRefused() {
        for count in 0..<Self.known.count { #expect(parse(String(Self.known.prefix(count))) == nil) }
        for text in [
            Self.known + "0", " " + Self.known, Self.known + " ", Self.known + Self.known, "sk-proj-abc",
            String(repeating: "weir_k_", count: 1000),
        ] { #expect(parse(text) == nil) }
    }

    @Test func aRefusalSaysMalformed() {
        #expect(throws: GatewayError.malformedKey) {
            try Array("weir_k_x".utf8).withUnsafeBytes { _ = try KeyToken.parse($0) }
        }
    }

    @Test func whatIsMadeIsReadBack() {
        for isServiceAccount in [false, true] {
            var seen: Set<String> = []
            for _ in 0..<500 {
                let (text, token) = KeyToken.make(random: SystemRandom(), isServiceAccount: isServiceAccount)
                #expect(text.utf8.count == KeyToken.count)
                #expect(text.hasPrefix(isServiceAccount ? "weir_s_" : "weir_k_"))
                #expect(
                    text.utf8.allSatisfy {
                        $0 == 95 || (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0)
                    })
                let read = parse(text)
                #expect(read?.keyID == token.keyID && read?.secret == token.secret)
                seen.insert(text)
            }
            #expect(seen.count == 500)
        }
    }

    @Test func aRotatedKeyKeepsItsID() {
        let (text, token) = KeyToken.make(random: SystemRandom(), keyID: "abcdefghij")
        #expect(token.keyID == "abcdefghij" && text.hasPrefix("weir_k_abcdefghij_"))
    }

    @Test func everyCharacterIsEquallyLikely() {
        var counts: [UInt8: Int] = [:]
        for _ in 0..<2000 {
            for byte in KeyToken.make(random: SystemRandom()).token.secret { counts[byte, default: 0] += 1 }
        }
        #expect(counts.count == 62)
        let mean = 2000 * 43 / 62
        #expect(counts.values.allSatisfy { abs($0 - mean) < mean / 4 })
    }

    @Test func oneSeedMakesOneKey() {
        #expect(KeyToken.make(random: Counting([7])).text == KeyToken.make(random: Counting([7])).text)
    }
}
