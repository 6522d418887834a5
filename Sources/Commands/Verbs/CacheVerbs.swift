// CacheVerbs: `weir cache show|purge`.

import AdminAPI
import ArgumentParser

struct CacheCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cache", abstract: "The exact response cache: show, purge.",
        discussion: """
            weir cache show
            weir cache purge --route docs
            """, subcommands: [Show.self, Purge.self])

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "What is kept, how often it was of use, and what that saved.")
        @OptionGroup var server: ServerOptions
        @OptionGroup var display: OutputOptions

        func run() async throws {
            let view: CacheView = try await server.changing { try await $0.get("/cache") }
            var table = Table([
                Column("entries", right: true), Column("bytes", right: true), Column("bytes_max", "BYTES MAX", right: true, priority: 2),
                Column("hits", right: true), Column("misses", right: true), Column("hit_percent", "HIT RATE", right: true),
                Column("stored", right: true, priority: 3), Column("evictions", right: true, priority: 1),
                Column("saved_nano_usd", "SAVED", right: true),
            ])
            table.rows = [
                [
                    .count(Int64(view.entries)), .count(Int64(view.bytes)), .count(Int64(view.bytesMax)), .count(view.hits),
                    .count(view.misses), view.hitPercent.map { Cell("\($0) %", exact: "\($0)") } ?? Cell("-", exact: ""),
                    .count(view.stored), .count(view.evictions), .money(view.savedNanoUSD),
                ]
            ]
            try display.write(SingleDocument(schema: "weir.cache/1", value: view), table: table)
        }
    }

    struct Purge: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Forget what is kept: all of it, or what a route or a key left.")
        @Option(help: "Only answers of this route.") var route: String?
        @Option(help: "Only answers to this key.") var key: String?
        @Option(help: "Only answers of this workspace.") var workspace: String?
        @OptionGroup var server: ServerOptions

        func run() async throws {
            var wish = CachePurgeRequest()
            wish.route = route
            wish.key = key
            wish.workspace = workspace
            let made: CachePurgeView = try await server.changing { [wish] in try await $0.post("/cache/purge", wish) }
            try output("\(made.forgotten) answers forgotten\n")
        }
    }
}
