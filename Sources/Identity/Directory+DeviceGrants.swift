// Directory+DeviceGrants: a device asks for two codes, a person shows that they may, and the device fetches a key once (RFC 8628).
// Everything that must survive a crash is in the store before it is answered.

package import GatewayModel
package import Storage

/// The codes of a login, told once.
package struct DeviceCodes: Sendable {
    package var deviceCode: String
    package var userCode: String
    package var grant: DeviceGrantRow
}

/// What a device finds when it asks for its key.
package enum DeviceOutcome: Sendable {
    case pending
    case denied
    case expired
    /// No such code, or one whose key was fetched before.
    case unknown
    case key(text: String, StoredKey)
}

extension Directory {
    package static let deviceSeconds: Int64 = 15 * 60
    /// So many logins may wait, and so many of them from one address.
    package static let pendingDevicesMax = 2000
    package static let pendingDevicesOfPeerMax = 100
    /// So many wrong proofs end a login.
    package static let deviceAttemptsMax = 5

    /// Begins a login. Nil when too many wait already.
    package func beginDevice(client: String, peer: String) throws -> DeviceCodes? {
        let now = clock.now()
        let (device, user) = (LoginCode.device(random), LoginCode.user(random))
        let grant = DeviceGrantRow(
            id: makeID(.deviceGrant), deviceMAC: pepper.codeMAC("device", device), userMAC: pepper.codeMAC("user", user),
            status: .pending, client: shown(client), peer: peer, created: now.rfc3339,
            expires: now.adding(seconds: Self.deviceSeconds).rfc3339)
        // Nobody has decided anything yet, so there is nothing to journal; and anybody may ask for codes.
        let isStored = try store.insert(
            grant: grant, keptSince: now.adding(seconds: -86_400).rfc3339, pendingMax: Self.pendingDevicesMax,
            pendingOfPeerMax: Self.pendingDevicesOfPeerMax)
        return isStored ? DeviceCodes(deviceCode: device, userCode: user, grant: grant) : nil
    }

    /// The logins that wait or have just been decided.
    package func deviceGrants() throws -> [DeviceGrantRow] { try store.deviceGrants(after: clock.now().rfc3339) }

    /// The login that waits under a user code.
    package func pendingDevice(_ userCode: String) throws -> DeviceGrantRow? {
        guard let code = LoginCode.normalisedUser(userCode),
            let grant = try store.deviceGrant(userMAC: pepper.codeMAC("user", code)), grant.status == .pending,
            isOpen(grant)
        else { return nil }
        return grant
    }

    /// Approves by invitation. Nil when the invitation opens nothing; that counts against the login.
    package func approveDevice(_ grant: DeviceGrantRow, invitation typed: String) throws -> DeviceGrantRow? {
        guard let invitation = try openInvitation(typed) else {
            try store.transaction {
                let after = try store.countAttempt(grant: grant.id, attemptsMax: Self.deviceAttemptsMax)
                if let after, after.status == .denied { try changed("device_grant", grant.id, fingerprinted(grant), fingerprinted(after)) }
            }
            return nil
        }
        return try decide(
            grant, .approved, developer: invitation.developer, team: invitation.team, email: invitation.email, by: invitation.id,
            usingUp: invitation)
    }

    /// Approves by an administrator's word.
    package func approveDevice(userCode: String, developer: String, team: String?) throws -> DeviceGrantRow {
        guard let grant = try pendingDevice(userCode) else { throw unknownDevice() }
        let known = try store.owners(.developer).first { $0.name == developer }
        guard known?.disabled == nil else { throw disabled("developer", developer) }
        guard let team = team ?? known?.team else {
            throw IdentityError(
                .notFound, "developer_not_found", "no developer \"\(developer)\"",
                mend: "add --team TEAM to create them with the key, or: weir developer create \(developer) --team TEAM")
        }
        guard let approved = try decide(grant, .approved, developer: developer, team: team, email: nil, by: "administrator")
        else { throw unknownDevice() }
        return approved
    }

    /// Ends a login that nobody should have begun.
    package func denyDevice(userCode: String) throws -> DeviceGrantRow {
        guard let grant = try pendingDevice(userCode),
            let denied = try decide(grant, .denied, developer: nil, team: nil, email: nil, by: "administrator")
        else { throw unknownDevice() }
        return denied
    }

    /// Makes the key of an approved login: once, and then the device code is worth nothing.
    package func redeemDevice(_ deviceCode: String, keyDays: Int64) throws -> DeviceOutcome {
        guard deviceCode.hasPrefix("weir_d_"), deviceCode.utf8.count == 59,
            let grant = try store.deviceGrant(deviceMAC: pepper.codeMAC("device", deviceCode))
        else { return .unknown }
        switch grant.status {
        case .used: return .unknown
        case .denied: return .denied
        case .pending: return isOpen(grant) ? .pending : .expired
        case .approved:
            guard isOpen(grant) else { return .expired }
            var specification = KeySpecification()
            specification.name = "login from \(grant.client)"
            specification.developer = grant.developer
            specification.team = grant.team
            specification.expires = clock.now().adding(seconds: keyDays * 86_400)
            let made = try makeKey(specification)
            var used = grant
            used.status = .used
            used.keyID = made.key.key.id
            let (before, after) = (fingerprinted(grant), fingerprinted(used))
            let isRedeemed = try changeIf(
                "virtual_key", made.key.key.id, nil, fingerprinted(made.key.key),
                tellMore: { try changed("device_grant", grant.id, before, after) }
            ) { try store.redeem(grant: grant.id, key: row(made.key)) }
            guard isRedeemed else { return .unknown }
            return .key(text: made.text, made.key)
        }
    }

    // MARK: Inside

    private func decide(
        _ grant: DeviceGrantRow, _ status: DeviceGrantRow.Status, developer: String?, team: String?, email: String?,
        by decider: String, usingUp invitation: InvitationRow? = nil
    ) throws -> DeviceGrantRow? {
        if let developer, let team, try !store.owners(.developer).contains(where: { $0.name == developer }) {
            _ = try createOwner(.developer, name: developer, team: team, email: email)
        }
        var decided = grant
        decided.status = status
        decided.developer = developer
        decided.team = team
        decided.decidedBy = decider
        let (now, row) = (clock.now().rfc3339, decided)
        let isDecided = try changeIf(
            "device_grant", grant.id, fingerprinted(grant), fingerprinted(decided),
            tellMore: {
                guard let invitation else { return }
                var used = invitation
                used.used = now
                try changed("invitation", invitation.id, fingerprinted(invitation), fingerprinted(used))
            }
        ) { try store.decide(grant: row, usingUp: invitation?.id, at: now) }
        return isDecided ? decided : nil
    }

    private func isOpen(_ grant: DeviceGrantRow) -> Bool {
        Timestamp(rfc3339: grant.expires).map { clock.now() < $0 } ?? false
    }

    private func unknownDevice() -> IdentityError {
        IdentityError(
            .notFound, "login_not_found", "no login waits under this code", mend: "codes live for 15 minutes: weir device list")
    }

    /// What a device calls itself, short and harmless enough for tables and names.
    private func shown(_ client: String) -> String {
        let text = String(client.unicodeScalars.prefix(40).map { (33...126).contains($0.value) ? Character($0) : "-" })
        return text.isEmpty ? "unknown" : text
    }

    private func fingerprinted(_ grant: DeviceGrantRow) -> String {
        var shown = grant
        shown.deviceMAC = String(grant.deviceMAC.prefix(8))
        shown.userMAC = String(grant.userMAC.prefix(8))
        return json(shown)
    }
}
