// AzurePrices: Azure's list prices as of 2026-11, global deployments.

import GatewayModel

enum AzurePrices {
    static let rows: [PriceRow] = {
        var openAI = PriceTable("azure", short: .cacheWrite30m, long: .cacheWrite12h)
        let sol = ModelPrices("gpt-6.1-sol", input: "2", read: "0.1", write: "2.5", output: "10")
        openAI.add(sol)
        openAI.add(sol, PriceScope(contextOver: 272_000), times: Ratio(2), output: Ratio(3, 2))
        var anthropic = PriceTable("azure")
        anthropic.add(ModelPrices("claude-opus-5-5", input: "4", read: "0.2", write: "5", long: "8", output: "20"))
        return openAI.rows + anthropic.rows
    }()
}
