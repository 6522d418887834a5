// Directory+Aliases: projects and sessions that are named once. Store and journal are written under one lock, so that both tell the
// same last name.

package import GatewayModel
import Storage
import Synchronization

/// Changes of aliases come one after the other.
private let aliasLock = Mutex(())

extension Directory {
    package func aliases() throws -> [RepositoryAlias] { try store.aliases() }

    /// Names a project of a workspace or a session of a key; naming it the same again changes nothing. `isNew` says whether anything
    /// was changed.
    package func setAlias(
        _ kind: RepositoryAlias.Kind, name: String, workspace: String, keyID: String = "", repository: String
    ) throws -> (alias: RepositoryAlias, isNew: Bool) {
        guard let label = repositoryLabel(repository) else {
            throw IdentityError(
                .invalid, "malformed_repository", "\"\(repository)\" is no repository", mend: "for example github.com/acme/shop")
        }
        guard (1...256).contains(name.utf8.count), name.unicodeScalars.allSatisfy({ $0.value >= 32 && !(127...159).contains($0.value) })
        else {
            throw IdentityError(
                .invalid, "malformed_name", "a \(kind.rawValue) is 1 to 256 bytes without control characters",
                mend: "weir repository list shows what can be named")
        }
        guard try store.workspaces().contains(where: { $0.name == workspace }) || workspace == Self.defaultWorkspace else {
            throw IdentityError(.notFound, "workspace_not_found", "no workspace \"\(workspace)\"", mend: "weir workspace list")
        }
        return try aliasLock.withLock { _ in
            let found = try store.aliases().first {
                $0.workspace == workspace && $0.kind == kind && $0.keyID == keyID && $0.name == name
            }
            if let found, found.repository == label { return (found, false) }
            var alias =
                found
                ?? RepositoryAlias(
                    id: makeID(.repositoryAlias), workspace: workspace, kind: kind, keyID: keyID, name: name, repository: label,
                    created: clock.now().rfc3339)
            alias.repository = label
            try change(aliasEntity, alias.id, found.map(json), json(alias)) { try store.save(alias) }
            return (alias, true)
        }
    }

    package func removeAlias(_ id: String) throws -> RepositoryAlias {
        try aliasLock.withLock { _ in
            guard let alias = try store.aliases().first(where: { $0.id == id }) else {
                throw IdentityError(.notFound, "alias_not_found", "no alias \"\(id)\"", mend: "weir repository alias list")
            }
            try change(aliasEntity, alias.id, json(alias), nil) { try store.removeAlias(id) }
            return alias
        }
    }

    /// Journals what a crash left unsaid between store and journal, and what is older than the journal: afterwards a ledger that
    /// knows `known` learns the store's aliases.
    package func retellAliases(known: () throws -> [RepositoryAlias.Subject: String]) throws {
        try aliasLock.withLock { _ in
            var left = try known()
            for alias in try store.aliases() {
                let repository = left.removeValue(forKey: alias.subject)
                if repository != alias.repository { try changed(aliasEntity, alias.id, nil, json(alias)) }
            }
            for (subject, repository) in left {
                let gone = RepositoryAlias(
                    id: "", workspace: subject.kind == .project ? subject.scope : "", kind: subject.kind,
                    keyID: subject.kind == .session ? subject.scope : "", name: subject.name, repository: repository, created: "")
                try changed(aliasEntity, gone.id, json(gone), nil)
            }
        }
    }
}
