// Catalogue: the price rows that Weir ships, under one version. Configuration and imports come before them.

package import GatewayModel

/// The shipped list prices.
package enum Catalogue {
    /// Changes with every change of a row.
    package static let version = "2026-11-29.1"

    package static let rows: [PriceRow] =
        OpenAIPrices.rows + AnthropicPrices.rows + GooglePrices.rows + BedrockPrices.rows + AzurePrices.rows
        + DeepSeekPrices.rows + MoonshotPrices.rows + ZAIPrices.rows + MiniMaxPrices.rows + QwenPrices.rows
        + XAIPrices.rows + MistralPrices.rows + GroqPrices.rows + CerebrasPrices.rows + VertexPrices.rows

    private static let modelsByProvider: [String: [String]] = {
        var models: [String: [String]] = [:]
        var seen: Set<[String]> = []
        for row in rows where !row.model.hasSuffix("*") && seen.insert([row.provider, row.model]).inserted {
            models[row.provider, default: []].append(row.model)
        }
        return models
    }()

    /// The exact model ids that the shipped rows know of this catalogue provider.
    package static func models(of provider: String) -> [String] { modelsByProvider[provider] ?? [] }

    /// The catalogue's providers, in alphabetical order.
    package static var providers: [String] { modelsByProvider.keys.sorted() }
}

extension Provider {
    /// The catalogue provider that prices this model: the configured one; for the simulated provider, the maker of the model
    /// that is played; else the provider's own name.
    package func priceProvider(of model: String) -> String {
        guard let priceProvider else { return name }
        guard priceProvider == "catalogue" else { return priceProvider }
        return model.hasPrefix("claude") ? "anthropic" : model.hasPrefix("gemini") ? "google" : "openai"
    }

    /// The name under which a model's prices are looked up.
    package func priceModel(of model: String) -> String {
        let named = priceModels.isEmpty ? model : priceModels[model] ?? model
        return kind == .bedrock ? withoutARN(named) : named
    }
}
