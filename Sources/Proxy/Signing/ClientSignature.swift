// ClientSignature: a request that an AWS SDK signed with a virtual key's access key. The id names the key; the secret is derived from the
// key's own MAC under the pepper, so that nothing more is stored (docs/bedrock.md says what that costs).

import Crypto
import GatewayModel
import NIOCore
import Policy
import WireFormat

/// What a client claims, to be verified once its body is here.
struct ClientSignature {
    let key: VirtualKey
    private let scope: SigV4Scope
    private let signedNames: [String]
    private let signature: String

    /// A signature of the client may be this much older or newer than the server's clock says, as at AWS.
    private static let skewSecondsMax: Int64 = 300

    /// The claim in `Authorization: AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`; nil without one.
    init?(_ fields: HTTPFields, snapshot: GatewaySnapshot) throws(GatewayError) {
        guard let text = fields.string("authorization"), text.hasPrefix("AWS4-HMAC-SHA256") else { return nil }
        var parts: [String: String] = [:]
        for part in text.dropFirst("AWS4-HMAC-SHA256".count).split(separator: ",") {
            let sides = part.split(separator: "=", maxSplits: 1)
            if sides.count == 2 { parts[sides[0].filter { $0 != " " }] = sides[1].filter { $0 != " " } }
        }
        guard let credential = parts["Credential"], let names = parts["SignedHeaders"], let signature = parts["Signature"] else {
            throw .invalidSignature(reason: "the Authorization field is not whole")
        }
        let scope = credential.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard scope.count == 5, scope[4] == "aws4_request" else {
            throw .invalidSignature(reason: "the credential's scope is not of date, region, service and aws4_request")
        }
        guard let id = AWSKey.keyID(ofAccessKeyID: scope[0]), let key = snapshot.keys[id] else { throw .invalidKey }
        guard key.allowsAWSSignatures == true else {
            throw .invalidSignature(reason: "this key has no AWS access key; make one with: weir key create --aws")
        }
        self.key = key
        self.scope = SigV4Scope(date: scope[1], region: scope[2], service: scope[3])
        signedNames = names.split(separator: ";").map(String.init)
        self.signature = signature
        guard signedNames.contains("host"), signedNames.contains("x-amz-date"), signedNames == signedNames.sorted() else {
            throw .invalidSignature(reason: "host and x-amz-date must be signed, and the names be sorted")
        }
    }

    /// Throws unless the whole request is what its sender signed with one of the key's secrets.
    func verify(_ head: HTTPRequestHead, body: ByteBuffer, snapshot: GatewaySnapshot, at now: Timestamp) throws(GatewayError) {
        let fields = head.fields
        guard let time = fields.string("x-amz-date"), let moment = Self.moment(time), time.hasPrefix(scope.date) else {
            throw .invalidSignature(reason: "x-amz-date is missing, or not of the credential's date")
        }
        guard abs(moment - now.seconds) <= Self.skewSecondsMax else {
            throw .invalidSignature(reason: "it is of \(time), which is more than \(Self.skewSecondsMax / 60) minutes from now")
        }
        let bodyHash = hexText(Self.hash(body))
        if let claimed = fields.string("x-amz-content-sha256"), claimed != bodyHash {
            throw .invalidSignature(reason: "the body is not the one that was signed")
        }
        let values = signedNames.map { name in
            let all = fields.list.filter { fields.nameString($0) == name }.compactMap { fields.valueString($0) }
            return (name: name, value: all.joined(separator: ","))
        }
        let request = SigV4Request(method: head.method, path: head.path, query: head.query, fields: values, bodyHash: bodyHash)
        for secret in key.secrets where secret.validUntil.map({ now < $0 }) ?? true {
            var hash = snapshot.keyMAC
            hash.update(data: AWSKey.secretMessage(keyID: key.id, mac: secret.mac))
            let expected = sigV4Signature(request, scope: scope, time: time, secretAccessKey: hexText(hash.finalize()))
            if Self.areEqual(expected, signature) { return }
        }
        throw .invalidSignature(reason: "it does not match; check the secret access key")
    }

    private static func hash(_ body: ByteBuffer) -> SHA256.Digest {
        var hash = SHA256()
        body.withUnsafeReadableBytes { hash.update(bufferPointer: $0) }
        return hash.finalize()
    }

    /// Takes the same time wherever they differ.
    private static func areEqual(_ one: String, _ other: String) -> Bool {
        guard one.utf8.count == other.utf8.count else { return false }
        return zip(one.utf8, other.utf8).reduce(UInt8(0)) { $0 | $1.0 ^ $1.1 } == 0
    }

    /// `20260102T030405Z` in seconds since 1970.
    private static func moment(_ text: String) -> Int64? {
        let bytes = Array(text.utf8)
        guard bytes.count == 16, bytes[8] == 84, bytes[15] == 90 else { return nil }
        let parts = [0..<4, 4..<6, 6..<8, 9..<11, 11..<13, 13..<15].map { String(decoding: bytes[$0], as: UTF8.self) }
        return Timestamp(rfc3339: "\(parts[0])-\(parts[1])-\(parts[2])T\(parts[3]):\(parts[4]):\(parts[5])Z")?.seconds
    }
}
