// BedrockPrices: AWS Bedrock's list prices as of 2026-11. A regional inference profile costs 1.1x the global one for the newer
// Claude models.

import GatewayModel

enum BedrockPrices {
    private static let global = [
        ModelPrices("anthropic.claude-opus-5-5", input: "4", read: "0.2", write: "5", long: "8", output: "20"),
        ModelPrices("anthropic.claude-sonnet-5-5", input: "2", read: "0.1", write: "2.5", long: "4", output: "10"),
    ]

    static let rows: [PriceRow] = {
        var table = PriceTable("bedrock")
        for prices in global {
            let regional = Ratio(11, 10)
            for (profile, uplift) in [("global", Ratio.one), ("us", regional), ("eu", regional), ("jp", regional), ("au", regional)] {
                var prices = prices
                prices.models = prices.models.map { "\(profile).\($0)" }
                table.add(prices, times: uplift)
            }
        }
        table.add(ModelPrices("amazon.nova-2-lite", input: "0.3", read: "0.075", output: "2.5"))
        var openAI = PriceTable("bedrock", short: .cacheWrite30m, long: .cacheWrite12h)
        let sol = ModelPrices("openai.gpt-6.1-sol", input: "2.2", read: "0.11", write: "2.75", output: "11")
        openAI.add(sol)
        openAI.add(sol, PriceScope(contextOver: 272_000), times: Ratio(2), output: Ratio(3, 2))
        return table.rows + openAI.rows
    }()
}
