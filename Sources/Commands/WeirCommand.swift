// Commands: the command line. Verbs talk to the running server through its admin socket and never touch its database behind its
// back; `serve` is the server itself.

package import ArgumentParser
import Foundation
import ServerConfiguration

#if canImport(Glibc)
    import Glibc
#endif

/// The root of all verbs.
package struct WeirCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "weir", abstract: "A gateway for coding agents: carries, meters, prices and attributes model traffic.",
        discussion: """
            weir init                                  a data folder and a first key
            weir serve                                 run the gateway
            weir report spend --by developer           who spent what
            weir demo                                  all of it, on a simulated provider
            """,
        version: weirVersion,
        subcommands: [
            InitCommand.self, ServeCommand.self, ConnectCommand.self, ConfigCommand.self, DoctorCommand.self, KeyCommand.self,
            WorkspaceCommand.self,
            TeamCommand.self,
            DeveloperCommand.self, DeviceCommand.self, LoginCommand.self, LogoutCommand.self, ServiceAccountCommand.self, PriceCommand.self,
            ReportCommand.self, BudgetCommand.self, LimitCommand.self, AlertCommand.self, SessionCommand.self, RepositoryCommand.self,
            RouteCommand.self, ProviderCommand.self, CacheCommand.self,
            TurnCommand.self, TailCommand.self, JournalCommand.self, SimulateCommand.self, DemoCommand.self,
            CompletionsCommand.self,
        ])

    package init() {}
}

/// Runs the command line and ends the process: 0 fine, 1 refused or failed, 2 usage.
package func runWeir() async -> Never {
    // That a reader has gone is told by the write that fails, to every verb alike.
    signal(SIGPIPE, SIG_IGN)
    do {
        var command = try WeirCommand.parseAsRoot()
        if var asynchronous = command as? any AsyncParsableCommand {
            try await asynchronous.run()
        } else {
            try command.run()
        }
        exit(0)
    } catch {
        exit(conclude(error))
    }
}

/// Says what ended a verb, and gives the exit code.
private func conclude(_ error: any Error) -> Int32 {
    switch error {
    case let failure as OutputFailure:
        // Who reads has had enough, as `head` has: that is no failure.
        if failure == .closed { return 0 }
        let what = CommandFailure(
            "output_failed", "standard output cannot be written: \(failure)", mend: "give it room, or write to another place")
        standardError(what.description)
    case let failure as CommandFailure:
        standardError(failure.description)
    case let faults as ConfigurationFaults:
        for fault in faults.faults { standardError(fault.description) }
    case let fault as ValidationError:
        // A verb found it, not the parser, so the parser cannot say whose usage it is.
        standardError("Error: \(fault.message)\n  See '\(calledVerb(CommandLine.arguments.dropFirst())) --help' for more information.")
        return 2
    default:
        let code = WeirCommand.exitCode(for: error)
        let message = WeirCommand.fullMessage(for: error)
        if code == .success {
            do throws(OutputFailure) { try output(message + "\n") } catch { return conclude(error) }
            return 0
        }
        if !message.isEmpty { standardError(message) }
        return code == .validationFailure ? 2 : 1
    }
    return 1
}

/// The verb that arguments begin with: `weir report spend`.
private func calledVerb(_ arguments: some Sequence<String>) -> String {
    var verb: any ParsableCommand.Type = WeirCommand.self
    var words = [verb._commandName]
    for argument in arguments {
        guard let next = verb.configuration.subcommands.first(where: { $0._commandName == argument }) else { break }
        verb = next
        words.append(argument)
    }
    return words.joined(separator: " ")
}

/// `weir completions bash|zsh|fish`.
struct CompletionsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "completions", abstract: "A completion script for a shell: bash, zsh or fish.")
    @Argument(help: "bash, zsh or fish.") var shell: String

    func run() async throws {
        guard let known = CompletionShell(rawValue: shell) else { throw ValidationError("the shells are bash, zsh and fish") }
        try output(WeirCommand.completionScript(for: known) + "\n")
    }
}
