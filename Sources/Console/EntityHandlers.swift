// EntityHandlers: teams, developers, service accounts, and the server's own status.

import AdminAPI
import Foundation
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
        routes.on(.get, "/api/v1/workspaces") { _, _ in
            try jsonResponse(ListBody(data: dependencies.directory.workspaces().map(Self.view)))
        }
        routes.on(.post, "/api/v1/workspaces") { request, _ in
            let body = try await request.decodeBody(EntityRequest.self, members: ["name"])
            return try jsonResponse(Self.view(dependencies.directory.createWorkspace(body.name)), status: .created)
        }
        registerTeams(routes)
        for kind in OwnerKind.allCases { register(kind, routes) }
    }

    private func registerTeams(_ routes: Routes) {
        let dependencies = dependencies
        routes.on(.get, "/api/v1/teams") { _, _ in
            try jsonResponse(ListBody(data: dependencies.directory.teams().map(Self.view)))
        }
        routes.on(.post, "/api/v1/teams") { request, _ in
            let body = try await request.decodeBody(EntityRequest.self, members: ["name", "workspace"])
            let made = try dependencies.directory.createTeam(body.name, workspace: body.workspace ?? Directory.defaultWorkspace)
            return try jsonResponse(Self.view(made), status: .created)
        }
        for (verb, disabled) in [("disable", true), ("enable", false)] {
            routes.on(.post, "/api/v1/teams/{name}/\(verb)") { _, context in
                let name = try context.parameters.require("name").removingPercentEncoding ?? ""
                let team = try dependencies.directory.setTeam(name, disabled: disabled)
                try await dependencies.publish()
                return try jsonResponse(Self.view(team))
            }
        }
    }

    private func register(_ kind: OwnerKind, _ routes: Routes) {
        let dependencies = dependencies
        let path = kind == .developer ? "/api/v1/developers" : "/api/v1/service-accounts"
        routes.on(.get, path) { _, _ in
            try jsonResponse(ListBody(data: dependencies.directory.owners(kind).map(Self.view)))
        }
        routes.on(.post, path) { request, _ in
            let body = try await request.decodeBody(EntityRequest.self, members: ["name", "team", "email"])
            guard let team = body.team else {
                throw IdentityError(.invalid, "missing_team", "a \(kind.rawValue) belongs to a team", mend: "--team NAME")
            }
            let made = try dependencies.directory.createOwner(kind, name: body.name, team: team, email: body.email)
            return try jsonResponse(Self.view(made), status: .created)
        }
        for (verb, disabled) in [("disable", true), ("enable", false)] {
            routes.on(.post, "\(path)/{name}/\(verb)") { _, context in
                let name = try context.parameters.require("name").removingPercentEncoding ?? ""
                let owner = try dependencies.directory.setOwner(kind, name, disabled: disabled)
                try await dependencies.publish()
                return try jsonResponse(Self.view(owner))
            }
        }
    }

    private static func view(_ workspace: WorkspaceRow) -> EntityView {
        EntityView(id: workspace.id, name: workspace.name, workspace: workspace.name, created: workspace.created)
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
