// Catalogue: the price rows that Weir ships, under one version. Configuration and imports come before them.

package import GatewayModel

/// The shipped list prices.
package enum Catalogue {
    /// Changes with every change of a row.
    package static let version = "2026-11-24"

    package static let rows: [PriceRow] = OpenAIPrices.rows + AnthropicPrices.rows + OtherPrices.rows

    /// The exact model ids that the shipped rows know of this catalogue provider.
    package static func models(of provider: String) -> [String] {
        var seen: Set<String> = []
        return rows.compactMap { row in
            guard row.provider == provider, !row.model.hasSuffix("*"), seen.insert(row.model).inserted else { return nil }
            return row.model
        }
    }
}

extension Provider {
    /// The catalogue provider that prices this model: the configured one; for the simulated provider, the maker of the model
    /// that is played; else the provider's own name.
    package func priceProvider(of model: String) -> String {
        guard let priceProvider else { return name }
        guard priceProvider == "catalogue" else { return priceProvider }
        return model.hasPrefix("claude") ? "anthropic" : "openai"
    }
}
