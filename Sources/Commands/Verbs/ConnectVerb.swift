// ConnectVerb: `weir connect CLIENT`: points a coding agent at the gateway, in the agent's own configuration.

import ArgumentParser
import ClientSetup
import Foundation

#if canImport(Glibc)
    import Glibc
#endif

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
    @Option(help: "The gateway's address. As a rule the one of `weir login`.") var gateway: String?
    @Option(help: "A virtual key; it is stored as `weir login` stores it. As a rule the one of `weir login`.") var key: String?
    @Option(help: ArgumentHelp("Whose configuration: user or project.", valueName: "user|project")) var scope: SetupScope = .user
    @Flag(help: "The configuration of the whole machine or fleet.") var managed = false
    @Option(help: "The model that the client uses.") var model: String?
    @Flag(help: "Send the client's own telemetry to the gateway too, where it has any.") var telemetry = false
    @Flag(help: "Write nothing: print what would be written.") var print = false
    @Flag(help: "Give the files back as they were.") var undo = false
    @Flag(help: "Change existing files without asking.") var yes = false
    @Flag(help: "Make one call as the client would, and say what arrived.") var check = false
    @Flag(help: "Go on when the gateway cannot be reached.") var offline = false
    @Option(help: ArgumentHelp("A home folder other than $HOME.", visibility: .hidden)) var home: String?
    @Option(help: ArgumentHelp("In front of paths of the whole machine.", visibility: .hidden)) var systemRoot: String?

    func validate() throws {
        guard codingClients.contains(where: { $0.name == client }) else {
            throw ValidationError("no client is called \(client); there are \(codingClients.map(\.name).joined(separator: ", "))")
        }
        if [print, undo, check].filter({ $0 }).count > 1 { throw ValidationError("--print, --undo and --check exclude each other") }
    }

    private var chosenScope: SetupScope { managed ? .managed : scope }

    func run() async throws {
        guard let client = codingClients.first(where: { $0.name == client }) else { return }
        let place = ClientPlace.current(home: home, systemRoot: systemRoot, gateway: nil)
        if undo { return try undo(client, place) }
        let (address, key) = try connection(place)
        let probe = GatewayProbe(gateway: address.text, key: key)
        let context = try await context(client, place, probe)
        let plan: ClientPlan
        do throws(SetupRefusal) { plan = try client.setup(context) } catch { throw CommandFailure(error) }
        if print { return try show(plan) }
        try apply(plan, client, place, address, key, context)
    }

    // MARK: What it works with

    private func connection(_ place: ClientPlace) throws -> (GatewayAddress, String?) {
        let keys = ConnectionKey(place: place)
        let stored = try keys.current()
        guard let text = gateway ?? stored?.gateway else {
            throw CommandFailure(
                "no_gateway", "no gateway is known here", mend: "log in first: weir login URL   (or give --gateway URL --key KEY)")
        }
        let address: GatewayAddress
        do throws(SetupRefusal) { address = try GatewayAddress(text) } catch { throw CommandFailure(error) }
        if let warning = address.warning { standardError("! \(warning)") }
        let found = try key ?? keys.key(for: address.text)
        if let found {
            guard found.hasPrefix("weir_k_"), found.utf8.allSatisfy({ $0 > 32 && $0 < 127 }) else {
                throw CommandFailure(
                    "bad_key", "the key does not begin with weir_k_", mend: "give the virtual key as `weir key create` printed it")
            }
        } else if !print {
            throw CommandFailure(
                "no_key", "no key is known for \(address.text)", mend: "log in first: weir login \(address.text)   (or give --key KEY)")
        }
        return (address, found)
    }

    private func context(_ client: any CodingClient, _ place: ClientPlace, _ probe: GatewayProbe) async throws -> SetupContext {
        var place = place
        place.gateway = probe.gateway
        var context = SetupContext(
            place: place, gateway: probe.gateway, key: probe.key, models: [], model: model, scope: chosenScope, sendsTelemetry: telemetry)
        guard !offline else { return context }
        if probe.key != nil { context.models = try await probe.models() }
        for path in client.gatewayFiles + ["/shim.sh"] {
            if let answer = try? await probe.get(path), answer.status == 200 { context.gatewayFiles[path] = answer.text }
        }
        if let model, !context.models.isEmpty, !context.models.contains(where: { $0.id == model || "\($0.provider)/\($0.id)" == model }) {
            standardError("! The gateway does not list the model \(model) for this key.")
        }
        return context
    }

    // MARK: Doing

    private func show(_ plan: ClientPlan) throws {
        for file in plan.files where file.format != .whole {
            do throws(MalformedFile) {
                let change = try file.change(from: nil)
                standardError("\(file.path):")
                output(String(decoding: change.after, as: UTF8.self))
            } catch {
                throw CommandFailure("cannot_print", "\(file.path), \(error)", mend: "run the command without --print")
            }
        }
        for file in plan.files where file.format == .whole { standardError("\(file.path): from the gateway.") }
        for line in plan.shellLines { output("\(line)\n") }
    }

    private func apply(
        _ plan: ClientPlan, _ client: any CodingClient, _ place: ClientPlace, _ address: GatewayAddress, _ key: String?,
        _ context: SetupContext
    ) throws {
        let store = ConnectionStore(place: place, client: client)
        let changes = try store.changes(plan.files)
        let existing = changes.filter { !$0.isSame && $0.before != nil }
        for change in existing {
            standardError("\(change.path):")
            standardError(
                withoutSecrets(
                    LineDifference(
                        from: String(decoding: change.before ?? [], as: UTF8.self), to: String(decoding: change.after, as: UTF8.self)
                    ).text, key))
        }
        for change in changes where change.before == nil { standardError("\(change.path): new.") }
        if !existing.isEmpty { try confirm() }
        if let key { try installKey(address.text, key, place, context) }
        try store.apply(changes, gateway: address.text, scope: chosenScope)
        if changes.allSatisfy(\.isSame) {
            standardError("\(client.title) is connected to \(address.text) already; nothing was changed.")
        } else {
            standardError("\(client.title) is connected to \(address.text). Undo: weir connect \(client.name) --undo")
        }
        for sentence in plan.next { standardError(sentence) }
        for gap in plan.gaps { standardError("It cannot report: \(gap).") }
    }

    private func confirm() throws {
        guard !yes else { return }
        guard isatty(STDIN_FILENO) == 1 else {
            throw CommandFailure(
                "not_confirmed", "existing files would change, and nobody is there to ask", mend: "run it again with --yes")
        }
        FileHandle.standardError.write(Data("Change them? [y/N] ".utf8))
        guard let answer = readLine(), ["y", "yes"].contains(answer.lowercased()) else {
            throw CommandFailure("not_confirmed", "nothing was written", mend: "run it again and answer y")
        }
    }

    private func installKey(_ gateway: String, _ key: String, _ place: ClientPlace, _ context: SetupContext) throws {
        let keys = ConnectionKey(place: place)
        let stored = try keys.current()
        if stored?.gateway != gateway || stored?.key != key || place.bytes(place.keyFile) == nil {
            try keys.store(gateway: gateway, key: key)
        }
        let shim = context.gatewayFiles["/shim.sh"] ?? "#!/bin/sh\nexec cat \(place.keyFile.shellWord)\n"
        if place.text(place.credentialCommand) != shim {
            try DiskFiles.write(Array(shim.utf8), to: place.credentialCommand, mode: 0o755, folderMode: 0o700)
        }
    }

    private func undo(_ client: any CodingClient, _ place: ClientPlace) throws {
        let store = ConnectionStore(place: place, client: client)
        let scopes: [SetupScope] = managed ? [.managed] : scope == .project ? [.project] : [.user, .project]
        var isFound = false
        for scope in scopes {
            guard let sentences = try store.undo(scope) else { continue }
            isFound = true
            for sentence in sentences { standardError(sentence) }
        }
        if !isFound { standardError("\(client.title) was not connected here; nothing was changed.") }
    }

    private func withoutSecrets(_ text: String, _ key: String?) -> String {
        text.replacing(/weir_k_[0-9A-Za-z]+_[0-9A-Za-z.\-_]+/, with: "weir_k_…")
    }
}

extension SetupScope: ExpressibleByArgument {}
