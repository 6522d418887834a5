// CacheHandlers: the exact response cache: its figures, and forgetting.

import AdminAPI
import Hummingbird

struct CacheHandlers: Sendable {
    private let dependencies: AdminDependencies

    init(_ dependencies: AdminDependencies) { self.dependencies = dependencies }

    func register(_ routes: Routes) {
        let dependencies = dependencies
        routes.on(.get, "/api/v1/cache") { _, _ in try jsonResponse(dependencies.cache()) }
        routes.on(.post, "/api/v1/cache/purge") { request, _ in
            let wish = try await request.decodeBody(CachePurgeRequest.self, members: CachePurgeRequest.members)
            return try jsonResponse(CachePurgeView(forgotten: dependencies.purgeCache(wish)))
        }
    }
}
