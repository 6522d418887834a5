// PriceImport: price catalogues that others keep, read into our own rows. A figure is taken as the text that stands in the file;
// what our rows cannot say is left out and named, so that its turns are unpriced and not wrong.

package import GatewayModel
import WireFormat

/// The catalogues that `weir price import` reads.
package enum PriceFileFormat: String, Sendable, CaseIterable {
    /// LiteLLM's `model_prices_and_context_window.json`.
    case litellm
    /// models.dev's `api.json`.
    case modelsDev = "models.dev"
    /// genai-prices' `data.json` or `data_slim.json`.
    case genAIPrices = "genai-prices"
}

/// What a catalogue gave.
package struct PriceImport: Sendable {
    package var rows: [PriceRow]
    /// What was left out, one line for a model: its name in the file and why. Models that were taken in part come first.
    package var skipped: [String]
}

/// Why a file is none of the catalogues.
package enum PriceImportError: Error, Sendable, Hashable, CustomStringConvertible {
    case malformed(String)
    case notThisFormat(PriceFileFormat, expected: String)
    case empty(PriceFileFormat)

    package var description: String {
        switch self {
        case .malformed(let reason): "the file is no JSON: \(reason)"
        case .notThisFormat(let format, let expected): "the file is not \(format.rawValue)'s: \(expected)"
        case .empty(let format): "the file holds no price that \(format.rawValue)'s format is known for"
        }
    }
}

/// Reads a catalogue. Its prices hold from `asOf` on, or always; dates of its own are kept.
package func importPrices(
    _ format: PriceFileFormat, json: [UInt8], asOf: Timestamp?
) throws(PriceImportError) -> PriceImport {
    let tree: JSONTree
    do {
        tree = try JSONTree(json)
    } catch {
        switch error {
        case .malformed(let offset, let reason): throw .malformed("\(reason), at byte \(offset)")
        case .tooDeep(let max): throw .malformed("it is nested deeper than \(max)")
        }
    }
    var collector = PriceRowCollector(source: format.rawValue, asOf: asOf)
    switch format {
    case .litellm: try readLiteLLMPrices(tree, into: &collector)
    case .modelsDev: try readModelsDevPrices(tree, into: &collector)
    case .genAIPrices: try readGenAIPrices(tree, into: &collector)
    }
    let skipped = collector.skippedInPart + collector.skippedWhole
    guard !collector.rows.isEmpty || !skipped.isEmpty else { throw .empty(format) }
    return PriceImport(rows: collector.rows, skipped: skipped)
}
