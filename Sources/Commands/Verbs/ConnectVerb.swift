// ConnectVerb: `weir connect CLIENT`: points a coding agent at the gateway, in the agent's own configuration.

import ArgumentParser
import ClientSetup
import Foundation

#if canImport(Glibc)
    import Glibc
#endif

extension SetupScope: ExpressibleByArgument {}

/// Which client is meant.
func codingClient(_ name: String) throws -> any CodingClient {
    guard let client = codingClients.first(where: { $0.name == name }) else {
        throw ValidationError("no client is called \(name); there are \(codingClients.map(\.name).joined(separator: ", "))")
    }
    return client
}

struct ConnectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "connect", abstract: "Point a coding agent at the gateway; undo it; see what arrives.",
        discussion: """
            weir connect codex --gateway https://weir.example.com --key weir_k_…
            weir connect claude-code                   with the key that `weir login` stored
            weir connect codex --check                 one real call by the client's own configuration
            weir connect codex --undo                  the files as they were

            Clients: \(codingClients.map(\.name).joined(separator: ", ")).
            """)

    @Argument(help: "The client: \(codingClients.map(\.name).joined(separator: ", ")).") var client: String
    @Option(help: "The gateway's address; else the one of `weir login`.") var gateway: String?
    @Option(help: "A virtual key, which is stored as `weir login` stores it; else the one of `weir login`, or WEIR_KEY.") var key: String?
    @Option(help: ArgumentHelp("Whose configuration: user or project.", valueName: "user|project")) var scope: SetupScope = .user
    @Flag(help: "The configuration of the whole machine, for a fleet.") var managed = false
    @Option(help: "The model that the client uses.") var model: String?
    @Flag(help: "Send the client's own telemetry to the gateway too, where it has any.") var telemetry = false
    @Flag(help: "Write nothing: print what would be written.") var print = false
    @Flag(help: "Give the files back as they were.") var undo = false
    @Flag(help: "Change existing files without asking.") var yes = false
    @Flag(help: "Make one call as the client would, and say what arrived.") var check = false
    @Flag(help: "Go on without asking the gateway for its models.") var offline = false
    @Option(help: ArgumentHelp("In front of paths of the whole machine.", visibility: .hidden)) var systemRoot: String?
    @OptionGroup var server: ServerOptions

    func validate() throws {
        _ = try codingClient(client)
        if [print, undo, check].filter({ $0 }).count > 1 { throw ValidationError("--print, --undo and --check exclude each other") }
    }

    private var chosenScope: SetupScope { managed ? .managed : scope }

    func run() async throws {
        let client = try codingClient(client)
        var place = try ClientPlace.current(systemRoot: systemRoot)
        if undo { return try undo(client, place) }
        let folder = try UserFolder()
        if check {
            place.gateway = try gateway.map(gatewayOrigin) ?? folder.credentials().current
            let call: ConfiguredCall
            do throws(SetupRefusal) { call = try client.call(place) } catch { throw CommandFailure(error) }
            return try await ClientCheck(client: client, call: call, server: server).run()
        }
        let connection = try ClientConnection(gateway: gateway, key: key, folder: folder)
        if connection.key == nil, !print {
            throw CommandFailure(
                "no_key", "no key is known for \(connection.gateway)",
                mend: "log in first: weir login \(connection.gateway)   (or give --key KEY)")
        }
        var context = try await connection.context(for: client, place, scope: chosenScope, model: model, isOffline: offline)
        context.sendsTelemetry = telemetry
        if print, context.key == nil { context.key = "weir_k_KEY" }
        let plan: ClientPlan
        do throws(SetupRefusal) { plan = try client.setup(context) } catch { throw CommandFailure(error) }
        // An environment is printed for the shell to take in, unless its profile may be changed.
        if print || (!plan.shellLines.isEmpty && !plan.files.isEmpty && !yes) { return try show(plan) }
        try apply(plan, client, context, connection, folder)
    }

    // MARK: Doing

    private func show(_ plan: ClientPlan) throws {
        for line in plan.shellLines { try output("\(line)\n") }
        for file in plan.files where file.format != .block {
            if file.format == .whole {
                standardError("\(file.path): from the gateway.")
                continue
            }
            let change: FileChange
            do throws(MalformedFile) {
                change = try file.change(from: nil)
            } catch {
                throw CommandFailure("cannot_print", "\(file.path), \(error)", mend: "run the command without --print")
            }
            standardError("\(file.path):")
            try output(String(decoding: change.after, as: UTF8.self))
        }
    }

    private func apply(
        _ plan: ClientPlan, _ client: any CodingClient, _ context: SetupContext, _ connection: ClientConnection, _ folder: UserFolder
    ) throws {
        let store = ConnectionStore(place: context.place, client: client)
        let changes = try store.changes(plan.files)
        let existing = changes.filter { !$0.isSame && $0.before != nil }
        for change in existing {
            let difference = LineDifference(
                from: String(decoding: change.before ?? [], as: UTF8.self), to: String(decoding: change.after, as: UTF8.self))
            standardError("\(change.path):\n\(withoutSecrets(difference.text))")
        }
        for change in changes where change.before == nil { standardError("\(change.path): new.") }
        if !existing.isEmpty { try confirm() }
        // An answer can take hours. Here, so that not even the key is stored; `apply` looks once more.
        try store.check(changes)
        if chosenScope == .user {
            try connection.store(in: folder)
            try installShim(context, folder)
        }
        try store.apply(changes, gateway: connection.gateway, scope: chosenScope)
        if changes.isEmpty {
            standardError("\(client.title) cannot be set up from outside; do this:")
        } else if changes.allSatisfy(\.isSame) {
            standardError("\(client.title) is connected to \(connection.gateway) already; nothing was changed.")
        } else {
            standardError("\(client.title) is connected to \(connection.gateway). Undo: weir connect \(client.name)\(undoOptions) --undo")
        }
        for sentence in plan.next { standardError(sentence) }
        if changes.isEmpty { for line in plan.shellLines { try output("\(line)\n") } }
        for gap in plan.gaps { standardError("It cannot report: \(gap).") }
    }

    private var undoOptions: String {
        switch chosenScope {
        case .user: ""
        case .project: " --scope project"
        case .managed: " --managed"
        }
    }

    private func confirm() throws {
        guard !yes else { return }
        guard isatty(STDIN_FILENO) == 1 else {
            throw CommandFailure(
                "not_confirmed", "existing files would change, and nobody is there to ask; nothing was written",
                mend: "run it again with --yes")
        }
        try? writeAll("Change them? [y/N] ", to: STDERR_FILENO)
        guard let answer = readLine(), ["y", "yes"].contains(answer.lowercased()) else {
            throw CommandFailure("not_confirmed", "nothing was written", mend: "run it again and answer y")
        }
    }

    /// The command that prints the key with the labels of the folder in which it is called.
    private func installShim(_ context: SetupContext, _ folder: UserFolder) throws {
        let plain =
            "#!/bin/sh\n# The key alone: this gateway serves no script that adds labels to it.\nexec cat \(folder.keyFile.shellWord)\n"
        let shim = context.gatewayFiles["/shim.sh"] ?? plain
        let known = FileManager.default.contents(atPath: folder.credentialProgram).map { Array($0) }
        guard known != Array(shim.utf8), known == nil || context.gatewayFiles["/shim.sh"] != nil else { return }
        try folder.write("credential", Data(shim.utf8), mode: 0o755)
    }

    private func undo(_ client: any CodingClient, _ place: ClientPlace) throws {
        let store = ConnectionStore(place: place, client: client)
        var isFound = false
        for scope in [chosenScope] {
            guard let sentences = try store.undo(scope) else { continue }
            isFound = true
            for sentence in sentences { standardError(sentence) }
        }
        if !isFound { standardError("\(client.title) was not connected here; nothing was changed.") }
    }

    private func withoutSecrets(_ text: String) -> String {
        text.replacing(/weir_k_([0-9A-Za-z]+)_[0-9A-Za-z.\-_]+/) { "weir_k_\($0.output.1)_…" }
    }
}
