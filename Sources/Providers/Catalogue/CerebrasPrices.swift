// CerebrasPrices: Cerebras's list prices as of 2026-11.

import GatewayModel

enum CerebrasPrices {
    static let rows: [PriceRow] = {
        var table = PriceTable("cerebras")
        table.add(ModelPrices("gpt-oss-120b", input: "0.35", output: "0.75"))
        return table.rows
    }()
}
