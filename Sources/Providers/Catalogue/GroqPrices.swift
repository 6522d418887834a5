// GroqPrices: Groq's list prices as of 2026-11.

import GatewayModel

enum GroqPrices {
    static let rows: [PriceRow] = {
        var table = PriceTable("groq")
        table.add(ModelPrices("gpt-oss-120b", "openai/gpt-oss-120b", input: "0.15", read: "0.075", output: "0.6"))
        return table.rows
    }()
}
