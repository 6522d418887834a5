// ReportVerbs: `weir report spend`, `weir session`, `weir turn`, `weir tail`.

package import AdminAPI
import ArgumentParser
import Console
import Foundation
import GatewayModel
package import Reports

/// Which turns a report covers.
struct RangeOptions: ParsableArguments {
    @Option(help: "From: a day (2026-11-01), a month (2026-11), a time back (7d) or an RFC 3339 time.") var since: String?
    @Option(help: "Up to and without: as --since.") var until: String?
    @Option(help: "Of one developer.") var developer: String?
    @Option(help: "Of one team.") var team: String?
    @Option(help: "Of one repository.") var repository: String?
    @Option(help: "Of one model.") var model: String?
    @Option(help: "Of one key.") var key: String?

    func query() throws -> [(String, String?)] {
        [
            ("since", try rangeText(since, "--since")), ("until", try rangeText(until, "--until")),
            ("developer", developer),
            ("team", team), ("repository", repository), ("model", model), ("key", key),
        ]
    }
}

struct ReportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report", abstract: "Reports: spend, unattributed, telemetry.",
        discussion: """
            weir report spend --by developer
            weir report spend --by repository,model --since 2026-11-01 --format csv
            weir report unattributed --since 7d
            weir report telemetry --since 7d
            """, subcommands: [Spend.self, Unattributed.self, TelemetryVerb.self])

    struct Spend: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Who spent what.")
        @Option(
            help: ArgumentHelp(
                "One to three of: developer, team, workspace, repository, branch, session, agent, client, model, deployment, key, hour, "
                    + "day, month.",
                valueName: "a,b"))
        var by = "developer"
        @Option(help: "How many rows: the dearest, or the latest; the rest is summed up.") var limit = Reports
            .spendRowsUnlessSaid
        @OptionGroup var range: RangeOptions
        @OptionGroup var server: ServerOptions
        @OptionGroup var display: OutputOptions

        func run() async throws {
            let query = try [("by", Optional(by)), ("limit", String(limit))] + range.query()
            let report: SpendReport = try await server.reading { try await $0.get("/reports/spend", query: query) }
            var notes: [String] = []
            if report.rest != nil {
                notes.append(
                    "there are more than \(report.rows.count) rows: --limit N, at most \(Reports.spendRowsMax)")
            }
            if report.total.unpricedTurns > 0 {
                notes.append(
                    "\(report.total.unpricedTurns) turns have no price and count as nothing: weir price unpriced")
            }
            if report.total.estimatedTurns > 0 {
                notes.append("\(report.total.estimatedTurns) turns are estimated: their provider's usage never came")
            }
            try display.write(report, table: spendTable(report), title: title(report), notes: notes)
        }

        private func title(_ report: SpendReport) -> String {
            let since = report.since.map { " from \(shownTime($0))" } ?? ""
            let until = report.until.map { " to \(shownTime($0))" } ?? ""
            return "Spend\(since)\(until) (UTC), as of \(shownTime(SystemClock().now().rfc3339))"
        }
    }
}

/// Spend as a table, one row for each combination of labels.
package func spendTable(_ report: SpendReport) -> Table {
    var columns = report.by.map { Column($0) }
    columns += [
        Column("turns", right: true), Column("errors", right: true, priority: 4),
        Column("input_tokens", "INPUT", right: true, priority: 3),
        Column("cache_read_tokens", "CACHE READ", right: true, priority: 5),
        Column("cache_write_tokens", "CACHE WRITE", right: true, priority: 6),
        Column("output_tokens", "OUTPUT", right: true, priority: 3),
        Column("cache_per_mille", "CACHE", right: true, priority: 2),
        Column("unpriced_turns", "UNPRICED", right: true, priority: 7),
        Column("estimated_turns", "ESTIMATED", right: true, priority: 7), Column("cost_nano_usd", "COST", right: true),
    ]
    func cells(_ row: SpendRow) -> [Cell] {
        [
            .count(row.turns), .count(row.errors), .count(row.inputTokens), .count(row.cacheReadTokens),
            .count(row.cacheWriteTokens), .count(row.outputTokens), .perMille(row.cacheHitPerMille),
            .count(row.unpricedTurns), .count(row.estimatedTurns), .money(row.costNanoUSD),
        ]
    }
    var table = Table(columns)
    for row in report.rows {
        table.rows.append(row.labels.map { Cell($0.isEmpty ? "(unattributed)" : $0, exact: $0) } + cells(row))
    }
    if let rest = report.rest {
        table.rows.append(report.by.indices.map { Cell($0 == 0 ? "(the rest)" : "") } + cells(rest))
    }
    table.total = report.by.indices.map { Cell($0 == 0 ? "TOTAL" : "") } + cells(report.total)
    return table
}

struct SessionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "session", abstract: "Sessions: list, show, grant.", subcommands: [List.self, Show.self, SessionGrantCommand.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Sessions, latest first.")
        @OptionGroup var range: RangeOptions
        @Option(help: "How many.") var limit = 50
        @Option(help: "The cursor that the page before gave.") var after: String?
        @Flag(help: "Those that wait for a person: weir session grant lets them go on.") var paused = false
        @OptionGroup var server: ServerOptions
        @OptionGroup var display: OutputOptions

        func run() async throws {
            let query = try range.query() + [("limit", String(limit)), ("after", after), ("state", paused ? "paused" : nil)]
            let list: SessionList = try await server.reading { try await $0.get("/sessions", query: query) }
            var table = Table([
                Column("session"), Column("developer"), Column("repository"), Column("branch", priority: 3),
                Column("agent", priority: 4), Column("client", priority: 3), Column("last_time", "LAST", priority: 1),
                Column("turns", right: true), Column("sub_agents", "SUB-AGENTS", right: true, priority: 5),
                Column("state", priority: 2), Column("cost_nano_usd", "COST", right: true),
            ])
            for row in list.sessions {
                table.rows.append([
                    Cell(row.session), Cell(row.developer),
                    Cell(row.repository.isEmpty ? "-" : row.repository, exact: row.repository),
                    Cell(row.branch), Cell(row.agent), Cell(row.client),
                    Cell(shownTime(row.lastTime), exact: row.lastTime),
                    .count(row.turns), .count(Int64(row.subAgents.count)), Cell(row.standing?.state.rawValue ?? ""),
                    .money(row.costNanoUSD),
                ])
            }
            try display.write(list, table: table, notes: list.next.map { ["more: --after \($0)"] } ?? [])
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "One session, turn by turn.")
        @Argument(help: "The session.") var id: String
        @OptionGroup var server: ServerOptions
        @OptionGroup var display: OutputOptions

        func run() async throws {
            let id = id
            let detail: SessionDetail = try await server.reading { client in
                let path = "/sessions/\(segment(id))"
                var detail: SessionDetail = try await client.get(path)
                // A session may have more turns than one answer holds.
                while let next = detail.next {
                    let page: SessionDetail = try await client.get(path, query: [("after", next)])
                    detail.turns += page.turns
                    detail.next = page.next
                }
                return detail
            }
            if display.format == .table {
                for row in detail.sessions {
                    let kind = row.parentSession == nil ? "" : "  (of \(row.parentSession ?? ""))"
                    let place = [row.repository, row.branch].filter { !$0.isEmpty }.joined(separator: "@")
                    try output(inert("\(row.session)\(kind)  \(row.developer)  \(place)  \(row.client)") + "\n")
                    let counts = "\(row.turns) turns, \(row.subAgents.count) sub-agents, \(row.errors) errors"
                    let hits = row.cacheHitPerMille.map { ", cache \($0 / 10).\($0 % 10) %" } ?? ""
                    try output("cost \(shownMoney(row.costNanoUSD))   \(counts)\(hits)\n")
                    if let standing = row.standing { try output(inert(standingText(standing)) + "\n") }
                }
                try output(inert(prefixLines(detail.turns)))
                if !detail.tools.isEmpty { try output(inert(toolLine(detail.tools)) + "\n") }
            }
            try display.write(detail, table: turnTable(detail.turns))
        }
    }
}

/// The turns whose prompt cache was lost, each with its cause.
package func prefixLines(_ turns: [TurnView]) -> String {
    turns.compactMap { turn in
        turn.prefixBreak.map { "cache lost at \(shownTime(turn.time).suffix(5)) \(turn.requestID): \($0.text)\n" }
    }.joined()
}

/// Turns as a table.
package func turnTable(_ turns: [TurnView]) -> Table {
    var table = Table([
        Column("request_id", "TURN", priority: 7), Column("time", "AT"), Column("developer", priority: 4),
        Column("agent", priority: 3), Column("model"), Column("status", right: true, priority: 1),
        Column("input_tokens", "CTX", right: true), Column("cache_per_mille", "HIT", right: true, priority: 2),
        Column("output_tokens", "OUT", right: true), Column("tool_calls", "TOOLS", right: true, priority: 5),
        Column("flags", priority: 6), Column("cost_nano_usd", "COST", right: true),
    ])
    for turn in turns {
        let usage = turn.usage
        let (hits, overflow) = usage.cacheRead.multipliedReportingOverflow(by: 1000)
        let context = usage.totalInput
        table.rows.append([
            Cell(turn.requestID), Cell(String(shownTime(turn.time).suffix(5)), exact: turn.time),
            Cell(turn.developer ?? turn.serviceAccount ?? ""),
            Cell(turn.subAgent?.value ?? turn.agent?.value ?? ""), Cell(turn.modelAsked), .count(Int64(turn.status)),
            .count(context), .perMille(context > 0 && !overflow ? hits / context : nil), .count(usage.output),
            .count(Int64(turn.toolCalls)), Cell(turn.flags.joined(separator: " ")), .money(turn.costNanoUSD),
        ])
    }
    return table
}

struct TurnCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "turn", abstract: "Turns: list, show.", subcommands: [List.self, Show.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Turns, latest first.")
        @OptionGroup var range: RangeOptions
        @Option(help: "How many.") var limit = 50
        @Option(help: "The cursor that the page before gave.") var after: String?
        @OptionGroup var server: ServerOptions
        @OptionGroup var display: OutputOptions

        func run() async throws {
            let query = try range.query() + [("limit", String(limit)), ("after", after)]
            let list: ListBody<TurnView> = try await server.reading { try await $0.get("/turns", query: query) }
            try display.write(
                ListDocument(schema: "weir.turn.list/1", data: list.data, next: list.next), table: turnTable(list.data),
                notes: list.next.map { ["more: --after \($0)"] } ?? [])
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Everything that is kept of one turn.")
        @Argument(help: "The turn's id, as in x-weir-request-id.") var id: String
        @OptionGroup var server: ServerOptions
        @OptionGroup var display: OutputOptions

        func run() async throws {
            let id = id
            let detail: TurnDetail = try await server.reading { try await $0.get("/turns/\(segment(id))") }
            guard display.format == .table else {
                try display.write(SingleDocument(schema: "weir.turn/1", value: detail), table: turnTable([detail.turn]))
                return
            }
            try output(turnText(detail.turn))
            if detail.turn.tries.count > 1 { try output("\n" + triesText(detail.turn)) }
            if let decision = detail.turn.routing { try output("\n" + decisionText(decision)) }
            if let says = detail.clientSays { try output("\n" + clientSaysText(says)) }
        }
    }
}

struct TailCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tail", abstract: "Turns as they end; --format json writes one document a line.",
        discussion: "weir tail --repository github.com/acme/shop")
    @Option(help: "Of one developer or service account.") var developer: String?
    @Option(help: "Of one repository.") var repository: String?
    @Option(help: "Of one model.") var model: String?
    @Option(help: "Of one key.") var key: String?
    @OptionGroup var server: ServerOptions
    @OptionGroup var display: OutputOptions

    func run() async throws {
        guard display.format != .csv else { throw ValidationError("tail writes table or json") }
        try await server.following { client in
            try await client.lines("/tail") { line in
                guard !line.isEmpty, let turn = try? JSONDecoder().decode(TurnView.self, from: Data(line.utf8)),
                    wants(turn)
                else {
                    return
                }
                try output((display.format == .json ? line : inert(tailLine(turn))) + "\n")
            }
        }
    }

    private func wants(_ turn: TurnView) -> Bool {
        (developer == nil || developer == turn.developer ?? turn.serviceAccount)
            && (repository == nil || repository == turn.repository?.value)
            && (model == nil || model == turn.modelAsked || turn.deployment.hasSuffix("/\(model ?? "")"))
            && (key == nil || key == turn.keyID)
    }
}
