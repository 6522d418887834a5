// Environment: variables for programs that read their provider from the environment, printed or in the shell's profile.

/// A shell's environment.
struct Environment: CodingClient {
    let name = "env"
    let title = "The shell"

    private func profile(_ place: ClientPlace) -> String {
        let shell = place.variable("SHELL").map { String($0.split(separator: "/").last ?? "") }
        switch shell {
        case "zsh": return "\(place.variable("ZDOTDIR") ?? place.home)/.zshrc"
        case "bash": return "\(place.home)/.bashrc"
        default: return "\(place.home)/.profile"
        }
    }

    func setup(_ context: SetupContext) throws(SetupRefusal) -> ClientPlan {
        guard context.scope == .user else { throw context.refuse("The shell", instead: "leave the scope out") }
        let place = context.place
        var lines = [
            "export WEIR_KEY=\"$(cat \(place.keyFile.shellWord))\"", "export OPENAI_BASE_URL=\(context.v1.shellWord)",
            "export OPENAI_API_BASE=\(context.v1.shellWord)", "export OPENAI_API_KEY=\"$WEIR_KEY\"",
            "export ANTHROPIC_BASE_URL=\(context.gateway.shellWord)",
        ]
        var next = ["For repository and branch, start a program as: \(place.credentialCommand.shellWord) PROGRAM"]
        if try place.settings("\(place.home)/.claude/settings.json", .json)?["apiKeyHelper"] == nil {
            lines.append("export ANTHROPIC_AUTH_TOKEN=\"$WEIR_KEY\"")
        } else {
            next.append("ANTHROPIC_AUTH_TOKEN is left out: Claude Code has its key from a command, and would send both.")
        }
        return ClientPlan(
            files: [FileEdit(profile(place), .block, [.set([], .string(lines.joined(separator: "\n")))])], next: next,
            gaps: ["session, repository and branch by itself"], shellLines: lines)
    }

    func call(_ place: ClientPlace) throws(SetupRefusal) -> ConfiguredCall {
        guard let base = place.variable("OPENAI_BASE_URL") ?? place.variable("OPENAI_API_BASE"), let key = place.variable("OPENAI_API_KEY")
        else {
            throw SetupRefusal("not_connected", "OPENAI_BASE_URL and OPENAI_API_KEY are not set here", mend: "eval \"$(weir connect env)\"")
        }
        return ConfiguredCall(
            dialect: .chatCompletions, base: base, path: "/chat/completions", credential: .text(key), model: nil,
            found: ["OPENAI_BASE_URL=\(base) in the environment"])
    }

    func leaks(_ place: ClientPlace) throws(SetupRefusal) -> [ClientLeak] {
        var leaks: [ClientLeak] = []
        for name in ["OPENAI_BASE_URL", "OPENAI_API_BASE", "ANTHROPIC_BASE_URL", "ANTHROPIC_API_BASE", "GOOGLE_GEMINI_BASE_URL"] {
            if let value = place.variable(name), !place.isGateway(value) {
                leaks.append(ClientLeak("the environment", "\(name) is \(value)", mend: "eval \"$(weir connect env)\", or unset \(name)"))
            }
        }
        for key in place.foreignKeys(except: ["GITHUB_TOKEN", "HF_TOKEN"]) {
            leaks.append(ClientLeak("the environment", "\(key.variable) is a key of \(key.provider)'s own", mend: "unset \(key.variable)"))
        }
        return leaks
    }
}
