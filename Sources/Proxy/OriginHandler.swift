// OriginHandler: the seam by which the gateway's listener answers more than the data plane: what agents ask of the gateway's own
// origin, and telemetry. Assembly registers the handlers; this file says what they are given and what they give back.

package import GatewayModel
package import Policy
package import WireFormat

/// Answers requests for paths that are not the data plane's. Handlers run off the event loops and may wait.
package protocol OriginHandler: Sendable {
    /// The paths that it answers. They cannot shadow the data plane's.
    var routes: [OriginRoute] { get }

    /// How many of its requests are answered at a time; more are refused with 503 and `Retry-After`.
    var concurrentRequestsMax: Int { get }

    /// Answers one request, even when its client has gone meanwhile. What it throws becomes a 500 in JSON, and stands in the log.
    func answer(_ request: OriginRequest) async throws -> OriginAnswer
}

extension OriginHandler {
    package var concurrentRequestsMax: Int { 32 }
}

/// Whether a path needs a virtual key. It is verified as the data plane does it: secret, time, revocation and network; the list of
/// allowed endpoints does not count here.
package enum OriginAccess: Sendable, Hashable {
    /// Anybody may ask.
    case open
    /// Without a valid key the request is refused, as on the data plane.
    case key
    /// The request comes through either way; the handler is told the key, or what is wrong with it.
    case reported
}

/// A path with its methods.
package struct OriginRoute: Sendable, Hashable {
    /// An exact path; with a `*` at its end, everything that begins so.
    package var path: String
    /// HEAD comes with GET.
    package var methods: Set<String>
    package var access: OriginAccess
    /// A larger body is refused with 413.
    package var bodyBytesMax: Int

    package init(_ path: String, methods: Set<String>, access: OriginAccess, bodyBytesMax: Int = 64 << 10) {
        self.path = path
        self.methods = methods
        self.access = access
        self.bodyBytesMax = bodyBytesMax
    }
}

/// A whole request for a path of an `OriginHandler`.
package struct OriginRequest: Sendable {
    package var requestID: RequestID
    package var received: Timestamp
    package var method: String
    /// As it was sent: nothing is decoded or folded.
    package var path: String
    /// As it was sent, without `?`.
    package var query: String
    package var fields: HTTPFields
    package var body: [UInt8]
    /// The verified key; nil on an open path, and on a reported one when `keyError` says why.
    package var key: VirtualKey?
    package var keyError: GatewayError?
    /// The snapshot that was in force when the request began: models, prices, limits.
    package var snapshot: GatewaySnapshot
    package var peer: PeerAddress
    /// Whether the client speaks TLS with Weir itself. Before a proxy that ends TLS this is false.
    package var hasTLS: Bool

    /// The `Host` field, which is the client's word.
    package var host: String? { fields.string("host") }

    package init(
        requestID: RequestID, received: Timestamp, method: String, path: String, query: String, fields: HTTPFields,
        body: [UInt8], key: VirtualKey?, keyError: GatewayError?, snapshot: GatewaySnapshot, peer: PeerAddress, hasTLS: Bool
    ) {
        self.requestID = requestID
        self.received = received
        self.method = method
        self.path = path
        self.query = query
        self.fields = fields
        self.body = body
        self.key = key
        self.keyError = keyError
        self.snapshot = snapshot
        self.peer = peer
        self.hasTLS = hasTLS
    }
}

/// What a handler answers. Length, request id and connection fields are added to it.
package struct OriginAnswer: Sendable {
    package var status: Int
    package var headers: [(String, String)]
    package var body: [UInt8]

    package init(status: Int, headers: [(String, String)], body: [UInt8]) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// JSON that is made already.
    package static func json(_ status: Int, _ body: [UInt8], _ headers: [(String, String)] = []) -> OriginAnswer {
        OriginAnswer(status: status, headers: [("Content-Type", "application/json")] + headers, body: body)
    }
}
