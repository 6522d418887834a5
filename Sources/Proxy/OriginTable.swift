// OriginTable: which handler answers which path beside the data plane. It is looked into only for paths that the data plane does not
// know, so it costs a turn nothing.

import GatewayModel
package import Logging
import Synchronization

/// The registered handlers by path.
package final class OriginTable: Sendable {
    /// What a path leads to.
    private struct Entry: Sendable {
        var places: [String: OriginPlace] = [:]

        /// The `Allow` header.
        var allowed: String { places.keys.sorted().joined(separator: ", ") }
    }

    private let exact: [String: Entry]
    /// The longest first.
    private let prefixes: [(prefix: String, entry: Entry)]
    let logger: Logger

    /// - Parameter logger: is told what a handler throws.
    package init(_ handlers: [any OriginHandler], logger: Logger) {
        self.logger = logger
        var entries: [String: Entry] = [:]
        for handler in handlers {
            let seats = OriginSeats(count: handler.concurrentRequestsMax)
            for route in handler.routes {
                let place = OriginPlace(handler: handler, route: route, seats: seats)
                for method in route.methods {
                    precondition(entries[route.path]?.places[method] == nil, "two handlers want \(method) \(route.path)")
                    entries[route.path, default: Entry()].places[method] = place
                    if method == "GET" { entries[route.path, default: Entry()].places["HEAD"] = place }
                }
            }
        }
        exact = entries.filter { !$0.key.hasSuffix("*") }
        prefixes = entries.filter { $0.key.hasSuffix("*") }.map { (String($0.key.dropLast()), $0.value) }
            .sorted { $0.prefix.utf8.count > $1.prefix.utf8.count }
    }

    /// What a request for a path that is not the data plane's asks for.
    func find(method: String, path: String) -> RouteTarget.Kind? {
        guard let entry = exact[path] ?? prefixes.first(where: { path.hasPrefix($0.prefix) })?.entry else { return nil }
        return entry.places[method].map { .origin($0) } ?? .wrongMethod(entry.allowed)
    }
}

/// A handler at one of its paths.
final class OriginPlace: Sendable {
    let handler: any OriginHandler
    let route: OriginRoute
    let seats: OriginSeats

    init(handler: any OriginHandler, route: OriginRoute, seats: OriginSeats) {
        self.handler = handler
        self.route = route
        self.seats = seats
    }
}

/// Bounds how many requests of a handler run at a time, over all event loops.
final class OriginSeats: Sendable {
    private let free: Atomic<Int>

    init(count: Int) { free = Atomic(count) }

    /// Takes one; false when all are taken.
    func take() -> Bool {
        if free.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue >= 0 { return true }
        leave()
        return false
    }

    func leave() { free.wrappingAdd(1, ordering: .acquiringAndReleasing) }
}
