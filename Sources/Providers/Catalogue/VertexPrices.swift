// VertexPrices: on Vertex AI, Google's and Anthropic's models cost what their makers ask for; in a region, 1.1x (protocols.md, 11.4).

import GatewayModel

enum VertexPrices {
    /// What the geography of a turn is called when its location is neither global nor a continent.
    static let regional = "regional"

    static let rows: [PriceRow] = (GooglePrices.rows + AnthropicPrices.rows.filter { $0.geo == nil }).flatMap { row in
        var global = row
        global.provider = "vertex"
        guard !row.meter.isPerCall else { return [global] }
        var regional = global
        regional.geo = Self.regional
        regional.price = row.price / 10 * 11 + row.price % 10 * 11 / 10
        return [global, regional]
    }
}
