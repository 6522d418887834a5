// DeviceLogin: the client's side of a login by device code (RFC 8628): ask for codes, wait for approval, take the key.

import AsyncHTTPClient
import Foundation
import NIOCore
import NIOFoundationCompat
import NIOHTTP1

/// Talks to one gateway's origin.
struct DeviceLogin: Sendable {
    let origin: String

    /// What `/device/code` answers.
    struct Codes: Decodable, Sendable {
        var deviceCode: String
        var userCode: String
        var verificationURI: String
        var verificationURIComplete: String?
        var expiresIn: Int
        var interval: Int?

        enum CodingKeys: String, CodingKey {
            case interval
            case deviceCode = "device_code"
            case userCode = "user_code"
            case verificationURI = "verification_uri"
            case verificationURIComplete = "verification_uri_complete"
            case expiresIn = "expires_in"
        }
    }

    /// What `/device/token` answers at last.
    struct Token: Decodable, Sendable {
        var key: String
        var keyID: String
        var developer: String
        var team: String
        var created: String

        enum CodingKeys: String, CodingKey {
            case developer, team, created
            case key = "access_token"
            case keyID = "key_id"
        }
    }

    private struct Refusal: Decodable {
        var error: String
        var words: String?

        enum CodingKeys: String, CodingKey {
            case error
            case words = "error_description"
        }
    }

    private struct Approval: Decodable { var status: String }
    private struct Revocation: Decodable { var revoked: String }

    private static let answerBytesMax = 64 << 10

    /// A person waits: an address that refuses is told at once and not tried until the time is up.
    private static let client: HTTPClient = {
        var configuration = HTTPClient.Configuration.singletonConfiguration
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.redirectConfiguration = .disallow
        return HTTPClient(eventLoopGroup: HTTPClient.defaultEventLoopGroup, configuration: configuration)
    }()

    func begin() async throws -> Codes {
        switch try await post("/device/code", [("client_id", "weir-cli")], Codes.self) {
        case .success(let codes): return codes
        case .failure(let refusal): throw failure(refusal)
        }
    }

    /// Shows an invitation, as a person does on the page.
    func approve(_ codes: Codes, invitation: String) async throws {
        let form = [("user_code", codes.userCode), ("invitation", invitation)]
        if case .failure(let refusal) = try await post("/device", form, Approval.self) { throw failure(refusal) }
    }

    /// Asks until the login is approved or over.
    func key(_ codes: Codes, asksAtOnce: Bool) async throws -> Token {
        var interval = max(1, codes.interval ?? 5)
        let deadline = ContinuousClock.now + .seconds(codes.expiresIn)
        let form = [("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), ("device_code", codes.deviceCode)]
        var isFirst = asksAtOnce
        while ContinuousClock.now < deadline {
            if !isFirst { try await Task.sleep(for: .seconds(interval)) }
            isFirst = false
            let answer: Result<Token, RefusedLogin>
            do {
                answer = try await post("/device/token", form, Token.self)
            } catch let error as CommandFailure where error.code == "gateway_unreachable" {
                // A gateway that restarts keeps what was approved.
                continue
            }
            switch answer {
            case .success(let token): return token
            case .failure(let refusal) where refusal.code == "authorization_pending": continue
            case .failure(let refusal) where refusal.code == "slow_down": interval += 5
            case .failure(let refusal): throw failure(refusal)
            }
        }
        throw CommandFailure("expired_token", "nobody approved the code in time", mend: "run weir login again")
    }

    /// Ends the key on the gateway. False when it was ended before.
    func revoke(_ key: String) async throws -> Bool {
        switch try await post("/device/revoke", [], Revocation.self, key: key) {
        case .success: true
        case .failure: false
        }
    }

    // MARK: Inside

    /// What the gateway refused, in its words.
    private struct RefusedLogin: Error {
        var code: String
        var words: String
    }

    private func failure(_ refusal: RefusedLogin) -> CommandFailure {
        let mend =
            switch refusal.code {
            case "access_denied": "ask your platform team for an invitation: weir developer invite NAME --team TEAM"
            case "not_a_gateway": "check the address"
            default: "run weir login again"
            }
        return CommandFailure(inert(refusal.code), inert(refusal.words), mend: mend)
    }

    private func post<Answer: Decodable>(
        _ path: String, _ form: [(String, String)], _ type: Answer.Type, key: String? = nil
    ) async throws -> Result<Answer, RefusedLogin> {
        var request = HTTPClientRequest(url: origin + path)
        request.method = .POST
        request.headers.add(name: "content-type", value: "application/x-www-form-urlencoded")
        request.headers.add(name: "accept", value: "application/json")
        if let key { request.headers.add(name: "authorization", value: "Bearer \(key)") }
        let text = form.map { "\($0.0)=\($0.1.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "")" }
        request.body = .bytes(ByteBuffer(string: text.joined(separator: "&")))
        let status: UInt
        let data: Data
        do {
            let response = try await Self.client.execute(request, timeout: .seconds(30))
            status = response.status.code
            data = Data(buffer: try await response.body.collect(upTo: Self.answerBytesMax))
        } catch {
            throw CommandFailure("gateway_unreachable", "cannot reach \(origin): \(error)", mend: "check the address and the network")
        }
        if status == 200, let answer = try? JSONDecoder().decode(Answer.self, from: data) { return .success(answer) }
        if let refusal = try? JSONDecoder().decode(Refusal.self, from: data) {
            return .failure(RefusedLogin(code: refusal.error, words: refusal.words ?? "the gateway refused: \(refusal.error)"))
        }
        return .failure(RefusedLogin(code: "not_a_gateway", words: "what answers at \(origin) is no Weir gateway (status \(status))"))
    }
}
