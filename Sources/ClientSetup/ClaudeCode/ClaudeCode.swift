// ClaudeCode: Claude Code reads JSON settings for the user, the project and the machine; its key comes from a command, so the
// repository and the branch arrive with it from wherever it is started.

/// Claude Code.
struct ClaudeCode: CodingClient {
    let name = "claude-code"
    let title = "Claude Code"

    private func userFile(_ place: ClientPlace) -> String {
        "\(place.variable("CLAUDE_CONFIG_DIR") ?? "\(place.home)/.claude")/settings.json"
    }

    private func managedFolder(_ place: ClientPlace) -> String {
        switch place.system {
        case .linux: "\(place.systemRoot)/etc/claude-code"
        case .macOS: "\(place.systemRoot)/Library/Application Support/ClaudeCode"
        }
    }

    /// A file of our own beside the others: nothing has to be merged.
    private func managedFile(_ place: ClientPlace) -> String { "\(managedFolder(place))/managed-settings.d/50-weir.json" }

    func setup(_ context: SetupContext) throws(SetupRefusal) -> ClientPlan {
        let place = context.place
        var edits: [SettingsEdit] = [.set(["env", "ANTHROPIC_BASE_URL"], .string(context.gateway))]
        // Either of them would be used in place of the command.
        edits += ["ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY"].map { .remove(["env", $0]) }
        edits.append(.setIfAbsent(["env", "CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY"], "1"))
        // What it tells its maker beside the model calls.
        edits.append(.setIfAbsent(["env", "DISABLE_ERROR_REPORTING"], "1"))
        if !context.sendsTelemetry { edits.append(.setIfAbsent(["env", "DISABLE_TELEMETRY"], "1")) }
        if let model = context.model { edits.append(.set(["model"], .string(model))) }
        if context.sendsTelemetry { edits += telemetry(context) }
        switch context.scope {
        case .user:
            edits.insert(.set(["apiKeyHelper"], .string(place.credentialCommand.shellWord)), at: 0)
            return ClientPlan(
                files: [FileEdit(userFile(place), .json, edits)],
                next: ["Start claude in any folder. If it was signed in to an account, run /logout in it once."],
                gaps: ["a branch that is changed to while a session runs, until it asks for its key again (five minutes)"])
        case .project:
            let root = try context.repositoryRoot(for: name)
            var project: [SettingsEdit] = [.set(["env", "ANTHROPIC_BASE_URL"], .string(context.gateway))]
            if let label = place.repository?.label {
                let known = try place.settings("\(root)/.claude/settings.json", .json)?.at(["env", "ANTHROPIC_CUSTOM_HEADERS"])?.text
                let others = known?.split(whereSeparator: \.isNewline).filter { !$0.lowercased().hasPrefix("x-weir-repo:") } ?? []
                let headers = others.map(String.init) + ["x-weir-repo: \(label)"]
                project.append(.set(["env", "ANTHROPIC_CUSTOM_HEADERS"], .string(headers.joined(separator: "\n"))))
            }
            return ClientPlan(
                files: [FileEdit("\(root)/.claude/settings.json", .json, project)],
                next: ["Commit .claude/settings.json. It holds no secret; each developer runs: weir connect claude-code"])
        case .managed:
            // The command of whoever runs it.
            edits.insert(.set(["apiKeyHelper"], "\"${XDG_CONFIG_HOME:-$HOME/.config}/weir/credential\""), at: 0)
            return ClientPlan(
                files: [FileEdit(managedFile(place), .json, edits)],
                next: ["Put the file on every machine. Each developer runs: weir login \(context.gateway)"])
        }
    }

    private func telemetry(_ context: SetupContext) -> [SettingsEdit] {
        let variables: [(String, String)] = [
            ("CLAUDE_CODE_ENABLE_TELEMETRY", "1"), ("OTEL_METRICS_EXPORTER", "otlp"), ("OTEL_LOGS_EXPORTER", "otlp"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"), ("OTEL_EXPORTER_OTLP_ENDPOINT", context.gateway),
        ]
        return variables.map { .set(["env", $0.0], .string($0.1)) }
            + [
                .set(
                    ["otelHeadersHelper"],
                    .string("printf '{\"Authorization\":\"Bearer %s\"}' \"$(\(context.place.credentialCommand.shellWord))\""))
            ]
    }

    /// All its settings, the strongest first.
    private func layers(_ place: ClientPlace) throws(SetupRefusal) -> [(path: String, settings: SettingValue)] {
        var paths = [managedFile(place), "\(managedFolder(place))/managed-settings.json"]
        let root = place.repository?.root ?? place.workingFolder
        paths += ["\(root)/.claude/settings.local.json", "\(root)/.claude/settings.json", userFile(place)]
        var layers: [(path: String, settings: SettingValue)] = []
        for path in paths {
            if let settings = try place.settings(path, .json) { layers.append((path, settings)) }
        }
        return layers
    }

    func call(_ place: ClientPlace) throws(SetupRefusal) -> ConfiguredCall {
        let layers = try layers(place)
        func variable(_ name: String) -> (value: String, place: String)? {
            for layer in layers {
                if let text = layer.settings.at(["env", name])?.text { return (text, layer.path) }
            }
            return place.variable(name).map { ($0, "the environment") }
        }
        guard let base = variable("ANTHROPIC_BASE_URL") else {
            throw SetupRefusal("not_connected", "Claude Code has no ANTHROPIC_BASE_URL", mend: "weir connect claude-code")
        }
        var found = ["ANTHROPIC_BASE_URL=\(base.value) in \(base.place)"]
        let credential: ConfiguredCall.Credential
        if let token = variable("ANTHROPIC_AUTH_TOKEN") ?? variable("ANTHROPIC_API_KEY") {
            credential = .text(token.value)
            found.append("the key in \(token.place)")
        } else if let layer = layers.first(where: { $0.settings["apiKeyHelper"]?.text != nil }),
            let command = layer.settings["apiKeyHelper"]?.text
        {
            credential = .command(["sh", "-c", command])
            found.append("apiKeyHelper \(command) in \(layer.path)")
        } else {
            throw SetupRefusal("no_key", "Claude Code has neither a key nor apiKeyHelper", mend: "weir connect claude-code")
        }
        let headers = variable("ANTHROPIC_CUSTOM_HEADERS")?.value.split(whereSeparator: \.isNewline).compactMap {
            line -> (String, String)? in
            guard let colon = line.firstIndex(of: ":") else { return nil }
            return (String(line[..<colon]).trimmed, String(line[line.index(after: colon)...]).trimmed)
        }
        let model = variable("ANTHROPIC_MODEL")?.value ?? layers.compactMap { $0.settings["model"]?.text }.first
        return ConfiguredCall(
            dialect: .messages, base: base.value, path: "/v1/messages", credential: credential,
            headers: [("anthropic-version", "2023-06-01")] + (headers ?? []), model: model, found: found)
    }

    func leaks(_ place: ClientPlace) throws(SetupRefusal) -> [ClientLeak] {
        var leaks: [ClientLeak] = []
        let layers = try layers(place)
        var base: String?
        for layer in layers {
            if let text = layer.settings.at(["env", "ANTHROPIC_BASE_URL"])?.text {
                base = base ?? text
                if !place.isGateway(text) {
                    leaks.append(
                        ClientLeak(
                            layer.path, "ANTHROPIC_BASE_URL points at \(text)", mend: "take it out, or run: weir connect claude-code"))
                }
            }
            for name in ["CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX", "CLAUDE_CODE_USE_FOUNDRY"]
            where layer.settings.at(["env", name]) != nil {
                leaks.append(ClientLeak(layer.path, "\(name) sends its calls to a cloud", mend: "take it out"))
            }
        }
        let variable = place.variable("ANTHROPIC_BASE_URL")
        if base == nil, variable.map({ !place.isGateway($0) }) ?? true {
            leaks.append(
                ClientLeak(
                    variable == nil ? userFile(place) : "the environment",
                    variable.map { "ANTHROPIC_BASE_URL points at \($0)" } ?? "no ANTHROPIC_BASE_URL: calls go to Anthropic",
                    mend: "weir connect claude-code"))
        }
        let helper = layers.first { $0.settings["apiKeyHelper"] != nil }
        for name in ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"] {
            if let value = place.variable(name), helper != nil || !value.hasPrefix("weir_k_") {
                leaks.append(
                    ClientLeak(
                        "the environment", "\(name) is sent beside the key of apiKeyHelper, and Weir refuses two keys",
                        mend: "unset \(name)"))
            }
            for layer in layers where layer.settings.at(["env", name]) != nil && helper != nil {
                leaks.append(
                    ClientLeak(layer.path, "\(name) is sent beside the key of apiKeyHelper, and Weir refuses two keys", mend: "take it out")
                )
            }
        }
        for name in ["CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX", "CLAUDE_CODE_USE_FOUNDRY"] where place.variable(name) != nil {
            leaks.append(ClientLeak("the environment", "\(name) sends its calls to a cloud", mend: "unset \(name)"))
        }
        return leaks
    }
}
