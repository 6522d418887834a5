// TelemetryVerb: `weir report telemetry`, and what a client says of a turn and of a session's tools, for a reader.

import ArgumentParser
import Foundation
import GatewayModel
package import Reports

struct TelemetryVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "telemetry", abstract: "What clients report of their own calls, held against the ledger.",
        discussion: """
            Clients that send OpenTelemetry to this gateway (docs/telemetry.md) say which calls they made and what they cost.
            The report shows which turns they spoke of, which of their calls Weir never saw, and whose sums differ.
            """)
    @Option(help: "From: a day (2026-11-01), a month (2026-11), a time back (7d) or an RFC 3339 time; moved back to a whole hour.")
    var since: String?
    @OptionGroup var server: ServerOptions
    @OptionGroup var display: OutputOptions

    func run() async throws {
        let query = [("since", try rangeText(since, "--since"))]
        let report: TelemetryReport = try await server.reading { try await $0.get("/reports/telemetry", query: query) }
        let range = report.since.map { " from \(shownTime($0)) (UTC)" } ?? ""
        try display.write(report, table: telemetryTable(report), title: "Telemetry\(range)", notes: telemetryNotes(report))
    }
}

/// One row for each client and version that reports, and one for each client's turns of which nobody reported.
package func telemetryTable(_ report: TelemetryReport) -> Table {
    var table = Table([
        Column("client"), Column("version"), Column("turns", right: true), Column("missed", "MISSED WEIR", right: true),
        Column("unnamed", "NO ID", right: true, priority: 2), Column("client_cost_nano_usd", "COST BY CLIENT", right: true),
        Column("weir_cost_nano_usd", "COST BY WEIR", right: true), Column("difference_nano_usd", "DIFFERENCE", right: true),
    ])
    for row in report.rows {
        table.rows.append([
            Cell(row.client), Cell(row.version), .count(row.turns), .count(row.missed), .count(row.unnamed),
            .money(row.clientCostNanoUSD), .money(row.weirCostNanoUSD), .money(row.differenceNanoUSD),
        ])
    }
    for row in report.coverage where row.withoutReport > 0 {
        table.rows.append([
            Cell(row.client.isEmpty ? "(unknown)" : row.client, exact: row.client), Cell("(no report)", exact: ""),
            .count(row.withoutReport), .count(0), .count(0), Cell(""), Cell(""), Cell(""),
        ])
    }
    return table
}

/// The leaks, one a line, each with the session and the developer whose traffic did not come through Weir.
package func telemetryNotes(_ report: TelemetryReport) -> [String] {
    guard !report.missed.isEmpty else { return [] }
    let shown = report.missed.prefix(10).map { one in
        "\(one.developer), session \(one.session.isEmpty ? "(none)" : one.session), \(one.client) \(one.version): "
            + "\(one.calls) calls, \(shownMoney(one.costNanoUSD)) by the client, last \(shownTime(one.lastTime))"
    }
    let more = report.missed.count > shown.count ? ["and \(report.missed.count - shown.count) more sessions: --format json"] : []
    return ["Calls that Weir never saw: that traffic went another way. Mend: weir doctor --client on that machine"] + shown + more
}

/// `tools by client: Bash 12 (1 failed, 3,204 ms), Read 4 (80 ms)`.
package func toolLine(_ tools: [ToolUse]) -> String {
    let each = tools.map { tool in
        let failed = tool.failures > 0 ? "\(tool.failures) failed, " : ""
        return "\(tool.name.isEmpty ? "(unnamed)" : tool.name) \(tool.calls) (\(failed)\(grouped(tool.durationMilliseconds)) ms)"
    }
    return "tools by client: " + each.joined(separator: ", ")
}

/// The block below a turn.
package func clientSaysText(_ says: ClientSays) -> String {
    func figure(_ value: Int64?, _ difference: Int64?) -> String? {
        value.map { grouped($0) + (difference.map { $0 == 0 ? "" : "  (\($0 > 0 ? "+" : "")\(grouped($0)) against Weir)" } ?? "") }
    }
    let cost = says.costNanoUSD.map { value in
        let apart = says.difference.costNanoUSD ?? 0
        return "$\(NanoUSD(value).dollars)"
            + (apart == 0 ? "" : "  (\(apart > 0 ? "+" : "-")$\(NanoUSD(Int64(clamping: apart.magnitude)).dollars) against Weir)")
    }
    let lines: [(String, String?)] = [
        ("client says", "\(says.client) \(says.version)"), ("reported", says.reported), ("prompt", says.prompt),
        ("agent", says.agent), ("sub-agent", says.subAgent), ("model", says.model),
        ("outcome", says.success.map { $0 ? "success" : "failed\(says.status.map { " \($0)" } ?? "")" }),
        ("attempt", says.attempt.map(String.init)), ("duration", says.durationMilliseconds.map { "\(grouped($0)) ms" }),
        ("first token", says.firstTokenMilliseconds.map { "\(grouped($0)) ms" }),
        ("input", figure(says.input, says.difference.input)), ("cache read", figure(says.cacheRead, says.difference.cacheRead)),
        ("cache write", figure(says.cacheWrite, says.difference.cacheWrite)),
        ("output", figure(says.output, says.difference.output)), ("cost", cost),
    ]
    let size = lines.map(\.0.count).max() ?? 0
    return lines.compactMap { name, value in
        guard let value, !value.isEmpty else { return nil }
        return name + String(repeating: " ", count: size - name.count + 2) + inert(value) + "\n"
    }.joined()
}
