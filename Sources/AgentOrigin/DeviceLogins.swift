// DeviceLogins: the endpoints of RFC 8628: a device asks for codes, a person approves on the page, the device fetches its key.

import GatewayModel
import Identity
import Policy
import Proxy
import Storage
import Synchronization
import WireFormat

/// Answers `/device…` and the metadata that names them.
final class DeviceLogins: Sendable {
    private let dependencies: AgentOriginDependencies
    private let pace = Mutex(LoginPace())

    private static let grantType = "urn:ietf:params:oauth:grant-type:device_code"

    init(_ dependencies: AgentOriginDependencies) { self.dependencies = dependencies }

    /// RFC 8414.
    func metadata(_ origin: PublicOrigin) -> OriginAnswer {
        let body = JSONText.object {
            $0.field("issuer", origin.text)
            $0.field("device_authorization_endpoint", "\(origin.text)/device/code")
            $0.field("token_endpoint", "\(origin.text)/device/token")
            $0.field("grant_types_supported", [Self.grantType])
            $0.field("response_types_supported", [String]())
            $0.field("token_endpoint_auth_methods_supported", ["none"])
        }
        return .json(200, body, [("Cache-Control", "no-cache")])
    }

    /// `POST /device/code`.
    func begin(_ request: OriginRequest, _ origin: PublicOrigin) throws -> OriginAnswer {
        guard let form = form(request) else { return malformed }
        guard let codes = try dependencies.directory.beginDevice(client: form["client_id"], peer: request.peer.description) else {
            return failure(503, "temporarily_unavailable", "Too many logins wait. Try again in a few minutes.", [("Retry-After", "60")])
        }
        let body = JSONText.object {
            $0.field("device_code", codes.deviceCode)
            $0.field("user_code", codes.userCode)
            $0.field("verification_uri", "\(origin.text)/device")
            $0.field("verification_uri_complete", "\(origin.text)/device?user_code=\(codes.userCode)")
            $0.field("expires_in", Directory.deviceSeconds)
            $0.field("interval", LoginPace.intervalSeconds)
        }
        return .json(200, body, [("Cache-Control", "no-store")])
    }

    /// `POST /device/token`.
    func fetchKey(_ request: OriginRequest, _ settings: AgentOriginSettings) async throws -> OriginAnswer {
        guard let form = form(request) else { return malformed }
        guard form["grant_type"] == Self.grantType else {
            return failure(400, "unsupported_grant_type", "The grant type is \(Self.grantType).")
        }
        let code = form["device_code"]
        guard !code.isEmpty else { return malformed }
        let peer = request.peer.description
        let now = dependencies.clock.now()
        if pace.withLock({ $0.isShutOut(peer, at: now) }) { return tooManyMistakes }
        switch try dependencies.directory.redeemDevice(code, keyDays: settings.loginKeyDays) {
        case .pending:
            return pace.withLock { $0.isTooEarly(code, at: now) }
                ? failure(400, "slow_down", "Ask less often.")
                : failure(400, "authorization_pending", "Nobody has approved this login yet.")
        case .denied: return failure(400, "access_denied", "This login was denied.")
        case .expired: return failure(400, "expired_token", "This login was not approved in time. Begin again.")
        case .unknown:
            pace.withLock { $0.noteMistake(peer, at: now) }
            return failure(400, "invalid_grant", "There is no such login, or its key was fetched before.")
        case .key(let text, let stored):
            pace.withLock { $0.forget(code) }
            try await dependencies.publish()
            return .json(200, token(text, stored, at: now), [("Cache-Control", "no-store")])
        }
    }

    private func token(_ text: String, _ stored: StoredKey, at now: Timestamp) -> [UInt8] {
        JSONText.object {
            $0.field("access_token", text)
            $0.field("token_type", "bearer")
            if let expires = stored.key.expires { $0.field("expires_in", (expires.nanoseconds - now.nanoseconds) / 1_000_000_000) }
            $0.field("key_id", stored.key.id)
            $0.field("developer", stored.key.principal.developer ?? "")
            $0.field("team", stored.key.principal.team)
            $0.field("created", stored.created)
        }
    }

    /// `POST /device/revoke`: ends the key that asks.
    func revoke(_ request: OriginRequest) async throws -> OriginAnswer {
        guard let key = request.key else { return malformed }
        _ = try dependencies.directory.revokeKey(key.id)
        try await dependencies.publish()
        return .json(200, JSONText.object { $0.field("revoked", key.id) }, [("Cache-Control", "no-store")])
    }

    // MARK: The page

    /// `/device`: HTML for a person; JSON for a program that says so in Accept.
    func page(_ request: OriginRequest, _ origin: PublicOrigin) async throws -> OriginAnswer {
        guard request.method == "POST" else {
            let typed = FormBody(request.query.utf8)?["user_code"] ?? ""
            let grant = try dependencies.directory.pendingDevice(typed)
            return DevicePage.form(userCode: grant == nil ? "" : typed, grant: grant)
        }
        let wantsJSON = request.fields.string("accept")?.contains("application/json") ?? false
        let (status, code, words) = try await decide(request)
        if wantsJSON {
            return status == 200
                ? .json(200, JSONText.object { $0.field("status", "approved") }, [("Cache-Control", "no-store")])
                : failure(status, code, words)
        }
        return DevicePage.result(status: status, words: words)
    }

    private func decide(_ request: OriginRequest) async throws -> (status: Int, code: String, words: String) {
        let peer = request.peer.description
        let now = dependencies.clock.now()
        if pace.withLock({ $0.isShutOut(peer, at: now) }) {
            return (429, "slow_down", "Too many wrong codes came from your address. Try again in a quarter of an hour.")
        }
        guard let form = form(request) else { return (400, "invalid_request", "The form is malformed.") }
        guard let grant = try dependencies.directory.pendingDevice(form["user_code"]) else {
            pace.withLock { $0.noteMistake(peer, at: now) }
            return (400, "invalid_grant", "No login waits under this code. Codes live for 15 minutes: begin the login again.")
        }
        let proof = ApprovalProof(invitation: form["invitation"])
        guard let approved = try await dependencies.approver.approve(grant, proof) else {
            pace.withLock { $0.noteMistake(peer, at: now) }
            return (
                403, "access_denied",
                "This invitation is not valid: it is mistyped, used, revoked or expired. Ask your platform team for a new one."
            )
        }
        return (200, "", "Done. \(approved.developer ?? "") is logged in on \(grant.client). You can close this page.")
    }

    private func form(_ request: OriginRequest) -> FormBody? {
        let type = request.fields.string("content-type")?.prefix { $0 != ";" }.lowercased() ?? ""
        guard request.body.isEmpty || type == "application/x-www-form-urlencoded" else { return nil }
        return FormBody(request.body)
    }

    private var malformed: OriginAnswer {
        failure(400, "invalid_request", "Send the parameters as application/x-www-form-urlencoded, each once.")
    }

    private var tooManyMistakes: OriginAnswer {
        failure(429, "slow_down", "Too many wrong codes came from your address.", [("Retry-After", "900")])
    }
}
