// Exchange+PromptWatch: where an operator wants to know why prompt caches break, each turn's prompt is outlined and compared with its
// session's last one when the turn is settled.

import Dialects
import GatewayModel
import Policy
import Synchronization

/// The sessions of all event loops. A turn comes here once, when its usage is known.
final class PromptTable: Sendable {
    private let watch = Mutex(PromptWatch())

    func settled(_ turn: PromptTurn, in session: PromptSession) -> PrefixBreak? {
        watch.withLock { $0.settled(turn, in: session) }
    }
}

extension Exchange {
    /// Takes note of a turn whose usage is known, and says in its record what its cache lost.
    func watchPrefix(_ outline: PromptOutline, _ turn: Turn) {
        guard (200..<300).contains(turn.record.status), turn.record.errorClass == nil, turn.record.usageSource == .provider,
            let session = turn.record.attribution.session?.value
        else { return }
        let watched = PromptTurn(
            id: requestID, opener: turn.record.bodyHash, outline: outline, provider: turn.record.provider, model: turn.record.model,
            usage: turn.record.usage, received: received, ended: loop.shared.clock.now())
        let found = loop.shared.prompts.settled(
            watched, in: PromptSession(keyID: turn.record.principal.keyID, session: session))
        if let found { turn.record.prefix = [found] }
    }
}
