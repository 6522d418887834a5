// EntityVerbs: `weir workspace`, `weir team`, `weir developer`, `weir service-account`.

import AdminAPI
import ArgumentParser

struct WorkspaceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "workspace", abstract: "Workspaces: create, list.", subcommands: [Create.self, ListEntities<WorkspaceWord>.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Make a workspace.")
        @Argument(help: "Its name.") var name: String
        @OptionGroup var server: ServerOptions

        func run() async throws {
            let made: EntityView = try await server.changing { try await $0.post("/workspaces", EntityRequest(name: name)) }
            standardError("Workspace \(made.name) is \(made.id).")
        }
    }
}

struct TeamCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "team", abstract: "Teams: create, list, disable, enable.",
        subcommands: [Create.self, ListEntities<TeamWord>.self, DisableEntity<TeamWord>.self, EnableEntity<TeamWord>.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Make a team.")
        @Argument(help: "Its name.") var name: String
        @Option(help: "The workspace.") var workspace: String?
        @OptionGroup var server: ServerOptions

        func run() async throws {
            let request = EntityRequest(name: name, workspace: workspace)
            let made: EntityView = try await server.changing { try await $0.post("/teams", request) }
            standardError("Team \(made.name) is \(made.id).")
        }
    }
}

struct DeveloperCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "developer", abstract: "Developers: create, invite, list, disable, enable.",
        subcommands: [
            Create.self, Invite.self, Invitations.self, Uninvite.self, ListEntities<DeveloperWord>.self, DisableEntity<DeveloperWord>.self,
            EnableEntity<DeveloperWord>.self,
        ])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Make a developer.")
        @Argument(help: "The name that reports show.") var name: String
        @Option(help: "The team.") var team: String
        @Option(help: "The address.") var email: String?
        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await create("/developers", EntityRequest(name: name, team: team, email: email), server)
        }
    }
}

struct ServiceAccountCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "service-account", abstract: "Service accounts: create, list, disable, enable.",
        subcommands: [
            Create.self, ListEntities<ServiceAccountWord>.self, DisableEntity<ServiceAccountWord>.self,
            EnableEntity<ServiceAccountWord>.self,
        ])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Make a service account.")
        @Argument(help: "The name.") var name: String
        @Option(help: "The team.") var team: String
        @OptionGroup var server: ServerOptions

        func run() async throws { try await create("/service-accounts", EntityRequest(name: name, team: team), server) }
    }
}

private func create(_ path: String, _ request: EntityRequest, _ server: ServerOptions) async throws {
    let made: EntityView = try await server.changing { try await $0.post(path, request) }
    standardError("\(made.name) of team \(made.team ?? "") is \(made.id).")
}
