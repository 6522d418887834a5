// RouteVerbs: `weir route list|show|explain` and `weir provider list`.

import AdminAPI
import ArgumentParser
import GatewayModel

struct RouteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "route", abstract: "Routes: list, show, explain.",
        discussion: """
            weir route list
            weir route explain 019aa1c2-…                      why that turn went where it went
            weir route explain --model sonnet --key 4fj2abcdef  where one would go now
            """, subcommands: [List.self, Show.self, Explain.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Routes, with how many of their deployments may serve now.")
        @OptionGroup var server: ServerOptions
        @OptionGroup var display: OutputOptions

        func run() async throws {
            let list: ListBody<RouteView> = try await server.changing { try await $0.get("/routes") }
            let notes = list.data.isEmpty ? ["there is no route; see `routes` in docs/routing.md"] : []
            try display.write(ListDocument(schema: "weir.route.list/1", data: list.data), table: routeTable(list.data), notes: notes)
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "One route with the state of its deployments.")
        @Argument(help: "The route's name, or a model of it.") var name: String
        @OptionGroup var server: ServerOptions
        @OptionGroup var display: OutputOptions

        func run() async throws {
            let name = name
            let route: RouteView = try await server.changing { try await $0.get("/routes/\(segment(name))") }
            try display.write(
                SingleDocument(schema: "weir.route/1", value: route), table: deploymentTable(route.deployments),
                title: "\(inert(route.name)): \(route.pick), \(inert(route.models.joined(separator: ", ")))")
        }
    }

    struct Explain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Which deployments were weighed, with which numbers, and why one won.")
        @Argument(help: "A turn's id, as in x-weir-request-id.") var id: String?
        @Option(help: "In a turn's place: the model that would be asked for.") var model: String?
        @Option(help: "The key that would ask.") var key: String?
        @Option(help: "In which endpoint: chat_completions, messages or responses.") var endpoint: String?
        @Option(help: "Input tokens.") var tokens: Int64?
        @Option(help: "Tools that are offered.") var tools: Int64?
        @Option(help: "Tool rounds since a person wrote.") var toolDepth: Int64?
        @Option(help: "The session.") var session: String?
        @Option(help: "The repository.") var repository: String?
        @Option(help: "The branch.") var branch: String?
        @Option(help: "The agent.") var agent: String?
        @OptionGroup var server: ServerOptions
        @OptionGroup var display: OutputOptions

        func run() async throws {
            if let id {
                let detail: TurnView = try await server.reading { try await $0.get("/turns/\(segment(id))") }
                guard let decision = detail.routing else {
                    throw CommandFailure(
                        "no_decision", "turn \(id) had no choice: \(detail.deployment.isEmpty ? "it was refused" : detail.deployment)",
                        mend: "weir turn show \(id)")
                }
                guard display.format == .table else { return try write(decision) }
                try output(decisionText(decision) + "\n" + triesText(detail))
                return
            }
            guard let model, let key else { throw ValidationError("give a turn's id, or --model and --key") }
            var question = RouteExplainRequest(model: model, key: key)
            question.endpoint = endpoint
            question.inputTokens = tokens
            question.tools = tools
            question.toolDepth = toolDepth
            question.session = session
            question.repository = repository
            question.branch = branch
            question.agent = agent
            let asked = question
            let decision: RouteDecision = try await server.changing { try await $0.post("/routes/explain", asked) }
            guard display.format == .table else { return try write(decision) }
            try output(decisionText(decision))
        }

        private func write(_ decision: RouteDecision) throws {
            try display.write(SingleDocument(schema: "weir.route.decision/1", value: decision), table: candidateTable(decision))
        }
    }
}

struct ProviderCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "provider", abstract: "Providers: list.", subcommands: [List.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Providers, with breakers and credentials of what routes send there.")
        @OptionGroup var server: ServerOptions
        @OptionGroup var display: OutputOptions

        func run() async throws {
            let list: ListBody<ProviderView> = try await server.changing { try await $0.get("/providers") }
            try display.write(
                ListDocument(schema: "weir.provider.list/1", data: list.data), table: providerTable(list.data))
        }
    }
}

private func routeTable(_ routes: [RouteView]) -> Table {
    var table = Table([
        Column("route"), Column("models", priority: 1), Column("pick"), Column("ready", right: true), Column("deployments"),
    ])
    table.rows = routes.map { route in
        let ready = route.deployments.count { $0.breaker == "closed" }
        return [
            Cell(route.name), Cell(route.models.joined(separator: " ")), Cell(route.pick),
            Cell("\(ready)/\(route.deployments.count)"), Cell(route.deployments.map(\.deployment).joined(separator: " ")),
        ]
    }
    return table
}

private func deploymentTable(_ deployments: [RouteDeploymentView]) -> Table {
    var table = Table([
        Column("deployment"), Column("weight", right: true, priority: 3), Column("tier", priority: 4), Column("only", priority: 4),
        Column("breaker"), Column("open_until", "OPEN UNTIL", priority: 1), Column("turns", right: true, priority: 2),
        Column("failures", right: true), Column("in_flight", "IN FLIGHT", right: true, priority: 3),
        Column("latency_us", "FIRST BYTE", right: true, priority: 2), Column("credentials", priority: 1), Column("health", priority: 2),
    ])
    table.rows = deployments.map { one in
        [
            Cell(one.deployment), .count(one.weight), Cell(one.tier ?? "-"),
            Cell(one.only.isEmpty ? "-" : one.only.joined(separator: " ")), Cell(one.breaker),
            Cell(one.breaker == "closed" ? "-" : one.openUntil ?? "-"), .count(one.turns), .count(one.failures), .count(one.inFlight),
            Cell(one.latencyMicroseconds.map { "\($0 / 1000) ms" } ?? "-"), Cell(credentialText(one.credentials)),
            Cell(healthText(one.health)),
        ]
    }
    return table
}

/// `up`, or `down: status 503`.
private func healthText(_ health: HealthView?) -> String {
    guard let health else { return "-" }
    return health.state + (health.problem.map { ": \($0)" } ?? "")
}

private func credentialText(_ credentials: [CredentialView]) -> String {
    let ready = credentials.count { $0.state == "ready" }
    let resting = credentials.filter { $0.state != "ready" }.map { "\($0.name): \($0.reason ?? "resting")" }
    return "\(ready)/\(credentials.count)" + (resting.isEmpty ? "" : " (\(resting.joined(separator: ", ")))")
}

private func providerTable(_ providers: [ProviderView]) -> Table {
    var table = Table([
        Column("provider"), Column("kind"), Column("base_url", "BASE URL", priority: 2), Column("dialects", priority: 3),
        Column("credentials", right: true, priority: 1), Column("routed"), Column("breakers"), Column("health"),
    ])
    table.rows = providers.map { one in
        let odd = one.deployments.filter { $0.breaker != "closed" }
        let breakers = odd.map { "\($0.deployment) \($0.breaker)" }.joined(separator: " ")
        return [
            Cell(one.name), Cell(one.kind), Cell(one.baseURL), Cell(one.dialects.joined(separator: " ")),
            .count(Int64(one.credentials)), .count(Int64(one.deployments.count)),
            Cell(one.deployments.isEmpty ? "-" : odd.isEmpty ? "closed" : breakers), Cell(healthText(one.health)),
        ]
    }
    return table
}

func candidateTable(_ decision: RouteDecision) -> Table {
    var table = Table([
        Column("deployment"), Column("state"), Column("first", right: true), Column("weight", right: true, priority: 2),
        Column("tier", priority: 3), Column("latency_us", "FIRST BYTE", right: true, priority: 2),
        Column("in_flight", "IN FLIGHT", right: true, priority: 2), Column("cost_nano_usd", "COST", right: true, priority: 1),
    ])
    table.rows = decision.candidates.map { one in
        [
            Cell(one.deployment), Cell(one.state), Cell("\(one.probabilityPPM / 10_000) %", exact: String(one.probabilityPPM)),
            one.weight.map(Cell.count) ?? Cell("-", exact: ""), Cell(one.tier ?? "-"),
            one.latencyMicroseconds.map { Cell("\($0 / 1000) ms", exact: String($0)) } ?? Cell("-", exact: ""),
            one.inFlight.map(Cell.count) ?? Cell("-", exact: ""), one.costNanoUSD.map(Cell.money) ?? Cell("-", exact: ""),
        ]
    }
    return table
}

/// What a route decided, for a reader.
func decisionText(_ decision: RouteDecision) -> String {
    var line = "route \(decision.route) picks by \(decision.pick): \(decision.reason)"
    if decision.isForced { line += " (no choice)" }
    var turn = "turn: \(grouped(decision.inputTokens)) input tokens"
    if let tools = decision.toolCount { turn += ", \(tools) tools" }
    if let depth = decision.toolDepth { turn += ", tool depth \(depth)" }
    if let depth = decision.turnDepth { turn += ", \(depth) messages" }
    return inert(line) + "\n" + turn + "\n\n" + candidateTable(decision).text(width: nil)
}

/// The tries of a turn, for a reader.
func triesText(_ turn: TurnView) -> String {
    func lostTokens(_ one: UpstreamTry) -> Int64 { (one.inputTokens ?? 0) + (one.outputTokens ?? 0) }
    var columns = [
        Column("try", right: true), Column("deployment"), Column("credential"), Column("status", right: true), Column("error"),
        Column("time", right: true), Column("cost", right: true),
    ]
    let hasLost = turn.tries.contains { lostTokens($0) > 0 }
    if hasLost { columns.append(Column("lost tokens", right: true)) }
    var table = Table(columns)
    for (index, one) in turn.tries.enumerated() {
        var row: [Cell] = [
            .count(Int64(index + 1)), Cell(one.deployment), Cell(one.credential ?? "-"), Cell(one.status == 0 ? "-" : String(one.status)),
            Cell(one.error ?? "-"), Cell("\(one.microseconds / 1000) ms"), .money(one.cost.value),
        ]
        if hasLost { row.append(lostTokens(one) > 0 ? .count(lostTokens(one)) : Cell("-")) }
        table.rows.append(row)
    }
    return table.text(width: nil)
}
