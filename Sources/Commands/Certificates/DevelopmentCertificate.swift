// DevelopmentCertificate: a certificate authority that signs one server certificate and is then forgotten, for trying TLS on one machine.
// Clients are told to trust the authority; nobody can sign anything more with it.

import Crypto
import Foundation
package import GatewayModel

/// Three PEM texts.
package struct DevelopmentCertificate: Sendable {
    /// What clients trust.
    package let authority: String
    /// The server's certificate and the authority behind it.
    package let chain: String
    /// The server's private key.
    package let privateKey: String

    /// How long both certificates hold.
    private static let days: Int64 = 825

    /// Makes one.
    /// - Parameters:
    ///   - names: host names that the server is reached by.
    ///   - addresses: addresses that it is reached by, as 4 or 16 bytes.
    package init(names: [String], addresses: [[UInt8]], now: Timestamp) throws {
        let authorityKey = P256.Signing.PrivateKey()
        let serverKey = P256.Signing.PrivateKey()
        let issuer = Self.name("Weir development authority \(Self.hex(Self.randomBytes(4)))")
        let subject = Self.name(names.first ?? "localhost")
        let authorityExtensions = [
            Self.extension([2, 5, 29, 19], critical: true, .sequence(.yes, .integer([0]))),
            // keyCertSign
            Self.extension([2, 5, 29, 15], critical: true, .bits([0x04], unused: 2)),
            Self.extension([2, 5, 29, 14], .octets(Self.keyID(authorityKey.publicKey))),
        ]
        let alternatives = names.map { DER.implicit(2, Array($0.utf8)) } + addresses.map { DER.implicit(7, $0) }
        let serverExtensions = [
            Self.extension([2, 5, 29, 19], critical: true, .sequence()),
            // digitalSignature
            Self.extension([2, 5, 29, 15], critical: true, .bits([0x80], unused: 7)),
            Self.extension([2, 5, 29, 37], .sequence(.identifier(1, 3, 6, 1, 5, 5, 7, 3, 1))),
            Self.extension([2, 5, 29, 17], .sequence(of: alternatives)),
            Self.extension([2, 5, 29, 35], .sequence(.implicit(0, Self.keyID(authorityKey.publicKey)))),
        ]
        let root = try Self.certificate(issuer, issuer, authorityKey.publicKey, authorityExtensions, signedBy: authorityKey, now)
        let leaf = try Self.certificate(issuer, subject, serverKey.publicKey, serverExtensions, signedBy: authorityKey, now)
        authority = Self.pem(root)
        chain = Self.pem(leaf) + Self.pem(root)
        privateKey = serverKey.pemRepresentation + "\n"
    }

    private static func certificate(
        _ issuer: DER, _ subject: DER, _ key: P256.Signing.PublicKey, _ extensions: [DER], signedBy signer: P256.Signing.PrivateKey,
        _ now: Timestamp
    ) throws -> [UInt8] {
        // ecdsa-with-SHA256
        let algorithm = DER.sequence(.identifier(1, 2, 840, 10045, 4, 3, 2))
        let validity = DER.sequence(.time(text(now.adding(seconds: -3600))), .time(text(now.adding(seconds: days * 86_400))))
        let body = DER.sequence(
            .explicit(0, .integer([2])), .integer([0x40] + randomBytes(15)), algorithm, issuer, validity, subject,
            DER(encoded: Array(key.derRepresentation)), .explicit(3, .sequence(of: extensions)))
        let signature = try signer.signature(for: body.bytes)
        return DER.sequence(body, algorithm, .bits(Array(signature.derRepresentation))).bytes
    }

    private static func name(_ text: String) -> DER { .sequence(.set(.sequence(.identifier(2, 5, 4, 3), .text(text)))) }

    private static func `extension`(_ id: [Int], critical: Bool = false, _ value: DER) -> DER {
        let name = DER.identifier(id[0], id[1], id[2], id[3])
        return critical ? .sequence(name, .yes, .octets(value.bytes)) : .sequence(name, .octets(value.bytes))
    }

    private static func keyID(_ key: P256.Signing.PublicKey) -> [UInt8] { Array(SHA256.hash(data: key.x963Representation).prefix(20)) }

    private static func randomBytes(_ count: Int) -> [UInt8] {
        Array(SymmetricKey(size: SymmetricKeySize(bitCount: count * 8)).withUnsafeBytes { Array($0) })
    }

    private static func hex(_ bytes: [UInt8]) -> String { bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }

    /// `20260102030405Z`
    private static func text(_ time: Timestamp) -> String {
        time.rfc3339.prefix { $0 != "." && $0 != "Z" }.filter { $0 != "-" && $0 != ":" && $0 != "T" } + "Z"
    }

    private static func pem(_ bytes: [UInt8]) -> String {
        let text = Data(bytes).base64EncodedString(options: [.lineLength64Characters, .endLineWithLineFeed])
        return "-----BEGIN CERTIFICATE-----\n\(text)\n-----END CERTIFICATE-----\n"
    }
}
