// GatewayAddress: a gateway's origin as a developer types it, in the one spelling by which its key is kept.

import GatewayModel
import Providers

/// `https://gw.example`, without a path or a slash at its end. Without a scheme it is https, or http on this machine.
package func gatewayOrigin(_ text: String) throws -> String {
    let mend = "give its origin, for example https://gw.example"
    let isLocal = ["localhost", "127.0.0.1", "[::1]"].contains { text == $0 || text.hasPrefix("\($0):") || text.hasPrefix("\($0)/") }
    let whole = text.contains("://") ? text : "\(isLocal ? "http" : "https")://\(text)"
    let parsed: (origin: Origin, path: String)
    do throws(ProviderError) {
        parsed = try parseBaseURL(whole)
    } catch {
        throw CommandFailure("malformed_gateway", "this is no gateway's address: \(error.message)", mend: mend)
    }
    // A base URL for a client is often at hand instead of the origin.
    guard parsed.path.isEmpty || parsed.path == "/v1" else {
        throw CommandFailure("malformed_gateway", "a gateway's address has no path: \(parsed.path)", mend: mend)
    }
    let origin = parsed.origin
    let host = origin.host.contains(":") ? "[\(origin.host)]" : origin.host
    let isDefaultPort = origin.port == (origin.isTLS ? 443 : 80)
    return "\(origin.scheme)://\(host)\(isDefaultPort ? "" : ":\(origin.port)")"
}

/// Whether a key sent to this origin crosses a network in clear.
package func sendsKeyInClear(_ origin: String) -> Bool {
    guard origin.hasPrefix("http://") else { return false }
    let rest = origin.dropFirst(7)
    let host = rest.hasPrefix("[") ? rest.prefix { $0 != "]" } + "]" : rest.prefix { $0 != ":" }
    let isLoopback =
        host == "localhost" || host == "[::1]" || host.hasPrefix("127.") && host.allSatisfy { $0.isNumber || $0 == "." }
    return !isLoopback
}
