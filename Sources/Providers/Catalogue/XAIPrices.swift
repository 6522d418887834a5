// XAIPrices: xAI's list prices as of 2026-11. From 200,000 input tokens on (inclusive) everything costs 2x.

import GatewayModel

enum XAIPrices {
    static let rows: [PriceRow] = {
        var table = PriceTable("xai")
        let grok = ModelPrices("grok-4.7", input: "2", read: "0.5", output: "6")
        table.add(grok)
        table.add(grok, PriceScope(contextOver: 199_999), times: Ratio(2))
        return table.rows
    }()
}
