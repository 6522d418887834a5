// RepositoryHandlers: repositories that were seen, aliases, and what has no labels.

import AdminAPI
import Foundation
import GatewayModel
import Hummingbird
import Identity
import Reports

struct RepositoryHandlers: Sendable {
    private let dependencies: AdminDependencies

    init(_ dependencies: AdminDependencies) { self.dependencies = dependencies }

    func register(_ routes: Routes) {
        let dependencies = dependencies
        routes.on(.get, "/api/v1/repositories") { request, _ in
            let query = try request.query(allowed: ["since", "limit"])
            let since = try parseTime(query["since"], "since") ?? dependencies.clock.now().adding(seconds: -30 * 86_400)
            let limit = try parseLimit(query["limit"], unlessSaid: 100)
            await dependencies.catchUp()
            return try jsonResponse(dependencies.reports.repositories(since: since, limit: limit))
        }
        routes.on(.get, "/api/v1/repository-aliases") { _, _ in
            try jsonResponse(ListBody(data: dependencies.directory.aliases().map { AliasView($0) }))
        }
        routes.on(.post, "/api/v1/repository-aliases") { request, _ in
            let body = try await request.decodeBody(AliasRequest.self, members: AliasRequest.members)
            let (alias, isNew) = try await set(body)
            try await dependencies.publish()
            return try jsonResponse(AliasView(alias, pending: await relabels()), status: isNew ? .created : .ok)
        }
        routes.on(.delete, "/api/v1/repository-aliases/{id}") { _, context in
            let alias = try dependencies.directory.removeAlias(pathID(context))
            try await dependencies.publish()
            return try jsonResponse(AliasView(alias, pending: await relabels()))
        }
        routes.on(.get, "/api/v1/reports/unattributed") { request, _ in
            let query = try request.query(allowed: ["since", "until"])
            await dependencies.catchUp()
            return try jsonResponse(
                dependencies.reports.unattributed(
                    since: parseTime(query["since"], "since"), until: parseTime(query["until"], "until")))
        }
    }

    private func set(_ body: AliasRequest) async throws -> (alias: RepositoryAlias, isNew: Bool) {
        let directory = dependencies.directory
        switch (body.project, body.session) {
        case (let project?, nil):
            return try directory.setAlias(
                .project, name: project, workspace: body.workspace ?? Directory.defaultWorkspace, repository: body.repository)
        case (nil, let session?):
            await dependencies.catchUp()
            let found = try dependencies.reports.keys(ofSession: session).filter { body.key == nil || body.key == $0.keyID }
            guard let owner = found.first else {
                throw IdentityError(.notFound, "session_not_found", "no session \"\(session)\"", mend: "weir repository list")
            }
            guard found.count == 1 else {
                throw IdentityError(
                    .conflict, "session_of_several_keys", "several keys have a session \"\(session)\"",
                    mend: "say which: --key \(found.map(\.keyID).joined(separator: " or "))")
            }
            return try directory.setAlias(
                .session, name: session, workspace: owner.workspace, keyID: owner.keyID, repository: body.repository)
        default:
            throw IdentityError(
                .invalid, "alias_needs_subject", "an alias names one project or one session",
                mend: "weir repository alias PROJECT NAME, or --session SESSION NAME")
        }
    }

    /// Waits a moment for past turns to be named; true when there are more than that takes.
    private func relabels() async throws -> Bool {
        await dependencies.catchUp()
        let deadline = ContinuousClock.now + .seconds(2)
        while try dependencies.reports.isRelabelling() {
            guard ContinuousClock.now < deadline else { return true }
            try await Task.sleep(for: .milliseconds(5))
        }
        return false
    }
}
