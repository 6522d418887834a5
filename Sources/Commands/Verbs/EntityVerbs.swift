// EntityVerbs: `weir workspace`, `weir team`, `weir developer`, `weir service-account`.

import AdminAPI
import ArgumentParser

struct WorkspaceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "workspace", abstract: "Workspaces: create, list.", subcommands: [Create.self, List.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Make a workspace.")
        @Argument(help: "Its name.") var name: String
        @OptionGroup var server: ServerOptions

        func run() async throws {
            let made: EntityView = try await server.changing { try await $0.post("/workspaces", EntityRequest(name: name)) }
            standardError("Workspace \(made.name) is \(made.id).")
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "All workspaces.")
        @OptionGroup var server: ServerOptions
        @OptionGroup var display: OutputOptions

        func run() async throws { try await list("/workspaces", "weir.workspace.list/1", server, display) }
    }
}

struct TeamCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "team", abstract: "Teams: create, list, disable, enable.",
        subcommands: [Create.self, List.self, Disable.self, Enable.self])

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

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "All teams.")
        @OptionGroup var server: ServerOptions
        @OptionGroup var display: OutputOptions

        func run() async throws { try await list("/teams", "weir.team.list/1", server, display) }
    }

    struct Disable: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Shut a team out, with every key that counts for it.")
        @Argument(help: "Its name.") var name: String
        @OptionGroup var server: ServerOptions

        func run() async throws { try await set("/teams", name, "disable", server) }
    }

    struct Enable: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Let a disabled team back in.")
        @Argument(help: "Its name.") var name: String
        @OptionGroup var server: ServerOptions

        func run() async throws { try await set("/teams", name, "enable", server) }
    }
}

struct DeveloperCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "developer", abstract: "Developers: create, invite, list, disable, enable.",
        subcommands: [
            Create.self, Invite.self, Invitations.self, Uninvite.self, List.self, Disable.self, Enable.self,
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

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "All developers.")
        @OptionGroup var server: ServerOptions
        @OptionGroup var display: OutputOptions

        func run() async throws { try await list("/developers", "weir.developer.list/1", server, display) }
    }

    struct Disable: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Shut a developer out, with all of their keys; open streams are cut.")
        @Argument(help: "The name.") var name: String
        @OptionGroup var server: ServerOptions

        func run() async throws { try await set("/developers", name, "disable", server) }
    }

    struct Enable: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Let a disabled developer back in.")
        @Argument(help: "The name.") var name: String
        @OptionGroup var server: ServerOptions

        func run() async throws { try await set("/developers", name, "enable", server) }
    }
}

struct ServiceAccountCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "service-account", abstract: "Service accounts: create, list, disable, enable.",
        subcommands: [Create.self, List.self, Disable.self, Enable.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Make a service account.")
        @Argument(help: "The name.") var name: String
        @Option(help: "The team.") var team: String
        @OptionGroup var server: ServerOptions

        func run() async throws { try await create("/service-accounts", EntityRequest(name: name, team: team), server) }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "All service accounts.")
        @OptionGroup var server: ServerOptions
        @OptionGroup var display: OutputOptions

        func run() async throws { try await list("/service-accounts", "weir.service_account.list/1", server, display) }
    }

    struct Disable: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Shut a service account out, with all of its keys; open streams are cut.")
        @Argument(help: "The name.") var name: String
        @OptionGroup var server: ServerOptions

        func run() async throws { try await set("/service-accounts", name, "disable", server) }
    }

    struct Enable: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Let a disabled service account back in.")
        @Argument(help: "The name.") var name: String
        @OptionGroup var server: ServerOptions

        func run() async throws { try await set("/service-accounts", name, "enable", server) }
    }
}

private func create(_ path: String, _ request: EntityRequest, _ server: ServerOptions) async throws {
    let made: EntityView = try await server.changing { try await $0.post(path, request) }
    standardError("\(made.name) of team \(made.team ?? "") is \(made.id).")
}

private func set(_ path: String, _ name: String, _ verb: String, _ server: ServerOptions) async throws {
    let entity: EntityView = try await server.changing { try await $0.post("\(path)/\(segment(name))/\(verb)") }
    standardError("\(entity.name) is \(entity.disabled == nil ? "enabled" : "disabled").")
}

private func list(_ path: String, _ schema: String, _ server: ServerOptions, _ display: OutputOptions) async throws {
    let list: ListBody<EntityView> = try await server.reading { try await $0.get(path) }
    var table = Table([
        Column("name"), Column("workspace", priority: 2), Column("team"), Column("id", priority: 1), Column("email", priority: 4),
        Column("created", priority: 3), Column("disabled", priority: 3),
    ])
    for entity in list.data {
        table.rows.append([
            Cell(entity.name), Cell(entity.workspace), Cell(entity.team ?? ""), Cell(entity.id), Cell(entity.email ?? ""),
            Cell(shownTime(entity.created), exact: entity.created), Cell(shownTime(entity.disabled), exact: entity.disabled ?? ""),
        ])
    }
    try display.write(ListDocument(schema: schema, data: list.data), table: table)
}
