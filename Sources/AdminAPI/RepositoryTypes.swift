// RepositoryTypes: the admin API's bodies about repositories and their aliases.

package import GatewayModel

/// What names a project or a session: one of the two.
package struct AliasRequest: Sendable, Codable {
    package var project: String?
    package var session: String?
    /// The session's key; it may be left out where only one key has such a session.
    package var key: String?
    package var workspace: String?
    package var repository: String

    package init(project: String?, session: String?, key: String?, workspace: String?, repository: String) {
        self.project = project
        self.session = session
        self.key = key
        self.workspace = workspace
        self.repository = repository
    }

    /// The members that a request may have.
    package static let members = ["project", "session", "key", "workspace", "repository"]
}

/// An alias as it is shown.
package struct AliasView: Sendable, Codable {
    package var id: String
    package var kind: String
    package var name: String
    package var workspace: String
    /// Of a session alone.
    package var keyID: String?
    package var repository: String
    package var created: String
    /// Whether past turns are still being named.
    package var pending: Bool?

    package init(_ alias: RepositoryAlias, pending: Bool? = nil) {
        id = alias.id
        kind = alias.kind.rawValue
        name = alias.name
        workspace = alias.workspace
        keyID = alias.kind == .session ? alias.keyID : nil
        repository = alias.repository
        created = alias.created
        self.pending = pending
    }

    enum CodingKeys: String, CodingKey {
        case id, kind, name, workspace
        case keyID = "key_id"
        case repository, created, pending
    }
}
