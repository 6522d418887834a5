// GeminiSignature: Gemini's thought signatures on their way through clients of other dialects, and other providers' through Gemini's
// (protocols.md, section 9.3). A signature stands on one part, a call or a text, and must come back on the same.

/// Where a Gemini signature stood in the answer.
struct GeminiSignature: Hashable {
    enum Place: Hashable {
        /// On the function call of this number.
        case call(Int)
        /// On the text.
        case text
        /// On the shown thought itself.
        case thought
    }

    var place: Place
    var value: String

    /// No other provider's signature begins so.
    private static let mark = "weir-gemini:"

    /// As the signature of a thinking block.
    var carried: String {
        let place =
            switch place {
            case .call(let number): "c\(number)"
            case .text: "t"
            case .thought: "h"
            }
        return "\(Self.mark)\(place):\(value)"
    }

    init(_ value: String, on place: Place) {
        self.value = value
        self.place = place
    }

    /// Nil when the signature is another provider's.
    init?(carried text: String) {
        guard text.hasPrefix(Self.mark) else { return nil }
        let rest = text.dropFirst(Self.mark.count)
        guard let colon = rest.firstIndex(of: ":"), let kind = rest.first else { return nil }
        value = String(rest[rest.index(after: colon)...])
        switch kind {
        case "t": place = .text
        case "h": place = .thought
        case "c":
            guard let number = Int(rest[rest.index(after: rest.startIndex)..<colon]), number >= 0 else { return nil }
            place = .call(number)
        default: return nil
        }
    }

    /// What Gemini 3 takes in place of a signature that is lost: base64 of `skip_thought_signature_validator`.
    static let skip = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="
}

/// Another provider's signature as a client of Gemini keeps it: a `thoughtSignature`, which is base64.
enum ForeignSignature {
    private static let thinking = "weir-signature:"
    private static let redacted = "weir-redacted:"

    static func seal(_ signature: String) -> String { base64(Array((thinking + signature).utf8)) }
    static func seal(redacted data: String) -> String { base64(Array((redacted + data).utf8)) }

    /// Nil when Gemini itself signed.
    static func open(_ text: String) -> (value: String, isRedacted: Bool)? {
        guard let bytes = decodeBase64(text) else { return nil }
        let opened = String(decoding: bytes, as: UTF8.self)
        if opened.hasPrefix(thinking) { return (String(opened.dropFirst(thinking.count)), false) }
        if opened.hasPrefix(redacted) { return (String(opened.dropFirst(redacted.count)), true) }
        return nil
    }
}

private let base64Digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

func base64(_ bytes: [UInt8]) -> String {
    var out: [UInt8] = []
    out.reserveCapacity((bytes.count + 2) / 3 * 4)
    var index = 0
    while index < bytes.count {
        let second = index + 1 < bytes.count ? bytes[index + 1] : 0
        let third = index + 2 < bytes.count ? bytes[index + 2] : 0
        out.append(base64Digits[Int(bytes[index] >> 2)])
        out.append(base64Digits[Int((bytes[index] & 3) << 4 | second >> 4)])
        out.append(index + 1 < bytes.count ? base64Digits[Int((second & 15) << 2 | third >> 6)] : 61)
        out.append(index + 2 < bytes.count ? base64Digits[Int(third & 63)] : 61)
        index += 3
    }
    return String(decoding: out, as: UTF8.self)
}

/// Both alphabets, with or without padding: Google's clients use either. Nil for anything else.
func decodeBase64(_ text: String) -> [UInt8]? {
    var out: [UInt8] = []
    var bits: UInt32 = 0
    var count = 0
    for byte in text.utf8 {
        let value: UInt8
        switch byte {
        case 65...90: value = byte - 65
        case 97...122: value = byte - 71
        case 48...57: value = byte + 4
        case 43, 45: value = 62
        case 47, 95: value = 63
        case 61: continue
        default: return nil
        }
        bits = bits << 6 | UInt32(value)
        count += 6
        if count >= 8 {
            count -= 8
            out.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
        }
    }
    return out
}
