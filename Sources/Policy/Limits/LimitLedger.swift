// LimitLedger: the counters and reservations of one node, for all its event loops. One short lock around one state machine: limits of
// a turn are taken all or none, so locks of parts would have to be taken together anyhow, and one is held for about a microsecond.

package import GatewayModel
import Synchronization

/// The ledger of limits. In memory; made again after a start by `restore` and `replay`.
package final class LimitLedger: Sendable {
    private let state: Mutex<LimitState>

    /// - Parameters:
    ///   - seed: random and secret, so that clients cannot make counters collide.
    ///   - accountsMax: live counters; a turn that would need one more is refused.
    package init(seed: UInt64, accountsMax: Int = 1_000_000) {
        state = Mutex(LimitState(seed: seed, accountsMax: accountsMax))
    }

    /// Makes the limits of a new snapshot known. Rules that count the same thing as before keep their counters; one that was gone begins
    /// with none.
    package func adopt(_ book: LimitBook) { state.withLock { $0.adopt(book, isPublished: true) } }

    /// Reserves for a turn under every limit that holds for it, all or none.
    package func admit(
        _ facts: TurnFacts, _ demand: LimitDemand, under book: LimitBook, at now: Timestamp
    ) -> LimitAdmission {
        let matches = book.matches(facts)
        if matches.isEmpty { return .granted(Reservation(ledger: nil, place: 0, generation: 0, admitted: now)) }
        switch state.withLock({ $0.admit(facts, demand, book, matches, at: now) }) {
        case .granted(let place, let generation):
            return .granted(Reservation(ledger: self, place: place, generation: generation, admitted: now))
        case .refused(let refusal): return .refused(refusal)
        case .wait(let until, let refusal): return .wait(until: until, refusal)
        }
    }

    /// How each limit stands for a turn that might come; nothing is changed.
    package func explain(
        _ facts: TurnFacts, _ demand: LimitDemand, under book: LimitBook, at now: Timestamp
    ) -> [LimitVerdict] {
        let matches = book.matches(facts)
        return state.withLock { $0.explain(facts, demand, book, matches, at: now) }
    }

    // MARK: Reservations

    func extend(_ place: UInt32, _ generation: UInt32, to total: LimitAmounts, at now: Timestamp) -> LimitExtension {
        state.withLock { $0.isLive(place, generation) ? $0.extend(place, to: total, at: now) : .granted }
    }

    func settle(_ place: UInt32, _ generation: UInt32, _ actual: LimitAmounts, turns: Int64, at now: Timestamp) -> LimitSettlement {
        state.withLock { $0.isLive(place, generation) ? $0.settle(place, actual, turns: turns, at: now) : LimitSettlement() }
    }

    func void(_ place: UInt32, _ generation: UInt32, at now: Timestamp) -> LimitSettlement {
        state.withLock { $0.isLive(place, generation) ? $0.void(place, at: now) : LimitSettlement() }
    }

    func abandon(_ place: UInt32, _ generation: UInt32, at now: Timestamp) {
        state.withLock { if $0.isLive(place, generation) { $0.abandon(place, at: now) } }
    }

    func verdicts(_ place: UInt32, _ generation: UInt32, at now: Timestamp) -> [LimitVerdict] {
        state.withLock { $0.isLive(place, generation) ? $0.verdicts(place, at: now) : [] }
    }

    // MARK: Restoring

    /// Sets counters to what was stored, unless what is here is newer. Gives back those whose rule now counts something else.
    @discardableResult
    package func restore(_ counters: [LimitCounter], under book: LimitBook) -> [LimitCounter] {
        state.withLock { $0.restore(counters, book) }
    }

    /// Posts a turn of the journal to the windows of its admission. A turn whose version, its journal sequence, is not newer than a
    /// counter is not counted in it again.
    ///
    /// - Parameter turns: how many turns `actual` is the sum of.
    package func replay(
        _ facts: TurnFacts, _ actual: LimitAmounts, admitted: Timestamp, version: UInt64, under book: LimitBook, at now: Timestamp,
        turns: Int64 = 1
    ) {
        let matches = book.matches(facts)
        if matches.isEmpty { return }
        state.withLock { $0.replay(facts, actual, admitted: admitted, version: version, book, matches, at: now, turns: turns) }
    }

    /// Sets, not adds, what is granted on top of a limit for one counter in its present window. `group` as in a verdict. False when
    /// there is no such limit.
    @discardableResult
    package func grant(rule: String, group: [String], total: Int64, under book: LimitBook, at now: Timestamp) -> Bool {
        state.withLock { $0.grant(rule: rule, group: group, total: total, book, at: now) }
    }

    // MARK: Reading

    /// Counters of a rule, or of all rules of the book, in pages: `next` is where to go on, nil at the end.
    package func counters(
        rule: String? = nil, under book: LimitBook, from place: Int = 0, max count: Int = 1000, at now: Timestamp
    ) -> (counters: [LimitCounter], next: Int?) {
        state.withLock { $0.counters(rule: rule, book, from: place, max: count, at: now) }
    }

    /// What happened since the last time: thresholds, over-reservations, alerts.
    package func takeEvents() -> [LimitEvent] {
        state.withLock { state in
            let events = state.events
            state.events = []
            return events
        }
    }

    package var figures: LimitFigures {
        state.withLock { state in
            var figures = state.figures
            figures.counters = state.accounts.count
            figures.symbols = state.symbols.count
            return figures
        }
    }

    /// Looks at so many counters, going round, and forgets those that are over. Call it now and then: a few thousand a second will do.
    package func sweep(under book: LimitBook, at now: Timestamp, count: Int = 4096) {
        state.withLock { $0.sweep(book, at: now, count: count) }
    }
}
