// Codex: Codex CLI reads `config.toml`; a provider of ours is the default one, and its key comes from a command. Codex sends the git
// remote and the commit by itself.

/// Codex CLI.
struct Codex: CodingClient {
    let name = "codex"
    let title = "Codex"

    private func userFile(_ place: ClientPlace) -> String {
        "\(place.variable("CODEX_HOME") ?? "\(place.home)/.codex")/config.toml"
    }

    /// Stronger than the user's file.
    private func managedFile(_ place: ClientPlace) -> String { "\(place.systemRoot)/etc/codex/managed_config.toml" }

    func setup(_ context: SetupContext) throws(SetupRefusal) -> ClientPlan {
        let place = context.place
        let provider = ["model_providers", "weir"]
        var edits: [SettingsEdit] = [.set(["model_provider"], "weir")]
        if let model = context.model {
            edits.append(.set(["model"], .string(model)))
        } else if context.scope == .user, let model = suggested(context) {
            edits.append(.setIfAbsent(["model"], .string(model)))
        }
        edits += [
            .set(provider + ["name"], "Weir"), .set(provider + ["base_url"], .string(context.v1)),
            .set(provider + ["wire_api"], "responses"),
            // Codex does not start with both a command and one of these.
            .remove(provider + ["env_key"]), .remove(provider + ["experimental_bearer_token"]),
            .remove(provider + ["requires_openai_auth"]),
        ]
        let gaps = ["a branch that is changed to while a session runs"]
        switch context.scope {
        case .user:
            edits += [
                .set(provider + ["auth", "command"], .string(place.credentialCommand)), .remove(provider + ["auth", "args"]),
                .setIfAbsent(["analytics", "enabled"], false),
            ]
            return ClientPlan(
                files: [FileEdit(userFile(place), .toml, edits)], next: ["Start codex in any folder."], gaps: gaps)
        case .project:
            throw context.refuse("Codex", instead: "leave --scope project out: Codex sends the repository by itself")
        case .managed:
            edits += [
                .set(provider + ["auth", "command"], "sh"),
                .set(provider + ["auth", "args"], ["-c", "exec \"${XDG_CONFIG_HOME:-$HOME/.config}/weir/credential\""]),
                .set(["analytics", "enabled"], false),
            ]
            return ClientPlan(
                files: [FileEdit(managedFile(place), .toml, edits)],
                next: ["Put the file on every machine. Each developer runs: weir login \(context.gateway)"], gaps: gaps)
        }
    }

    private func suggested(_ context: SetupContext) -> String? {
        let ids = context.models.map(\.id)
        return context.chosenModel() ?? ids.first
    }

    /// The user's settings under those of the machine.
    private func settings(_ place: ClientPlace) throws(SetupRefusal) -> SettingValue {
        let user = try place.settings(userFile(place), .toml) ?? .object([])
        return user.merging(try place.settings(managedFile(place), .toml) ?? .object([]))
    }

    func call(_ place: ClientPlace) throws(SetupRefusal) -> ConfiguredCall {
        let path = userFile(place)
        let settings = try settings(place)
        guard let id = settings["model_provider"]?.text else {
            throw SetupRefusal("not_connected", "Codex has no model_provider in \(path)", mend: "weir connect codex")
        }
        guard let provider = settings.at(["model_providers", id]), let base = provider["base_url"]?.text else {
            throw SetupRefusal("no_provider", "\(path) names the provider \(id) and does not say where it is", mend: "weir connect codex")
        }
        var found = ["model_provider \(id) at \(base) in \(path)"]
        let credential: ConfiguredCall.Credential
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
        return ConfiguredCall(
            dialect: .responses, base: base, path: "/responses", credential: credential, headers: headers,
            model: settings["model"]?.text, found: found)
    }

    func leaks(_ place: ClientPlace) throws(SetupRefusal) -> [ClientLeak] {
        let path = userFile(place)
        var leaks: [ClientLeak] = []
        let settings = try settings(place)
        func check(_ id: String?, _ whose: String, in path: String) {
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
        check(settings["model_provider"]?.text, "Codex", in: path)
        for profile in settings["profiles"]?.members ?? [] {
            if let id = profile.value["model_provider"]?.text { check(id, "the profile \(profile.name)", in: path) }
        }
        // Newer versions keep each profile in a file of its own.
        let folder = String(path.dropLast("/config.toml".count))
        for name in place.names(in: folder) where name.hasSuffix(".config.toml") {
            let file = "\(folder)/\(name)"
            if let id = try place.settings(file, .toml)?["model_provider"]?.text { check(id, "the profile \(name.dropLast(12))", in: file) }
        }
        return leaks
    }
}
