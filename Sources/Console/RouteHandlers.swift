// RouteHandlers: routes and providers with their state, and what a route would decide.

import AdminAPI
import Foundation
import GatewayModel
import Hummingbird
import Identity

struct RouteHandlers: Sendable {
    private let dependencies: AdminDependencies

    init(_ dependencies: AdminDependencies) { self.dependencies = dependencies }

    func register(_ routes: Routes) {
        let dependencies = dependencies
        routes.on(.get, "/api/v1/routes") { _, _ in try jsonResponse(ListBody(data: await dependencies.routes())) }
        routes.on(.get, "/api/v1/routes/{name}") { _, context in
            let text = try context.parameters.require("name")
            let name = text.removingPercentEncoding ?? text
            guard let route = await dependencies.routes().first(where: { $0.name == name || $0.models.contains(name) }) else {
                throw IdentityError(.notFound, "route_not_found", "no route \"\(name)\"", mend: "weir route list")
            }
            return try jsonResponse(route)
        }
        routes.on(.post, "/api/v1/routes/explain") { request, _ in
            let question = try await request.decodeBody(RouteExplainRequest.self, members: RouteExplainRequest.members)
            return try jsonResponse(await dependencies.explainRoute(question))
        }
        routes.on(.get, "/api/v1/providers") { _, _ in try jsonResponse(ListBody(data: await dependencies.providers())) }
    }
}
