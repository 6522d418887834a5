// KeyToken: the text of a virtual key. `weir_k_<keyid:10>_<secret:43><crc:6>`: the id is public and is what is looked up, the
// secret is 256 bits, and the checksum refuses garbage before anything is looked up.

package import GatewayModel

/// A virtual key as a client sends it, checked but not verified.
package struct KeyToken: Sendable {
    /// Ten characters, public: shown in logs, tables and headers.
    package let keyID: String
    /// The 43 characters of the secret.
    package let secret: [UInt8]

    package var keyIDBytes: [UInt8] { Array(keyID.utf8) }

    private static let prefix: StaticString = "weir_k_"
    private static let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)
    package static let count = VirtualKey.textBytes

    /// Throws `malformedKey` unless shape and checksum are right.
    package static func parse(_ bytes: UnsafeRawBufferPointer) throws(GatewayError) -> KeyToken {
        guard bytes.count == count, bytes[17] == 95 else { throw .malformedKey }
        for index in 0..<7 where bytes[index] != prefix.utf8Start[index] {
            // Service accounts' keys differ in one letter.
            guard index == 5, bytes[5] == 115 else { throw .malformedKey }
        }
        for index in 7..<count where index != 17 && !isBase62(bytes[index]) { throw .malformedKey }
        let body = UnsafeRawBufferPointer(rebasing: bytes[0..<61])
        guard checksum(body).elementsEqual(bytes[61..<67]) else { throw .malformedKey }
        return KeyToken(
            keyID: String(decoding: bytes[7..<17], as: UTF8.self), secret: Array(bytes[18..<61]))
    }

    /// Makes a new key: its text, to be shown once, and its parts.
    package static func make(random: any RandomSource, isServiceAccount: Bool = false, keyID: String? = nil) -> (
        text: String, token: KeyToken
    ) {
        let id = keyID.map { Array($0.utf8) } ?? characters(10, random)
        let secret = characters(43, random)
        var bytes = Array((isServiceAccount ? "weir_s_" : "weir_k_").utf8) + id + [95] + secret
        bytes += bytes.withUnsafeBytes { checksum($0) }
        return (
            String(decoding: bytes, as: UTF8.self),
            KeyToken(keyID: String(decoding: id, as: UTF8.self), secret: secret)
        )
    }

    /// Base62 characters by rejection, so that each is equally likely.
    private static func characters(_ count: Int, _ random: any RandomSource) -> [UInt8] {
        var out: [UInt8] = []
        while out.count < count {
            var word = random.next()
            for _ in 0..<10 where out.count < count {
                let value = Int(word & 63)
                word >>= 6
                if value < 62 { out.append(alphabet[value]) }
            }
        }
        return out
    }

    /// CRC-32 (IEEE 802.3) in six base62 digits, zero-padded.
    private static func checksum(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        var crc: UInt32 = 0xFFFF_FFFF
        for byte in bytes {
            crc ^= UInt32(byte)
            crc = crc >> 4 ^ crcOfNibble(crc & 15)
            crc = crc >> 4 ^ crcOfNibble(crc & 15)
        }
        var rest = ~crc
        var digits = [UInt8](repeating: 48, count: 6)
        for index in (0..<6).reversed() {
            digits[index] = alphabet[Int(rest % 62)]
            rest /= 62
        }
        return digits
    }

    /// What four bits leave behind: the polynomial, for each of them that is set, as far as it is shifted out.
    private static func crcOfNibble(_ nibble: UInt32) -> UInt32 {
        (nibble & 1) &* 0x1DB7_1064 ^ (nibble >> 1 & 1) &* 0x3B6E_20C8 ^ (nibble >> 2 & 1) &* 0x76DC_4190
            ^ (nibble >> 3 & 1) &* 0xEDB8_8320
    }

    private static func isBase62(_ byte: UInt8) -> Bool {
        byte >= 48 && byte <= 57 || byte >= 65 && byte <= 90 || byte >= 97 && byte <= 122
    }
}
