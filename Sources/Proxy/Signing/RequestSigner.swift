// RequestSigner: what a kind of provider adds to each request that goes to it, once everything else of it is known. Providers whose
// credential is a fixed field have none, and pay nothing.

import Crypto
import GatewayModel
import NIOCore
import Providers
import WireFormat

/// Signs requests to one provider.
struct RequestSigner: Sendable {
    private let access: AWSAccess
    private let host: String
    /// Where temporary keys come from.
    private let slot: AccessTokenSlot?

    /// Nil for a provider whose requests are not signed.
    init?(_ provider: Provider, host: String, slot: AccessTokenSlot?) {
        guard let access = provider.aws else { return nil }
        self.access = access
        self.host = host
        self.slot = slot
    }

    /// The fields that sign a request, as lines of its head. None without keys, which happens when fetched ones ran out since the request
    /// was let through: the provider then refuses it as it would refuse those.
    /// - Parameters:
    ///   - contentType: its `Content-Type`, which is signed too.
    ///   - bodyHash: SHA-256 of its body as it goes out.
    func lines(method: String, path: String, query: String, contentType: String?, bodyHash: SHA256.Digest, at now: Timestamp) -> [UInt8] {
        guard let keys = access.keys ?? slot?.keys(at: now) else { return [] }
        let time = sigV4Time(now)
        var fields = [(name: "host", value: host), (name: "x-amz-date", value: time)]
        if let contentType { fields.insert((name: "content-type", value: contentType), at: 0) }
        if let token = keys.sessionToken { fields.append((name: "x-amz-security-token", value: token)) }
        let request = SigV4Request(method: method, path: path, query: query, fields: fields, bodyHash: hexText(bodyHash))
        let scope = SigV4Scope(date: String(time.prefix(8)), region: access.region, service: access.service)
        let signature = sigV4Signature(request, scope: scope, time: time, secretAccessKey: keys.secretAccessKey)
        var text = "X-Amz-Date: \(time)\r\n"
        if let token = keys.sessionToken { text += "X-Amz-Security-Token: \(token)\r\n" }
        text += "Authorization: AWS4-HMAC-SHA256 Credential=\(keys.accessKeyID)/\(scope.text), "
        text += "SignedHeaders=\(request.signedNames), Signature=\(signature)\r\n"
        return Array(text.utf8)
    }
}

extension Exchange {
    /// The lines that sign this request; none where its provider takes none.
    func signature(_ provider: ProviderRuntime, path: [UInt8], query: String, contentType: String?) -> [UInt8] {
        guard let signer = provider.signer else { return [] }
        var hash = SHA256()
        body.withUnsafeReadableBytes { bytes in
            var position = 0
            for splice in splices {
                hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: bytes[position..<splice.offset]))
                hash.update(data: splice.insert)
                position = splice.offset + splice.removeCount
            }
            hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: bytes[position...]))
        }
        return signer.lines(
            method: translation == nil ? head.method : "POST", path: String(decoding: path, as: UTF8.self), query: query,
            contentType: contentType, bodyHash: hash.finalize(), at: loop.shared.clock.now())
    }
}
