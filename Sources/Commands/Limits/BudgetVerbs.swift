// BudgetVerbs: `weir budget`: money that teams, developers, keys, repositories, sessions and models may spend.

import AdminAPI
import ArgumentParser
import GatewayModel
import Policy

struct BudgetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "budget", abstract: "Budgets: create, list, show, update, delete, grant, simulate, template.",
        discussion: """
            weir budget create web --for team=web --usd 500 --window month --zone Europe/Berlin
            weir budget create each-session --per session --usd 5 --window none --mode elastic --on-exceed ask
            weir budget grant web --usd 50 --for 24h --reason release
            weir budget simulate --for team=web --usd 400 --window month --since 2026-11
            """,
        subcommands: [
            Create.self, ListRules<BudgetWord>.self, ShowRule<BudgetWord>.self, Update.self, DeleteRule<BudgetWord>.self, Grant.self,
            Simulate.self, Template.self,
        ])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Make a budget; it holds when this returns.")
        @Argument(help: "Its name; refusals say it.") var name: String
        @Option(help: "The amount in USD.") var usd: String
        @OptionGroup var options: RuleOptions
        @OptionGroup var server: ServerOptions

        func run() async throws {
            var rule = LimitRule(id: name, name: name, limit: try ruleAmount(usd, .nanoUSD, "--usd"), unit: .nanoUSD, window: .month)
            try options.apply(to: &rule)
            try await createRule(rule, "/budgets", server)
        }
    }

    struct Update: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Change a budget; what is not said stays, its counters too.")
        @Argument(help: "Its name.") var name: String
        @Option(help: "The amount in USD.") var usd: String?
        @OptionGroup var options: RuleOptions
        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await updateRule(name, "/budgets", server) { rule in
                if let usd { rule.limit = try ruleAmount(usd, .nanoUSD, "--usd") }
                try options.apply(to: &rule)
            }
        }
    }

    struct Grant: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Raise a budget for a time.")
        @Argument(help: "Its name.") var name: String
        @Option(help: "How much more, in USD.") var usd: String
        @OptionGroup var grant: GrantOptions
        @OptionGroup var server: ServerOptions

        func run() async throws { try await grant.send(name, "/budgets", amount: ruleAmount(usd, .nanoUSD, "--usd"), server) }
    }

    struct Simulate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "What a budget would have refused: past turns held against it, each at what it cost.")
        @Option(help: "The amount in USD.") var usd: String
        @OptionGroup var options: RuleOptions
        @OptionGroup var range: SimulationRange
        @OptionGroup var server: ServerOptions
        @OptionGroup var display: OutputOptions

        func run() async throws {
            var rule = LimitRule(
                id: "proposed", name: "proposed", limit: try ruleAmount(usd, .nanoUSD, "--usd"), unit: .nanoUSD, window: .month)
            try options.apply(to: &rule)
            try await range.send(rule, "weir.budget.simulate/1", server, display)
        }
    }

    struct Template: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Four tiers for weir.yaml: workspace, team, virtual key, model. A turn must fit into all of them.")

        func run() async throws { try output(budgetTemplate) }
    }
}

/// Four tiers, checked together: all or none.
package let budgetTemplate = """
    budgets:
      # The workspace: everybody together.
      - name: workspace
        usd: "10000"
        window: month
        alerts: [50, 80, 100]
        contact: finance@example.com
      # Each team.
      - name: team
        group_by: [team]
        usd: "2500"
        window: month
        contact: your team lead
      # Each virtual key, by the day; an answer may go on to the end of what it is writing.
      - name: key
        group_by: [key]
        usd: "50"
        window: day
        mode: elastic
        when_used_up: finish_block
        on_exceed: ask
        contact: platform@example.com
      # The dearest models, each by itself.
      - name: model
        for: {model: ["*opus*", "*pro*"]}
        group_by: [model]
        usd: "1000"
        window: month

    """
