// SessionHandlers: sessions, how they stand, and what lets one go on: each budget and limit that keeps a counter for it, and the watch
// for agents that run away.

package import AdminAPI
import Foundation
package import GatewayModel
import Hummingbird
import Identity
import Policy
import Reports

/// The running server's watched sessions.
package struct SessionAccess: Sendable {
    /// Sessions that are paused or were let go on, the latest first.
    package var standings: @Sendable () async throws -> [SessionStanding] = { [] }
    /// Keys that have a session of this name in the watch.
    package var keys: @Sendable (String) -> [String] = { _ in [] }
    /// Lets one session go on; nil where nothing watches it. In force and journaled when it returns.
    package var grant: Grant = { _, _, _, _ in nil }

    /// A key's session, what it is to get, and until when.
    package typealias Grant = @Sendable (String, String, SessionGrantRequest, Timestamp?) async throws -> SessionStanding?

    package init() {}
}

struct SessionHandlers: Sendable {
    private let dependencies: AdminDependencies

    init(_ dependencies: AdminDependencies) { self.dependencies = dependencies }

    func register(_ routes: Routes) {
        routes.on(.get, "/api/v1/sessions") { request, _ in
            let query = try request.query(allowed: ReportHandlers.filters + ["after", "limit", "state"])
            let after = try parseCursor(query["after"]) { SessionCursor($0) }
            let limit = try parseLimit(query["limit"], unlessSaid: 50)
            await dependencies.catchUp()
            if let state = query["state"] { return try jsonResponse(await list(state)) }
            let page = try dependencies.reports.sessions(filter: ReportHandlers.filter(query), after: after, limit: limit)
            return try jsonResponse(SessionList(sessions: await standing(page.sessions), next: page.next))
        }
        routes.on(.get, "/api/v1/sessions/{id}") { request, context in
            let query = try request.query(allowed: ["after", "limit"])
            let after = try parseCursor(query["after"]) { GatewayModel.RequestID($0) }
            let limit = try parseLimit(query["limit"], unlessSaid: 1000)
            await dependencies.catchUp()
            let name = try pathID(context)
            let sessions = try dependencies.reports.session(name)
            guard !sessions.isEmpty else {
                throw IdentityError(.notFound, "session_not_found", "no session \"\(name)\"", mend: "weir session list")
            }
            let page = try dependencies.reports.turns(ofSession: name, after: after, limit: limit)
            let tools = try dependencies.reports.tools(ofSession: name)
            return try jsonResponse(
                SessionDetail(
                    sessions: await standing(sessions), turns: page.turns.map(TurnView.init), tools: tools, next: page.next?.description))
        }
        routes.on(.post, "/api/v1/sessions/{id}/grant") { request, context in
            let body = try await request.decodeBody(SessionGrantRequest.self, members: SessionGrantRequest.members)
            return try jsonResponse(await grant(pathID(context), body), status: .created)
        }
    }

    /// Rows with how each session stands.
    private func standing(_ rows: [SessionRow]) async throws -> [SessionRow] {
        var found: [[String]: SessionStanding] = [:]
        for standing in try await dependencies.sessions.standings() { found[[standing.key, standing.session]] = standing }
        if found.isEmpty { return rows }
        return rows.map { row in
            var row = row
            row.standing = found[[row.keyID, row.session]]
            return row
        }
    }

    /// Sessions that stand so, whenever they were last heard of.
    private func list(_ text: String) async throws -> SessionList {
        guard let state = SessionStanding.State(rawValue: text) else {
            throw IdentityError(.invalid, "unknown_state", "no session is \"\(text)\"", mend: "state is paused or granted")
        }
        var rows: [SessionRow] = []
        for standing in try await dependencies.sessions.standings().filter({ $0.state == state }).prefix(1000) {
            let known = try dependencies.reports.session(standing.session)
            guard var row = known.first(where: { $0.keyID == standing.key && $0.session == standing.session }) else { continue }
            row.standing = standing
            rows.append(row)
        }
        return SessionList(sessions: rows)
    }

    private func grant(_ session: String, _ request: SessionGrantRequest) async throws -> SessionGrantView {
        await dependencies.catchUp()
        let expires = try parseTime(request.expires, "expires")
        guard [request.turns, request.nanoUSD, request.tokens].allSatisfy({ $0.map { (1...LimitRule.limitMax).contains($0) } ?? true })
        else {
            throw IdentityError(.invalid, "malformed_grant", "a grant is more than nothing", mend: "give an amount above 0")
        }
        let known = try dependencies.reports.session(session).filter { $0.session == session }.map(\.keyID)
        let keys = Set(known + dependencies.sessions.keys(session)).filter { request.key == nil || request.key == $0 }.sorted()
        var grants: [LimitGrantRecord] = []
        for rule in try await dependencies.limits.rules() {
            guard let place = rule.wholeGroup.firstIndex(of: .session), let amount = request.amount(rule.unit) else { continue }
            var groups = Set(await dependencies.limits.counters(rule).map(\.group).filter { $0[place] == session })
            if rule.wholeGroup.count == 2, rule.wholeGroup.contains(.key) {
                groups.formUnion(keys.map { key in rule.wholeGroup.map { $0 == .key ? key : session } })
            }
            if let key = request.key, let place = rule.wholeGroup.firstIndex(of: .key) { groups = groups.filter { $0[place] == key } }
            for group in groups.sorted(by: { $0.joined() < $1.joined() }) {
                grants.append(
                    try dependencies.directory.grant(
                        rule, group: group, amount: amount, expires: expires, by: request.by, reason: request.reason ?? ""))
            }
        }
        if !grants.isEmpty { try await dependencies.publish() }
        var standings: [SessionStanding] = []
        for key in keys {
            if let standing = try await dependencies.sessions.grant(key, session, request, expires) { standings.append(standing) }
        }
        guard !grants.isEmpty || !standings.isEmpty else {
            throw IdentityError(
                .notFound, "nothing_to_grant",
                "no budget or limit of that kind keeps a counter for session \"\(session)\", and nobody watches it",
                mend: "give --usd, --turns or --tokens; weir session show, weir budget list and weir limit list show what there is")
        }
        return SessionGrantView(grants: grants, standings: standings)
    }
}

extension SessionGrantRequest {
    fileprivate func amount(_ unit: LimitUnit) -> Int64? {
        switch unit {
        case .nanoUSD: nanoUSD
        case .requests: turns
        case .concurrent: nil
        case .inputTokens, .outputTokens, .totalTokens: tokens
        }
    }
}
