// MiniMaxPrices: MiniMax's list prices as of 2026-11. Over 512,000 input tokens everything costs 2x.

import GatewayModel

enum MiniMaxPrices {
    static let rows: [PriceRow] = {
        var table = PriceTable("minimax")
        let m3 = ModelPrices("MiniMax-M3", input: "0.3", read: "0.06", output: "1.2")
        table.add(m3)
        table.add(m3, PriceScope(contextOver: 512_000), times: Ratio(2))
        return table.rows
    }()
}
