// OpenCodeManifest: `/.well-known/opencode`, which `opencode auth login ADDRESS` and every start of OpenCode read, and the list of models
// in models.dev's shape.

import GatewayModel
import Proxy

/// `/.well-known/opencode`: how to get a key, and where the configuration is. Anybody may read it.
///
/// Releases of V1 that do not know `remote_config` take `config` alone. It is told without a key, so it holds models only when the
/// operator lets everybody see them.
func openCodeManifest(_ request: OriginRequest, _ settings: AgentOriginSettings, _ origin: PublicOrigin) -> OriginAnswer {
    let config = JSONText.text { config in
        guard settings.listsModelsPublicly else { return }
        let models = offeredModels(request.snapshot, key: nil, at: request.received)
        OpenCodeDocument(origin: origin, settings: settings, models: models).write(&config)
    }
    let body = JSONText.object { manifest in
        manifest.object("auth") {
            $0.field("command", ["sh", "-c", loginCommand(origin)])
            $0.field("env", keyVariable)
        }
        manifest.object("remote_config") { remote in
            remote.field("url", "\(origin.text)/opencode/config")
            remote.object("headers") { $0.field("Authorization", "Bearer {env:\(keyVariable)}") }
        }
        manifest.raw("config", config)
    }
    return .json(200, body, [("Cache-Control", "no-cache")])
}

/// What a developer's machine runs. OpenCode shows it first. The whole script is fetched before any of it runs, and a fetch that fails
/// ends the login. Over https nothing else is followed.
private func loginCommand(_ origin: PublicOrigin) -> String {
    let only = origin.hasTLS ? " --proto =https" : ""
    return "script=$(curl -fsSg\(only) '\(origin.text)/opencode/login.sh') && sh -c \"$script\" login.sh '\(origin.text)'"
}

/// `/opencode/api.json`: the key's models as models.dev lists them. Without a key only when the operator lets everybody see them.
func modelsDocument(_ request: OriginRequest, _ settings: AgentOriginSettings, _ origin: PublicOrigin) -> OriginAnswer {
    guard request.key != nil || settings.listsModelsPublicly else {
        let code = (request.keyError ?? .missingKey).code
        return failure(401, code, "Send a valid virtual key: Authorization: Bearer weir_k_…, or ask an operator to set public_models.")
    }
    let models = offeredModels(request.snapshot, key: request.key, at: request.received)
    let body = JSONText.object { document in
        for (id, package, name, isAnthropic) in [
            ("weir", "@ai-sdk/openai-compatible", "Weir", false), ("weir-anthropic", "@ai-sdk/anthropic", "Weir (Anthropic)", true),
        ] {
            let offered = models.filter { $0.isAnthropic == isAnthropic }
            guard !offered.isEmpty else { continue }
            document.object(id) { provider in
                provider.field("id", id)
                provider.field("name", name)
                provider.field("env", [keyVariable])
                provider.field("npm", package)
                provider.field("api", "\(origin.text)/v1")
                provider.field("doc", origin.text)
                provider.object("models") { list in
                    for model in offered { list.object(model.id) { writeListed(model, &$0) } }
                }
            }
        }
    }
    return .json(200, body, [("Cache-Control", "no-store")])
}

/// models.dev wants more of a model than a configuration does; what Weir does not know has the harmless value.
private func writeListed(_ model: OfferedModel, _ object: inout JSONText) {
    object.field("id", model.id)
    writeModel(model, &object)
    object.field("reasoning", false)
    object.field("temperature", true)
    object.field("open_weights", false)
    object.field("release_date", "")
    object.field("last_updated", "")
}
