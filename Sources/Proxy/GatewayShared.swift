// GatewayShared: what all event loops of the data plane use together. Every member is safe to use from any of them.

package import GatewayModel
package import Journal
package import Logging
import NIOPosix
package import Policy

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
    let origin: OriginTable
    let board: DeploymentBoard
    /// Answers that are given again.
    package let cache = ResponseCache()
    let prompts = PromptTable()
    let signatures = SignatureStore()
    /// Budgets and limits, counted.
    package let limits: LimitLedger
    /// Sessions that run away.
    package let runaway: RunawayWatch

    /// - Parameters:
    ///   - origin: who answers what the data plane does not.
    ///   - responseOwner: finds the maker of a stored response that is no longer in memory.
    package init(
        journal: Journal, clock: any GatewayClock, random: any RandomSource = SystemRandom(), limits: LimitLedger? = nil,
        runaway: RunawayWatch = RunawayWatch(),
        origin: OriginTable = OriginTable([], logger: Logger(label: "weir.origin")), board: DeploymentBoard = DeploymentBoard(),
        responseOwner: @escaping @Sendable (String) async -> ResponseOwner?
    ) {
        self.journal = journal
        self.clock = clock
        self.random = random
        self.origin = origin
        self.board = board
        self.runaway = runaway
        self.limits = limits ?? LimitLedger(seed: random.next())
        resolver = UpstreamResolver(threads: .singleton)
        responses = ResponseDirectory(lookUp: responseOwner)
    }
}
