// CatalogueTableTests: the shipped catalogue holds the list prices of 2026-11, row by row.

import GatewayModel
import Providers
import Testing

/// provider | model | in | cached in | write | longer write | out, USD per million tokens; – is not listed.
private let listPrices = """
    openai | gpt-6-astra | 10 | 1 | 12.5 | 25 | 50
    openai | gpt-6.1-sol | 2 | 0.1 | 2.5 | 5 | 10
    openai | gpt-6-sol | 2 | 0.2 | 2.5 | 5 | 10
    openai | gpt-6.1-terra | 1 | 0.05 | 1.25 | 2.5 | 5
    openai | gpt-6-luna | 0.1 | 0.01 | 0.125 | 0.25 | 0.5
    openai | gpt-5.6-sol | 4 | 0.4 | 5 | 10 | 20
    openai | gpt-5.6-terra | 2 | 0.2 | 2.5 | 5 | 12
    openai | gpt-5.6-luna | 0.2 | 0.02 | 0.25 | 0.5 | 1.2
    openai | gpt-5.5 | 5 | 0.5 | – | – | 30
    openai | gpt-5.4 | 2.5 | 0.25 | – | – | 15
    openai | gpt-5.4-mini | 0.75 | 0.075 | – | – | 4.5
    openai | gpt-5.4-nano | 0.2 | 0.02 | – | – | 1.25
    openai | gpt-5.3-codex | 1.75 | 0.175 | – | – | 14
    openai | gpt-5.2 | 1.75 | 0.175 | – | – | 14
    openai | gpt-5-mini | 0.25 | 0.025 | – | – | 2
    openai | gpt-4.1 | 2 | 0.5 | – | – | 8
    openai | o3 | 2 | 0.5 | – | – | 8
    openai | gpt-4o-mini | 0.15 | 0.075 | – | – | 0.6
    anthropic | claude-fable-5-2 | 8 | 0.2 | 10 | 16 | 40
    anthropic | claude-fable-5-1 | 10 | 0.25 | 12.5 | 20 | 50
    anthropic | claude-mythos-5-1 | 10 | 0.25 | 12.5 | 20 | 50
    anthropic | claude-opus-5-5 | 4 | 0.2 | 5 | 8 | 20
    anthropic | claude-opus-5 | 5 | 0.5 | 6.25 | 10 | 25
    anthropic | claude-opus-4-8 | 5 | 0.5 | 6.25 | 10 | 25
    anthropic | claude-sonnet-5-5 | 2 | 0.1 | 2.5 | 4 | 10
    anthropic | claude-sonnet-5 | 2 | 0.2 | 2.5 | 4 | 10
    anthropic | claude-sonnet-4-6 | 3 | 0.3 | 3.75 | 6 | 15
    anthropic | claude-sonnet-4-5 | 3 | 0.3 | 3.75 | 6 | 15
    anthropic | claude-haiku-5-5 | 0.1 | 0.01 | 0.125 | 0.2 | 0.5
    anthropic | claude-haiku-4-5 | 1 | 0.1 | 1.25 | 2 | 5
    bedrock | us.anthropic.claude-opus-5-5 | 4.4 | 0.22 | 5.5 | 8.8 | 22
    bedrock | global.anthropic.claude-opus-5-5 | 4 | 0.2 | 5 | 8 | 20
    bedrock | us.anthropic.claude-sonnet-5-5 | 2.2 | 0.11 | 2.75 | 4.4 | 11
    bedrock | openai.gpt-6.1-sol | 2.2 | 0.11 | 2.75 | – | 11
    bedrock | amazon.nova-2-lite | 0.3 | 0.075 | – | – | 2.5
    azure | gpt-6.1-sol | 2 | 0.1 | 2.5 | – | 10
    azure | claude-opus-5-5 | 4 | 0.2 | 5 | 8 | 20
    google | gemini-4-argon | 2 | 0.1 | – | – | 10
    google | gemini-3.1-pro-preview | 2 | 0.2 | – | – | 12
    google | gemini-3.8-flash | 0.75 | 0.075 | – | – | 3.75
    google | gemini-3.5-flash | 1.5 | 0.15 | – | – | 9
    google | gemini-3.5-flash-lite | 0.3 | 0.03 | – | – | 2.5
    google | gemini-2.5-pro | 1.25 | 0.125 | – | – | 10
    google | gemini-2.5-flash | 0.3 | 0.03 | – | – | 2.5
    moonshot | kimi-k3 | 3 | 0.3 | 3 | 6 | 15
    zai | glm-5.3 | 1.4 | 0.26 | 0 | – | 4.4
    minimax | MiniMax-M3 | 0.3 | 0.06 | – | – | 1.2
    qwen | qwen3.8-max | 2 | 0.25 | – | – | 6
    xai | grok-4.7 | 2 | 0.5 | – | – | 6
    mistral | mistral-large-4 | 1.36 | 0.14 | – | – | 4.18
    mistral | devstral-latest | 0.4 | 0.04 | – | – | 2
    mistral | codestral-latest | 0.3 | 0.03 | – | – | 0.9
    groq | gpt-oss-120b | 0.15 | 0.075 | – | – | 0.6
    cerebras | gpt-oss-120b | 0.35 | – | – | – | 0.75
    openai | text-embedding-3-small | 0.02 | – | – | – | –
    openai | text-embedding-3-large | 0.13 | – | – | – | –
    """

@Suite struct CatalogueTableTests {
    @Test(arguments: listPrices.split(separator: "\n").map(String.init))
    func theCatalogueHoldsTheListPrice(_ line: String) throws {
        let cells = line.split(separator: "|").map { $0.trimmingCharacters() }
        let (provider, model) = (cells[0], cells[1])
        let isOpenAI = provider == "openai" || model.contains("gpt-")
        let meters: [Meter] = [
            .input, .cacheRead, isOpenAI ? .cacheWrite30m : .cacheWrite5m, isOpenAI ? .cacheWrite12h : .cacheWrite1h,
            .output,
        ]
        for (meter, cell) in zip(meters, cells[2...]) where cell != "–" {
            #expect(try catalogue.unitPrice(meter, provider, model) == nanoUSD(cell), "\(meter.rawValue)")
        }
    }

    @Test func aPeakHourAtDeepSeekCostsTheListedPrice() throws {
        // 2026-11-24 was a Tuesday.
        for (model, figures) in [
            ("deepseek-v4-pro", ["1.32", "0.044", "0", "3.96"]), ("deepseek-flash", ["0.3", "0.006", "0", "1.2"]),
        ] {
            for (meter, figure) in zip([Meter.input, .cacheRead, .cacheWrite5m, .output], figures) {
                #expect(
                    try catalogue.unitPrice(meter, "deepseek", model, at: "2026-11-24T02:00:00Z") == nanoUSD(figure))
            }
        }
    }

    @Test func noCatalogueRowIsNegativeOrNamesNoSource() {
        #expect(Catalogue.rows.count > 500)
        #expect(
            Catalogue.rows.allSatisfy {
                $0.price >= 0 && $0.source == "list" && !$0.model.isEmpty && !$0.provider.isEmpty
            })
    }

    @Test func noTwoCatalogueRowsSayTheSameThing() {
        var seen: Set<PriceRow> = []
        for row in Catalogue.rows {
            var place = row
            place.price = 0
            #expect(seen.insert(place).inserted, "\(row)")
        }
    }

    @Test func theCatalogueListsItsModelsByProvider() {
        #expect(Catalogue.models(of: "openai").contains("gpt-6.1-sol"))
        #expect(Catalogue.models(of: "anthropic").contains("claude-opus-5-5"))
        #expect(!Catalogue.models(of: "openai").contains { $0.hasSuffix("*") })
        #expect(Catalogue.models(of: "nobody").isEmpty)
        #expect(Catalogue.providers == Catalogue.providers.sorted())
    }
}

extension Substring {
    fileprivate func trimmingCharacters() -> String {
        String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}
