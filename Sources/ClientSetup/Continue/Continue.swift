// Continue: Continue reads `~/.continue/config.yaml`; its secrets come from `~/.continue/.env`.

/// Continue.
struct Continue: CodingClient {
    let name = "continue"
    let title = "Continue"

    private static let chat = "name=Weir"
    private static let messages = "name=Weir (Claude)"

    private func folder(_ place: ClientPlace) -> String { place.variable("CONTINUE_GLOBAL_DIR") ?? "\(place.home)/.continue" }

    func setup(_ context: SetupContext) throws(SetupRefusal) -> ClientPlan {
        guard context.scope == .user else { throw context.refuse(title, instead: "run weir connect continue for each developer") }
        let folder = folder(context.place)
        var edits: [SettingsEdit] = [
            .setIfAbsent(["name"], "Local Config"), .setIfAbsent(["version"], "1.0.0"), .setIfAbsent(["schema"], "v1"),
        ]
        func add(_ element: String, _ provider: SettingValue, _ model: String) {
            edits.append(
                .set(
                    ["models", element],
                    [
                        "provider": provider, "model": .string(model), "apiBase": .string(context.v1),
                        "apiKey": "${{ secrets.WEIR_KEY }}", "roles": ["chat", "edit", "apply"],
                    ]))
        }
        if let model = context.model {
            context.isClaude(model) ? add(Self.messages, "anthropic", model) : add(Self.chat, "openai", model)
        } else {
            if let model = context.chosenModel() { add(Self.chat, "openai", model) }
            if let model = context.chosenModel(isClaude: true) { add(Self.messages, "anthropic", model) }
        }
        guard edits.count > 3 else {
            throw SetupRefusal("no_model", "the gateway names no model to write into Continue's list", mend: "give one: --model MODEL")
        }
        let header = context.place.repository?.label.map {
            " To name a repository, add requestOptions: {headers: {x-weir-repo: \($0)}} to a model."
        }
        return ClientPlan(
            files: [
                FileEdit("\(folder)/config.yaml", .yaml, edits),
                FileEdit("\(folder)/.env", .dotenv, isSecret: true, [.set(["WEIR_KEY"], .string(try context.literalKey()))]),
            ],
            next: ["Choose a model named Weir in Continue.\(header ?? "")"],
            gaps: ["session, repository and branch: bind the key to a repository, or set the header above, which counts for every folder"])
    }

    func call(_ place: ClientPlace) throws(SetupRefusal) -> ConfiguredCall {
        let path = "\(folder(place))/config.yaml"
        let models = try place.settings(path, .yaml)?["models"]?.elements ?? []
        guard let entry = models.first(where: { $0["apiBase"]?.text.map(place.isGateway) == true }) ?? models.first,
            let base = entry["apiBase"]?.text
        else { throw SetupRefusal("not_connected", "\(path) has no model with an apiBase", mend: "weir connect continue") }
        var key = entry["apiKey"]?.text ?? ""
        if key.hasPrefix("${{"), let name = key.split(whereSeparator: { " .{}".contains($0) }).last {
            key = try place.settings("\(folder(place))/.env", .dotenv)?[String(name)]?.text ?? place.variable(String(name)) ?? ""
        }
        guard !key.isEmpty else { throw SetupRefusal("no_key", "the model in \(path) has no key", mend: "weir connect continue") }
        let isAnthropic = entry["provider"]?.text == "anthropic"
        let headers =
            entry.at(["requestOptions", "headers"])?.members.compactMap { member in member.value.text.map { (member.name, $0) } } ?? []
        return ConfiguredCall(
            dialect: isAnthropic ? .messages : .chatCompletions, base: base, path: isAnthropic ? "/messages" : "/chat/completions",
            credential: .text(key), headers: headers, model: entry["model"]?.text,
            found: ["the model \(entry["name"]?.text ?? "") at \(base) in \(path)"])
    }

    func leaks(_ place: ClientPlace) throws(SetupRefusal) -> [ClientLeak] {
        let path = "\(folder(place))/config.yaml"
        let models = try place.settings(path, .yaml)?["models"]?.elements ?? []
        guard !models.isEmpty else {
            return [ClientLeak(path, "no model is set: Continue uses its own service", mend: "weir connect continue")]
        }
        return models.compactMap { entry in
            let base = entry["apiBase"]?.text
            guard base.map({ !place.isGateway($0) }) ?? true else { return nil }
            let name = entry["name"]?.text ?? entry["uses"]?.text ?? entry["model"]?.text ?? "without a name"
            return ClientLeak(
                path, "the model \(name) " + (base.map { "is at \($0)" } ?? "has no apiBase and goes to its maker"),
                mend: "point its apiBase at the gateway, or take it out")
        }
    }
}
