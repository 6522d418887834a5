// MoonshotPrices: Moonshot's list prices as of 2026-11.

import GatewayModel

enum MoonshotPrices {
    static let rows: [PriceRow] = {
        var table = PriceTable("moonshot")
        table.add(ModelPrices("kimi-k3", input: "3", read: "0.3", write: "3", long: "6", output: "15"))
        return table.rows
    }()
}
