// GatewayShared: what all event loops of the data plane use together. Every member is safe to use from any of them.

package import GatewayModel
package import Journal
import NIOPosix

/// The data plane's shared parts.
package final class GatewayShared: Sendable {
    package let journal: Journal
    package let metrics = GatewayMetrics()
    let clock: any GatewayClock
    let random: any RandomSource
    let resolver: UpstreamResolver
    let tls = TLSContexts()
    let responses: ResponseDirectory
    let sessions = SessionInference()

    /// - Parameter responseOwner: finds the maker of a stored response that is no longer in memory.
    package init(
        journal: Journal, clock: any GatewayClock, random: any RandomSource = SystemRandom(),
        responseOwner: @escaping @Sendable (String) async -> ResponseOwner?
    ) {
        self.journal = journal
        self.clock = clock
        self.random = random
        resolver = UpstreamResolver(threads: .singleton)
        responses = ResponseDirectory(lookUp: responseOwner)
    }
}
