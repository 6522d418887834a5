// AWSCredentials: temporary keys from a container's role, a machine's role, or a role that a cluster's identity takes.
// Sources: AWS SDKs and Tools Reference Guide ("Container credential provider", "IMDS credential provider", "Assume role credential
// provider"), and the API reference of the Security Token Service, AssumeRoleWithWebIdentity.

import Foundation
import GatewayModel
import NIOHTTP1
import Proxy

/// What a container's endpoint and a machine's metadata service answer.
private struct RoleAnswer: Decodable {
    var accessKeyID: String?
    var secretAccessKey: String?
    var token: String?
    var expiration: String?
    var code: String?
    var message: String?

    enum CodingKeys: String, CodingKey {
        case accessKeyID = "AccessKeyId"
        case secretAccessKey = "SecretAccessKey"
        case token = "Token"
        case expiration = "Expiration"
        case code = "Code"
        case message = "Message"
    }
}

/// A container's endpoint. The file counts more than the token, and is read anew each time.
func fetchContainerKeys(url: String, token: String?, file: String?) async throws(AccessTokenError) -> AccessToken {
    var fields: [String: String] = [:]
    if let secret = try file.map({ path throws(AccessTokenError) in try secretFile(path) }) ?? token { fields["authorization"] = secret }
    let (status, body) = try await ask(request(url, fields))
    return try roleKeys(status, body, from: "the container's credential endpoint")
}

/// A machine's metadata service, version 2: a session first, then the role's name, then its keys.
func fetchInstanceKeys(url: String) async throws(AccessTokenError) -> AccessToken {
    let base = url.hasSuffix("/") ? String(url.dropLast()) : url
    let opened = try await ask(request("\(base)/latest/api/token", ["x-aws-ec2-metadata-token-ttl-seconds": "300"], method: .PUT))
    guard opened.status == 200 else { throw AccessTokenError("the metadata service gave no session: status \(opened.status)") }
    let session = ["x-aws-ec2-metadata-token": String(decoding: opened.body, as: UTF8.self)]
    let roles = "\(base)/latest/meta-data/iam/security-credentials/"
    let named = try await ask(request(roles, session))
    let role = String(decoding: named.body, as: UTF8.self).split(separator: "\n").first.map(String.init) ?? ""
    guard named.status == 200, !role.isEmpty, role.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "+=,.@_-".contains($0)) })
    else { throw AccessTokenError("the machine has no role: the metadata service answered with status \(named.status)") }
    let (status, body) = try await ask(request(roles + role, session))
    return try roleKeys(status, body, from: "the metadata service")
}

/// The Security Token Service: the file proves who asks, and nothing is signed.
func fetchWebIdentityKeys(url: String, role: String, session: String, file: String) async throws(AccessTokenError) -> AccessToken {
    let (status, body) = try await ask(
        form(
            url,
            [
                "Action": "AssumeRoleWithWebIdentity", "Version": "2011-06-15", "RoleArn": role, "RoleSessionName": session,
                "WebIdentityToken": try secretFile(file),
            ]))
    let text = String(decoding: body, as: UTF8.self)
    guard status == 200, let id = element("AccessKeyId", in: text), let secret = element("SecretAccessKey", in: text),
        let token = element("SessionToken", in: text), let expires = element("Expiration", in: text).flatMap(time)
    else {
        let words = [element("Code", in: text), element("Message", in: text)].compactMap { $0 }.joined(separator: ": ").prefix(200)
        throw AccessTokenError("the Security Token Service answered with status \(status)\(words.isEmpty ? "" : " (\(words))")")
    }
    return AccessToken(.keys(AWSKeys(accessKeyID: id, secretAccessKey: secret, sessionToken: token)), expires: expires)
}

private func roleKeys(_ status: Int, _ body: Data, from place: String) throws(AccessTokenError) -> AccessToken {
    let answer = try? JSONDecoder().decode(RoleAnswer.self, from: body)
    guard status == 200, let answer, let id = answer.accessKeyID, let secret = answer.secretAccessKey,
        let expires = answer.expiration.flatMap(time)
    else {
        let words = [answer?.code, answer?.message].compactMap { $0 }.joined(separator: ": ").prefix(200)
        throw AccessTokenError("\(place) answered with status \(status)\(words.isEmpty ? "" : " (\(words))")")
    }
    return AccessToken(.keys(AWSKeys(accessKeyID: id, secretAccessKey: secret, sessionToken: answer.token)), expires: expires)
}

/// RFC 3339, with or without a fraction.
private func time(_ text: String) -> Timestamp? {
    let date =
        (try? Date(text, strategy: .iso8601)) ?? (try? Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true)))
    return date.map { Timestamp(nanoseconds: 0).adding(seconds: Int64($0.timeIntervalSince1970)) }
}

/// The text of an element that holds no other. The service's keys and names need no unescaping.
private func element(_ name: String, in text: String) -> String? {
    guard let start = text.range(of: "<\(name)>"), let end = text.range(of: "</\(name)>", range: start.upperBound..<text.endIndex) else {
        return nil
    }
    return String(text[start.upperBound..<end.lowerBound])
}
