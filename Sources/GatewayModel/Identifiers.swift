// Identifiers: a request's UUIDv7 (RFC 9562) made by the proxy, and entities' `prefix_` + base32 of 80 random bits.

/// The id of one turn: a UUID version 7, so that ids sort by time.
package struct RequestID: Sendable, Hashable, Comparable, Codable, CustomStringConvertible {
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Builds a version 7 UUID from a time and 74 random bits (RFC 9562, section 5.7).
    package init(time: Timestamp, random: UInt64, random12: UInt16) {
        let millis = UInt64(truncatingIfNeeded: max(0, time.milliseconds)) & 0xFFFF_FFFF_FFFF
        high = (millis << 16) | 0x7000 | UInt64(random12 & 0x0FFF)
        low = (random & 0x3FFF_FFFF_FFFF_FFFF) | 0x8000_0000_0000_0000
    }

    package init?(_ text: String) {
        var high: UInt64 = 0
        var low: UInt64 = 0
        var count = 0
        for byte in text.utf8 {
            let digit: UInt8
            switch byte {
            case 48...57: digit = byte - 48
            case 97...102: digit = byte - 87
            case 65...70: digit = byte - 55
            case 45: continue
            default: return nil
            }
            guard count < 32 else { return nil }
            if count < 16 { high = high << 4 | UInt64(digit) } else { low = low << 4 | UInt64(digit) }
            count += 1
        }
        guard count == 32 else { return nil }
        self.init(high: high, low: low)
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let id = RequestID(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a request id: \(text)")
        }
        self = id
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    package static func < (left: RequestID, right: RequestID) -> Bool {
        left.high != right.high ? left.high < right.high : left.low < right.low
    }

    /// The 36 ASCII bytes of the textual form, without building a String.
    package func withUTF8<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 36) { buffer in
            var index = 0
            for nibble in 0..<32 {
                if nibble == 8 || nibble == 12 || nibble == 16 || nibble == 20 {
                    buffer[index] = 45
                    index += 1
                }
                let word = nibble < 16 ? high : low
                let value = UInt8(truncatingIfNeeded: word >> UInt64((15 - nibble % 16) * 4)) & 0xF
                buffer[index] = value < 10 ? 48 + value : 87 + value
                index += 1
            }
            return body(UnsafeBufferPointer(buffer))
        }
    }

    package var description: String { withUTF8 { String(decoding: $0, as: UTF8.self) } }
}

/// The kinds of entity that have ids of their own.
package enum EntityKind: String, Sendable, Codable, CaseIterable {
    case workspace = "ws"
    case team = "team"
    case developer = "dev"
    case serviceAccount = "sa"
    case virtualKey = "key"
    case repository = "repo"
    case priceRow = "price"
    case invitation = "inv"
    case deviceGrant = "login"
}

/// Makes `prefix_` + 16 characters of Crockford base32 (80 random bits, lower case).
package func makeEntityID(_ kind: EntityKind, random: (UInt64, UInt16)) -> String {
    let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz")
    var text = kind.rawValue + "_"
    var high = random.0
    for _ in 0..<12 {
        text.append(alphabet[Int(high & 31)])
        high >>= 5
    }
    var low = UInt64(random.1) << 4 | high
    for _ in 0..<4 {
        text.append(alphabet[Int(low & 31)])
        low >>= 5
    }
    return text
}
