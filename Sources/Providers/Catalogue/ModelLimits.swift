// ModelLimits: how much a model reads and writes, for clients that size their context by it. Where a vendor's figure differs between
// its offers, the smaller one stands here: too small only compacts early, too large breaks a session.

/// Tokens that fit into a model's context, and tokens of one answer.
package struct ModelLimits: Sendable, Hashable {
    package var context: Int64
    package var output: Int64
}

extension Catalogue {
    /// By the beginning of a model's id; the longest that fits counts.
    private static let limits: [(prefix: String, limits: ModelLimits)] = [
        ("claude-", ModelLimits(context: 200_000, output: 32_000)),
        ("claude-3-", ModelLimits(context: 200_000, output: 8192)),
        ("gpt-4", ModelLimits(context: 128_000, output: 16_384)),
        ("gpt-4.1", ModelLimits(context: 1_047_576, output: 32_768)),
        ("gpt-5", ModelLimits(context: 272_000, output: 128_000)),
        ("gpt-6", ModelLimits(context: 272_000, output: 128_000)),
        ("o1", ModelLimits(context: 200_000, output: 100_000)),
        ("o3", ModelLimits(context: 200_000, output: 100_000)),
        ("o4", ModelLimits(context: 200_000, output: 100_000)),
        ("gemini-", ModelLimits(context: 1_000_000, output: 64_000)),
        ("kimi-", ModelLimits(context: 128_000, output: 32_000)),
        ("qwen", ModelLimits(context: 128_000, output: 32_000)),
    ]

    /// What is known of a model's size, or a figure that most models hold.
    package static func limits(of model: String) -> ModelLimits {
        // OpenRouter's ids name the maker first.
        let name = model.split(separator: "/").last.map(String.init) ?? model
        return limits.filter { name.hasPrefix($0.prefix) }.max { $0.prefix.count < $1.prefix.count }?.limits
            ?? ModelLimits(context: 128_000, output: 16_384)
    }

    /// The most that one answer of a model can hold, where its vendor states it and a request that sets no cap gets it; nil otherwise.
    /// Unlike `limits(of:)` never too small: budgets reserve by it.
    package static func outputMaximum(of model: String) -> Int64? {
        longest(outputs, model)
    }

    private static let outputs: [(prefix: String, tokens: Int64)] = [
        ("gpt-3.5", 16_384), ("gpt-4", 16_384), ("gpt-4.1", 32_768), ("gpt-4.5", 16_384), ("gpt-5", 128_000), ("gpt-6", 128_000),
        ("o1", 100_000), ("o3", 100_000), ("o4", 100_000), ("claude-", 128_000), ("gemini-", 65_536),
    ]
}
