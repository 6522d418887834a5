// ReportHandlers: spend, turns, and the live tail. They wait for the ledger, so that what was just done is shown.

package import AdminAPI
import Foundation
import GatewayModel
import Hummingbird
import Identity
import NIOCore
package import Reports

struct ReportHandlers: Sendable {
    private let dependencies: AdminDependencies

    init(_ dependencies: AdminDependencies) { self.dependencies = dependencies }

    static let filters = ["since", "until", "developer", "team", "repository", "model", "key"]

    func register(_ routes: Routes) {
        let dependencies = dependencies
        routes.on(.get, "/api/v1/reports/spend") { request, _ in
            let query = try request.query(allowed: Self.filters + ["by", "limit"])
            let by = try Self.dimensions(query["by"] ?? "developer")
            let limit = try parseLimit(query["limit"], unlessSaid: Reports.spendRowsUnlessSaid)
            await dependencies.catchUp()
            return try jsonResponse(dependencies.reports.spend(by: by, filter: Self.filter(query), limit: limit))
        }
        routes.on(.get, "/api/v1/reports/telemetry") { request, _ in
            let query = try request.query(allowed: ["since"])
            await dependencies.catchUp()
            return try jsonResponse(dependencies.reports.telemetry(since: parseTime(query["since"], "since")))
        }
        routes.on(.get, "/api/v1/turns") { request, _ in
            let query = try request.query(allowed: Self.filters + ["after", "limit"])
            let after = try parseCursor(query["after"]) { GatewayModel.RequestID($0) }
            let limit = try parseLimit(query["limit"], unlessSaid: 50)
            await dependencies.catchUp()
            let page = try dependencies.reports.turns(filter: Self.filter(query), after: after, limit: limit)
            return try jsonResponse(ListBody(data: page.turns.map(TurnView.init), next: page.next?.description))
        }
        routes.on(.get, "/api/v1/turns/{id}") { _, context in
            await dependencies.catchUp()
            let text = try pathID(context)
            guard let id = GatewayModel.RequestID(text), let turn = try dependencies.reports.turn(id) else {
                throw IdentityError(.notFound, "turn_not_found", "no turn \"\(text)\"", mend: "weir turn list")
            }
            return try jsonResponse(TurnDetail(turn: TurnView(turn), clientSays: dependencies.reports.clientSays(of: turn)))
        }
        routes.on(.get, "/api/v1/tail") { _, _ in
            let turns = dependencies.tail()
            return Response(
                status: .ok, headers: [.contentType: "application/x-ndjson"],
                body: ResponseBody { writer in
                    let encoder = JSONEncoder()
                    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
                    // The head goes out at once, so that the reader knows that it is connected.
                    try await writer.write(ByteBuffer(string: "\n"))
                    for await turn in turns {
                        var line = ByteBuffer(bytes: try encoder.encode(TurnView(turn)))
                        line.writeString("\n")
                        try await writer.write(line)
                    }
                    try await writer.finish(nil)
                })
        }
    }

    private static func dimensions(_ text: String) throws -> [SpendDimension] {
        let names = text.split(separator: ",").map(String.init)
        let found = names.compactMap(SpendDimension.init(rawValue:))
        guard found.count == names.count, (1...3).contains(found.count), Set(found).count == found.count else {
            throw IdentityError(
                .invalid, "unknown_dimension", "cannot report by \"\(text)\"",
                mend: "one to three of: \(SpendDimension.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return found
    }

    static func filter(_ query: [String: String]) throws -> SpendFilter {
        var filter = SpendFilter()
        filter.since = try parseTime(query["since"], "since")
        filter.until = try parseTime(query["until"], "until")
        filter.developer = query["developer"]
        filter.team = query["team"]
        filter.repository = query["repository"]
        filter.model = query["model"]
        filter.key = query["key"]
        return filter
    }
}

/// A session with what happened in it.
package struct SessionDetail: Sendable, Codable {
    package var schema = "weir.session.show/1"
    /// The session itself, then those that it is the parent of.
    package var sessions: [SessionRow]
    /// The session's own, oldest first.
    package var turns: [TurnView]
    /// What the session's client says of its tools; empty when it says nothing.
    package var tools: [ToolUse]
    /// What to pass as `after` for more turns; nil at the end.
    package var next: String?
}

/// A turn with what its client says of it.
package struct TurnDetail: Sendable, Codable {
    package var turn: TurnView
    package var clientSays: ClientSays?

    package init(turn: TurnView, clientSays: ClientSays?) {
        self.turn = turn
        self.clientSays = clientSays
    }

    private enum Keys: String, CodingKey { case clientSays = "client_says" }

    /// The turn's own members, and one more.
    package init(from decoder: any Decoder) throws {
        turn = try TurnView(from: decoder)
        clientSays = try decoder.container(keyedBy: Keys.self).decodeIfPresent(ClientSays.self, forKey: .clientSays)
    }

    package func encode(to encoder: any Encoder) throws {
        try turn.encode(to: encoder)
        var container = encoder.container(keyedBy: Keys.self)
        try container.encodeIfPresent(clientSays, forKey: .clientSays)
    }
}
