// GoogleCredentials: the grant that a service account signs, which its token endpoint changes for an access token (RFC 7523).

import Crypto
import CryptoExtras
import Foundation
import GatewayModel
import Proxy

private let scope = "https://www.googleapis.com/auth/cloud-platform"
/// A JSON web token that asks for an access token: good for an hour, signed with RS256.
func signedGrant(
    email: String, privateKeyPEM: String, keyID: String?, audience: String, at now: Timestamp
) throws(AccessTokenError) -> String {
    struct Header: Encodable {
        var alg = "RS256"
        var typ = "JWT"
        var kid: String?
    }
    struct Claims: Encodable {
        var iss: String
        var scope: String
        var aud: String
        var iat: Int64
        var exp: Int64
    }
    do {
        let key = try _RSA.Signing.PrivateKey(pemRepresentation: privateKeyPEM)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let head = try encoder.encode(Header(kid: keyID)).base64URL
        let claims = Claims(iss: email, scope: scope, aud: audience, iat: now.seconds, exp: now.seconds + 3600)
        let signed = "\(head).\(try encoder.encode(claims).base64URL)"
        let signature = try key.signature(for: SHA256.hash(data: Data(signed.utf8)), padding: .insecurePKCS1v1_5)
        return "\(signed).\(signature.rawRepresentation.base64URL)"
    } catch {
        throw AccessTokenError("the service account's private key cannot be used: \(error)")
    }
}

extension Data {
    fileprivate var base64URL: String {
        base64EncodedString().replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_")
            .replacingOccurrences(of: "=", with: "")
    }
}
