// Directory+Entities: workspaces, teams, developers and service accounts. Names are what reports and principals carry, so each is
// unique in the whole installation; a developer and a service account are one kind in this.

import GatewayModel
package import Storage

extension Directory {
    // MARK: Workspaces

    /// All workspaces; the default one is there before anybody makes one.
    package func workspaces() throws -> [WorkspaceRow] {
        let found = try store.workspaces()
        guard !found.contains(where: { $0.name == Self.defaultWorkspace }) else { return found }
        return [WorkspaceRow(id: Self.defaultWorkspace, name: Self.defaultWorkspace, created: "")] + found
    }

    package func createWorkspace(_ name: String) throws -> WorkspaceRow {
        try check(name: name, what: "workspace")
        if try workspaces().contains(where: { $0.name == name }) {
            throw IdentityError(
                .conflict, "workspace_exists", "there is a workspace \"\(name)\" already", mend: "weir workspace list")
        }
        let workspace = WorkspaceRow(id: makeID(.workspace), name: name, created: clock.now().rfc3339)
        try change("workspace", workspace.id, nil, json(workspace)) { try store.insert(workspace: workspace) }
        return workspace
    }

    // MARK: Teams

    package func teams() throws -> [TeamRow] { try store.teams() }

    package func createTeam(_ name: String, workspace: String = Directory.defaultWorkspace) throws -> TeamRow {
        try check(name: name, what: "team")
        guard try workspaces().contains(where: { $0.name == workspace }) else {
            throw IdentityError(
                .notFound, "workspace_not_found", "no workspace \"\(workspace)\"", mend: "weir workspace create \(workspace)")
        }
        if try store.teams().contains(where: { $0.name == name }) {
            throw IdentityError(.conflict, "team_exists", "there is a team \"\(name)\" already", mend: "weir team list")
        }
        let team = TeamRow(id: makeID(.team), workspace: workspace, name: name, created: clock.now().rfc3339)
        try change("team", team.id, nil, json(team)) { try store.insert(team: team) }
        return team
    }

    /// Disables a team with every key that counts for it, or enables it again.
    package func setTeam(_ name: String, disabled: Bool) throws -> TeamRow {
        guard var team = try store.teams().first(where: { $0.name == name }) else {
            throw IdentityError(.notFound, "team_not_found", "no team \"\(name)\"", mend: "weir team list")
        }
        let before = json(team)
        team.disabled = disabled ? clock.now().rfc3339 : nil
        try change("team", team.id, before, json(team)) { try store.setDisabled(table: .team, id: team.id, at: team.disabled) }
        return team
    }

    // MARK: Developers and service accounts

    package func owners(_ kind: OwnerKind) throws -> [OwnerRow] { try store.owners(kind) }

    package func createOwner(_ kind: OwnerKind, name: String, team: String, email: String?) throws -> OwnerRow {
        try check(name: name, what: kind.words)
        guard let home = try store.teams().first(where: { $0.name == team && $0.disabled == nil }) else {
            throw IdentityError(.notFound, "team_not_found", "no team \"\(team)\"", mend: "weir team create \(team)")
        }
        let owner = OwnerRow(
            id: makeID(kind == .developer ? .developer : .serviceAccount), workspace: home.workspace, team: team,
            name: name, email: email, created: clock.now().rfc3339)
        try change(kind.rawValue, owner.id, nil, json(owner)) {
            // Changes come one after the other, so of two with one name the second sees the first.
            try checkUnclaimed(name)
            try store.insert(kind, owner)
        }
        return owner
    }

    /// Refuses a name that a developer or a service account has. Reports and budgets know both by their names alone.
    func checkUnclaimed(_ name: String) throws {
        for kind in OwnerKind.allCases {
            guard try store.owners(kind).contains(where: { $0.name == name }) else { continue }
            throw IdentityError(
                .conflict, "\(kind.rawValue)_exists", "there is a \(kind.words) \"\(name)\" already", mend: "choose another name")
        }
    }

    /// Disables a developer or a service account with all of their keys, or enables them again.
    package func setOwner(_ kind: OwnerKind, _ name: String, disabled: Bool) throws -> OwnerRow {
        guard var owner = try store.owners(kind).first(where: { $0.name == name }) else {
            throw IdentityError(
                .notFound, "\(kind.rawValue)_not_found", "no \(kind.words) \"\(name)\"", mend: "weir \(kind.verb) list")
        }
        let before = json(owner)
        owner.disabled = disabled ? clock.now().rfc3339 : nil
        try change(kind.rawValue, owner.id, before, json(owner)) {
            try store.setDisabled(table: kind == .developer ? .developer : .serviceAccount, id: owner.id, at: owner.disabled)
        }
        return owner
    }

    /// Whom the snapshot shuts out.
    struct DisabledNames {
        var teams: Set<String> = []
        var developers: Set<String> = []
        var serviceAccounts: Set<String> = []

        func covers(_ principal: Principal) -> Bool {
            teams.contains(principal.team) || principal.developer.map(developers.contains) ?? false
                || principal.serviceAccount.map(serviceAccounts.contains) ?? false
        }
    }

    func disabledNames() throws -> DisabledNames {
        DisabledNames(
            teams: Set(try store.teams().filter { $0.disabled != nil }.map(\.name)),
            developers: Set(try store.owners(.developer).filter { $0.disabled != nil }.map(\.name)),
            serviceAccounts: Set(try store.owners(.serviceAccount).filter { $0.disabled != nil }.map(\.name)))
    }
}

extension OwnerKind {
    /// In a sentence.
    var words: String { self == .developer ? "developer" : "service account" }
    /// On the command line.
    var verb: String { self == .developer ? "developer" : "service-account" }
}
