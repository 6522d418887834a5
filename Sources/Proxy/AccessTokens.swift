// AccessTokens: credentials that are fetched and run out: tokens, and AWS's temporary keys. One is renewed beside the traffic while it is
// still good; only the very first request to a provider, or one after an hour of failures, has to wait for it.

package import GatewayModel
import Synchronization

/// What was fetched, and when it runs out.
package struct AccessToken: Sendable {
    /// A token goes with each request; keys sign it.
    package enum Credential: Sendable {
        case token(String)
        case keys(AWSKeys)
    }

    package var credential: Credential
    package var expires: Timestamp

    package init(_ credential: Credential, expires: Timestamp) {
        self.credential = credential
        self.expires = expires
    }
}

/// Why no token was to be had. For the log and the operator; it holds no secret.
package struct AccessTokenError: Error, Sendable {
    package var reason: String

    package init(_ reason: String) { self.reason = reason }
}

/// The tokens of every source, over all snapshots.
package final class AccessTokens: Sendable {
    private let fetch: @Sendable (AccessTokenSource) async throws(AccessTokenError) -> AccessToken
    private let clock: any GatewayClock
    private let slots = Mutex<[AccessTokenSource: AccessTokenSlot]>([:])

    /// - Parameter fetch: asks the source for a token.
    package init(
        clock: any GatewayClock, fetch: @escaping @Sendable (AccessTokenSource) async throws(AccessTokenError) -> AccessToken
    ) {
        self.clock = clock
        self.fetch = fetch
    }

    /// The place of one source's token; the same for as long as the process lives, and filled ahead of the first request.
    func slot(of source: AccessTokenSource) -> AccessTokenSlot {
        let slot = slots.withLock { slots in
            let slot = slots[source] ?? AccessTokenSlot(source: source, clock: clock, fetch: fetch)
            slots[source] = slot
            return slot
        }
        _ = slot.isReady(at: clock.now())
        return slot
    }
}

/// One source's token.
final class AccessTokenSlot: Sendable {
    private struct State {
        /// The header's line, ready to be copied; empty where there are keys.
        var line: [UInt8] = []
        var keys: AWSKeys?
        var expires = Timestamp(nanoseconds: 0)
        var running: Task<String?, Never>?
        var failedAt: Timestamp?
        var reason: String?
    }

    /// A token is renewed when it has this long to live; Google's live an hour.
    private static let renewSeconds: Int64 = 300
    /// After a failure, how long the source is left in peace.
    private static let pauseSeconds: Int64 = 2

    private let source: AccessTokenSource
    private let clock: any GatewayClock
    private let fetch: @Sendable (AccessTokenSource) async throws(AccessTokenError) -> AccessToken
    private let state = Mutex(State())

    init(
        source: AccessTokenSource, clock: any GatewayClock,
        fetch: @escaping @Sendable (AccessTokenSource) async throws(AccessTokenError) -> AccessToken
    ) {
        self.source = source
        self.clock = clock
        self.fetch = fetch
    }

    /// The `Authorization` line while there is a good token; nil when it has to be waited for, or is none. Begins to renew one that ends
    /// soon.
    func line(at now: Timestamp) -> [UInt8]? {
        state.withLock { state in isGood(&state, at: now) && !state.line.isEmpty ? state.line : nil }
    }

    /// The keys while they are good; nil as with `line`.
    func keys(at now: Timestamp) -> AWSKeys? {
        state.withLock { state in isGood(&state, at: now) ? state.keys : nil }
    }

    /// Whether a request can be sent at once.
    func isReady(at now: Timestamp) -> Bool { state.withLock { isGood(&$0, at: now) } }

    private func isGood(_ state: inout State, at now: Timestamp) -> Bool {
        let left = state.expires.seconds - now.seconds
        let isPaused = state.failedAt.map { now.seconds - $0.seconds < Self.pauseSeconds } ?? false
        if left < Self.renewSeconds, state.running == nil, !isPaused { state.running = Task { await renew() } }
        return left > 0
    }

    /// Waits for a token. Gives the reason when there is none to be had.
    func wait() async -> String? {
        if isReady(at: clock.now()) { return nil }
        let (task, reason) = state.withLock { ($0.running, $0.reason) }
        guard let task else { return reason ?? "there is no access token" }
        return await task.value
    }

    private func renew() async -> String? {
        do throws(AccessTokenError) {
            let token = try await fetch(source)
            let parts =
                switch token.credential {
                case .token(let text): [text]
                case .keys(let keys): [keys.accessKeyID, keys.secretAccessKey] + (keys.sessionToken.map { [$0] } ?? [])
                }
            guard parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { $0 > 32 && $0 < 127 } }) else {
                throw AccessTokenError("the token endpoint's answer holds no credential")
            }
            state.withLock { state in
                switch token.credential {
                case .token(let text): state.line = Array("Authorization: Bearer \(text)\r\n".utf8)
                case .keys(let keys): state.keys = keys
                }
                state.expires = token.expires
                state.running = nil
                state.failedAt = nil
            }
            return nil
        } catch {
            state.withLock { state in
                state.running = nil
                state.failedAt = clock.now()
                state.reason = error.reason
            }
            return error.reason
        }
    }
}
