// GoogleAccessTokens: a service account's signed grant becomes an access token (RFC 7523), or the metadata server gives one. The control
// plane's own calls go by AsyncHTTPClient; the data plane only reads what they left.

import AsyncHTTPClient
import Crypto
import CryptoExtras
import Foundation
import GatewayModel
import NIOCore
import NIOFoundationCompat
import NIOHTTP1
import Proxy

private let scope = "https://www.googleapis.com/auth/cloud-platform"
private let answerBytesMax = 1 << 20

/// Lives as long as the process. A token endpoint that redirects is none.
private let client: HTTPClient = {
    var configuration = HTTPClient.Configuration.singletonConfiguration
    configuration.timeout.connect = .seconds(10)
    configuration.redirectConfiguration = .disallow
    return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
}()

/// Asks a source for a token.
func fetchAccessToken(_ source: AccessTokenSource, _ clock: any GatewayClock) async throws(AccessTokenError) -> AccessToken {
    let now = clock.now()
    let request: HTTPClientRequest
    switch source {
    case .serviceAccount(let email, let privateKey, let keyID, let url):
        let grant = try signedGrant(email: email, privateKeyPEM: privateKey, keyID: keyID, audience: url, at: now)
        var post = HTTPClientRequest(url: url)
        post.method = .POST
        post.headers.add(name: "content-type", value: "application/x-www-form-urlencoded")
        post.body = .bytes(
            ByteBuffer(string: "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=\(grant)"))
        request = post
    case .metadata(let url):
        var get = HTTPClientRequest(url: url)
        get.headers.add(name: "metadata-flavor", value: "Google")
        request = get
    }
    struct Answer: Decodable {
        var accessToken: String?
        var expiresIn: Int64?
        var error: String?
        var errorDescription: String?
    }
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let status: Int
    let answer: Answer?
    do {
        let response = try await client.execute(request, timeout: .seconds(30))
        status = Int(response.status.code)
        let body = try await response.body.collect(upTo: answerBytesMax)
        answer = try? decoder.decode(Answer.self, from: body)
    } catch {
        throw AccessTokenError("the token endpoint cannot be reached: \(error)")
    }
    guard status == 200, let answer, let token = answer.accessToken, let seconds = answer.expiresIn, seconds > 0, seconds <= 86_400
    else {
        let words = [answer?.error, answer?.errorDescription].compactMap { $0 }.joined(separator: ": ").prefix(200)
        throw AccessTokenError("the token endpoint answered with status \(status)\(words.isEmpty ? "" : " (\(words))")")
    }
    return AccessToken(text: token, expires: now.adding(seconds: seconds))
}

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
