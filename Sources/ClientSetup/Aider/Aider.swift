// Aider: Aider reads `.aider.conf.yml` and, for headers, `.aider.model.settings.yml` in the repository.

/// Aider.
struct Aider: CodingClient {
    let name = "aider"
    let title = "Aider"

    private func userFile(_ place: ClientPlace) -> String { "\(place.home)/.aider.conf.yml" }

    func setup(_ context: SetupContext) throws(SetupRefusal) -> ClientPlan {
        let place = context.place
        let header = try projectFile(context)
        switch context.scope {
        case .managed: throw context.refuse("Aider", instead: "run weir connect aider for each developer")
        case .project:
            let root = try context.repositoryRoot(for: name)
            guard let header else {
                throw SetupRefusal("no_remote", "the repository \(root) has no remote to name it by", mend: "git remote add origin URL")
            }
            return ClientPlan(files: [header], next: ["Commit \(header.path). It holds no secret."])
        case .user: break
        }
        let key = SettingValue.string(try context.literalKey())
        var edits: [SettingsEdit] = [
            .set(["openai-api-base"], .string(context.v1)), .set(["openai-api-key"], key), .set(["anthropic-api-key"], key),
            try environment(context),
        ]
        let isClaude = context.model.map(context.isClaude) ?? (context.chosenModel() == nil)
        for (option, model) in [("model", context.chosenModel(isClaude: isClaude)), ("weak-model", context.smallModel(isClaude: isClaude))]
        {
            guard let model else { continue }
            edits.append(.set([option], .string("\(context.isClaude(model) ? "anthropic" : "openai")/\(model)")))
        }
        edits += [
            .setIfAbsent(["analytics-disable"], true), .setIfAbsent(["check-update"], false), .setIfAbsent(["show-model-warnings"], false),
        ]
        var files = [FileEdit(userFile(place), .yaml, isSecret: true, edits)]
        var next: [String] = []
        if let header {
            files.append(header)
            next.append("\(header.path) names the repository; Aider reads it in this repository alone.")
        }
        next.append("For the branch, and for the repository anywhere else, start it as: \(place.credentialCommand.shellWord) aider")
        return ClientPlan(
            files: files, next: next,
            gaps: [
                "its session: Weir infers it",
                "repository and branch, when it is started in a repository that was not connected, or without the command above",
            ])
    }

    /// Where Aider calls Claude, beside what else the user has in `set-env`. What is no list is left as it is.
    private func environment(_ context: SetupContext) throws(SetupRefusal) -> SettingsEdit {
        let name = "ANTHROPIC_API_BASE="
        let own = SettingValue.string(name + context.gateway)
        guard case .array(let known) = try context.place.settings(userFile(context.place), .yaml)?["set-env"], !known.contains(own) else {
            return .setIfAbsent(["set-env"], .array([own]))
        }
        return .set(["set-env"], .array(known.filter { !($0.text?.hasPrefix(name) ?? false) } + [own]))
    }

    /// The header of this repository; nil without one that has a remote.
    private func projectFile(_ context: SetupContext) throws(SetupRefusal) -> FileEdit? {
        guard let repository = context.place.repository, let label = repository.label else { return nil }
        return FileEdit(
            "\(repository.root)/.aider.model.settings.yml", .yaml,
            [.set(["name=aider/extra_params", "extra_params", "extra_headers", "x-weir-repo"], .string(label))])
    }

    /// The project's file over the user's.
    private func settings(_ place: ClientPlace) throws(SetupRefusal) -> (
        settings: SettingValue, files: [(path: String, settings: SettingValue)]
    ) {
        var files: [(path: String, settings: SettingValue)] = []
        for folder in [place.home] + (place.repository.map { [$0.root] } ?? []) + [place.workingFolder] {
            let path = "\(folder)/.aider.conf.yml"
            if !files.contains(where: { $0.path == path }), let found = try place.settings(path, .yaml) { files.append((path, found)) }
        }
        return (files.reduce(.object([])) { $0.merging($1.settings) }, files)
    }

    func call(_ place: ClientPlace) throws(SetupRefusal) -> ConfiguredCall {
        let (settings, files) = try settings(place)
        let model = place.variable("AIDER_MODEL") ?? settings["model"]?.text ?? ""
        let isAnthropic = model.hasPrefix("anthropic/") || model.hasPrefix("claude")
        let base =
            isAnthropic
            ? environmentOf(settings)["ANTHROPIC_API_BASE"] ?? place.variable("ANTHROPIC_API_BASE")
            : place.variable("AIDER_OPENAI_API_BASE") ?? settings["openai-api-base"]?.text ?? place.variable("OPENAI_API_BASE")
        let option = isAnthropic ? "anthropic-api-key" : "openai-api-key"
        let variable = isAnthropic ? "ANTHROPIC_API_KEY" : "OPENAI_API_KEY"
        guard let base else { throw SetupRefusal("not_connected", "Aider has no address of a gateway", mend: "weir connect aider") }
        guard let key = place.variable("AIDER_\(variable)") ?? settings[option]?.text ?? place.variable(variable) else {
            throw SetupRefusal("no_key", "Aider has no \(option)", mend: "weir connect aider")
        }
        var headers: [(String, String)] = []
        for folder in [place.home] + (place.repository.map { [$0.root] } ?? []) {
            let path = "\(folder)/.aider.model.settings.yml"
            for entry in try place.settings(path, .yaml)?.elements ?? [] where entry["name"]?.text == "aider/extra_params" {
                headers =
                    entry.at(["extra_params", "extra_headers"])?.members.compactMap { member in member.value.text.map { (member.name, $0) }
                    } ?? []
            }
        }
        return ConfiguredCall(
            dialect: isAnthropic ? .messages : .chatCompletions, base: base, path: isAnthropic ? "/v1/messages" : "/chat/completions",
            credential: .text(key), headers: headers,
            model: model.split(separator: "/", maxSplits: 1).last.map(String.init),
            found: ["the address \(base) in \(files.last { $0.settings["openai-api-base"] != nil }?.path ?? "the environment")"])
    }

    /// What `set-env` puts into its environment.
    private func environmentOf(_ settings: SettingValue) -> [String: String] {
        var result: [String: String] = [:]
        for text in settings["set-env"]?.elements.compactMap(\.text) ?? [] {
            if let equals = text.firstIndex(of: "=") { result[String(text[..<equals])] = String(text[text.index(after: equals)...]) }
        }
        return result
    }

    func leaks(_ place: ClientPlace) throws(SetupRefusal) -> [ClientLeak] {
        let (settings, files) = try settings(place)
        func file(_ name: String) -> String { files.last { $0.settings[name] != nil }?.path ?? userFile(place) }
        let mend = "weir connect aider"
        var leaks: [ClientLeak] = []
        let base = settings["openai-api-base"]?.text ?? place.variable("OPENAI_API_BASE")
        if base.map({ !place.isGateway($0) }) ?? true {
            leaks.append(
                ClientLeak(
                    file("openai-api-base"), base.map { "openai-api-base is \($0)" } ?? "no openai-api-base: calls go to OpenAI", mend: mend
                ))
        }
        let anthropic = environmentOf(settings)["ANTHROPIC_API_BASE"] ?? place.variable("ANTHROPIC_API_BASE")
        for option in ["model", "weak-model", "editor-model"] {
            guard let model = settings[option]?.text else { continue }
            let isAnthropic = model.hasPrefix("anthropic/") || model.hasPrefix("claude")
            let provider = model.contains("/") ? String(model.prefix { $0 != "/" }) : ""
            if isAnthropic, anthropic.map({ !place.isGateway($0) }) ?? true {
                leaks.append(
                    ClientLeak(
                        file(option), "\(option) is \(model) and ANTHROPIC_API_BASE is not the gateway",
                        mend: "put ANTHROPIC_API_BASE=GATEWAY into set-env"))
            } else if !isAnthropic, !["openai", "anthropic", ""].contains(provider) {
                leaks.append(
                    ClientLeak(
                        file(option), "\(option) is \(model): the provider \(provider) is called directly",
                        mend: "use openai/\(model.dropFirst(provider.count + 1))"))
            }
        }
        for text in settings["api-key"]?.elements.compactMap(\.text) ?? [] where !text.contains("=weir_k_") {
            leaks.append(
                ClientLeak(
                    file("api-key"), "api-key holds one for \(text.prefix { $0 != "=" }), and it beats every other", mend: "take it out"))
        }
        for variable in ["AIDER_OPENAI_API_BASE", "AIDER_MODEL"] {
            if let value = place.variable(variable), variable == "AIDER_MODEL" ? !value.hasPrefix("openai/") : !place.isGateway(value) {
                leaks.append(ClientLeak("the environment", "\(variable) is \(value)", mend: "unset \(variable)"))
            }
        }
        return leaks
    }
}
