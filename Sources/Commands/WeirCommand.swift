// Commands: the command line. Verbs talk to the running server through its admin socket and never touch its database behind its
// back; `serve` is the server itself.

package import ArgumentParser
import Foundation
import ServerConfiguration

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
    do {
        var command = try WeirCommand.parseAsRoot()
        if var asynchronous = command as? any AsyncParsableCommand {
            try await asynchronous.run()
        } else {
            try command.run()
        }
        exit(0)
    } catch let failure as CommandFailure {
        standardError(failure.description)
        exit(1)
    } catch let faults as ConfigurationFaults {
        for fault in faults.faults { standardError(fault.description) }
        exit(1)
    } catch let fault as ValidationError {
        // A verb found it, not the parser, so the parser cannot say whose usage it is.
        standardError("Error: \(fault.message)\n  See '\(calledVerb(CommandLine.arguments.dropFirst())) --help' for more information.")
        exit(2)
    } catch {
        let code = WeirCommand.exitCode(for: error)
        if code == .success {
            output(WeirCommand.fullMessage(for: error) + "\n")
            exit(0)
        }
        let message = WeirCommand.fullMessage(for: error)
        if !message.isEmpty { standardError(message) }
        exit(code == .validationFailure ? 2 : 1)
    }
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
        output(WeirCommand.completionScript(for: known) + "\n")
    }
}
