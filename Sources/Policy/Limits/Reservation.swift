// Reservation: what an admitted turn holds of its limits. It cannot be copied, and is resolved exactly once: settling and voiding
// consume it, and one that is dropped is posted whole.

package import GatewayModel

/// What an admitted turn holds until it is settled or void.
package struct Reservation: ~Copyable, Sendable {
    /// Nil when no limit holds for the turn.
    let ledger: LimitLedger?
    let place: UInt32
    let generation: UInt32
    /// When it was admitted; the turn is charged to the windows of this time.
    package let admitted: Timestamp
    private var isResolved = false

    init(ledger: LimitLedger?, place: UInt32, generation: UInt32, admitted: Timestamp) {
        self.ledger = ledger
        self.place = place
        self.generation = generation
        self.admitted = admitted
    }

    deinit {
        if !isResolved, let ledger { ledger.abandon(place, generation, at: admitted) }
    }

    /// Whether any limit holds for the turn.
    package var isLimited: Bool { ledger != nil }

    /// Asks for more: the turn's whole use so far and what it wants to go on with.
    package borrowing func extend(to total: LimitAmounts, at now: Timestamp) -> LimitExtension {
        ledger?.extend(place, generation, to: total, at: now) ?? .granted
    }

    /// Posts what was used. Never fails; more than what was reserved is posted and flagged.
    ///
    /// - Parameter turns: 0 for a try whose turn is counted as a request by another one.
    package consuming func settle(_ actual: LimitAmounts, turns: Int64 = 1, at now: Timestamp) -> LimitSettlement {
        isResolved = true
        return ledger?.settle(place, generation, actual, turns: turns, at: now) ?? LimitSettlement()
    }

    /// Gives everything back, for a turn of which nothing was sent.
    @discardableResult
    package consuming func void(at now: Timestamp) -> LimitSettlement {
        isResolved = true
        return ledger?.void(place, generation, at: now) ?? LimitSettlement()
    }

    /// Each limit that held for the turn, as it stood when the turn was admitted.
    package borrowing func verdicts(at now: Timestamp) -> [LimitVerdict] {
        ledger?.verdicts(place, generation, at: now) ?? []
    }
}
