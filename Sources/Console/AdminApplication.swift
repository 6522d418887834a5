// AdminApplication: the control plane's HTTP server on a Unix socket in the data folder, whose file mode is its permission.

import AdminAPI
import Foundation
import GatewayModel
import HTTPTypes
package import Hummingbird
import Identity
package import Logging
import NIOCore

/// Builds the admin API for a socket.
package func makeAdminApplication(
    _ dependencies: AdminDependencies, socketPath: String, logLevel: Logger.Level = .warning,
    onRunning: @escaping @Sendable () -> Void = {}
) -> some ApplicationProtocol {
    var logger = Logger(label: "weir.admin")
    logger.logLevel = logLevel
    return Application(
        router: makeAdminRouter(dependencies), configuration: .init(address: .unixDomainSocket(path: socketPath)),
        onServerRunning: { _ in
            // The folder is the owner's alone; the socket says so too.
            _ = chmod(socketPath, 0o600)
            onRunning()
        }, logger: logger)
}

/// The routes, each with a permission.
package func makeAdminRouter(_ dependencies: AdminDependencies) -> Router<BasicRequestContext> {
    let router = Router(context: BasicRequestContext.self)
    router.add(middleware: ErrorShape(random: dependencies.random, clock: dependencies.clock))
    let routes = Routes(router: router)
    EntityHandlers(dependencies).register(routes)
    KeyHandlers(dependencies).register(routes)
    ReportHandlers(dependencies).register(routes)
    SessionHandlers(dependencies).register(routes)
    PriceHandlers(dependencies).register(routes)
    LoginHandlers(dependencies).register(routes)
    RepositoryHandlers(dependencies).register(routes)
    RouteHandlers(dependencies).register(routes)
    CacheHandlers(dependencies).register(routes)
    LimitHandlers(dependencies).register(routes)
    return router
}

/// Registers a route only when the permission table knows it.
struct Routes {
    let router: Router<BasicRequestContext>

    func on(
        _ method: HTTPRequest.Method, _ path: String,
        _ handler: @escaping @Sendable (Request, BasicRequestContext) async throws -> Response
    ) {
        precondition(routePermissions["\(method.rawValue) \(path)"] != nil, "a route needs a permission: \(method) \(path)")
        router.on(RouterPath(path), method: method, use: handler)
    }
}

/// Every failure becomes the API's error body.
struct ErrorShape: RouterMiddleware {
    typealias Context = BasicRequestContext
    let random: any RandomSource
    let clock: any GatewayClock

    func handle(
        _ request: Request, context: BasicRequestContext,
        next: (Request, BasicRequestContext) async throws -> Response
    ) async throws -> Response {
        let id = GatewayModel.RequestID(time: clock.now(), random: random.next(), random12: UInt16(truncatingIfNeeded: random.next()))
        do {
            return try await next(request, context)
        } catch let error as IdentityError {
            let status: HTTPResponse.Status =
                switch error.kind {
                case .invalid: .badRequest
                case .notFound: .notFound
                case .conflict: .conflict
                case .unavailable: .serviceUnavailable
                }
            return failure(status, error.code, error.message, error.mend, id)
        } catch let error as HTTPError {
            let isMissing = error.status == .notFound
            return failure(
                error.status,
                isMissing ? "unknown_path" : error.status == .contentTooLarge ? "body_too_large" : "bad_request",
                error.body ?? (isMissing ? "no such path: \(request.uri.path)" : "the request was refused"),
                "the API is described in docs/api.md", id)
        } catch {
            context.logger.error("admin request failed", metadata: ["error": "\(error)", "request_id": "\(id)"])
            return failure(.internalServerError, "internal", "the request failed: \(error)", "see the server's log, then: weir doctor", id)
        }
    }

    private func failure(
        _ status: HTTPResponse.Status, _ code: String, _ message: String, _ mend: String, _ id: GatewayModel.RequestID
    ) -> Response {
        let body = APIErrorBody(code: code, message: message, mend: mend, requestID: id.description)
        return (try? jsonResponse(body, status: status)) ?? Response(status: status)
    }
}

/// A JSON response with stable member order.
func jsonResponse(_ value: some Encodable, status: HTTPResponse.Status = .ok) throws -> Response {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let data = try encoder.encode(value)
    return Response(
        status: status, headers: [.contentType: "application/json"],
        body: ResponseBody(byteBuffer: ByteBuffer(bytes: data)))
}

extension Request {
    /// Decodes a JSON body of at most 16 MiB; members that are not known are named.
    func decodeBody<Body: Decodable>(_ type: Body.Type, members: [String]? = nil) async throws -> Body {
        let buffer: ByteBuffer
        do {
            buffer = try await body.collect(upTo: 16 << 20)
        } catch is NIOTooManyBytesError {
            throw HTTPError(.contentTooLarge, message: "the body is larger than 16 MiB")
        }
        let data = Data(buffer.readableBytesView)
        if let members, let object = try? JSONDecoder().decode([String: AnyValue].self, from: data),
            let odd = object.keys.sorted().first(where: { !members.contains($0) })
        {
            throw IdentityError(
                .invalid, "unknown_member", "there is no member \"\(odd)\"", mend: "known: \(members.joined(separator: ", "))")
        }
        do {
            return try JSONDecoder().decode(type, from: data)
        } catch {
            throw IdentityError(.invalid, "malformed_body", "the body is not what this path takes", mend: "send JSON as docs/api.md shows")
        }
    }

    /// The query's parameters; one that is not known is named.
    func query(allowed: [String]) throws -> [String: String] {
        var values: [String: String] = [:]
        for (name, value) in uri.queryParameters {
            let text = String(name)
            guard allowed.contains(text) else {
                throw IdentityError(
                    .invalid, "unknown_parameter", "there is no parameter \"\(text)\"", mend: "known: \(allowed.joined(separator: ", "))")
            }
            values[text] = String(value)
        }
        return values
    }
}

/// The `{id}` of a path as it is meant: clients encode what is not a letter or a digit.
func pathID(_ context: BasicRequestContext) throws -> String {
    let text = try context.parameters.require("id")
    return text.removingPercentEncoding ?? text
}

/// Any JSON value, for looking at an object's members.
struct AnyValue: Decodable {
    init(from decoder: any Decoder) throws {}
}

/// How many rows a query asks for. More than a list gives at once is as many as it gives.
func parseLimit(_ text: String?, unlessSaid: Int) throws -> Int {
    guard let text else { return unlessSaid }
    guard let limit = Int(text), limit > 0 else {
        throw IdentityError(
            .invalid, "malformed_limit", "limit is no number of rows: \(text)", mend: "a whole number from 1 on, for example 100")
    }
    return limit
}

/// Where the page before ended. A cursor that cannot be read must not begin the list anew: its reader would not end.
func parseCursor<Cursor>(_ text: String?, _ read: (String) -> Cursor?) throws -> Cursor? {
    guard let text else { return nil }
    guard let cursor = read(text) else {
        throw IdentityError(
            .invalid, "malformed_cursor", "after is no cursor of this list: \(text)",
            mend: "give what the page before has as next; without after the list begins")
    }
    return cursor
}

/// An instant in a query or a body.
func parseTime(_ text: String?, _ name: String) throws -> Timestamp? {
    guard let text else { return nil }
    guard let time = Timestamp(rfc3339: text) else {
        throw IdentityError(
            .invalid, "malformed_time", "\(name) is no time: \(text)", mend: "for example 2026-11-24 or 2026-11-24T09:00:00Z")
    }
    return time
}
