// Crush: Crush reads `crush.json`; a value may hold `$(command)`, so its key comes with the repository and the branch from wherever
// it is started [src: charmbracelet/crush internal/config/resolve.go, schema.json].

/// Crush.
struct Crush: CodingClient {
    let name = "crush"
    let title = "Crush"

    private func userFile(_ place: ClientPlace) -> String { "\(place.configFolder)/crush/crush.json" }

    func setup(_ context: SetupContext) throws(SetupRefusal) -> ClientPlan {
        let place = context.place
        if context.scope == .managed {
            throw context.refuse("Crush", instead: "put the file that --print gives into each developer's ~/.config/crush/")
        }
        if context.scope == .project {
            let root = try context.repositoryRoot(for: name)
            guard let label = place.repository?.label else {
                throw SetupRefusal("no_remote", "the repository \(root) has no remote to name it by", mend: "git remote add origin URL")
            }
            let edits = ["weir", "weir-anthropic"].map {
                SettingsEdit.set(["providers", $0, "extra_headers", "x-weir-repo"], .string(label))
            }
            return ClientPlan(
                files: [FileEdit("\(root)/.crush.json", .json, edits)],
                next: ["Commit .crush.json. It holds no secret; each developer runs: weir connect crush"])
        }
        var edits: [SettingsEdit] = [.setIfAbsent(["$schema"], "https://charm.land/crush.json")]
        let key = SettingValue.string("$(\(place.credentialCommand.shellWord))")
        func add(_ id: String, _ type: SettingValue, _ title: SettingValue, _ models: [OfferedModel]) {
            let path = ["providers", id]
            edits += [
                .set(path + ["name"], title), .set(path + ["type"], type), .set(path + ["base_url"], .string(context.v1)),
                .set(path + ["api_key"], key),
            ]
            if models.isEmpty {
                edits.append(.set(path + ["discover_models"], true))
            } else {
                edits.append(.set(path + ["models"], .array(models.map(Self.entry))))
            }
        }
        let claude = context.models.filter(\.isClaude)
        let others = context.models.filter { !$0.isClaude && $0.isForCoding }
        if !others.isEmpty || claude.isEmpty { add("weir", "openai-compat", "Weir", others) }
        if !claude.isEmpty { add("weir-anthropic", "anthropic", "Weir (Claude)", claude) }
        // Only providers that this file names; the built-in ones are found by keys in the environment.
        edits.append(.set(["options", "disable_default_providers"], true))
        let isClaude = context.model.map(context.isClaude) ?? others.isEmpty
        for (kind, model) in [("large", context.chosenModel(isClaude: isClaude)), ("small", context.smallModel(isClaude: isClaude))] {
            guard let model else { continue }
            let provider: SettingValue = context.isClaude(model) ? "weir-anthropic" : "weir"
            edits += [.set(["models", kind, "model"], .string(model)), .set(["models", kind, "provider"], provider)]
        }
        var next = ["Start crush in any folder."]
        if place.bytes("\(place.configFolder)/crush/crushrc") != nil {
            next.append("There is a crushrc beside this file; where both say something, crushrc counts: see weir doctor --client crush.")
        }
        return ClientPlan(
            files: [FileEdit(userFile(place), .json, edits)], next: next,
            gaps: ["which session a sub-agent belongs to: it has one of its own", "a branch that is changed to while it runs"])
    }

    /// Crush's schema asks for every one of these members.
    private static func entry(_ model: OfferedModel) -> SettingValue {
        [
            "id": .string(model.id), "name": .string(model.id), "cost_per_1m_in": .decimal(model.inputPrice ?? "0"),
            "cost_per_1m_out": .decimal(model.outputPrice ?? "0"), "cost_per_1m_in_cached": .decimal(model.cacheWritePrice ?? "0"),
            "cost_per_1m_out_cached": .decimal(model.cacheReadPrice ?? "0"), "context_window": .integer(model.contextTokens ?? 128_000),
            "default_max_tokens": .integer(min(model.outputTokens ?? 8_192, 32_000)), "can_reason": .bool(model.reasons ?? false),
            "supports_attachments": .bool(model.takesImages ?? false),
        ]
    }

    /// The weakest first. The file under the data folder is Crush's own: it holds what was chosen in its menu.
    private func layers(_ place: ClientPlace) throws(SetupRefusal) -> [(path: String, settings: SettingValue)] {
        var paths = [userFile(place), "\(place.dataFolder)/crush/crush.json"]
        for folder in place.foldersUp.reversed() { paths += ["\(folder)/crush.json", "\(folder)/.crush.json"] }
        var layers: [(path: String, settings: SettingValue)] = []
        for path in paths {
            if let settings = try place.settings(path, .json) { layers.append((path, settings)) }
        }
        return layers
    }

    func call(_ place: ClientPlace) throws(SetupRefusal) -> ConfiguredCall {
        let layers = try layers(place)
        let settings = layers.reduce(SettingValue.object([])) { $0.merging($1.settings) }
        guard let id = settings.at(["models", "large", "provider"])?.text, let block = settings.at(["providers", id]),
            let base = block["base_url"]?.text, let key = block["api_key"]?.text
        else {
            throw SetupRefusal(
                "not_connected", "Crush has no large model of a provider with base_url and api_key", mend: "weir connect crush")
        }
        let isAnthropic = block["type"]?.text == "anthropic"
        let headers = block["extra_headers"]?.members.compactMap { member in member.value.text.map { (member.name, $0) } } ?? []
        return ConfiguredCall(
            dialect: isAnthropic ? .messages : .chatCompletions, base: base, path: isAnthropic ? "/messages" : "/chat/completions",
            credential: .command(["sh", "-c", "printf %s \"\(key)\""]), headers: headers,
            model: settings.at(["models", "large", "model"])?.text,
            found: ["provider \(id) at \(base) in \(layers.last { $0.settings.at(["providers", id]) != nil }?.path ?? "")"])
    }

    func leaks(_ place: ClientPlace) throws(SetupRefusal) -> [ClientLeak] {
        let layers = try layers(place)
        let settings = layers.reduce(SettingValue.object([])) { $0.merging($1.settings) }
        func file(_ path: [String]) -> String { layers.last { $0.settings.at(path) != nil }?.path ?? userFile(place) }
        var leaks: [ClientLeak] = []
        for member in settings["providers"]?.members ?? [] where member.value["disable"] != .bool(true) {
            let base = member.value["base_url"]?.text
            guard base.map({ !place.isGateway($0) }) ?? true else { continue }
            leaks.append(
                ClientLeak(
                    file(["providers", member.name]), "the provider \(member.name) " + (base.map { "is at \($0)" } ?? "has no base_url"),
                    mend: "point its base_url at the gateway, or set \"disable\": true"))
        }
        for kind in ["large", "small"] {
            let path = ["models", kind, "provider"]
            let id = settings.at(path)?.text
            let isOurs = id.flatMap { settings.at(["providers", $0, "base_url"])?.text }.map(place.isGateway) ?? false
            if !isOurs {
                leaks.append(ClientLeak(file(path), "the \(kind) model is of \(id ?? "no provider")", mend: "weir connect crush"))
            }
        }
        if settings.at(["options", "disable_default_providers"]) != .bool(true) {
            for key in place.foreignKeys() {
                leaks.append(
                    ClientLeak("the environment", "\(key.variable) opens Crush's own provider \(key.provider)", mend: "weir connect crush"))
            }
        }
        for path in ["\(place.configFolder)/crush/crushrc"] + place.foldersUp.flatMap({ ["\($0)/crushrc", "\($0)/.crushrc"] }) {
            if place.text(path)?.contains("provider ") == true {
                leaks.append(
                    ClientLeak(
                        path, "a script that may add providers and is stronger than crush.json",
                        mend: "read it: only the gateway's address should stand in it"))
            }
        }
        return leaks
    }
}
