// UnattributedVerb: `weir report unattributed`: what no developer, repository or session can be charged with, and what mends it.

import ArgumentParser
package import Reports

extension ReportCommand {
    struct Unattributed: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Spend without developer, repository or session, by client and version, with the mend.")
        @Option(help: "From: a day (2026-11-01), a month (2026-11), a time back (7d) or an RFC 3339 time; whole days count.")
        var since: String?
        @Option(help: "Up to and without: as --since.") var until: String?
        @OptionGroup var server: ServerOptions
        @OptionGroup var display: OutputOptions

        func run() async throws {
            let query = [("since", try rangeText(since, "--since")), ("until", try rangeText(until, "--until"))]
            let report: UnattributedReport = try await server.reading { try await $0.get("/reports/unattributed", query: query) }
            if report.rows.isEmpty, display.format == .table {
                try output(unattributedNone(report) + "\n")
                return
            }
            let since = report.since.map { " from \(shownTime($0))" } ?? ""
            let until = report.until.map { " to \(shownTime($0))" } ?? ""
            try display.write(
                report, table: unattributedTable(report), title: "Unattributed spend\(since)\(until) (UTC)",
                notes: report.unpricedTurns > 0
                    ? ["\(report.unpricedTurns) turns have no price and count as nothing: weir price unpriced"] : [])
        }
    }
}

/// What is said when nothing is unattributed.
package func unattributedNone(_ report: UnattributedReport) -> String {
    report.totalTurns == 0
        ? "No turns in this time."
        : "Nothing is unattributed: each of \(grouped(report.totalTurns)) turns has developer, repository and session."
}

/// One row for each client, version and set of missing labels.
package func unattributedTable(_ report: UnattributedReport) -> Table {
    var table = Table([
        Column("client"), Column("version", priority: 3), Column("missing"), Column("turns", right: true, priority: 1),
        Column("cost_nano_usd", "COST", right: true), Column("share_per_mille", "SHARE", right: true, priority: 2),
        Column("mend", priority: 4),
    ])
    for row in report.rows {
        table.rows.append([
            Cell(row.client.isEmpty ? "(unknown)" : row.client, exact: row.client), Cell(row.version),
            Cell(row.missing.joined(separator: " ")), .count(row.turns), .money(row.costNanoUSD), .perMille(row.sharePerMille),
            Cell(row.mend),
        ])
    }
    table.total = [
        Cell("TOTAL"), Cell(""), Cell(""), .count(report.turns), .money(report.costNanoUSD),
        .perMille(report.share(turns: report.turns, cost: report.costNanoUSD)), Cell(""),
    ]
    return table
}
