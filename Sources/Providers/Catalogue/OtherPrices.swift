// OtherPrices: list prices of providers whose models reach Weir through an OpenAI-compatible server (as of 2026-11).

import GatewayModel

enum OtherPrices {
    private static let byProvider: [(String, [ModelPrices])] = [
        (
            "google",
            [
                ModelPrices("gemini-4-argon", input: "2", read: "0.1", output: "10", to: "2026-12-01"),
                ModelPrices("gemini-4-argon", input: "4", read: "0.2", output: "20", from: "2026-12-01"),
                ModelPrices("gemini-3.1-pro-preview", input: "2", read: "0.2", output: "12"),
                ModelPrices("gemini-3.8-flash", input: "0.75", read: "0.075", output: "3.75", to: "2027-01-01"),
                ModelPrices("gemini-3.8-flash", input: "1.5", read: "0.15", output: "7.5", from: "2027-01-01"),
                ModelPrices("gemini-3.5-flash", input: "1.5", read: "0.15", output: "9"),
                ModelPrices("gemini-3.5-flash-lite", input: "0.3", read: "0.03", output: "2.5"),
                ModelPrices("gemini-2.5-pro", input: "1.25", read: "0.125", output: "10"),
                ModelPrices("gemini-2.5-flash", input: "0.3", read: "0.03", output: "2.5"),
            ]
        ),
        ("moonshot", [ModelPrices("kimi-k3", input: "3", read: "0.3", write: "3", long: "6", output: "15")]),
        ("zai", [ModelPrices("glm-5.3", input: "1.4", read: "0.26", write: "0", output: "4.4")]),
        ("minimax", [ModelPrices("MiniMax-M3", input: "0.3", read: "0.06", output: "1.2")]),
        ("qwen", [ModelPrices("qwen3.8-max", input: "2", read: "0.25", output: "6")]),
        ("xai", [ModelPrices("grok-4.7", input: "2", read: "0.5", output: "6")]),
        (
            "mistral",
            [
                ModelPrices("mistral-large-4", input: "1.36", read: "0.14", output: "4.18"),
                ModelPrices("devstral-latest", input: "0.4", read: "0.04", output: "2"),
                ModelPrices("codestral-latest", input: "0.3", read: "0.03", output: "0.9"),
            ]
        ),
        ("groq", [ModelPrices("gpt-oss-120b", input: "0.15", read: "0.075", output: "0.6")]),
        ("cerebras", [ModelPrices("gpt-oss-120b", input: "0.35", output: "0.75")]),
    ]

    /// Tiers that replace every price of a turn over a number of input tokens.
    private static let longContext: [(String, Int64, ModelPrices)] = [
        ("google", 200_000, ModelPrices("gemini-3.1-pro-preview", input: "4", read: "0.4", output: "18")),
        ("google", 200_000, ModelPrices("gemini-2.5-pro", input: "2.5", read: "0.25", output: "15")),
        ("minimax", 512_000, ModelPrices("MiniMax-M3", input: "0.6", read: "0.12", output: "2.4")),
        // xAI's threshold is inclusive.
        ("xai", 199_999, ModelPrices("grok-4.7", input: "4", read: "1", output: "12")),
    ]

    static let rows: [PriceRow] =
        byProvider.flatMap { provider, models in
            models.flatMap { $0.rows(provider: provider, short: .cacheWrite5m, long: .cacheWrite1h) }
        }
        + longContext.flatMap { provider, over, prices in
            prices.rows(provider: provider, short: .cacheWrite5m, long: .cacheWrite1h, contextOver: over)
        }
}
