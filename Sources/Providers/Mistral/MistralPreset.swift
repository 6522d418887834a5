// Mistral: api.mistral.ai. It refuses members that it does not know, a user who speaks right behind a tool, and ids of calls that are not
// like its own.

import GatewayModel

extension ProviderPreset {
    static let mistral = compatible(
        "mistral", "https://api.mistral.ai/v1", key: "MISTRAL_API_KEY", dialects: [.openAIChat, .openAIEmbeddings],
        models: ["mistral-*", "ministral-*", "magistral-*", "devstral-*", "codestral-*", "pixtral-*", "open-mi*"], prices: "mistral",
        traits: ProviderTraits(
            usesMaxTokens: true,
            refusedMembers: [
                "logit_bias", "logprobs", "prompt_cache_key", "safety_identifier", "service_tier", "stream_options", "top_logprobs",
            ], refusesUserBehindTool: true, callIDBytes: 9))
}
