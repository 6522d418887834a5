// RepositoryAlias: the repository that an OpenCode project id or a session of one key was named once. It speaks where a turn says
// no repository of its own.

/// What a project or a session was named.
package struct RepositoryAlias: Sendable, Hashable, Codable {
    /// What has the name.
    package enum Kind: String, Sendable, Codable {
        /// `name` is a project id, known in the whole workspace.
        case project
        /// `name` is a session of the key `keyID`.
        case session
    }

    package var id: String
    package var workspace: String
    package var kind: Kind
    /// Empty for a project.
    package var keyID: String
    package var name: String
    package var repository: String
    package var created: String

    package init(
        id: String, workspace: String, kind: Kind, keyID: String = "", name: String, repository: String, created: String
    ) {
        self.id = id
        self.workspace = workspace
        self.kind = kind
        self.keyID = keyID
        self.name = name
        self.repository = repository
        self.created = created
    }

    enum CodingKeys: String, CodingKey {
        case id, workspace, kind
        case keyID = "key_id"
        case name, repository, created
    }

    /// What it names: one alias for each.
    package var subject: Subject { Subject(kind: kind, scope: kind == .project ? workspace : keyID, name: name) }

    /// A project of a workspace, or a session of a key.
    package struct Subject: Sendable, Hashable {
        package var kind: Kind
        package var scope: String
        package var name: String

        package init(kind: Kind, scope: String, name: String) {
            self.kind = kind
            self.scope = scope
            self.name = name
        }
    }
}

/// Every alias in force, asked for each turn that has no repository of its own.
package struct RepositoryAliases: Sendable, Hashable {
    private var names: [RepositoryAlias.Subject: String] = [:]
    private var sessionCount = 0

    package init() {}

    package init(_ aliases: some Sequence<RepositoryAlias>) {
        for alias in aliases { self[alias.subject] = alias.repository }
    }

    package var isEmpty: Bool { names.isEmpty }

    package subscript(subject: RepositoryAlias.Subject) -> String? {
        get { names[subject] }
        set {
            if subject.kind == .session { sessionCount += (newValue == nil ? 0 : 1) - (names[subject] == nil ? 0 : 1) }
            names[subject] = newValue
        }
    }

    /// The repository of a turn that says none itself. A session's name goes before its project's.
    package func label(_ attribution: Attribution, _ principal: Principal) -> Label? {
        guard !names.isEmpty else { return nil }
        if sessionCount > 0, let session = attribution.session?.value,
            let name = names[.init(kind: .session, scope: principal.keyID, name: session)]
        {
            return Label(name, .alias)
        }
        guard let project = attribution.project else { return nil }
        return names[.init(kind: .project, scope: principal.workspace, name: project)].map { Label($0, .alias) }
    }
}

extension Attribution {
    /// Whether an alias decides about the repository: the turn says none itself.
    package var takesAlias: Bool { repository.map { $0.source == .alias } ?? true }
}
