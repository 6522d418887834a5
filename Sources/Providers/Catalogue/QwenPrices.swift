// QwenPrices: Alibaba Cloud's list prices as of 2026-11.

import GatewayModel

enum QwenPrices {
    static let rows: [PriceRow] = {
        var table = PriceTable("qwen")
        table.add(ModelPrices("qwen3.8-max", input: "2", read: "0.25", output: "6"))
        return table.rows
    }()
}
