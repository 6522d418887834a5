// DER: the few shapes of ASN.1 that a certificate is made of (X.690), written.

/// One encoded value.
struct DER {
    let bytes: [UInt8]

    private init(tag: UInt8, _ content: [UInt8]) {
        var length: [UInt8] = []
        if content.count < 128 {
            length = [UInt8(content.count)]
        } else {
            var rest = content.count
            while rest > 0 {
                length.insert(UInt8(rest & 0xFF), at: 0)
                rest >>= 8
            }
            length.insert(0x80 | UInt8(length.count), at: 0)
        }
        bytes = [tag] + length + content
    }

    /// What is encoded already.
    init(encoded: [UInt8]) { bytes = encoded }

    static func sequence(_ parts: DER...) -> DER { DER(tag: 0x30, parts.flatMap(\.bytes)) }
    static func set(_ part: DER) -> DER { DER(tag: 0x31, part.bytes) }
    static func text(_ text: String) -> DER { DER(tag: 0x0C, Array(text.utf8)) }
    static func octets(_ bytes: [UInt8]) -> DER { DER(tag: 0x04, bytes) }
    static func bits(_ bytes: [UInt8], unused: UInt8 = 0) -> DER { DER(tag: 0x03, [unused] + bytes) }
    static let yes = DER(tag: 0x01, [0xFF])

    /// A positive number, most significant byte first.
    static func integer(_ bytes: [UInt8]) -> DER {
        let digits = Array(bytes.drop { $0 == 0 })
        return DER(tag: 0x02, digits.isEmpty ? [0] : digits[0] >= 0x80 ? [0] + digits : digits)
    }

    /// `YYYYMMDDHHMMSSZ`
    static func time(_ text: String) -> DER {
        // Until 2049 a certificate's times have two digits for the year (RFC 5280, section 4.1.2.5).
        text < "2050" ? DER(tag: 0x17, Array(text.utf8.dropFirst(2))) : DER(tag: 0x18, Array(text.utf8))
    }

    /// An object identifier of numbers below 2^28.
    static func identifier(_ numbers: Int...) -> DER {
        var content = [UInt8(numbers[0] * 40 + numbers[1])]
        for number in numbers.dropFirst(2) {
            var digits = [UInt8(number & 0x7F)]
            var rest = number >> 7
            while rest > 0 {
                digits.insert(UInt8(rest & 0x7F) | 0x80, at: 0)
                rest >>= 7
            }
            content += digits
        }
        return DER(tag: 0x06, content)
    }

    /// `[number]` around a value.
    static func explicit(_ number: UInt8, _ value: DER) -> DER { DER(tag: 0xA0 | number, value.bytes) }
    /// `[number]` in place of a primitive value's own tag.
    static func implicit(_ number: UInt8, _ content: [UInt8]) -> DER { DER(tag: 0x80 | number, content) }

    static func sequence(of parts: [DER]) -> DER { DER(tag: 0x30, parts.flatMap(\.bytes)) }
}
