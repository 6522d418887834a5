// LoginCode: the codes of a login: what a device keeps, what a person types, and what an invitation is worth. Each is stored as its
// MAC alone.

import GatewayModel

enum LoginCode {
    /// RFC 8628, section 6.1: no vowels, so no words, and nothing that looks like something else.
    private static let userAlphabet = Array("BCDFGHJKLMNPQRSTVWXZ".utf8)
    /// Crockford's base32, lower case.
    private static let wideAlphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)

    /// What a person types: `WDJB-MJHT`.
    static func user(_ random: any RandomSource) -> String {
        let letters = text(8, of: userAlphabet, random)
        return "\(letters.prefix(4))-\(letters.suffix(4))"
    }

    /// What a device keeps to itself: 260 bits.
    static func device(_ random: any RandomSource) -> String { "weir_d_" + text(52, of: wideAlphabet, random) }

    /// A one-time invitation: 125 bits in groups that can be read aloud.
    static func invitation(_ random: any RandomSource) -> String {
        let letters = Array(text(25, of: wideAlphabet, random))
        return "weir-" + (0..<5).map { String(letters[$0 * 5..<$0 * 5 + 5]) }.joined(separator: "-")
    }

    /// A user code as it was made, whatever case, dashes or spaces a person typed. Nil when it is none.
    static func normalisedUser(_ typed: String) -> String? {
        guard typed.utf8.count <= 32 else { return nil }
        let letters = typed.uppercased().utf8.filter { $0 != 45 && $0 != 32 }
        guard letters.count == 8, letters.allSatisfy(userAlphabet.contains) else { return nil }
        let whole = String(decoding: letters, as: UTF8.self)
        return "\(whole.prefix(4))-\(whole.suffix(4))"
    }

    static func normalisedInvitation(_ typed: String) -> String? {
        guard typed.utf8.count <= 64 else { return nil }
        let code = String(decoding: typed.lowercased().utf8.filter { $0 > 32 }, as: UTF8.self)
        return code.hasPrefix("weir-") ? code : nil
    }

    /// Characters by rejection, so that each is equally likely.
    private static func text(_ count: Int, of alphabet: [UInt8], _ random: any RandomSource) -> String {
        var out: [UInt8] = []
        while out.count < count {
            var word = random.next()
            for _ in 0..<12 where out.count < count {
                let value = Int(word & 31)
                word >>= 5
                if value < alphabet.count { out.append(alphabet[value]) }
            }
        }
        return String(decoding: out, as: UTF8.self)
    }
}
