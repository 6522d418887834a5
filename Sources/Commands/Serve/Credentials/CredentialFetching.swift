// CredentialFetching: asks a source for a credential that runs out. The control plane's own calls go by AsyncHTTPClient; the data plane
// only reads what they left.

import AsyncHTTPClient
import Foundation
import GatewayModel
import NIOCore
import NIOFoundationCompat
import NIOHTTP1
import Proxy

private let answerBytesMax = 1 << 20

/// Lives as long as the process. A token endpoint that redirects is none.
private let client: HTTPClient = {
    var configuration = HTTPClient.Configuration.singletonConfiguration
    configuration.timeout.connect = .seconds(10)
    configuration.redirectConfiguration = .disallow
    return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
}()

/// Asks a source for a credential.
func fetchAccessToken(_ source: AccessTokenSource, _ clock: any GatewayClock) async throws(AccessTokenError) -> AccessToken {
    let now = clock.now()
    switch source {
    case .serviceAccount(let email, let privateKey, let keyID, let url):
        let grant = try signedGrant(email: email, privateKeyPEM: privateKey, keyID: keyID, audience: url, at: now)
        return try await askForToken(
            form(url, ["grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": grant]), at: now)
    case .metadata(let url):
        return try await askForToken(request(url, ["metadata-flavor": "Google"]), at: now)
    case .entraApplication(let url, let clientID, let clientSecret, let scope):
        return try await askForToken(
            form(
                url,
                ["grant_type": "client_credentials", "client_id": clientID, "client_secret": clientSecret, "scope": scope]),
            at: now)
    case .azureIdentity(let url, let resource, let clientID):
        var query = ["api-version": "2018-02-01", "resource": resource]
        if let clientID { query["client_id"] = clientID }
        return try await askForToken(request("\(url)?\(formText(query))", ["metadata": "true"]), at: now)
    case .awsContainer(let url, let token, let file):
        return try await fetchContainerKeys(url: url, token: token, file: file)
    case .awsInstance(let url):
        return try await fetchInstanceKeys(url: url)
    case .awsWebIdentity(let url, let role, let session, let file):
        return try await fetchWebIdentityKeys(url: url, role: role, session: session, file: file)
    }
}

/// What an endpoint of OAuth's answers (RFC 6749, section 5). Azure's metadata service writes its numbers as strings.
private struct TokenAnswer: Decodable {
    var accessToken: String?
    var seconds: Int64?
    var error: String?
    var errorDescription: String?

    enum CodingKeys: String, CodingKey {
        case accessToken = "access_token"
        case seconds = "expires_in"
        case error
        case errorDescription = "error_description"
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        accessToken = try container.decodeIfPresent(String.self, forKey: .accessToken)
        error = try? container.decodeIfPresent(String.self, forKey: .error)
        errorDescription = try? container.decodeIfPresent(String.self, forKey: .errorDescription)
        if let text = try? container.decode(String.self, forKey: .seconds) {
            seconds = Int64(text)
        } else {
            seconds = try container.decodeIfPresent(Int64.self, forKey: .seconds)
        }
    }
}

private func askForToken(_ request: HTTPClientRequest, at now: Timestamp) async throws(AccessTokenError) -> AccessToken {
    let (status, body) = try await ask(request)
    let answer = try? JSONDecoder().decode(TokenAnswer.self, from: body)
    guard status == 200, let answer, let token = answer.accessToken, let seconds = answer.seconds, seconds > 0, seconds <= 200_000 else {
        let words = [answer?.error, answer?.errorDescription].compactMap { $0 }.joined(separator: ": ").prefix(200)
        throw AccessTokenError("the token endpoint answered with status \(status)\(words.isEmpty ? "" : " (\(words))")")
    }
    return AccessToken(.token(token), expires: now.adding(seconds: seconds))
}

/// One call, with its answer read whole.
func ask(_ request: HTTPClientRequest) async throws(AccessTokenError) -> (status: Int, body: Data) {
    do {
        let response = try await client.execute(request, timeout: .seconds(30))
        let body = try await response.body.collect(upTo: answerBytesMax)
        return (Int(response.status.code), Data(buffer: body))
    } catch {
        throw AccessTokenError("the token endpoint cannot be reached: \(error)")
    }
}

/// A GET, or what `method` says.
func request(_ url: String, _ fields: [String: String] = [:], method: HTTPMethod = .GET) -> HTTPClientRequest {
    var request = HTTPClientRequest(url: url)
    request.method = method
    for (name, value) in fields { request.headers.add(name: name, value: value) }
    return request
}

/// A POST of a form.
func form(_ url: String, _ members: [String: String]) -> HTTPClientRequest {
    var post = request(url, ["content-type": "application/x-www-form-urlencoded"], method: .POST)
    post.body = .bytes(ByteBuffer(string: formText(members)))
    return post
}

/// `name=value&…`, percent-encoded, in a fixed order.
private func formText(_ members: [String: String]) -> String {
    let plain = CharacterSet(charactersIn: "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~")
    return members.sorted { $0.key < $1.key }
        .map { "\($0.key)=\($0.value.addingPercentEncoding(withAllowedCharacters: plain) ?? "")" }.joined(separator: "&")
}

/// What a file says by now, without the white space around it: clusters write a new token there every hour.
func secretFile(_ path: String) throws(AccessTokenError) -> String {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
        throw AccessTokenError("the token's file cannot be read: \(path)")
    }
    return text.trimmingCharacters(in: .whitespacesAndNewlines)
}
