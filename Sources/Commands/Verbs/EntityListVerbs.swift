// EntityListVerbs: the verbs that workspaces, teams, developers and service accounts have in common, once for all words.

import AdminAPI
import ArgumentParser

/// A word for a kind of entity.
protocol EntityWord {
    /// As it is typed: `service-account`.
    static var name: String { get }
    /// What shutting one out takes along.
    static var shutOut: String { get }
}

enum WorkspaceWord: EntityWord {
    static let name = "workspace"
    static let shutOut = ""
}

enum TeamWord: EntityWord {
    static let name = "team"
    static let shutOut = "with every key that counts for it"
}

enum DeveloperWord: EntityWord {
    static let name = "developer"
    static let shutOut = "with all of their keys; open streams are cut"
}

enum ServiceAccountWord: EntityWord {
    static let name = "service-account"
    static let shutOut = "with all of its keys; open streams are cut"
}

extension EntityWord {
    static var words: String { name.replacing("-", with: " ") }
    static var path: String { "/\(name)s" }
}

struct ListEntities<Word: EntityWord>: AsyncParsableCommand {
    static var configuration: CommandConfiguration { CommandConfiguration(commandName: "list", abstract: "All \(Word.words)s.") }
    @OptionGroup var server: ServerOptions
    @OptionGroup var display: OutputOptions

    func run() async throws {
        let path = Word.path
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
        let schema = "weir.\(Word.name.replacing("-", with: "_")).list/1"
        try display.write(ListDocument(schema: schema, data: list.data), table: table)
    }
}

struct DisableEntity<Word: EntityWord>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(commandName: "disable", abstract: "Shut a \(Word.words) out, \(Word.shutOut).")
    }
    @Argument(help: "The name.") var name: String
    @OptionGroup var server: ServerOptions

    func run() async throws { try await set(Word.path, name, "disable", server) }
}

struct EnableEntity<Word: EntityWord>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(commandName: "enable", abstract: "Let a disabled \(Word.words) back in.")
    }
    @Argument(help: "The name.") var name: String
    @OptionGroup var server: ServerOptions

    func run() async throws { try await set(Word.path, name, "enable", server) }
}

private func set(_ path: String, _ name: String, _ verb: String, _ server: ServerOptions) async throws {
    let entity: EntityView = try await server.changing { try await $0.post("\(path)/\(segment(name))/\(verb)") }
    standardError("\(entity.name) is \(entity.disabled == nil ? "enabled" : "disabled").")
}
