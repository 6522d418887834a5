// SessionGrantVerb: `weir session grant`: lets a session go on that a budget, a limit or the watch for runaway agents has stopped.

import AdminAPI
import ArgumentParser
import Foundation
import GatewayModel
import Policy
import Proxy

struct SessionGrantCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "grant", abstract: "Let a session go on: end its pause, and raise each budget or limit that keeps a counter for it.",
        discussion: """
            weir session grant ses_83d1 --reason "it was waiting for the build"
            weir session grant ses_83d1 --usd 5 --reason "long migration"
            weir session grant ses_83d1 --turns 50 --for 2h
            """)
    @Argument(help: "The session.") var session: String
    @Option(help: "How much more, in USD.") var usd: String?
    @Option(help: "How many more turns.") var turns: Int64?
    @Option(help: "How many more tokens.") var tokens: Int64?
    @Option(name: .customLong("for"), help: "How long: 24h, 7d; until the window ends unless said.") var duration: String?
    @Option(help: "The key that it belongs to, where several have a session of this name.") var key: String?
    @Option(help: "Who grants it; the user's name unless said.") var by: String?
    @Option(help: "Why.") var reason: String?
    @OptionGroup var server: ServerOptions

    func run() async throws {
        let request = SessionGrantRequest(
            key: key, turns: turns, nanoUSD: try usd.map { try ruleAmount($0, .nanoUSD, "--usd") }, tokens: tokens,
            expires: try duration.map { try momentText($0, "--for") }, by: by ?? granterName(), reason: reason)
        let path = "/sessions/\(segment(session))/grant"
        let made: SessionGrantView = try await server.changing { try await $0.post(path, request) }
        for grant in made.grants { standardError(inert("\(grant.rule): raised (\(grant.id))")) }
        for standing in made.standings {
            standardError(inert("Session \(standing.session) of key \(standing.key) goes on\(upTo(standing))."))
        }
    }

    private func upTo(_ standing: SessionStanding) -> String {
        let parts = [
            standing.turnsMax.map { "\($0) turns in all" }, standing.costMax.map { "\(shownMoney($0)) in all" },
            standing.until.map { shownTime($0.rfc3339) },
        ].compactMap { $0 }
        return parts.isEmpty ? "" : ", up to " + parts.joined(separator: ", ")
    }
}

/// Who gives a command, for the record.
func granterName() -> String { ProcessInfo.processInfo.environment["USER"] ?? "operator" }

/// How a session stands, in a line.
func standingText(_ standing: SessionStanding) -> String {
    switch standing.state {
    case .paused:
        "paused \(shownTime(standing.at.rfc3339)) (runaway.\(standing.rule)): \(standing.text); "
            + "weir session grant \(shellWord(standing.session))"
    case .granted:
        "let go on \(shownTime(standing.at.rfc3339)) by \(standing.by ?? "")\(standing.reason.map { $0.isEmpty ? "" : " (\($0))" } ?? "")"
    }
}
