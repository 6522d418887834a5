// LoginTypes: invitations and waiting logins on the wire of the admin API.

/// What `POST /invitations` takes.
package struct InvitationRequest: Sendable, Codable {
    package var developer: String
    package var team: String?
    package var email: String?
    /// RFC 3339; a week from now unless said.
    package var expires: String?

    package static let members = ["developer", "team", "email", "expires"]

    package init(developer: String, team: String? = nil, email: String? = nil, expires: String? = nil) {
        self.developer = developer
        self.team = team
        self.email = email
        self.expires = expires
    }
}

/// An invitation, without its code.
package struct InvitationView: Sendable, Codable {
    package var id: String
    package var developer: String
    package var team: String
    package var email: String?
    /// `open`, `used`, `revoked` or `expired`.
    package var status: String
    package var created: String
    package var expires: String
    package var used: String?

    package init(
        id: String, developer: String, team: String, email: String?, status: String, created: String, expires: String, used: String?
    ) {
        self.id = id
        self.developer = developer
        self.team = team
        self.email = email
        self.status = status
        self.created = created
        self.expires = expires
        self.used = used
    }
}

/// A new invitation; `code` is shown this once.
package struct InvitationCodeView: Sendable, Codable {
    package var invitation: InvitationView
    package var code: String
    /// The gateway's address as clients reach it; empty when nobody has said it.
    package var gateway: String

    package init(invitation: InvitationView, code: String, gateway: String) {
        self.invitation = invitation
        self.code = code
        self.gateway = gateway
    }
}

/// What `POST /devices/approve` and `/devices/deny` take.
package struct DeviceRequest: Sendable, Codable {
    package var code: String
    package var developer: String?
    package var team: String?

    package init(code: String, developer: String? = nil, team: String? = nil) {
        self.code = code
        self.developer = developer
        self.team = team
    }
}

/// A login that waits or was decided lately.
package struct DeviceView: Sendable, Codable {
    package var id: String
    /// `pending`, `approved`, `denied` or `used`.
    package var status: String
    package var client: String
    package var address: String
    package var developer: String?
    package var team: String?
    package var decidedBy: String?
    package var keyID: String?
    package var created: String
    package var expires: String

    private enum CodingKeys: String, CodingKey {
        case id, status, client, address, developer, team, created, expires
        case decidedBy = "decided_by"
        case keyID = "key_id"
    }

    package init(
        id: String, status: String, client: String, address: String, developer: String?, team: String?, decidedBy: String?,
        keyID: String?, created: String, expires: String
    ) {
        self.id = id
        self.status = status
        self.client = client
        self.address = address
        self.developer = developer
        self.team = team
        self.decidedBy = decidedBy
        self.keyID = keyID
        self.created = created
        self.expires = expires
    }
}
