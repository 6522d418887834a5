// SessionGrantVerb: `weir session grant`: lets a session go on that a budget or a limit has stopped.

import AdminAPI
import ArgumentParser
import Foundation
import GatewayModel
import Policy

struct SessionGrantCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "grant", abstract: "Let a session go on: raise each budget or limit that keeps a counter for it.",
        discussion: """
            weir session grant ses_83d1 --usd 5 --reason "long migration"
            weir session grant ses_83d1 --turns 50 --for 2h
            """)
    @Argument(help: "The session.") var session: String
    @Option(help: "How much more, in USD.") var usd: String?
    @Option(help: "How many more turns.") var turns: Int64?
    @Option(help: "How many more tokens.") var tokens: Int64?
    @Option(name: .customLong("for"), help: "How long: 24h, 7d; until the window ends unless said.") var duration: String?
    @Option(help: "Who grants it; the user's name unless said.") var by: String?
    @Option(help: "Why.") var reason: String?
    @OptionGroup var server: ServerOptions

    func run() async throws {
        guard usd != nil || turns != nil || tokens != nil else { throw ValidationError("give --usd, --turns or --tokens") }
        let money = try usd.map { try ruleAmount($0, .nanoUSD, "--usd") }
        let expires = try duration.map { try momentText($0, "--for") }
        let granter = by ?? ProcessInfo.processInfo.environment["USER"] ?? "operator"
        let (session, turns, tokens, reason) = (session, turns, tokens, reason)
        let made: [String] = try await server.changing { client in
            var made: [String] = []
            for path in ["/budgets", "/limits"] {
                let list: ListBody<LimitView> = try await client.get(path)
                for rule in list.data.map(\.rule) {
                    guard let place = rule.wholeGroup.firstIndex(of: .session),
                        let amount = rule.unit == .nanoUSD
                            ? money : rule.unit == .requests ? turns : rule.unit == .concurrent ? nil : tokens
                    else { continue }
                    let view: LimitView = try await client.get("\(path)/\(segment(rule.id))")
                    for counter in view.counters where counter.group[place] == session {
                        let grant: LimitGrantRecord = try await client.post(
                            "\(path)/\(segment(rule.id))/grant",
                            LimitGrantRequest(amount: amount, group: counter.group, expires: expires, by: granter, reason: reason))
                        made.append("\(grant.rule): \(amountText(grant.amount, rule.unit)) more (\(grant.id))")
                    }
                }
            }
            guard !made.isEmpty else {
                throw CommandFailure(
                    "no_counter", "no budget or limit of that kind keeps a counter for session \(session)",
                    mend: "weir budget list and weir limit list show which are per session")
            }
            return made
        }
        for line in made { standardError(inert(line)) }
    }
}
