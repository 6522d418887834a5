// RepositoryVerbs: `weir repository list` and `weir repository alias`.

package import AdminAPI
import ArgumentParser
package import Reports

struct RepositoryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "repository", abstract: "Repositories: list; name projects and sessions that say none.",
        discussion: """
            weir repository list
            weir repository alias 4b0ea68d7af9a6031a7ffda7ad66e0cb83315750 github.com/acme/shop
            weir repository alias --session ses_83d1 github.com/acme/shop
            """, subcommands: [List.self, Alias.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Repositories that were seen, and projects and sessions without a name.")
        @Option(help: "From: a day (2026-11-01), a month, a time back (7d) or an RFC 3339 time; 30 days back unless said.")
        var since: String?
        @Option(help: "How many of each.") var limit = 100
        @OptionGroup var server: ServerOptions
        @OptionGroup var display: OutputOptions

        func run() async throws {
            let query = [("since", try rangeText(since, "--since")), ("limit", String(limit))]
            let list: RepositoryList = try await server.reading { try await $0.get("/repositories", query: query) }
            let notes =
                list.unnamed.isEmpty ? [] : ["what has no name is named once, and backwards too: type its line with the repository"]
            try display.write(list, table: repositoryTable(list), notes: notes)
        }
    }

    struct Alias: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Name a project or a session once: its turns get the repository, past ones too.",
            subcommands: [Set.self, List.self, Remove.self], defaultSubcommand: Set.self)

        struct Set: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                abstract: "Name a project (PROJECT NAME) or a session (--session SESSION NAME).")
            @Argument(help: "The project's id, unless --session is given, and the repository's name.") var names: [String]
            @Option(help: "A session, in a project's place.") var session: String?
            @Option(help: "The session's key, where several keys have such a session.") var key: String?
            @Option(help: "The project's workspace.") var workspace: String?
            @OptionGroup var server: ServerOptions

            func run() async throws {
                guard names.count == (session == nil ? 2 : 1), let repository = names.last else {
                    throw ValidationError("give PROJECT NAME, or --session SESSION NAME")
                }
                let request = AliasRequest(
                    project: session == nil ? names[0] : nil, session: session, key: key, workspace: workspace, repository: repository)
                let made: AliasView = try await server.changing { try await $0.post("/repository-aliases", request) }
                standardError(inert("The \(made.kind) \(made.name) is \(made.repository), past turns too."))
                tellPending(made)
            }
        }

        struct List: AsyncParsableCommand {
            static let configuration = CommandConfiguration(abstract: "All aliases.")
            @OptionGroup var server: ServerOptions
            @OptionGroup var display: OutputOptions

            func run() async throws {
                let list: ListBody<AliasView> = try await server.reading { try await $0.get("/repository-aliases") }
                try display.write(ListDocument(schema: "weir.repository_alias.list/1", data: list.data), table: aliasTable(list.data))
            }
        }

        struct Remove: AsyncParsableCommand {
            static let configuration = CommandConfiguration(abstract: "Take a name away, from past turns too.")
            @Argument(help: "The project's id, or the alias's.") var project: String?
            @Option(help: "A session, in a project's place.") var session: String?
            @Option(help: "The session's key, where several keys have such a session.") var key: String?
            @Option(help: "The project's workspace.") var workspace: String?
            @OptionGroup var server: ServerOptions

            func run() async throws {
                guard (project == nil) != (session == nil) else { throw ValidationError("give PROJECT, or --session SESSION") }
                let gone: AliasView = try await server.changing { client in
                    let list: ListBody<AliasView> = try await client.get("/repository-aliases")
                    let found = list.data.filter(isMeant)
                    guard let alias = found.first else {
                        throw CommandFailure("alias_not_found", "there is no such alias", mend: "weir repository alias list")
                    }
                    guard found.count == 1 else {
                        throw CommandFailure(
                            "alias_not_clear", "several aliases are meant", mend: "say which: weir repository alias remove \(alias.id)")
                    }
                    return try await client.delete("/repository-aliases/\(segment(alias.id))")
                }
                standardError(inert("The \(gone.kind) \(gone.name) has no name any more."))
                tellPending(gone)
            }

            private func isMeant(_ alias: AliasView) -> Bool {
                if let session {
                    return alias.kind == "session" && alias.name == session && (key == nil || key == alias.keyID)
                }
                return alias.id == project
                    || alias.kind == "project" && alias.name == project && (workspace == nil || workspace == alias.workspace)
            }
        }
    }
}

private func tellPending(_ alias: AliasView) {
    if alias.pending == true { standardError("There are many past turns; the ledger is still going over them.") }
}

/// Repositories, then what has no name, each with the line that names it.
package func repositoryTable(_ list: RepositoryList) -> Table {
    var table = Table([
        Column("kind", priority: 1), Column("name"), Column("developer", priority: 3), Column("client", priority: 4),
        Column("turns", right: true), Column("cost_nano_usd", "COST", right: true), Column("last", priority: 2),
        Column("name_it", "NAME IT"),
    ])
    for one in list.repositories {
        table.rows.append([
            Cell("repository"), Cell(one.repository), Cell(""), Cell(""), .count(one.turns), .money(one.costNanoUSD),
            Cell(one.lastDay), Cell(""),
        ])
    }
    for one in list.unnamed {
        table.rows.append([
            Cell(one.kind), Cell(one.name), Cell(one.developer), Cell(one.client), .count(one.turns), .money(one.costNanoUSD),
            Cell(shownTime(one.lastTime), exact: one.lastTime), Cell(namingLine(one)),
        ])
    }
    return table
}

/// What to type, with the repository in NAME's place.
private func namingLine(_ one: UnnamedSubject) -> String {
    let key = one.keyID.map { " --key \($0)" } ?? ""
    let workspace = one.kind == "project" && one.workspace != "default" ? " --workspace \(quoted(one.workspace))" : ""
    let subject = one.kind == "session" ? "--session \(quoted(one.name))" : quoted(one.name)
    return "weir repository alias \(subject)\(key)\(workspace) NAME"
}

/// As a shell takes it for one word.
private func quoted(_ text: String) -> String {
    let isPlain = text.utf8.allSatisfy { byte in
        (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || [45, 46, 47, 58, 95].contains(byte)
    }
    if isPlain, !text.hasPrefix("-") { return text }
    return "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
}

/// Aliases as a table.
package func aliasTable(_ aliases: [AliasView]) -> Table {
    var table = Table([
        Column("kind"), Column("name"), Column("repository"), Column("key_id", "KEY", priority: 2), Column("workspace", priority: 4),
        Column("created", priority: 3), Column("id", priority: 1),
    ])
    for alias in aliases {
        table.rows.append([
            Cell(alias.kind), Cell(alias.name), Cell(alias.repository), Cell(alias.keyID ?? ""), Cell(alias.workspace),
            Cell(shownTime(alias.created), exact: alias.created), Cell(alias.id),
        ])
    }
    return table
}
