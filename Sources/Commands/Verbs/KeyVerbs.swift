// KeyVerbs: `weir key`. A secret goes to standard output once and nowhere else.

import AdminAPI
import ArgumentParser
import Foundation
import GatewayModel

struct KeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key", abstract: "Virtual keys: create, list, show, update, rotate, revoke.",
        discussion: """
            weir key create --developer maria --team web --expires 90d
            weir key list
            weir key revoke 4fj2k8qz
            """,
        subcommands: [Create.self, List.self, Show.self, Update.self, Rotate.self, Revoke.self])

    /// What limits a key.
    struct Limits: ParsableArguments {
        @Option(help: "A name for lists.") var name: String?
        @Option(help: "When it ends: 90d, 12h, or an RFC 3339 time.") var expires: String?
        @Option(help: "When it begins to work: 2h, or an RFC 3339 time.") var notBefore: String?
        @Option(help: "A model that it may call; repeat for more. A trailing * matches the rest.") var model: [String] = []
        @Option(help: "An endpoint that it may call: chat_completions, messages, responses, …; repeat for more.")
        var endpoint: [String] = []
        @Option(help: "A network that it may come from: 10.0.0.0/8; repeat for more.") var network: [String] = []
        @Option(help: "The repository that it is bound to: github.com/acme/shop.") var repository: String?
        @Flag(inversion: .prefixedNo, help: "Refuse calls that name another repository.") var enforceRepository: Bool?
        @Flag(inversion: .prefixedNo, help: "Let AWS SDKs sign with it (SigV4); their access key is printed too.") var aws: Bool?

        @Flag(inversion: .prefixedNo, help: "Refuse calls of which a translation would leave something out.") var strict: Bool?
        @Option(help: "How long answers are kept and given again for exactly the same request: 1h, never, or route (as its route says).")
        var cache: String?

        func fill(_ request: inout KeyRequest) throws {
            request.name = name
            request.expires = try expires.map { try momentText($0, "--expires") }
            request.notBefore = try notBefore.map { try momentText($0, "--not-before") }
            if !model.isEmpty { request.models = model }
            if !endpoint.isEmpty { request.endpoints = endpoint }
            if !network.isEmpty { request.networks = network }
            request.repository = repository
            request.repositoryEnforced = enforceRepository
            request.strict = strict
            request.aws = aws
            switch cache {
            case nil: break
            case "never": request.cacheSeconds = 0
            case "route": request.cacheSeconds = -1
            case let text?:
                guard let seconds = durationSeconds(text), seconds > 0 else {
                    throw ValidationError("--cache takes a time such as 1h or 30m, never, or route")
                }
                request.cacheSeconds = Int(seconds)
            }
        }
    }

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Make a key; its secret is printed this once.")
        @Option(help: "The developer whose it is.") var developer: String?
        @Option(help: "The service account whose it is.") var serviceAccount: String?
        @Option(help: "The team that it counts for.") var team: String?
        @OptionGroup var limits: Limits
        @OptionGroup var server: ServerOptions

        func run() async throws {
            var request = KeyRequest()
            request.developer = developer
            request.serviceAccount = serviceAccount
            request.team = team
            try limits.fill(&request)
            let made: KeySecretView = try await server.changing { [request] in try await $0.post("/keys", request) }
            try printSecret(made)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "All keys.")
        @OptionGroup var server: ServerOptions
        @OptionGroup var display: OutputOptions

        func run() async throws {
            let list: ListBody<KeyView> = try await server.reading { try await $0.get("/keys") }
            try display.write(ListDocument(schema: "weir.key.list/1", data: list.data), table: keyTable(list.data))
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "One key.")
        @Argument(help: "The key's id.") var id: String
        @OptionGroup var server: ServerOptions
        @OptionGroup var display: OutputOptions

        func run() async throws {
            let id = id
            let key: KeyView = try await server.reading { try await $0.get("/keys/\(segment(id))") }
            try display.write(SingleDocument(schema: "weir.key/1", value: key), table: keyTable([key]))
        }
    }

    struct Update: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Change what a key may do. What is not named stays.")
        @Argument(help: "The key's id.") var id: String
        @OptionGroup var limits: Limits
        @OptionGroup var server: ServerOptions
        @OptionGroup var display: OutputOptions

        func run() async throws {
            var request = KeyRequest()
            try limits.fill(&request)
            let key: KeyView = try await server.changing { [request] in try await $0.patch("/keys/\(segment(id))", request) }
            try display.write(SingleDocument(schema: "weir.key/1", value: key), table: keyTable([key]))
        }
    }

    struct Rotate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Give a key a new secret; the old one works on for the overlap.")
        @Argument(help: "The key's id.") var id: String
        @Option(help: "How long the old secret works on: 24h, 30m, 0s.") var overlap = "24h"
        @OptionGroup var server: ServerOptions

        func run() async throws {
            guard let seconds = durationSeconds(overlap) else {
                throw ValidationError("--overlap takes a time such as 24h, 30m or 0s")
            }
            let made: KeySecretView = try await server.changing {
                try await $0.post("/keys/\(segment(id))/rotate", RotateRequest(overlapSeconds: seconds))
            }
            try printSecret(made)
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "End a key at once; its open streams are cut.")
        @Argument(help: "The key's id.") var id: String
        @OptionGroup var server: ServerOptions

        func run() async throws {
            let key: KeyView = try await server.changing { try await $0.post("/keys/\(segment(id))/revoke") }
            standardError("Key \(key.keyID) is revoked.")
        }
    }
}

private func printSecret(_ made: KeySecretView) throws {
    let owner = made.key.developer ?? made.key.serviceAccount ?? ""
    standardError("Key \(made.key.keyID) for \(owner), team \(made.key.team), expires \(made.key.expires ?? "never") (shown once):")
    var text = made.secret + "\n"
    if let aws = made.aws { text += "AWS_ACCESS_KEY_ID=\(aws.accessKeyID)\nAWS_SECRET_ACCESS_KEY=\(aws.secretAccessKey)\n" }
    try outputSecret(text, mend: "give the key another: weir key rotate \(made.key.keyID)")
}

private func keyTable(_ keys: [KeyView]) -> Table {
    var table = Table([
        Column("key_id", "KEY"), Column("name", priority: 4), Column("owner"), Column("team", priority: 1), Column("status"),
        Column("expires", priority: 3), Column("last_used", "LAST USED", priority: 2),
        Column("models", priority: 5), Column("repository", priority: 6),
    ])
    for key in keys {
        table.rows.append([
            Cell(key.keyID), Cell(key.name), Cell(key.developer ?? key.serviceAccount ?? ""), Cell(key.team), Cell(key.status),
            Cell(shownTime(key.expires), exact: key.expires ?? ""), Cell(shownTime(key.lastUsed), exact: key.lastUsed ?? ""),
            Cell(key.models.isEmpty ? "all" : key.models.joined(separator: " ")), Cell(key.repository ?? ""),
        ])
    }
    return table
}
