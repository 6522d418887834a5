// CatalogueNames: how other catalogues call the providers that ours knows, and whose cache a price is for.

import GatewayModel

enum CatalogueNames {
    /// Our name of a provider that a catalogue calls otherwise.
    private static let names: [String: String] = [
        "gemini": "google", "google-vertex": "vertex", "google-vertex-anthropic": "vertex", "vertex_ai": "vertex",
        "bedrock_converse": "bedrock", "bedrock_mantle": "bedrock", "amazon-bedrock": "bedrock", "aws": "bedrock",
        "azure_ai": "azure", "azure_text": "azure", "text-completion-openai": "openai", "dashscope": "qwen",
        "alibaba": "qwen",
        "x-ai": "xai", "moonshotai": "moonshot", "cohere_chat": "cohere", "fireworks_ai": "fireworks",
        "fireworks-ai": "fireworks", "together_ai": "together", "togetherai": "together",
        "text-completion-codestral": "mistral",
        "codestral": "mistral",
    ]

    static func provider(_ name: String) -> String {
        let name = name.lowercased()
        // LiteLLM tells the makers on Vertex apart: `vertex_ai-anthropic_models`.
        let family = name.split(separator: "-", maxSplits: 1).first.map(String.init) ?? name
        if family == "vertex_ai" || family == "fireworks_ai" { return names[family] ?? name }
        return names[name] ?? name
    }

    /// Which lifetimes a price "to write to the cache" is for: 30 minutes and 12 hours for OpenAI's models, wherever they are
    /// served; 5 minutes and 1 hour for all others.
    static func cacheWrites(provider: String, model: String) -> (short: Meter, long: Meter) {
        let name = model.split(separator: "/").last.map(String.init) ?? model
        let isOpenAI =
            provider == "openai" || name.hasPrefix("gpt-") || name.contains("openai.") || model.hasPrefix("openai/")
            || model.contains("/openai/")
        return isOpenAI ? (.cacheWrite30m, .cacheWrite12h) : (.cacheWrite5m, .cacheWrite1h)
    }

    /// A threshold is passed by more than so many tokens; xAI's by as many.
    static func contextOver(_ threshold: Int64, provider: String) -> Int64? {
        guard threshold > 0 else { return nil }
        return provider == "xai" ? threshold - 1 : threshold
    }

    /// What OpenAI calls priority in requests it also calls fast in answers.
    static func serviceTiers(_ tier: String?, provider: String) -> [String?] {
        provider == "openai" && tier == "priority" ? ["priority", "fast"] : [tier]
    }
}
