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
            write(into: UnsafeMutableRawBufferPointer(buffer))
            return body(UnsafeBufferPointer(buffer))
        }
    }

    /// Writes the textual form into the first 36 bytes.
    package func write(into place: UnsafeMutableRawBufferPointer) {
        let second = hexDigits(UInt32(truncatingIfNeeded: high))
        let third = hexDigits(UInt32(truncatingIfNeeded: low >> 32))
        place.storeBytes(of: hexDigits(UInt32(truncatingIfNeeded: high >> 32)), toByteOffset: 0, as: UInt64.self)
        place.storeBytes(of: UInt32(truncatingIfNeeded: second), toByteOffset: 9, as: UInt32.self)
        place.storeBytes(of: UInt32(truncatingIfNeeded: second >> 32), toByteOffset: 14, as: UInt32.self)
        place.storeBytes(of: UInt32(truncatingIfNeeded: third), toByteOffset: 19, as: UInt32.self)
        place.storeBytes(of: UInt32(truncatingIfNeeded: third >> 32), toByteOffset: 24, as: UInt32.self)
        place.storeBytes(of: hexDigits(UInt32(truncatingIfNeeded: low)), toByteOffset: 28, as: UInt64.self)
        place[8] = 45
        place[13] = 45
        place[18] = 45
        place[23] = 45
    }

    package var description: String { withUTF8 { String(decoding: $0, as: UTF8.self) } }
}

/// Eight hexadecimal digits as they lie in memory, the first in the lowest byte: all eight at once, a byte each.
private func hexDigits(_ value: UInt32) -> UInt64 {
    var nibbles = UInt64(value)
    nibbles = (nibbles | nibbles << 16) & 0x0000_FFFF_0000_FFFF
    nibbles = (nibbles | nibbles << 8) & 0x00FF_00FF_00FF_00FF
    nibbles = (nibbles | nibbles << 4) & 0x0F0F_0F0F_0F0F_0F0F
    // One in each byte that is ten or more: those are letters, 39 places behind the digits.
    let letters = (nibbles &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
    return (nibbles &+ 0x3030_3030_3030_3030 &+ letters &* 39).byteSwapped
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
    case repositoryAlias = "alias"
    case limitGrant = "grant"
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
