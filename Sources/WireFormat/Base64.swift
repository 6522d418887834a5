// Base64 (RFC 4648, section 4), as the JSON of AWS carries bytes.

/// Standard base64 with padding.
package enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// 0 to 63; 255 for a byte that is none of the alphabet.
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 255, count: 256)
        for (value, byte) in alphabet.enumerated() { values[Int(byte)] = UInt8(value) }
        return values
    }()

    /// The text of some bytes.
    package static func encode(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: (bytes.count + 2) / 3 * 4) { out, count in
            alphabet.withUnsafeBufferPointer { alphabet in
                var index = 0
                while index < bytes.count {
                    let left = bytes.count - index
                    let first = UInt32(bytes[index]) << 16
                    let second = left > 1 ? UInt32(bytes[index + 1]) << 8 : 0
                    let three = first | second | (left > 2 ? UInt32(bytes[index + 2]) : 0)
                    out[count] = alphabet[Int(three >> 18)]
                    out[count + 1] = alphabet[Int(three >> 12 & 63)]
                    out[count + 2] = left > 1 ? alphabet[Int(three >> 6 & 63)] : 61
                    out[count + 3] = left > 2 ? alphabet[Int(three & 63)] : 61
                    count += 4
                    index += 3
                }
            }
        }
    }

    /// The bytes of a text; nil when it is not base64, or when its padding or its last bits are not as `encode` writes them.
    package static func decode(_ text: UnsafeRawBufferPointer) -> [UInt8]? {
        guard text.count % 4 == 0 else { return nil }
        guard let last = text.last else { return [] }
        let padding = last != 61 ? 0 : text[text.count - 2] == 61 ? 2 : 1
        let digits = text.count - padding
        var isGood = true
        let bytes = [UInt8](unsafeUninitializedCapacity: text.count / 4 * 3) { out, count in
            values.withUnsafeBufferPointer { values in
                var bits: UInt32 = 0
                var index = 0
                while index < digits {
                    let value = values[Int(text[index])]
                    guard value < 64 else {
                        isGood = false
                        return
                    }
                    bits = bits << 6 | UInt32(value)
                    index += 1
                    guard index % 4 == 0 else { continue }
                    out[count] = UInt8(truncatingIfNeeded: bits >> 16)
                    out[count + 1] = UInt8(truncatingIfNeeded: bits >> 8)
                    out[count + 2] = UInt8(truncatingIfNeeded: bits)
                    count += 3
                    bits = 0
                }
                if padding == 1 {
                    isGood = bits & 3 == 0
                    out[count] = UInt8(truncatingIfNeeded: bits >> 10)
                    out[count + 1] = UInt8(truncatingIfNeeded: bits >> 2)
                    count += 2
                } else if padding == 2 {
                    isGood = bits & 15 == 0
                    out[count] = UInt8(truncatingIfNeeded: bits >> 4)
                    count += 1
                }
            }
        }
        return isGood ? bytes : nil
    }
}
