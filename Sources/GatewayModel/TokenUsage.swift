// Usage in disjoint token classes: providers disagree on whether "input" includes cache, so each dialect normalises on
// entry, money is computed from these classes alone, and the provider's own JSON is kept beside them.

/// Tokens and counted calls of one turn. The token classes are disjoint unless said otherwise.
package struct TokenUsage: Sendable, Hashable, Codable {
    /// Input tokens neither read from nor written to a prompt cache.
    package var input: Int64 = 0
    /// Input tokens read from a prompt cache.
    package var cacheRead: Int64 = 0
    /// Tokens written to a cache that lives 5 minutes (Anthropic).
    package var cacheWrite5m: Int64 = 0
    /// Tokens written to a cache that lives 30 minutes (OpenAI).
    package var cacheWrite30m: Int64 = 0
    /// Tokens written to a cache that lives 1 hour (Anthropic).
    package var cacheWrite1h: Int64 = 0
    /// Tokens written to a cache that lives 12 hours (OpenAI).
    package var cacheWrite12h: Int64 = 0
    /// Tokens written to a cache whose lifetime the provider did not say; priced as the provider's shortest.
    package var cacheWriteUnknown: Int64 = 0
    /// Prompt tokens that a provider counts apart from the prompt (Gemini's tool use).
    package var toolPrompt: Int64 = 0
    /// All billed output tokens, reasoning included.
    package var output: Int64 = 0
    /// The part of `output` that was reasoning. A subset: never added to it.
    package var reasoning: Int64 = 0
    /// The part of `input` that was audio. A subset.
    package var audioInput: Int64 = 0
    /// The part of `input` that was images. A subset.
    package var imageInput: Int64 = 0
    /// The part of `output` that was audio. A subset.
    package var audioOutput: Int64 = 0
    /// The part of `output` that was images. A subset.
    package var imageOutput: Int64 = 0
    /// Calls of the provider's own web search, billed per call.
    package var webSearches: Int64 = 0
    /// Calls of the provider's own web fetch.
    package var webFetches: Int64 = 0

    package init() {}

    /// Every token written to any prompt cache.
    package var cacheWrite: Int64 {
        cacheWrite5m &+ cacheWrite30m &+ cacheWrite1h &+ cacheWrite12h &+ cacheWriteUnknown
    }

    /// Everything that the model read: what context tiers compare with their threshold.
    package var totalInput: Int64 { input &+ cacheRead &+ cacheWrite &+ toolPrompt }

    package var isZero: Bool { self == TokenUsage() }

    /// The names of the price documents, so that a turn's usage can be priced again as it is shown.
    enum CodingKeys: String, CodingKey {
        case input
        case cacheRead = "cache_read"
        case cacheWrite5m = "cache_write_5m"
        case cacheWrite30m = "cache_write_30m"
        case cacheWrite1h = "cache_write_1h"
        case cacheWrite12h = "cache_write_12h"
        case cacheWriteUnknown = "cache_write_unknown"
        case toolPrompt = "tool_prompt"
        case output, reasoning
        case audioInput = "audio_input"
        case imageInput = "image_input"
        case audioOutput = "audio_output"
        case imageOutput = "image_output"
        case webSearches = "web_searches"
        case webFetches = "web_fetches"
    }
}

/// Where a usage came from.
package enum UsageSource: String, Sendable, Codable, CaseIterable {
    /// The provider said it, whole.
    case provider
    /// The provider said a part of it before the stream broke; the rest is estimated.
    case providerPartial = "provider_partial"
    /// Nothing was said; bytes were counted.
    case estimated
    /// Nothing was said and nothing is owed (a refusal, an error before generation).
    case none
}

/// What the provider said of one turn beside the token counts, since it changes the price.
package struct UsageQualifiers: Sendable, Hashable, Codable {
    /// The tier really used: `flex`, `priority`, `batch`, … Nil is the provider's default tier.
    package var serviceTier: String?
    /// Anthropic's `speed`: `fast`. Nil is standard.
    package var speed: String?
    /// Where inference ran, when that changes the price (Anthropic `inference_geo`: `us`).
    package var inferenceGeo: String?

    package init(serviceTier: String? = nil, speed: String? = nil, inferenceGeo: String? = nil) {
        self.serviceTier = serviceTier
        self.speed = speed
        self.inferenceGeo = inferenceGeo
    }

    enum CodingKeys: String, CodingKey {
        case serviceTier = "service_tier"
        case speed
        case inferenceGeo = "inference_geo"
    }
}
