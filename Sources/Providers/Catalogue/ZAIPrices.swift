// ZAIPrices: Z.ai's list prices as of 2026-11. Writing to the cache is free.

import GatewayModel

enum ZAIPrices {
    static let rows: [PriceRow] = {
        var table = PriceTable("zai")
        table.add(ModelPrices("glm-5.3", input: "1.4", read: "0.26", write: "0", output: "4.4"))
        return table.rows
    }()
}
