// LoginRows: invitations and device grants as they are stored. Codes are never among them, only their MACs.

/// A one-time invitation of a developer.
package struct InvitationRow: Sendable, Hashable, Codable {
    package var id: String
    /// HMAC of the code under the pepper, in hex.
    package var mac: String
    package var developer: String
    package var team: String
    package var email: String?
    package var created: String
    package var expires: String
    package var used: String?
    package var revoked: String?

    package init(
        id: String, mac: String, developer: String, team: String, email: String?, created: String, expires: String,
        used: String? = nil, revoked: String? = nil
    ) {
        self.id = id
        self.mac = mac
        self.developer = developer
        self.team = team
        self.email = email
        self.created = created
        self.expires = expires
        self.used = used
        self.revoked = revoked
    }
}

/// A login of a device from the request of its codes to its key (RFC 8628).
package struct DeviceGrantRow: Sendable, Hashable, Codable {
    /// How far a login has come.
    package enum Status: String, Sendable, Codable {
        case pending, approved, denied
        /// Its key is made; the device code is worth nothing any more.
        case used
    }

    package var id: String
    package var deviceMAC: String
    package var userMAC: String
    package var status: Status
    /// What the device calls itself.
    package var client: String
    /// The address that it asked from.
    package var peer: String
    package var created: String
    package var expires: String
    /// Wrong proofs that were shown for it.
    package var attempts: Int
    package var developer: String?
    package var team: String?
    /// Who approved or denied it: `administrator`, or an invitation's id.
    package var decidedBy: String?
    package var keyID: String?

    package init(
        id: String, deviceMAC: String, userMAC: String, status: Status, client: String, peer: String, created: String,
        expires: String, attempts: Int = 0, developer: String? = nil, team: String? = nil, decidedBy: String? = nil,
        keyID: String? = nil
    ) {
        self.id = id
        self.deviceMAC = deviceMAC
        self.userMAC = userMAC
        self.status = status
        self.client = client
        self.peer = peer
        self.created = created
        self.expires = expires
        self.attempts = attempts
        self.developer = developer
        self.team = team
        self.decidedBy = decidedBy
        self.keyID = keyID
    }
}
