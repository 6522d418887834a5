// What OpenCode would call, and which of its traffic misses the gateway.

/// OpenCode's configuration as it takes effect.
private struct OpenCodeEffect {
    let layers: OpenCodeLayers
    let files: [(path: String, settings: SettingValue)]
    let settings: SettingValue

    init(_ place: ClientPlace) throws(SetupRefusal) {
        layers = OpenCodeLayers(place: place)
        files = try layers.all()
        settings = files.reduce(.object([])) { $0.merging($1.settings) }
    }

    /// The strongest file that says something at a path.
    func file(_ path: [String]) -> String { files.last { $0.settings.at(path) != nil }?.path ?? layers.userFile }

    /// A provider's block, in V1's form or in V2's.
    func provider(_ id: String) -> SettingValue? { settings.at(["provider", id]) ?? settings.at(["providers", id]) }

    func base(_ id: String) -> String? {
        let block = provider(id)
        return (block?.at(["options", "baseURL"])?.text ?? block?.at(["settings", "baseURL"])?.text).map(layers.resolved)
    }

    var providerIDs: [String] { (settings["provider"]?.members ?? []).map(\.name) + (settings["providers"]?.members ?? []).map(\.name) }

    func isEnabled(_ id: String) -> Bool {
        if settings["disabled_providers"]?.elements.contains(.string(id)) == true { return false }
        guard case .array(let list)? = settings["enabled_providers"] else { return true }
        return list.contains(.string(id))
    }

    func isGateway(_ id: String) -> Bool { base(id).map(layers.place.isGateway) ?? false }
}

extension OpenCode {
    func call(_ place: ClientPlace) throws(SetupRefusal) -> ConfiguredCall {
        let effect = try OpenCodeEffect(place)
        guard let reference = effect.settings["model"]?.text, let slash = reference.firstIndex(of: "/") else {
            throw SetupRefusal("no_model", "OpenCode has no model of the form provider/model", mend: "weir connect opencode --model MODEL")
        }
        let id = String(reference[..<slash])
        let model = String(reference[reference.index(after: slash)...])
        guard let block = effect.provider(id), let base = effect.base(id) else {
            throw SetupRefusal(
                "no_provider", "OpenCode's model \(reference) is of the provider \(id), which has no baseURL", mend: "weir connect opencode"
            )
        }
        guard effect.isEnabled(id) else {
            throw SetupRefusal("provider_disabled", "OpenCode's provider \(id) is not enabled", mend: "weir connect opencode")
        }
        let key = (block.at(["options", "apiKey"])?.text ?? block.at(["settings", "apiKey"])?.text).map(effect.layers.resolved) ?? ""
        guard !key.isEmpty else {
            throw SetupRefusal(
                "no_key", "OpenCode's provider \(id) has no key in \(effect.file(["provider", id]))", mend: "weir connect opencode")
        }
        let package = block["npm"]?.text ?? block["package"]?.text ?? ""
        let dialect: ConfiguredCall.Dialect =
            package.hasSuffix("anthropic") || id == "anthropic"
            ? .messages : package.hasSuffix("/openai") || id == "openai" ? .responses : .chatCompletions
        var headers =
            (block.at(["options", "headers"]) ?? block["headers"])?.members.compactMap { member in
                member.value.text.map { (member.name, effect.layers.resolved($0)) }
            } ?? []
        var found = [
            "model \(reference) in \(effect.file(["model"]))", "baseURL \(base) in \(effect.file(["provider", id, "options", "baseURL"]))",
        ]
        if place.bytes(effect.layers.pluginFile) != nil, let repository = place.repository {
            // As the plugin adds them.
            if let label = repository.label { headers.append(("x-weir-repo", label)) }
            if let branch = repository.branch { headers.append(("x-weir-branch", branch)) }
            found.append("repository and branch as the plugin \(effect.layers.pluginFile) adds them")
        }
        let path: String
        switch dialect {
        case .messages: path = "/messages"
        case .responses: path = "/responses"
        default: path = "/chat/completions"
        }
        return ConfiguredCall(
            dialect: dialect, base: base, path: path, credential: .text(key), headers: headers, model: model, found: found)
    }

    func leaks(_ place: ClientPlace) throws(SetupRefusal) -> [ClientLeak] {
        let effect = try OpenCodeEffect(place)
        let mend = "weir connect opencode"
        var leaks: [ClientLeak] = []
        var named: Set<String> = []
        for id in effect.providerIDs where effect.isEnabled(id) && !effect.isGateway(id) && named.insert(id).inserted {
            let base = effect.base(id)
            leaks.append(
                ClientLeak(
                    effect.file(["provider", id]),
                    "the provider \(id) " + (base.map { "is at \($0)" } ?? "has no baseURL and goes to its maker"),
                    mend: "point its options.baseURL at the gateway, or put it into disabled_providers"))
        }
        func check(_ path: [String]) {
            guard let text = effect.settings.at(path)?.text else { return }
            let id = String(text.prefix { $0 != "/" })
            guard !effect.isGateway(id) || !effect.isEnabled(id) else { return }
            leaks.append(
                ClientLeak(effect.file(path), "\(path.joined(separator: ".")) is \(text): not a provider of the gateway", mend: mend))
        }
        check(["model"])
        check(["small_model"])
        if effect.settings["model"] == nil {
            leaks.append(ClientLeak(effect.layers.userFile, "no model is set: OpenCode chooses one", mend: mend))
        }
        if effect.settings["small_model"] == nil {
            leaks.append(ClientLeak(effect.layers.userFile, "no small_model is set: titles may go to another provider", mend: mend))
        }
        for section in ["agent", "mode", "command"] {
            for member in effect.settings[section]?.members ?? [] { check([section, member.name, "model"]) }
        }
        for entry in try place.settings(effect.layers.authFile, .json)?.members ?? []
        where entry.value["type"]?.text != "wellknown" && effect.isEnabled(entry.name) && !effect.isGateway(entry.name) {
            leaks.append(
                ClientLeak(
                    effect.layers.authFile, "a key or sign-in for \(entry.name), which does not go through the gateway",
                    mend: "opencode auth logout, and choose \(entry.name)"))
            named.insert(entry.name)
        }
        for key in place.foreignKeys() where effect.isEnabled(key.provider) && !effect.isGateway(key.provider) {
            leaks.append(
                ClientLeak(
                    "the environment", "\(key.variable) opens OpenCode's provider \(key.provider)",
                    mend: "unset \(key.variable), or: \(mend)"))
            named.insert(key.provider)
        }
        if effect.isEnabled("opencode"), !named.contains("opencode"), !effect.isGateway("opencode") {
            leaks.append(
                ClientLeak(effect.layers.userFile, "the built-in provider opencode needs no key and is not disabled", mend: mend))
        }
        return leaks
    }
}
