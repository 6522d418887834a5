// PriceVerbs: `weir price`: what a usage costs and why, imported catalogues, and turns that have no price.

import AdminAPI
import ArgumentParser
import Foundation
import GatewayModel
import Providers
import ServerConfiguration
import Storage

struct PriceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "price", abstract: "Prices: explain, import, unpriced, rerate.",
        discussion: """
            echo '{"input":1200,"cache_read":30000,"output":400}' |
              weir price explain --provider anthropic --model claude-sonnet-4-5 --usage -
            weir price import litellm model_prices_and_context_window.json
            """, subcommands: [Explain.self, Import.self, Unpriced.self, Rerate.self])

    struct Explain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Price a usage and show each line.")
        @Option(help: "Whose prices: openai, anthropic, …") var provider: String
        @Option(help: "The model.") var model: String
        @Option(help: "When: an RFC 3339 time; now without it.") var at: String?
        @Option(help: ArgumentHelp("A file with the usage as JSON, in Weir's token classes; - is standard input.", valueName: "file"))
        var usage: String
        @Option(help: "A configuration whose prices go first.") var config: String?
        @OptionGroup var server: ServerOptions
        @OptionGroup var display: OutputOptions

        func run() async throws {
            let time = try at.map { text in
                guard let time = Timestamp(rfc3339: text) else { throw ValidationError("--at takes an RFC 3339 time") }
                return time
            }
            let document = try usageDocument(try readInput(usage))
            let explanation = try book().explain(
                usage: document.usage, provider: provider, model: model, qualifiers: document.qualifiers,
                at: time ?? SystemClock().now())
            var notes: [String] = []
            if !explanation.unpriced.isEmpty {
                notes.append("no price for \(explanation.unpriced.joined(separator: ", ")) of \(provider)/\(model): weir price import")
            }
            try display.write(explanation, table: explanationTable(explanation), notes: notes)
        }

        /// The prices in force: configuration, what was imported into the folder, our own list.
        private func book() throws -> PriceBook {
            var rows: [PriceRow] = []
            if let config { rows = try readOrTellFaults(config).prices }
            let folder = server.folder
            guard folder.exists else { return priceBook(configured: rows, imported: []) }
            return priceBook(configured: rows, imported: try ControlStore(Databases(readOnly: folder.path).control).priceRows())
        }
    }

    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take over a catalogue of prices; it replaces what came from the same source before.")
        @Argument(help: "litellm, models.dev or genai-prices.") var source: String
        @Argument(help: "The file, or - for standard input.") var file: String
        @Option(help: "From when its prices hold: a day or an RFC 3339 time; always without it.") var asOf: String?
        @OptionGroup var server: ServerOptions

        func run() async throws {
            guard let format = PriceFileFormat(rawValue: source) else {
                let known = PriceFileFormat.allCases.map(\.rawValue).joined(separator: ", ")
                throw ValidationError("\"\(source)\" is no known catalogue; known: \(known)")
            }
            let from = try rangeText(asOf, "--as-of").flatMap { Timestamp(rfc3339: $0) }
            let read = try priceImport(format, try readInput(file), asOf: from)
            let request = PriceImportRequest(source: source, rows: read.rows)
            let answer: [String: Int] = try await server.changing { try await $0.post("/prices", request) }
            standardError("\(answer["imported"] ?? 0) prices are in force; \(read.skipped.count) entries could not be taken.")
            for line in read.skipped.prefix(20) { standardError("  \(line)") }
            if read.skipped.count > 20 { standardError("  and \(read.skipped.count - 20) more") }
        }
    }

    struct Unpriced: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Deployments whose turns have no price.")
        @OptionGroup var server: ServerOptions
        @OptionGroup var display: OutputOptions

        func run() async throws {
            let list: ListBody<UnpricedView> = try await server.reading { try await $0.get("/prices/unpriced") }
            try display.write(
                ListDocument(schema: "weir.price.unpriced/1", data: list.data), table: unpricedTable(list.data),
                notes: list.data.isEmpty ? [] : ["set a price under prices: in the configuration or import one, then: weir price rerate"])
        }
    }

    struct Rerate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Price unpriced turns by the prices in force now.")
        @OptionGroup var server: ServerOptions
        @OptionGroup var display: OutputOptions

        func run() async throws {
            let list: ListBody<UnpricedView> = try await server.changing { try await $0.post("/prices/rerate") }
            try display.write(ListDocument(schema: "weir.price.rerate/1", data: list.data), table: unpricedTable(list.data))
        }
    }
}

private func unpricedTable(_ rows: [UnpricedView]) -> Table {
    var table = Table([Column("deployment"), Column("turns", right: true)])
    table.rows = rows.map { [Cell($0.deployment), .count($0.turns)] }
    return table
}

private func explanationTable(_ explanation: PriceExplanation) -> Table {
    var table = Table([
        Column("class"), Column("quantity", right: true), Column("unit_price_nano_usd", "UNIT PRICE", right: true),
        Column("unit", priority: 2), Column("source", priority: 1), Column("amount_nano_usd", "NANO-USD", right: true),
    ])
    for line in explanation.lines {
        table.rows.append([
            Cell(line.usageClass), .count(line.quantity),
            line.unitPriceNanoUSD.map { Cell(shownMoney($0), exact: String($0)) } ?? Cell("none", exact: ""),
            Cell(line.unit.replacingOccurrences(of: "_", with: " "), exact: line.unit), Cell(line.row?.source ?? ""),
            Cell(line.amountNanoUSD ?? "", exact: line.amountNanoUSD ?? ""),
        ])
    }
    table.total = [
        Cell("TOTAL"), Cell(""), Cell(""), Cell(""), Cell(""), Cell(explanation.totalNanoUSD.map { String($0) } ?? "unpriced"),
    ]
    return table
}

/// A usage in Weir's token classes.
private func usageDocument(_ bytes: [UInt8]) throws -> UsageDocument {
    do throws(UsageDocumentError) {
        return try UsageDocument(json: bytes)
    } catch {
        throw CommandFailure("bad_usage", error.description, mend: "the classes are listed in docs/glossary.md")
    }
}

private func priceImport(_ format: PriceFileFormat, _ bytes: [UInt8], asOf: Timestamp?) throws -> PriceImport {
    do throws(PriceImportError) {
        return try importPrices(format, json: bytes, asOf: asOf)
    } catch {
        throw CommandFailure("bad_price_file", "\(error)", mend: "check that the file is \(format.rawValue)'s own, unchanged")
    }
}

/// The bytes of a file, or of standard input for `-`.
func readInput(_ path: String) throws -> [UInt8] {
    if path == "-" {
        do {
            return Array(try FileHandle.standardInput.readToEnd() ?? Data())
        } catch {
            throw CommandFailure("cannot_read", "cannot read standard input: \(error)", mend: "name a file, or pipe it in")
        }
    }
    guard let data = FileManager.default.contents(atPath: path) else {
        throw CommandFailure("cannot_read", "cannot read \(path)", mend: "check the path")
    }
    return Array(data)
}
