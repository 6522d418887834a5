// LoginHandlers: invitations, and an administrator's word on logins that wait.

import AdminAPI
import Foundation
import GatewayModel
import Hummingbird
import Identity
import Storage

struct LoginHandlers: Sendable {
    private let dependencies: AdminDependencies

    init(_ dependencies: AdminDependencies) { self.dependencies = dependencies }

    func register(_ routes: Routes) {
        let dependencies = dependencies
        routes.on(.get, "/api/v1/invitations") { _, _ in
            try jsonResponse(ListBody(data: dependencies.directory.invitations().map { view($0, now: dependencies.clock.now()) }))
        }
        routes.on(.post, "/api/v1/invitations") { request, _ in
            let body = try await request.decodeBody(InvitationRequest.self, members: InvitationRequest.members)
            let made = try dependencies.directory.invite(
                developer: body.developer, team: body.team, email: body.email, expires: parseTime(body.expires, "expires"))
            let invitation = view(made.invitation, now: dependencies.clock.now())
            return try jsonResponse(
                InvitationCodeView(invitation: invitation, code: made.code, gateway: await dependencies.gateway()), status: .created)
        }
        routes.on(.post, "/api/v1/invitations/{id}/revoke") { _, context in
            let row = try dependencies.directory.revokeInvitation(pathID(context))
            return try jsonResponse(view(row, now: dependencies.clock.now()))
        }
        routes.on(.get, "/api/v1/devices") { _, _ in
            try jsonResponse(ListBody(data: dependencies.directory.deviceGrants().map(view)))
        }
        routes.on(.post, "/api/v1/devices/approve") { request, _ in
            let body = try await request.decodeBody(DeviceRequest.self, members: ["code", "developer", "team"])
            guard let developer = body.developer else {
                throw IdentityError(.invalid, "missing_developer", "a login is approved for a developer", mend: "--developer NAME")
            }
            return try jsonResponse(
                view(dependencies.directory.approveDevice(userCode: body.code, developer: developer, team: body.team)))
        }
        routes.on(.post, "/api/v1/devices/deny") { request, _ in
            let body = try await request.decodeBody(DeviceRequest.self, members: ["code"])
            return try jsonResponse(view(dependencies.directory.denyDevice(userCode: body.code)))
        }
    }
}

private func view(_ row: InvitationRow, now: Timestamp) -> InvitationView {
    let hasEnded = Timestamp(rfc3339: row.expires).map { now >= $0 } ?? true
    return InvitationView(
        id: row.id, developer: row.developer, team: row.team, email: row.email,
        status: row.used != nil ? "used" : row.revoked != nil ? "revoked" : hasEnded ? "expired" : "open", created: row.created,
        expires: row.expires, used: row.used)
}

private func view(_ row: DeviceGrantRow) -> DeviceView {
    DeviceView(
        id: row.id, status: row.status.rawValue, client: row.client, address: row.peer, developer: row.developer, team: row.team,
        decidedBy: row.decidedBy, keyID: row.keyID, created: row.created, expires: row.expires)
}
