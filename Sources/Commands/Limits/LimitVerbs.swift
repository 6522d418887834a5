// LimitVerbs: `weir limit`: tokens, requests and turns at once; and how a turn would fare under every rule.

import AdminAPI
import ArgumentParser
import GatewayModel
import Policy
import ServerConfiguration

struct LimitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "limit", abstract: "Limits: create, list, show, update, delete, grant, simulate, explain.",
        discussion: """
            weir limit create pace --per key --limit 60 --unit requests --window "per minute" --wait 5s
            weir limit create at-once --per developer --limit 8 --unit concurrent
            weir limit explain --key 4fj2abcdef --model claude-sonnet-4-5
            """,
        subcommands: [
            Create.self, ListRules<LimitWord>.self, ShowRule<LimitWord>.self, Update.self, DeleteRule<LimitWord>.self, Grant.self,
            Simulate.self, Explain.self,
        ])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Make a limit; it holds when this returns.")
        @Argument(help: "Its name; refusals say it.") var name: String
        @Option(help: "How many.") var limit: String
        @Option(help: "input_tokens, output_tokens, total_tokens, requests or concurrent.") var unit: String
        @Option(help: "How long a turn may wait for a rate or a place instead of being refused: 5s.") var wait: String?
        @Option(help: "What may come at once under a rate; the limit itself unless said.") var burst: Int64?
        @OptionGroup var options: RuleOptions
        @OptionGroup var server: ServerOptions

        func run() async throws {
            let unit = try limitUnit(unit)
            var rule = LimitRule(
                id: name, name: name, limit: try ruleAmount(limit, unit, "--limit"), unit: unit,
                window: unit == .concurrent ? .none : .rate(seconds: 60))
            try options.apply(to: &rule)
            if let wait { rule.waitMillisecondsMax = try waitMilliseconds(wait) }
            rule.burst = burst
            try await createRule(rule, "/limits", server)
        }
    }

    struct Update: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Change a limit; what is not said stays, its counters too.")
        @Argument(help: "Its name.") var name: String
        @Option(help: "How many.") var limit: String?
        @Option(help: "How long a turn may wait: 5s.") var wait: String?
        @OptionGroup var options: RuleOptions
        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await updateRule(name, "/limits", server) { rule in
                if let limit { rule.limit = try ruleAmount(limit, rule.unit, "--limit") }
                if let wait { rule.waitMillisecondsMax = try waitMilliseconds(wait) }
                try options.apply(to: &rule)
            }
        }
    }

    struct Grant: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Raise a limit for a time.")
        @Argument(help: "Its name.") var name: String
        @Option(help: "How many more.") var amount: Int64
        @OptionGroup var grant: GrantOptions
        @OptionGroup var server: ServerOptions

        func run() async throws { try await grant.send(name, "/limits", amount: amount, server) }
    }

    struct Simulate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "What a limit would have refused.")
        @Option(help: "How many.") var limit: String
        @Option(help: "input_tokens, output_tokens, total_tokens or requests.") var unit: String
        @OptionGroup var options: RuleOptions
        @OptionGroup var range: SimulationRange
        @OptionGroup var server: ServerOptions
        @OptionGroup var display: OutputOptions

        func run() async throws {
            let unit = try limitUnit(unit)
            var rule = LimitRule(
                id: "proposed", name: "proposed", limit: try ruleAmount(limit, unit, "--limit"), unit: unit, window: .day)
            try options.apply(to: &rule)
            try await range.send(rule, "weir.limit.simulate/1", server, display)
        }
    }

    struct Explain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "How a turn would fare: each budget and limit that holds for it, and which decides.")
        @Option(help: "A key's id or name.") var key: String
        @Option(help: "The model.") var model: String
        @Option(help: "A session.") var session: String?
        @Option(help: "A repository.") var repository: String?
        @Option(help: "A branch.") var branch: String?
        @Option(help: "An agent.") var agent: String?
        @Option(help: "Bytes of the request's body.") var bytes: Int64 = 10_000
        @Option(help: "The cap on output that the request sets; the model's maximum unless said.") var maxOutputTokens: Int64?
        @OptionGroup var server: ServerOptions
        @OptionGroup var display: OutputOptions

        func run() async throws {
            var question = LimitQuestion(key: key, model: model)
            question.session = session
            question.repository = repository
            question.branch = branch
            question.agent = agent
            question.bytes = bytes
            question.maxOutputTokens = maxOutputTokens
            let asked = question
            let answer: LimitExplanation = try await server.changing { try await $0.post("/limits/explain", asked) }
            var notes: [String] = []
            if answer.verdicts.isEmpty { notes.append("no budget or limit holds for this turn") }
            if let rule = answer.decidedBy { notes.append("\(rule) would keep it from going on") }
            if answer.reservesNanoUSD == nil { notes.append("\(answer.deployment) has no price, so no strict budget lets it pass") }
            try display.write(
                SingleDocument(schema: "weir.limit.explain/1", value: answer), table: explanationTable(answer),
                title: "\(answer.deployment): \(answer.admitted ? "admitted" : "refused")", notes: notes)
        }
    }
}

private func limitUnit(_ text: String) throws -> LimitUnit {
    guard let unit = LimitUnit(rawValue: text), unit != .nanoUSD else {
        throw ValidationError("--unit is one of: \(LimitUnit.countable.joined(separator: ", ")); for money: weir budget create")
    }
    return unit
}

private func waitMilliseconds(_ text: String) throws -> Int64 {
    if let seconds = durationSeconds(text) { return seconds * 1000 }
    guard text.hasSuffix("ms"), let milliseconds = Int64(text.dropLast(2)) else {
        throw ValidationError("--wait takes a time such as 5s or 500ms")
    }
    return milliseconds
}
