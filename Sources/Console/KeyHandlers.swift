// KeyHandlers: virtual keys. A change is in force on every event loop before its answer is sent.

import AdminAPI
import Foundation
import GatewayModel
import HTTPTypes
import Hummingbird
import Identity
import Policy
import Reports
import Storage

struct KeyHandlers: Sendable {
    private let dependencies: AdminDependencies

    init(_ dependencies: AdminDependencies) { self.dependencies = dependencies }

    func register(_ routes: Routes) {
        let dependencies = dependencies
        routes.on(.get, "/api/v1/keys") { _, _ in
            let uses = try dependencies.reports.keyUse()
            return try jsonResponse(
                ListBody(data: dependencies.directory.keys().map { view($0, dependencies, uses[$0.key.id]) }))
        }
        routes.on(.get, "/api/v1/keys/{id}") { _, context in
            let key = try dependencies.directory.key(pathID(context))
            return try jsonResponse(view(key, dependencies, dependencies.reports.keyUse()[key.key.id]))
        }
        routes.on(.post, "/api/v1/keys") { request, _ in
            let name = request.headers[idempotencyKey].map { "create-key \($0)" }
            let body = try await request.decodeBody(KeyRequest.self, members: KeyRequest.members)
            let made = try once(name, dependencies) { try dependencies.directory.createKey(specification(body)) }
            try await dependencies.publish()
            return try jsonResponse(
                KeySecretView(key: view(made.key, dependencies, nil), secret: made.text, aws: accessKey(made.key, dependencies)),
                status: .created)
        }
        routes.on(.patch, "/api/v1/keys/{id}") { request, context in
            let body = try await request.decodeBody(KeyRequest.self, members: KeyRequest.members)
            let key = try dependencies.directory.updateKey(pathID(context), specification(body))
            try await dependencies.publish()
            return try jsonResponse(view(key, dependencies, nil))
        }
        routes.on(.post, "/api/v1/keys/{id}/rotate") { request, context in
            let name = request.headers[idempotencyKey].map { "rotate-key \($0)" }
            let body = try await request.decodeBody(RotateRequest.self, members: ["overlap_seconds"])
            let id = try pathID(context)
            let made = try once(name, dependencies) {
                try dependencies.directory.rotateKey(id, overlapSeconds: body.overlapSeconds)
            }
            try await dependencies.publish()
            return try jsonResponse(
                KeySecretView(key: view(made.key, dependencies, nil), secret: made.text, aws: accessKey(made.key, dependencies)))
        }
        routes.on(.post, "/api/v1/keys/{id}/revoke") { _, context in
            let key = try dependencies.directory.revokeKey(pathID(context))
            try await dependencies.publish()
            return try jsonResponse(view(key, dependencies, nil))
        }
    }
}

/// `Idempotency-Key`, lower-cased.
private let idempotencyKey = HTTPField.Name("idempotency-key") ?? .contentType

/// Carries a request out once. A secret is shown once and stored nowhere, so a repeated request cannot be answered again: it is
/// refused, and nothing is made twice. One that failed may be repeated.
private func once<Made>(_ name: String?, _ dependencies: AdminDependencies, _ body: () throws -> Made) throws -> Made {
    guard let name else { return try body() }
    guard try dependencies.control.claim(name, at: dependencies.clock.now().rfc3339) else {
        throw IdentityError(
            .conflict, "already_done", "this request was carried out before, and its secret is shown only once",
            mend: "weir key rotate gives the key a new secret")
    }
    do {
        return try body()
    } catch {
        try dependencies.control.release(name)
        throw error
    }
}

private func view(_ key: StoredKey, _ dependencies: AdminDependencies, _ lastUsed: Timestamp?) -> KeyView {
    KeyView(
        key: key.key, name: key.name, created: key.created, isIntact: key.isIntact, lastUsed: lastUsed,
        now: dependencies.clock.now())
}

/// What AWS SDKs sign with, of a key that they may sign with.
private func accessKey(_ key: StoredKey, _ dependencies: AdminDependencies) -> AWSAccessKey? {
    guard key.key.allowsAWSSignatures == true, let secret = key.key.secrets.last else { return nil }
    return AWSAccessKey(
        accessKeyID: AWSKey.accessKeyID(ofKeyID: key.key.id),
        secretAccessKey: dependencies.directory.pepper.awsSecret(keyID: key.key.id, mac: secret.mac))
}

private func specification(_ body: KeyRequest) throws -> KeySpecification {
    var result = KeySpecification()
    result.name = body.name
    result.developer = body.developer
    result.serviceAccount = body.serviceAccount
    result.team = body.team
    result.notBefore = try parseTime(body.notBefore, "not_before")
    result.expires = try parseTime(body.expires, "expires")
    result.models = body.models
    result.endpoints = body.endpoints
    result.networks = body.networks
    result.repository = body.repository
    result.repositoryEnforced = body.repositoryEnforced
    result.strict = body.strict
    result.allowsAWSSignatures = body.aws
    result.cacheSeconds = body.cacheSeconds
    return result
}
