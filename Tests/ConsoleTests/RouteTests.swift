// RouteTests: every route has a permission, and every refusal has one shape.

import AdminAPI
import Console
import Foundation
import HTTPTypes
import Hummingbird
import Testing

@Suite struct RouteTests {
    @Test func everyRegisteredRouteHasAPermissionAndEveryPermissionARoute() throws {
        let fixture = try AdminFixture()
        defer { fixture.remove() }
        let registered = makeAdminRouter(fixture.dependencies).routes.map { route in
            "\(route.method.rawValue) "
                + route.path.description.split(separator: "/", omittingEmptySubsequences: false)
                .map { $0.hasPrefix(":") ? "{\($0.dropFirst())}" : String($0) }.joined(separator: "/")
        }
        #expect(registered.count > 20)
        #expect(Set(registered).subtracting(routePermissions.keys).isEmpty)
        #expect(Set(routePermissions.keys).subtracting(registered).isEmpty)
    }

    @Test func aPermissionIsAResourceAndAVerbAndOnlyReadingIsAsking() {
        for (route, permission) in routePermissions {
            let parts = permission.split(separator: ":")
            #expect(parts.count == 2, "\(route)")
            #expect(route.hasPrefix("GET ") == (parts.last == "read"), "\(route)")
        }
    }

    @Test func everyRefusalHasOneShape() async throws {
        try await AdminFixture().run { ask in
            for (method, path, body, status, code) in [
                (.get, "/nothing", nil, 404, "unknown_path"), (.get, "/keys/zz", nil, 404, "key_not_found"),
                (.get, "/routes/zz", nil, 404, "route_not_found"),
                (.post, "/routes/explain", "{\"model\":\"m\",\"key\":\"k\"}", 404, "route_not_found"),
                (.get, "/turns/zz", nil, 404, "turn_not_found"), (.get, "/sessions/zz", nil, 404, "session_not_found"),
                (.post, "/keys", "{", 400, "malformed_body"), (.post, "/keys", nil, 400, "malformed_body"),
                (.post, "/keys", "[]", 400, "malformed_body"),
                (.post, "/keys", "{\"model\":[]}", 400, "unknown_member"),
                (.post, "/keys", "{\"expires\":\"soon\"}", 400, "malformed_time"),
                (.post, "/keys", "{}", 400, "key_needs_owner"),
                (.post, "/teams", "{\"name\":7}", 400, "malformed_body"),
                (.post, "/teams", "{\"name\":\"\"}", 400, "malformed_name"),
                (.post, "/developers", "{\"name\":\"maria\"}", 400, "missing_team"),
                (.post, "/developers", "{\"name\":\"maria\",\"team\":\"web\"}", 404, "team_not_found"),
                (.post, "/teams/web/disable", nil, 404, "team_not_found"),
                (.post, "/keys/zz/rotate", "{\"overlap_seconds\":0}", 404, "key_not_found"),
                (.get, "/reports/spend?by=colour", nil, 400, "unknown_dimension"),
                (.get, "/reports/spend?by=team,team", nil, 400, "unknown_dimension"),
                (.get, "/reports/spend?bye=team", nil, 400, "unknown_parameter"),
                (.get, "/turns?since=yesterday", nil, 400, "malformed_time"),
                (.get, "/turns?limit=1e3", nil, 400, "malformed_limit"),
                (.get, "/turns?after=zz", nil, 400, "malformed_cursor"),
                (.get, "/sessions?limit=abc", nil, 400, "malformed_limit"),
                (.get, "/sessions?limit=0", nil, 400, "malformed_limit"),
                (.get, "/sessions?state=paused&limit=abc", nil, 400, "malformed_limit"),
                (.get, "/sessions?after=1.2.3", nil, 400, "malformed_cursor"),
                (.get, "/sessions/zz?limit=-1", nil, 400, "malformed_limit"),
                (.get, "/sessions/zz?after=1.2", nil, 400, "malformed_cursor"),
                (.get, "/sessions/zz?page=2", nil, 400, "unknown_parameter"),
                (.get, "/reports/spend?limit=many", nil, 400, "malformed_limit"),
                (.get, "/repositories?limit=99999999999999999999", nil, 400, "malformed_limit"),
                (.post, "/prices", "{\"source\":\"x\",\"rows\":[{}]}", 400, "malformed_body"),
            ] as [(HTTPRequest.Method, String, String?, Int, String)] {
                let answer = try await ask(method, path, body, [:])
                #expect(answer.status == status, "\(method) \(path): \(answer.text)")
                #expect(try answer.failure().code == code, "\(method) \(path)")
            }
        }
    }

    @Test func aBodyLargerThanTheLimitIsRefusedInTheSameShape() async throws {
        try await AdminFixture().run { ask in
            let body = "{\"name\":\"\(String(repeating: "a", count: 16 << 20))\"}"
            let answer = try await ask(.post, "/teams", body, [:])
            #expect(answer.status == 413)
            _ = try answer.failure()
        }
    }

    @Test func aFailureToPublishIsAnErrorAndNotAnAnswer() async throws {
        let fixture = try AdminFixture()
        fixture.publications.setFails(true)
        try await fixture.run { ask in
            let answer = try await ask(.post, "/keys", "{\"developer\":\"maria\",\"team\":\"web\"}", [:])
            #expect(answer.status == 500)
            #expect(try answer.failure().code == "internal")
            #expect(!answer.text.contains("weir_k_"))
        }
    }
}
