// OpenCodeConfig: what OpenCode is told at each start: which providers there are, which models, at what size and price. It is written in
// the format of V1, whose files V2 reads unchanged; V1 refuses members that it does not know, so there are none.

import GatewayModel
import Providers
import Proxy

/// The name that these documents give the key: OpenCode sets it from what it stored at login.
let keyVariable = "WEIR_KEY"

/// `/opencode/config`: the provider block of the developer whose key asks.
///
/// Both versions stop at start when this is no 2xx, and then not even `opencode auth login` can mend it. So a key that is no longer good
/// gets 200 and a configuration whose one model says what to do; the call itself is refused as ever. A request without any key is no
/// agent's, and gets 401.
func openCodeConfig(_ request: OriginRequest, _ settings: AgentOriginSettings, _ origin: PublicOrigin) -> OriginAnswer {
    let headers = [("Cache-Control", "no-store")]
    guard let key = request.key else {
        let error = request.keyError ?? .missingKey
        if case .missingKey = error {
            return failure(401, error.code, "Send the virtual key: Authorization: Bearer weir_k_….")
        }
        let mark = [("x-weir-refused", error.code)]
        return .json(200, advisoryConfig(error, origin), headers + mark)
    }
    let models = offeredModels(request.snapshot, key: key, at: request.received)
    return .json(200, OpenCodeDocument(origin: origin, settings: settings, models: models).bytes, headers)
}

/// The words for a developer whose key is refused.
private func advisoryConfig(_ error: GatewayError, _ origin: PublicOrigin) -> [UInt8] {
    let state =
        switch error {
        case .revokedKey: "key revoked"
        case .expiredKey: "key expired"
        case .keyNotYetValid: "key not valid yet"
        case .addressNotAllowed: "key not allowed from this address"
        default: "key not known"
        }
    let words = "Weir: \(state). Run: opencode auth login \(origin.text)"
    return JSONText.object { config in
        config.field("$schema", "https://opencode.ai/config.json")
        config.object("provider") { providers in
            providers.object("weir") { provider in
                provider.field("npm", "@ai-sdk/openai-compatible")
                provider.field("name", words)
                provider.object("options") { writeOptions(&$0, origin) }
                provider.object("models") { models in
                    models.object("login-again") { model in
                        model.field("name", words)
                        model.object("limit") {
                            $0.field("context", 128_000)
                            $0.field("output", 16_384)
                        }
                    }
                }
            }
        }
        config.field("model", "weir/login-again")
        config.field("small_model", "weir/login-again")
        config.field("enabled_providers", ["weir"])
    }
}

private func writeOptions(_ options: inout JSONText, _ origin: PublicOrigin) {
    options.field("baseURL", "\(origin.text)/v1")
    options.field("apiKey", "{env:\(keyVariable)}")
}

/// The configuration of some models.
struct OpenCodeDocument {
    let origin: PublicOrigin
    let settings: AgentOriginSettings
    let models: [OfferedModel]

    /// Providers that OpenCode has built in. Their traffic would miss the gateway, so they are off, and what of them a developer turns
    /// on again still finds the gateway's address.
    private static let builtIn = [
        "amazon-bedrock", "anthropic", "azure", "cerebras", "deepinfra", "deepseek", "github-copilot", "google", "google-vertex",
        "google-vertex-anthropic", "groq", "mistral", "moonshotai", "openai", "opencode", "openrouter", "togetherai", "vercel", "xai",
        "zai",
    ]

    var bytes: [UInt8] { JSONText.object { write(&$0) } }

    func write(_ config: inout JSONText) {
        config.field("$schema", "https://opencode.ai/config.json")
        config.object("provider") { providers in
            writeProvider(&providers, "weir", "@ai-sdk/openai-compatible", "Weir", models.filter { !$0.isAnthropic })
            writeProvider(&providers, "weir-anthropic", "@ai-sdk/anthropic", "Weir (Anthropic)", models.filter(\.isAnthropic))
            for name in ["anthropic", "openai"] {
                providers.object(name) { $0.object("options") { writeOptions(&$0, origin) } }
            }
        }
        if let first = chosen(settings.openCodeModel) ?? models.first {
            let small = chosen(settings.openCodeSmallModel) ?? smallest(beside: first)
            config.field("model", reference(first))
            // Titles and summaries go elsewhere when nobody says where they go.
            config.field("small_model", reference(small))
        }
        config.field("enabled_providers", usedProviders)
        config.field("disabled_providers", Self.builtIn)
    }

    private var usedProviders: [String] {
        (models.contains { !$0.isAnthropic } ? ["weir"] : []) + (models.contains(where: \.isAnthropic) ? ["weir-anthropic"] : [])
    }

    private func writeProvider(_ providers: inout JSONText, _ id: String, _ package: String, _ name: String, _ models: [OfferedModel]) {
        guard !models.isEmpty else { return }
        providers.object(id) { provider in
            provider.field("npm", package)
            provider.field("name", name)
            provider.object("options") { writeOptions(&$0, origin) }
            provider.object("models") { list in
                for model in models { list.object(model.id) { writeModel(model, &$0) } }
            }
        }
    }

    private func reference(_ model: OfferedModel) -> String { "\(model.isAnthropic ? "weir-anthropic" : "weir")/\(model.id)" }

    /// The operator's choice, where the key may use it.
    private func chosen(_ name: String?) -> OfferedModel? {
        name.flatMap { name in models.first { $0.id == name || "\($0.provider)/\($0.id)" == name } }
    }

    /// The cheapest of the same provider, so that small calls need no other one; without prices, the model itself.
    private func smallest(beside model: OfferedModel) -> OfferedModel {
        models.filter { $0.provider == model.provider && $0.prices[.output] != nil }
            .min { ($0.prices[.output] ?? 0) < ($1.prices[.output] ?? 0) } ?? model
    }
}

/// A model's members as V1's configuration and models.dev both write them; costs are USD per million tokens.
func writeModel(_ model: OfferedModel, _ object: inout JSONText) {
    object.field("name", model.id)
    object.field("tool_call", true)
    // Without `attachment` OpenCode lets nobody paste a picture; without `modalities` both versions put words in its place.
    let takesImages = ["claude", "gpt-", "gemini", "o3", "o4"].contains { model.upstream.hasPrefix($0) }
    object.field("attachment", takesImages)
    object.object("modalities") {
        $0.field("input", takesImages ? ["text", "image"] : ["text"])
        $0.field("output", ["text"])
    }
    object.object("limit") {
        $0.field("context", model.limits.context)
        $0.field("output", model.limits.output)
    }
    // Half a price would be shown as a whole one.
    guard let input = model.prices[.input], let output = model.prices[.output] else { return }
    object.object("cost") {
        $0.raw("input", dollars(input))
        $0.raw("output", dollars(output))
        if let read = model.prices[.cacheRead] { $0.raw("cache_read", dollars(read)) }
        if let write = model.prices[.cacheWrite5m] ?? model.prices[.cacheWrite30m] { $0.raw("cache_write", dollars(write)) }
    }
}
