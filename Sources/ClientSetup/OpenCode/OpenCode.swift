// OpenCode: both versions read `opencode.json`; V2 takes V1's form as it is. Two providers of ours, one for each dialect, and no
// other one stays enabled, so that nothing misses the gateway.

/// OpenCode, V1 and V2.
struct OpenCode: CodingClient {
    let name = "opencode"
    let title = "OpenCode"
    let gatewayFiles = ["/opencode/plugin.js"]

    static let chat = "weir"
    static let messages = "weir-anthropic"

    func setup(_ context: SetupContext) throws(SetupRefusal) -> ClientPlan {
        let layers = OpenCodeLayers(place: context.place)
        switch context.scope {
        case .user: return try userPlan(context, layers)
        case .project:
            let root = try context.repositoryRoot(for: name)
            let file = try projectFile(context, root)
            return ClientPlan(
                files: [file], next: ["Commit \(file.path). It holds no secret; each developer runs: weir connect opencode"])
        case .managed:
            let edits = try configuration(context, .object([]))
            return ClientPlan(
                files: [FileEdit(layers.managedFile, .json, edits)],
                next: [
                    "Put the file on every machine; it is stronger than what a developer sets.",
                    "Each developer runs: weir login \(context.gateway)",
                ])
        }
    }

    private func userPlan(_ context: SetupContext, _ layers: OpenCodeLayers) throws(SetupRefusal) -> ClientPlan {
        let path = layers.userFile
        let current = try context.place.settings(path, .json) ?? .object([])
        var files = [FileEdit(path, .json, try configuration(context, current))]
        var next = [
            "Start opencode in any folder. Only providers that go through the gateway are enabled: see enabled_providers in \(path)."
        ]
        if let plugin = plugin(context) {
            files.append(.whole(layers.pluginFile, plugin))
            next.append("Repository, branch, session and agent come from the plugin \(layers.pluginFile).")
        } else if let repository = context.place.repository, repository.label != nil {
            let file = try projectFile(context, repository.root)
            files.append(file)
            next.append("The gateway serves no plugin, so \(file.path) names the repository.")
        }
        for variable in ["OPENCODE_CONFIG", "OPENCODE_CONFIG_CONTENT"] where context.place.variable(variable) != nil {
            next.append("\(variable) is set and stronger than this file: weir doctor --client opencode shows what it changes.")
        }
        return ClientPlan(files: files, next: next)
    }

    /// The plugin with this gateway written into it; it adds headers to no other calls.
    private func plugin(_ context: SetupContext) -> String? {
        guard let text = context.gatewayFiles["/opencode/plugin.js"] else { return nil }
        return text.replacing("\nconst GATEWAY = \"\";", with: "\nconst GATEWAY = \(JSONText.quoted(context.gateway));")
    }

    private func projectFile(_ context: SetupContext, _ root: String) throws(SetupRefusal) -> FileEdit {
        guard let label = context.place.repository?.label else {
            throw SetupRefusal(
                "no_remote", "the repository \(root) has no remote to name it by", mend: "git remote add origin URL, then run it again")
        }
        let path = context.place.bytes("\(root)/opencode.jsonc") != nil ? "\(root)/opencode.jsonc" : "\(root)/opencode.json"
        let edits = [Self.chat, Self.messages].map {
            SettingsEdit.set(["provider", $0, "options", "headers", "x-weir-repo"], .string(label))
        }
        return FileEdit(path, .json, [.setIfAbsent(["$schema"], "https://opencode.ai/config.json")] + edits)
    }

    // MARK: Configuration

    private func configuration(_ context: SetupContext, _ current: SettingValue) throws(SetupRefusal) -> [SettingsEdit] {
        let key = "{file:\(context.scope == .managed ? "~/.config/weir/key" : context.place.keyFile)}"
        var edits: [SettingsEdit] = [.setIfAbsent(["$schema"], "https://opencode.ai/config.json")]
        var enabled = [Self.chat]
        func add(_ id: String, _ package: SettingValue, _ title: SettingValue, _ models: [OfferedModel]) {
            let path = ["provider", id]
            edits += [
                .set(path + ["npm"], package), .set(path + ["name"], title), .set(path + ["options", "baseURL"], .string(context.v1)),
                .set(path + ["options", "apiKey"], .string(key)),
            ]
            if !context.models.isEmpty {
                edits.append(.set(path + ["models"], .object(models.map { SettingMember($0.id, Self.entry($0)) })))
            }
        }
        let claude = context.models.filter(\.isClaude)
        add(Self.chat, "@ai-sdk/openai-compatible", "Weir", context.models.filter { !$0.isClaude && $0.isForCoding })
        if !claude.isEmpty || context.models.isEmpty {
            add(Self.messages, "@ai-sdk/anthropic", "Weir (Claude)", claude)
            enabled.append(Self.messages)
        }
        // Built-in ones that the user has set up go through the gateway too, where their dialect is served.
        for member in current["provider"]?.members ?? [] where ["openai", "anthropic"].contains(member.name) {
            edits += [
                .set(["provider", member.name, "options", "baseURL"], .string(context.v1)),
                .set(["provider", member.name, "options", "apiKey"], .string(key)),
            ]
            enabled.append(member.name)
        }
        edits.append(.set(["enabled_providers"], .array(enabled.map { .string($0) })))
        edits += models(context, current, enabled: enabled)
        return edits
    }

    /// `model` and `small_model`, and the models of agents and commands, by providers that are enabled.
    private func models(_ context: SetupContext, _ current: SettingValue, enabled: [String]) -> [SettingsEdit] {
        func reference(_ id: String) -> SettingValue { .string("\(context.isClaude(id) ? Self.messages : Self.chat)/\(id)") }
        func isOurs(_ text: String?) -> Bool { text.map { enabled.contains(String($0.prefix { $0 != "/" })) } ?? false }
        /// The same model through the gateway, if it is offered there.
        func moved(_ text: String?) -> String? {
            guard let text, let slash = text.firstIndex(of: "/") else { return nil }
            let id = String(text[text.index(after: slash)...])
            return context.models.contains { $0.id == id } ? id : nil
        }
        var edits: [SettingsEdit] = []
        let model = current["model"]?.text
        let chosen = context.model ?? (isOurs(model) ? nil : moved(model) ?? context.chosenModel() ?? context.chosenModel(isClaude: true))
        if let chosen { edits.append(.set(["model"], reference(chosen))) }
        let small = current["small_model"]?.text
        if !isOurs(small), let id = moved(small) ?? context.smallModel() ?? context.smallModel(isClaude: true) {
            edits.append(.set(["small_model"], reference(id)))
        }
        for section in ["agent", "mode", "command"] {
            for member in current[section]?.members ?? [] {
                if let text = member.value["model"]?.text, !isOurs(text), let id = moved(text) {
                    edits.append(.set([section, member.name, "model"], reference(id)))
                }
            }
        }
        return edits
    }

    /// A model in the form of V1's configuration, which is models.dev's.
    private static func entry(_ model: OfferedModel) -> SettingValue {
        var members = [SettingMember("name", .string(model.id)), SettingMember("tool_call", true)]
        if let reasons = model.reasons { members.append(SettingMember("reasoning", .bool(reasons))) }
        if let images = model.takesImages {
            let input: [SettingValue] = images ? ["text", "image"] : ["text"]
            members.append(SettingMember("attachment", .bool(images)))
            members.append(SettingMember("modalities", ["input": .array(input), "output": .array(["text"])]))
        }
        if let context = model.contextTokens, let output = model.outputTokens {
            members.append(SettingMember("limit", ["context": .integer(context), "output": .integer(output)]))
        }
        let prices = [
            ("input", model.inputPrice), ("output", model.outputPrice), ("cache_read", model.cacheReadPrice),
            ("cache_write", model.cacheWritePrice),
        ]
        let cost = prices.compactMap { name, price in price.map { SettingMember(name, .decimal($0)) } }
        if model.inputPrice != nil, model.outputPrice != nil { members.append(SettingMember("cost", .object(cost))) }
        return .object(members)
    }
}

extension SettingValue {
    /// A number as it is written.
    static func decimal(_ text: String) -> SettingValue { Int64(text).map { .integer($0) } ?? .number(text) }
}
