// MiniSWEAgent: mini-swe-agent loads one `.env` of its own; the environment is stronger than it.

/// mini-swe-agent.
struct MiniSWEAgent: CodingClient {
    let name = "mini-swe-agent"
    let title = "mini-swe-agent"

    private func file(_ place: ClientPlace) -> String {
        if let folder = place.variable("MSWEA_GLOBAL_CONFIG_DIR") { return "\(folder)/.env" }
        switch place.system {
        case .linux: return "\(place.configFolder)/mini-swe-agent/.env"
        case .macOS: return "\(place.home)/Library/Application Support/mini-swe-agent/.env"
        }
    }

    func setup(_ context: SetupContext) throws(SetupRefusal) -> ClientPlan {
        guard context.scope == .user else {
            throw context.refuse(
                title, instead: "leave the scope out; bind the key to the repository, or start it by the credential command")
        }
        var edits: [SettingsEdit] = [.set(["MSWEA_CONFIGURED"], "true")]
        if let model = context.chosenModel() ?? context.chosenModel(isClaude: true) {
            edits.append(.set(["MSWEA_MODEL_NAME"], .string("\(context.isClaude(model) ? "anthropic" : "openai")/\(model)")))
        }
        let key = SettingValue.string(try context.literalKey())
        edits += [
            .set(["OPENAI_API_BASE"], .string(context.v1)), .set(["OPENAI_API_KEY"], key),
            .set(["ANTHROPIC_API_BASE"], .string(context.gateway)), .set(["ANTHROPIC_API_KEY"], key),
            .set(["MSWEA_COST_TRACKING"], "ignore_errors"), .set(["LITELLM_LOCAL_MODEL_COST_MAP"], "True"),
        ]
        return ClientPlan(
            files: [FileEdit(file(context.place), .dotenv, isSecret: true, edits)],
            next: ["For repository and branch, start it as: \(context.place.credentialCommand.shellWord) mini"],
            gaps: ["its session: Weir infers it", "repository and branch, when it is started without the command above"])
    }

    func call(_ place: ClientPlace) throws(SetupRefusal) -> ConfiguredCall {
        let path = file(place)
        let settings = try place.settings(path, .dotenv) ?? .object([])
        func variable(_ name: String) -> String? { place.variable(name) ?? settings[name]?.text }
        let model = variable("MSWEA_MODEL_NAME") ?? ""
        let isAnthropic = model.hasPrefix("anthropic/") || model.hasPrefix("claude")
        guard let base = variable(isAnthropic ? "ANTHROPIC_API_BASE" : "OPENAI_API_BASE") else {
            throw SetupRefusal(
                "not_connected", "mini-swe-agent has no address of a gateway in \(path)", mend: "weir connect mini-swe-agent")
        }
        guard let key = variable(isAnthropic ? "ANTHROPIC_API_KEY" : "OPENAI_API_KEY") else {
            throw SetupRefusal("no_key", "mini-swe-agent has no key in \(path)", mend: "weir connect mini-swe-agent")
        }
        return ConfiguredCall(
            dialect: isAnthropic ? .messages : .chatCompletions, base: base, path: isAnthropic ? "/v1/messages" : "/chat/completions",
            credential: .text(key), model: model.split(separator: "/", maxSplits: 1).last.map(String.init), found: ["\(base) in \(path)"])
    }

    func leaks(_ place: ClientPlace) throws(SetupRefusal) -> [ClientLeak] {
        let path = file(place)
        let settings = try place.settings(path, .dotenv) ?? .object([])
        var leaks: [ClientLeak] = []
        let base = settings["OPENAI_API_BASE"]?.text
        if place.variable("OPENAI_API_BASE") == nil, base.map({ !place.isGateway($0) }) ?? true {
            leaks.append(
                ClientLeak(
                    path, base.map { "OPENAI_API_BASE is \($0)" } ?? "no OPENAI_API_BASE: calls go to OpenAI",
                    mend: "weir connect mini-swe-agent"))
        }
        for name in ["OPENAI_API_BASE", "OPENAI_BASE_URL", "ANTHROPIC_API_BASE", "ANTHROPIC_BASE_URL"] {
            if let value = place.variable(name), !place.isGateway(value) {
                leaks.append(ClientLeak("the environment", "\(name) is \(value) and stronger than \(path)", mend: "unset \(name)"))
            }
        }
        for key in place.foreignKeys() where ["openai", "anthropic"].contains(key.provider) {
            leaks.append(
                ClientLeak(
                    "the environment", "\(key.variable) is not the gateway's and stronger than \(path)", mend: "unset \(key.variable)"))
        }
        let model = place.variable("MSWEA_MODEL_NAME") ?? settings["MSWEA_MODEL_NAME"]?.text ?? ""
        if !["openai/", "anthropic/"].contains(where: { model.hasPrefix($0) }), !model.isEmpty {
            leaks.append(
                ClientLeak(path, "MSWEA_MODEL_NAME is \(model): its provider is called directly", mend: "weir connect mini-swe-agent"))
        }
        return leaks
    }
}
