import GatewayModel
enum PriceFileFormat: String, CaseIterable { case litellm }
struct PriceImport { var rows: [PriceRow]; var skipped: [String] }
struct PriceImportError: Error {}
func importPrices(_ f: PriceFileFormat, json: [UInt8], asOf: Timestamp?) throws(PriceImportError) -> PriceImport { throw PriceImportError() }
