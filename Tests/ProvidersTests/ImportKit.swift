// ImportKit: reads the excerpts of price catalogues, which are our own making in the real shapes.

import Foundation
import GatewayModel
import Providers
import Testing

/// Imports `Fixtures/price_catalogues/<name>.json`.
func imported(_ format: PriceFileFormat, _ name: String, asOf: String? = nil) throws -> PriceImport {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    let file = folder.appendingPathComponent("Fixtures/price_catalogues/\(name).json")
    return try importPrices(format, json: Array(try Data(contentsOf: file)), asOf: try asOf.map { try at($0) })
}

/// Imports JSON that a test spells out.
func imported(_ format: PriceFileFormat, json: String) throws -> PriceImport {
    try importPrices(format, json: Array(json.utf8), asOf: nil)
}

extension PriceImport {
    /// The imported rows alone.
    var book: PriceBook { PriceBook(rows: rows, version: "import") }

    /// Why an entry was left out, whole or in part.
    func reason(_ name: String) -> String? {
        skipped.first { $0.hasPrefix("\(name): ") }.map { String($0.dropFirst(name.count + 2)) }
    }
}
