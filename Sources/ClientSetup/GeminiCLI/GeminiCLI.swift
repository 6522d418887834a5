// GeminiCLI: Gemini CLI loads `~/.gemini/.env` and signs in as `settings.json` says [src: google-gemini/gemini-cli
// packages/core/src/core/contentGenerator.ts].

/// Gemini CLI.
struct GeminiCLI: CodingClient {
    let name = "gemini-cli"
    let title = "Gemini CLI"
    let neededPaths = ["/v1beta/models"]

    private func folder(_ place: ClientPlace) -> String { "\(place.variable("GEMINI_CLI_HOME") ?? place.home)/.gemini" }

    func setup(_ context: SetupContext) throws(SetupRefusal) -> ClientPlan {
        guard context.scope == .user else { throw context.refuse(title, instead: "run weir connect gemini-cli for each developer") }
        let folder = folder(context.place)
        var edits: [SettingsEdit] = [
            .set(["GOOGLE_GEMINI_BASE_URL"], .string(context.gateway)), .set(["GEMINI_API_KEY"], .string(try context.literalKey())),
        ]
        if let model = context.model { edits.append(.set(["GEMINI_MODEL"], .string(model))) }
        var next = ["Start gemini in any folder. A .env in a project is read in place of \(folder)/.env."]
        if context.missingPaths.contains("/v1beta/models") {
            next.append(
                "! This gateway's release does not serve Gemini's dialect: /v1beta answers 404. Gemini CLI will not work through it."
            )
        }
        return ClientPlan(
            files: [
                FileEdit("\(folder)/.env", .dotenv, isSecret: true, edits),
                // A Google account would go past the gateway.
                FileEdit("\(folder)/settings.json", .json, [.set(["security", "auth", "selectedType"], "gemini-api-key")]),
            ], next: next, gaps: ["session, repository and branch: bind the key to a repository"])
    }

    /// The one `.env` that it reads: the nearest one, `.gemini/.env` before `.env`, or the user's.
    private func environmentFile(_ place: ClientPlace) throws(SetupRefusal) -> (path: String, settings: SettingValue)? {
        for folder in place.foldersUp + [place.variable("GEMINI_CLI_HOME") ?? place.home] {
            for name in [".gemini/.env", ".env"] {
                let path = "\(folder)/\(name)"
                if let settings = try place.settings(path, .dotenv) { return (path, settings) }
            }
        }
        return nil
    }

    func call(_ place: ClientPlace) throws(SetupRefusal) -> ConfiguredCall {
        let file = try environmentFile(place)
        func variable(_ name: String) -> String? { place.variable(name) ?? file?.settings[name]?.text }
        guard let base = variable("GOOGLE_GEMINI_BASE_URL"), let key = variable("GEMINI_API_KEY") else {
            throw SetupRefusal(
                "not_connected", "Gemini CLI has no GOOGLE_GEMINI_BASE_URL and GEMINI_API_KEY", mend: "weir connect gemini-cli")
        }
        let model = variable("GEMINI_MODEL") ?? "gemini-2.5-pro"
        let headers = variable("GEMINI_CLI_CUSTOM_HEADERS")?.split(separator: ",").compactMap { part -> (String, String)? in
            guard let colon = part.firstIndex(of: ":") else { return nil }
            return (String(part[..<colon]).trimmed, String(part[part.index(after: colon)...]).trimmed)
        }
        return ConfiguredCall(
            dialect: .generateContent, base: base, path: "/v1beta/models/\(model):generateContent", credential: .text(key),
            headers: headers ?? [], model: model, found: ["\(base) in \(file?.path ?? "the environment")"])
    }

    func leaks(_ place: ClientPlace) throws(SetupRefusal) -> [ClientLeak] {
        let file = try environmentFile(place)
        let path = file?.path ?? "\(folder(place))/.env"
        let mend = "weir connect gemini-cli"
        var leaks: [ClientLeak] = []
        let base = place.variable("GOOGLE_GEMINI_BASE_URL") ?? file?.settings["GOOGLE_GEMINI_BASE_URL"]?.text
        if base.map({ !place.isGateway($0) }) ?? true {
            leaks.append(
                ClientLeak(
                    path, base.map { "GOOGLE_GEMINI_BASE_URL is \($0)" } ?? "no GOOGLE_GEMINI_BASE_URL: calls go to Google", mend: mend))
        }
        let root = place.repository?.root ?? place.workingFolder
        for path in ["\(root)/.gemini/settings.json", "\(folder(place))/settings.json"] {
            let type = try place.settings(path, .json)?.at(["security", "auth", "selectedType"])?.text
            if let type, !["gemini-api-key", "gateway"].contains(type) {
                leaks.append(ClientLeak(path, "it signs in by \(type), which goes past the gateway", mend: mend))
            }
        }
        for name in ["GOOGLE_GENAI_USE_VERTEXAI", "GOOGLE_GENAI_USE_GCA"] where place.variable(name) == "true" {
            leaks.append(ClientLeak("the environment", "\(name) sends its calls to Google", mend: "unset \(name)"))
        }
        for key in place.foreignKeys() where key.variable == "GEMINI_API_KEY" {
            leaks.append(
                ClientLeak("the environment", "GEMINI_API_KEY is not the gateway's and stronger than \(path)", mend: "unset GEMINI_API_KEY")
            )
        }
        return leaks
    }
}
