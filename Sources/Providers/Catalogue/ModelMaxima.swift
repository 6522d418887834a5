// ModelMaxima: what a model's provider can count at most, for budgets that are never passed. Unlike `ModelLimits` never too small: a
// request that would be larger is refused by the provider and costs nothing.

extension Catalogue {
    /// The most tokens that one call of a model can read; nil where that is not known.
    package static func contextMaximum(of model: String) -> Int64? { longest(contexts, model) }

    /// The most tokens that a provider makes of one picture.
    package static func imageTokensMaximum(of model: String) -> Int64 { longest(pictures, model) ?? 50_000 }

    /// By the beginning of a model's id; the longest that fits counts. Figures of the vendors' lists as of 2026-11, the larger one where
    /// their offers differ.
    private static let contexts: [(prefix: String, tokens: Int64)] = [
        ("claude-", 1_000_000), ("claude-2", 200_000), ("claude-3-", 200_000), ("claude-haiku-4-5", 200_000),
        ("claude-opus-4-1", 200_000), ("claude-opus-4-5", 200_000),
        ("gpt-3.5", 16_385), ("gpt-4", 128_000), ("gpt-4.1", 1_047_576), ("gpt-5", 1_050_000), ("gpt-5-", 400_000), ("gpt-5.1", 400_000),
        ("gpt-5.2", 400_000), ("gpt-5.3", 400_000), ("gpt-5.4-mini", 400_000), ("gpt-5.4-nano", 400_000), ("gpt-6", 1_050_000),
        ("gpt-oss-", 131_072), ("o1", 200_000), ("o3", 200_000), ("o4", 200_000), ("codex-mini", 200_000),
        ("gemini-", 1_048_576), ("gemini-1.5-pro", 2_097_152), ("gemini-pro-1.5", 2_097_152),
        ("deepseek-", 1_048_576), ("grok-", 2_000_000), ("kimi-k2", 262_144), ("kimi-k3", 1_048_576), ("glm-", 1_048_576),
        ("mistral-", 1_048_576), ("devstral-", 262_144), ("codestral-", 262_144), ("minimax-", 1_048_576), ("amazon.nova-", 1_000_000),
    ]

    /// Anthropic makes at most some 4,800 tokens of a picture, Gemini some 4,200 of tiles; OpenAI's patches and the factors of its small
    /// models make more.
    private static let pictures: [(prefix: String, tokens: Int64)] = [
        ("claude-", 8192), ("gemini-", 8192), ("gpt-5", 25_000), ("gpt-6", 25_000),
    ]

    static func longest(_ table: [(prefix: String, tokens: Int64)], _ model: String) -> Int64? {
        // OpenRouter's ids name the maker first, Bedrock's a region and the maker.
        var name = (model.split(separator: "/").last.map(String.init) ?? model).lowercased()
        while true {
            let found = table.filter { name.hasPrefix($0.prefix) }.max { $0.prefix.count < $1.prefix.count }
            if let found { return found.tokens }
            guard let dot = name.firstIndex(of: ".") else { return nil }
            name = String(name[name.index(after: dot)...])
        }
    }
}
