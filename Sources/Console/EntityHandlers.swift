// EntityHandlers: teams, developers, service accounts, and the server's own status.

import AdminAPI
import Hummingbird
import Identity
import Storage

struct EntityHandlers: Sendable {
    private let dependencies: AdminDependencies

    init(_ dependencies: AdminDependencies) { self.dependencies = dependencies }

    func register(_ routes: Routes) {
        let dependencies = dependencies
        routes.on(.get, "/api/v1/status") { _, _ in try jsonResponse(await dependencies.status()) }
        routes.on(.post, "/api/v1/config/reload") { _, _ in
            try await dependencies.reload()
            return try jsonResponse(await dependencies.status())
        }
        routes.on(.get, "/api/v1/teams") { _, _ in
            try jsonResponse(ListBody(data: dependencies.directory.teams().map(Self.view)))
        }
        routes.on(.post, "/api/v1/teams") { request, _ in
            let body = try await request.decodeBody(EntityRequest.self, members: ["name"])
            return try jsonResponse(Self.view(dependencies.directory.createTeam(body.name)), status: .created)
        }
        for (path, kind) in [("developers", OwnerKind.developer), ("service-accounts", .serviceAccount)] {
            routes.on(.get, "/api/v1/\(path)") { _, _ in
                try jsonResponse(ListBody(data: dependencies.directory.owners(kind).map(Self.view)))
            }
            routes.on(.post, "/api/v1/\(path)") { request, _ in
                let body = try await request.decodeBody(EntityRequest.self, members: ["name", "team", "email"])
                guard let team = body.team else {
                    throw IdentityError(.invalid, "missing_team", "a \(kind.rawValue) belongs to a team", mend: "--team NAME")
                }
                let made = try dependencies.directory.createOwner(kind, name: body.name, team: team, email: body.email)
                return try jsonResponse(Self.view(made), status: .created)
            }
        }
    }

    private static func view(_ team: TeamRow) -> EntityView {
        EntityView(id: team.id, name: team.name, workspace: team.workspace, created: team.created, disabled: team.disabled)
    }

    private static func view(_ owner: OwnerRow) -> EntityView {
        EntityView(
            id: owner.id, name: owner.name, workspace: owner.workspace, team: owner.team, email: owner.email,
            created: owner.created, disabled: owner.disabled)
    }
}
