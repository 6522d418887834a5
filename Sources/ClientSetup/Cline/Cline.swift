// Cline: Cline keeps its settings in the editor's own store or, on the command line, in files whose form is not documented and whose
// secrets are encrypted; both are set by Cline itself, so this says what to call or to type.

/// Cline.
struct Cline: CodingClient {
    let name = "cline"
    let title = "Cline"

    private func folder(_ place: ClientPlace) -> String { place.variable("CLINE_DIR") ?? "\(place.home)/.cline" }

    func setup(_ context: SetupContext) throws(SetupRefusal) -> ClientPlan {
        guard context.scope == .user else { throw context.refuse(title, instead: "run weir connect cline for each developer") }
        let model = context.chosenModel() ?? context.chosenModel(isClaude: true) ?? "MODEL"
        let header = context.place.repository?.label.map { ", Custom Headers x-weir-repo = \($0)" } ?? ""
        return ClientPlan(
            files: [],
            next: [
                "In the editor: Cline's settings, API Provider \"OpenAI Compatible\", Base URL \(context.v1), "
                    + "the key from \(context.place.keyFile), Model ID \(model)\(header).",
                "On the command line, once:",
            ],
            gaps: [
                "session and branch",
                "the repository, unless the header is set; the header counts for every folder, so a key bound to the repository is better",
            ],
            shellLines: [
                "cline auth --provider openai --apikey \"$(cat \(context.place.keyFile.shellWord))\" "
                    + "--baseurl \(context.v1.shellWord) --modelid \(model.shellWord)"
            ])
    }

    /// What the command line keeps beside its secrets; the names are those of Cline 3.
    private func state(_ place: ClientPlace) throws(SetupRefusal) -> (path: String, settings: SettingValue)? {
        let path = "\(folder(place))/data/globalState.json"
        return try place.settings(path, .json).map { (path, $0) }
    }

    func call(_ place: ClientPlace) throws(SetupRefusal) -> ConfiguredCall {
        guard let state = try state(place), let base = state.settings["openAiBaseUrl"]?.text else {
            throw SetupRefusal(
                "not_readable", "Cline's settings are in the editor's own store, which cannot be read from here",
                mend: "look at weir tail while you ask Cline something")
        }
        guard let key = place.text(place.keyFile)?.trimmed else {
            throw SetupRefusal("no_key", "\(place.keyFile) is missing", mend: "weir login")
        }
        let model = (state.settings["actModeOpenAiModelId"] ?? state.settings["planModeOpenAiModelId"])?.text
        let headers = state.settings["openAiHeaders"]?.members.compactMap { member in member.value.text.map { (member.name, $0) } } ?? []
        return ConfiguredCall(
            dialect: .chatCompletions, base: base, path: "/chat/completions", credential: .text(key), headers: headers, model: model,
            found: ["openAiBaseUrl \(base) in \(state.path)", "the key of \(place.keyFile), as Cline's own is encrypted"])
    }

    func leaks(_ place: ClientPlace) throws(SetupRefusal) -> [ClientLeak] {
        guard let state = try state(place) else { return [] }
        var leaks: [ClientLeak] = []
        for mode in ["actModeApiProvider", "planModeApiProvider"] {
            if let provider = state.settings[mode]?.text, provider != "openai", provider != "openai-compatible" {
                leaks.append(ClientLeak(state.path, "\(mode) is \(provider), which goes past the gateway", mend: "weir connect cline"))
            }
        }
        if let base = state.settings["openAiBaseUrl"]?.text, !place.isGateway(base) {
            leaks.append(ClientLeak(state.path, "openAiBaseUrl is \(base)", mend: "weir connect cline"))
        }
        return leaks
    }
}
