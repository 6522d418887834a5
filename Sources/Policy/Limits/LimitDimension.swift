// LimitDimension: what a limit can look at in a turn, to select turns and to keep a counter for each of several values.

/// One property of a turn. Written as its name, a tag as `tag:<name>`.
package enum LimitDimension: Sendable, Hashable, Codable, CustomStringConvertible {
    case workspace, team, developer, key, repository, branch, session, model, provider, deployment, agent
    case tag(String)

    /// Those without a name of their own, narrowest first: the order in which a refusal names its limits.
    static let fixed: [LimitDimension] = [
        .session, .key, .developer, .agent, .branch, .repository, .team, .deployment, .model, .provider, .workspace,
    ]

    package var description: String {
        switch self {
        case .workspace: "workspace"
        case .team: "team"
        case .developer: "developer"
        case .key: "key"
        case .repository: "repository"
        case .branch: "branch"
        case .session: "session"
        case .model: "model"
        case .provider: "provider"
        case .deployment: "deployment"
        case .agent: "agent"
        case .tag(let name): "tag:" + name
        }
    }

    package init?(_ text: String) {
        if text.hasPrefix("tag:") {
            let name = String(text.dropFirst(4))
            guard !name.isEmpty, name.utf8.count <= 64 else { return nil }
            self = .tag(name)
        } else if let found = Self.fixed.first(where: { $0.description == text }) {
            self = found
        } else {
            return nil
        }
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let value = LimitDimension(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "no such dimension of a limit: \(text)")
        }
        self = value
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    /// Where it stands in `fixed`; a tag stands between what a developer works on and the team.
    var narrowness: Int {
        if case .tag = self { return 5 }
        return Self.fixed.firstIndex(of: self) ?? Self.fixed.count
    }
}
