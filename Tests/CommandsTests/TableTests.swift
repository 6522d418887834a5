// TableTests: one description of a table gives text for terminals of any width and exact CSV.

import AdminAPI
import Commands
import Foundation
import GatewayModel
import Reports
import Testing

@Suite struct TableTests {
    private func report() throws -> SpendReport {
        func row(_ labels: String, _ turns: Int64, _ cost: Int64, unpriced: Int64 = 0) -> String {
            """
            {"labels":\(labels),"turns":\(turns),"errors":3,"unpriced_turns":\(unpriced),"estimated_turns":1,
            "input_tokens":\(turns * 1103),"cache_read_tokens":\(turns * 98_765),"cache_write_tokens":\(turns * 211),
            "output_tokens":\(turns * 640),"reasoning_tokens":0,"cost_nano_usd":\(cost)}
            """
        }
        let json = """
            {"schema":"weir.report.spend/1","by":["repository","model"],"since":"2026-11-01T00:00:00Z","rows":[
            \(row("[\"github.com/acme/shop\",\"claude-sonnet-4-5\"]", 12_408, 412_100_000_000)),
            \(row("[\"\",\"gpt-6.1-sol\"]", 37, 41_200, unpriced: 2)),
            \(row("[\"github.com/acme/=HYPERLINK(1)\",\"x\\u001b[31m\"]", 1, 999_950_000))],
            "total":\(row("[]", 12_446, 413_100_000_000, unpriced: 2))}
            """
        return try JSONDecoder().decode(SpendReport.self, from: Data(json.utf8))
    }

    private func turns() throws -> [TurnView] {
        try (1...3).map { number in
            var turn = TurnRecord(
                requestID: RequestID(
                    time: try #require(Timestamp(rfc3339: "2026-11-24T14:03:22Z")), random: UInt64(number), random12: 7),
                principal: Principal(keyID: "4fj2abcdef", workspace: "default", team: "web", developer: "maria"),
                attribution: Attribution(), endpoint: .messages, modelAsked: "claude-sonnet-4-5",
                received: try #require(Timestamp(rfc3339: "2026-11-24T14:03:2\(number)Z")))
            turn.attribution.session = Label("ses_\(number)", .agent)
            turn.attribution.repository = Label("github.com/acme/shop", .weirHeader)
            turn.attribution.agent = number == 2 ? Label("explore\u{202E}", .agent) : nil
            turn.provider = "anthropic"
            turn.model = "claude-sonnet-4-5"
            turn.status = number == 3 ? 502 : 200
            turn.errorClass = number == 3 ? "upstream_error" : nil
            turn.usage.input = Int64(number) * 1200
            turn.usage.cacheRead = 140_000
            turn.usage.output = 903
            turn.cost = NanoUSD(Int64(number) * 41_200_000)
            turn.usageSource = .provider
            turn.flags = number == 2 ? [.estimated, .cancelled] : []
            turn.toolCalls = number
            turn.rawUsage = number == 1 ? "{\"input_tokens\":1200}" : nil
            return TurnView(turn)
        }
    }

    @Test(arguments: [60, 100, 160])
    func spendFitsTheTerminal(_ width: Int) throws {
        let text = try spendTable(report()).text(width: width)
        #expect(text.split(separator: "\n").allSatisfy { $0.count <= width })
        try expectGolden(text, "spend.\(width)")
    }

    @Test(arguments: [60, 100, 160])
    func turnsFitTheTerminal(_ width: Int) throws {
        let text = try turnTable(turns()).text(width: width)
        #expect(text.split(separator: "\n").allSatisfy { $0.count <= width })
        try expectGolden(text, "turns.\(width)")
    }

    @Test func aTerminalNarrowerThanWhatStaysGetsEachRowStacked() throws {
        let text = try spendTable(report()).text(width: 30)
        #expect(text.contains("github.com/acme/shop"))
        try expectGolden(text, "spend.30")
    }

    @Test func withoutAWidthNothingIsLeftOut() throws {
        let text = try spendTable(report()).text(width: nil)
        for title in ["REPOSITORY", "CACHE WRITE", "UNPRICED", "ESTIMATED"] { #expect(text.contains(title)) }
    }

    @Test func csvIsExactAndHasNoTotal() throws {
        try expectGolden(try spendTable(report()).csv.replacingOccurrences(of: "\r\n", with: "\n"), "spend.csv")
        let csv = try spendTable(report()).csv
        #expect(csv.components(separatedBy: "\r\n").count == 5)
        #expect(csv.contains(",412100000000\r\n") && !csv.contains("TOTAL") && !csv.contains("$"))
    }

    @Test func oneTurnIsAPageAndALine() throws {
        let turns = try turns()
        try expectGolden(turnText(turns[0]), "turn.show")
        try expectGolden(turns.map { tailLine($0) + "\n" }.joined(), "tail")
    }

    // MARK: What others wrote

    @Test(arguments: [
        ("=1+1", "'=1+1"), ("+49 30", "'+49 30"), ("-rf", "'-rf"), ("@SUM(A1)", "'@SUM(A1)"), ("\tx", "'\tx"),
        ("\rx", "\"'\rx\""),
        ("=\u{301}cmd|'/c calc'!A1", "'=\u{301}cmd|'/c calc'!A1"), ("-5", "-5"), ("+5", "+5"), ("-5.5", "'-5.5"),
        ("a,b", "\"a,b\""), ("say \"hi\"", "\"say \"\"hi\"\"\""), ("a\nb", "\"a\nb\""), ("a\r\nb", "\"a\r\nb\""),
        ("", ""),
        ("x\"\u{301}y", "\"x\"\"\u{301}y\""), ("x,\u{301}y", "\"x,\u{301}y\""),
    ])
    func aSpreadsheetTakesNoCellForAFormula(_ value: String, _ field: String) {
        var table = Table([Column("c")])
        table.rows = [[Cell(value)]]
        #expect(Array(table.csv.unicodeScalars) == Array("c\r\n\(field)\r\n".unicodeScalars))
    }

    @Test func aTerminalObeysNothingThatStandsInACell() {
        for scalar in [
            "\u{1b}", "\u{7}", "\r", "\n", "\u{9b}", "\u{202e}", "\u{2066}", "\u{2028}", "\u{7f}", "\u{200f}",
        ] {
            #expect(inert("a\(scalar)b") == "a\u{fffd}b")
        }
        #expect(inert("grün, 日本, 👩‍👩‍👧") == "grün, 日本, 👩‍👩‍👧")
        var table = Table([Column("c")])
        table.rows = [[Cell("a\u{1b}[2Jb")]]
        #expect(!table.text(width: 80).contains("\u{1b}"))
    }

    @Test func aPageOfATurnObeysNothingEither() throws {
        var turn = try #require(try turns().first)
        turn.session = Label("ses\u{1b}[2J\nfake: line", .agent)
        turn.modelAsked = "m\u{202e}x"
        let text = turnText(turn)
        #expect(!text.contains("\u{1b}") && !text.contains("\u{202e}") && !text.contains("\nfake"))
    }

    @Test func countsThatNobodyCouldPayDoNotEndTheProgram() throws {
        var turn = try #require(try turns().first)
        turn.usage.input = .max
        turn.usage.cacheRead = .max
        turn.usage.output = .max
        turn.costNanoUSD = .min
        _ = turnTable([turn]).text(width: 100)
        _ = tailLine(turn)
        _ = turnText(turn)
    }
}
