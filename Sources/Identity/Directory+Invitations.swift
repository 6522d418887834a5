// Directory+Invitations: one-time codes by which a developer gets a first key without an administrator at hand.

package import GatewayModel
package import Storage

extension Directory {
    package static let invitationSeconds: Int64 = 7 * 86_400
    package static let invitationSecondsMax: Int64 = 90 * 86_400

    /// Invites a developer of a team; one who is not there yet is made when the code is used. The code is the only copy.
    package func invite(
        developer: String, team: String?, email: String?, expires: Timestamp?
    ) throws -> (code: String, invitation: InvitationRow) {
        try check(name: developer, what: "developer")
        let known = try store.owners(.developer).first { $0.name == developer }
        guard known?.disabled == nil else { throw disabled("developer", developer) }
        if known == nil { try checkUnclaimed(developer) }
        guard let team = team ?? known?.team else {
            throw IdentityError(
                .invalid, "missing_team", "there is no developer \"\(developer)\" yet, so the invitation needs a team", mend: "--team NAME")
        }
        guard try store.teams().contains(where: { $0.name == team && $0.disabled == nil }) else {
            throw IdentityError(.notFound, "team_not_found", "no team \"\(team)\"", mend: "weir team create \(team)")
        }
        let now = clock.now()
        let end = expires ?? now.adding(seconds: Self.invitationSeconds)
        guard end > now, end <= now.adding(seconds: Self.invitationSecondsMax) else {
            throw IdentityError(.invalid, "malformed_expiry", "an invitation ends within 90 days", mend: "--expires 7d")
        }
        let code = LoginCode.invitation(random)
        let row = InvitationRow(
            id: makeID(.invitation), mac: pepper.codeMAC("invitation", code), developer: developer, team: team, email: email,
            created: now.rfc3339, expires: end.rfc3339)
        try change("invitation", row.id, nil, fingerprinted(row)) { try store.insert(invitation: row) }
        return (code, row)
    }

    package func invitations() throws -> [InvitationRow] { try store.invitations() }

    /// Takes an invitation back that nobody has used.
    package func revokeInvitation(_ id: String) throws -> InvitationRow {
        guard var row = try store.invitations().first(where: { $0.id == id }) else {
            throw IdentityError(.notFound, "invitation_not_found", "no invitation \"\(id)\"", mend: "weir developer invitations")
        }
        let before = fingerprinted(row)
        row.revoked = clock.now().rfc3339
        let after = row
        guard try changeIf("invitation", id, before, fingerprinted(after), { try store.revokeInvitation(id, at: after.revoked ?? "") })
        else {
            throw IdentityError(
                .conflict, "invitation_used", "invitation \(id) is used or revoked already", mend: "weir key list shows what it made")
        }
        return row
    }

    /// The invitation that a code opens now; nil when there is none, or no longer. One answer for all of these: whoever guesses
    /// learns nothing.
    func openInvitation(_ typed: String) throws -> InvitationRow? {
        guard let code = LoginCode.normalisedInvitation(typed),
            let row = try store.invitation(mac: pepper.codeMAC("invitation", code)),
            row.used == nil, row.revoked == nil, let expires = Timestamp(rfc3339: row.expires), clock.now() < expires
        else { return nil }
        let isShutOut = try disabledNames()
        guard !isShutOut.developers.contains(row.developer), !isShutOut.teams.contains(row.team) else { return nil }
        // Since it was made, a service account may have taken the name of who is not there yet.
        let isThere = try store.owners(.developer).contains { $0.name == row.developer }
        return try isThere || !store.owners(.serviceAccount).contains { $0.name == row.developer } ? row : nil
    }

    func disabled(_ what: String, _ name: String) -> IdentityError {
        IdentityError(.conflict, "\(what)_disabled", "\(what) \"\(name)\" is disabled", mend: "weir \(what) enable \(name)")
    }

    /// The row with a part of its MAC: what the journal may hold.
    func fingerprinted(_ row: InvitationRow) -> String {
        var shown = row
        shown.mac = String(row.mac.prefix(8))
        return json(shown)
    }
}
