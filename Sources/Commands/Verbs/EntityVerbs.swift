// EntityVerbs: `weir team`, `weir developer`, `weir service-account`.

import AdminAPI
import ArgumentParser

struct TeamCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "team", abstract: "Teams: create, list.", subcommands: [Create.self, List.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Make a team.")
        @Argument(help: "Its name.") var name: String
        @OptionGroup var server: ServerOptions

        func run() async throws {
            let made: EntityView = try await server.changing { try await $0.post("/teams", EntityRequest(name: name)) }
            standardError("Team \(made.name) is \(made.id).")
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "All teams.")
        @OptionGroup var server: ServerOptions
        @OptionGroup var display: OutputOptions

        func run() async throws { try await list("/teams", "weir.team.list/1", server, display) }
    }
}

struct DeveloperCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "developer", abstract: "Developers: create, list.", subcommands: [Create.self, List.self])

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
}

struct ServiceAccountCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "service-account", abstract: "Service accounts: create, list.", subcommands: [Create.self, List.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Make a service account.")
        @Argument(help: "The name that reports show.") var name: String
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
}

private func create(_ path: String, _ request: EntityRequest, _ server: ServerOptions) async throws {
    let made: EntityView = try await server.changing { try await $0.post(path, request) }
    standardError("\(made.name) of team \(made.team ?? "") is \(made.id).")
}

private func list(_ path: String, _ schema: String, _ server: ServerOptions, _ display: OutputOptions) async throws {
    let list: ListBody<EntityView> = try await server.reading { try await $0.get(path) }
    var table = Table([
        Column("name"), Column("team"), Column("id", priority: 1), Column("email", priority: 3), Column("created", priority: 2),
    ])
    for entity in list.data {
        table.rows.append([
            Cell(entity.name), Cell(entity.team ?? ""), Cell(entity.id), Cell(entity.email ?? ""),
            Cell(shownTime(entity.created), exact: entity.created),
        ])
    }
    try display.write(ListDocument(schema: schema, data: list.data), table: table)
}
