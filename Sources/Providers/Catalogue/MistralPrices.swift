// MistralPrices: Mistral's list prices as of 2026-11.

import GatewayModel

enum MistralPrices {
    static let rows: [PriceRow] = {
        var table = PriceTable("mistral")
        table.add(ModelPrices("mistral-large-4", input: "1.36", read: "0.14", output: "4.18"))
        table.add(ModelPrices("devstral-latest", input: "0.4", read: "0.04", output: "2"))
        table.add(ModelPrices("codestral-latest", input: "0.3", read: "0.03", output: "0.9"))
        return table.rows
    }()
}
