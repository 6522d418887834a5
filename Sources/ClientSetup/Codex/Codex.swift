// Codex: Codex CLI reads `config.toml`; a provider of ours is the default one, and its key comes from a command. Codex sends the git
// remote and the commit by itself.

/// Codex CLI.
struct Codex: CodingClient {
    let name = "codex"
    let title = "Codex"

    private func userFile(_ place: ClientPlace) -> String {
        "\(place.variable("CODEX_HOME") ?? "\(place.home)/.codex")/config.toml"
    }

    func setup(_ context: SetupContext) throws(SetupRefusal) -> ClientPlan {
        let place = context.place
        let provider = ["model_providers", "weir"]
        var edits: [SettingsEdit] = [.set(["model_provider"], "weir")]
        let path = userFile(place)
        if let model = context.model {
            edits.append(.set(["model"], .string(model)))
        } else if let model = suggested(context) {
            edits.append(.setIfAbsent(["model"], .string(model)))
        }
        edits += [
            .set(provider + ["name"], "Weir"), .set(provider + ["base_url"], .string(context.v1)),
            .set(provider + ["wire_api"], "responses"), .remove(provider + ["env_key"]), .remove(provider + ["experimental_bearer_token"]),
            .set(provider + ["auth", "command"], .string(place.credentialCommand)),
        ]
        return ClientPlan(files: [FileEdit(path, .toml, edits)], next: ["Start codex in any folder."], gaps: [])
    }

    /// A model that the gateway offers and that Codex knows the limits of.
    private func suggested(_ context: SetupContext) -> String? {
        let ids = context.models.map(\.id)
        return ids.first { $0.hasPrefix("gpt-") && $0.contains("codex") } ?? ids.first { $0.hasPrefix("gpt-") } ?? ids.first
    }

    func call(_ place: ClientPlace) throws(SetupRefusal) -> ClientCall {
        let path = userFile(place)
        guard let settings = try place.settings(path, .toml), let id = settings["model_provider"]?.text else {
            throw SetupRefusal("not_connected", "Codex has no model_provider in \(path)", mend: "weir connect codex")
        }
        guard let provider = settings.at(["model_providers", id]), let base = provider["base_url"]?.text else {
            throw SetupRefusal("no_provider", "\(path) names the provider \(id) and does not say where it is", mend: "weir connect codex")
        }
        var found = ["model_provider \(id) at \(base) in \(path)"]
        let credential: ClientCall.Credential
        if let command = provider.at(["auth", "command"])?.text {
            credential = .command([command] + (provider.at(["auth", "args"])?.elements.compactMap(\.text) ?? []))
            found.append("the key from \(command)")
        } else if let token = provider["experimental_bearer_token"]?.text {
            credential = .text(token)
            found.append("the key in \(path)")
        } else if let variable = provider["env_key"]?.text {
            guard let key = place.variable(variable) else {
                throw SetupRefusal("no_key", "Codex reads its key from \(variable), which is not set", mend: "weir connect codex")
            }
            credential = .text(key)
            found.append("the key in the variable \(variable)")
        } else {
            throw SetupRefusal("no_key", "the provider \(id) in \(path) has no key", mend: "weir connect codex")
        }
        let headers = provider["http_headers"]?.members.compactMap { member in member.value.text.map { (member.name, $0) } } ?? []
        return ClientCall(
            dialect: .responses, base: base, path: "/responses", credential: credential, headers: headers,
            model: settings["model"]?.text, found: found)
    }

    func leaks(_ place: ClientPlace) throws(SetupRefusal) -> [ClientLeak] {
        let path = userFile(place)
        var leaks: [ClientLeak] = []
        let settings = try place.settings(path, .toml) ?? .object([])
        func check(_ id: String?, _ whose: String) {
            guard let id else {
                leaks.append(ClientLeak(path, "\(whose) has no model_provider: calls go to OpenAI", mend: "weir connect codex"))
                return
            }
            let base = settings.at(["model_providers", id, "base_url"])?.text ?? (id == "openai" ? settings["openai_base_url"]?.text : nil)
            if base.map({ !place.isGateway($0) }) ?? true {
                leaks.append(
                    ClientLeak(
                        path, "\(whose) uses the provider \(id)" + (base.map { ", which is at \($0)" } ?? ", which is not Weir"),
                        mend: "weir connect codex"))
            }
        }
        check(settings["model_provider"]?.text, "Codex")
        for profile in settings["profiles"]?.members ?? [] {
            if let id = profile.value["model_provider"]?.text { check(id, "the profile \(profile.name)") }
        }
        return leaks
    }
}
