// LimitOutcome: what the ledger of limits answers.

package import GatewayModel

/// One limit as it stands for one turn: what a refusal, an explanation and the rate-limit headers are made of.
package struct LimitVerdict: Sendable, Hashable, Codable {
    package var rule: String
    package var name: String
    package var unit: LimitUnit
    package var window: LimitWindow
    package var mode: LimitMode
    package var action: LimitAction
    /// The values that this counter is for, in the order of the rule's `groupBy` (and the key of a session); "" is unattributed.
    package var group: [String]
    /// With what was granted on top.
    package var limit: Int64
    /// Posted and pending before this turn. Of a rate: what of the burst is used up.
    package var before: Int64
    /// What this turn reserves or asks for; nil is unpriced.
    package var amount: Int64?
    /// `before` and what was reserved.
    package var after: Int64
    package var fits: Bool
    /// When the window ends, or enough of it has passed; nil is never by itself.
    package var resetsAt: Timestamp?
    /// When this turn would fit if nothing else came; nil is not known, or never.
    package var fitsAt: Timestamp?
    package var contact: String?

    /// What is left of it before this turn.
    package var remaining: Int64 { max(0, limit.subtractingReportingOverflow(before).partialValue) }
}

/// Why a turn is not admitted, or an answer not extended.
package struct LimitRefusal: Error, Sendable, Hashable {
    /// The kinds of refusal.
    package enum Reason: String, Sendable, Hashable {
        case exceeded
        /// The ledger has no room for another counter: it lets nothing pass uncounted.
        case tooManyCounters = "too_many_counters"
    }

    package var reason: Reason
    /// Each enforced limit that does not fit, the most specific first. The first one decides.
    package var failures: [LimitVerdict] = []

    /// What is to be done: to be blocked goes before to be asked, and that before a cheaper model.
    package var action: LimitAction {
        let actions = failures.map(\.action)
        if reason != .exceeded || actions.isEmpty || actions.contains(.block) { return .block }
        if actions.contains(.ask) { return .ask }
        return actions[0]
    }

    /// When to try again; nil when one of the failures never fits by itself, or only when another turn ends.
    package var retryAt: Timestamp? {
        var latest: Timestamp?
        for failure in failures {
            guard let at = failure.fitsAt else { return nil }
            latest = max(latest ?? at, at)
        }
        return latest
    }

    /// Whether only rates and numbers at once are in the way, so that the answer is 429 and not one about money.
    package var isRate: Bool {
        reason == .exceeded
            && failures.allSatisfy {
                if case .rate = $0.window { return true }
                return $0.unit == .concurrent
            }
    }
}

/// The answer to a turn.
package enum LimitAdmission: ~Copyable, Sendable {
    /// Everything is reserved.
    case granted(Reservation)
    case refused(LimitRefusal)
    /// Only rates or places are in the way, and soon will not be: ask again then, or when a place comes free.
    case wait(until: Timestamp, LimitRefusal)
}

/// The answer to a turn that needs more than it holds.
package enum LimitExtension: Sendable, Hashable {
    case granted
    /// What it holds is all it gets: `finishBlock` or `stopNow`, the strictest of the limits that do not fit. Those with `finishTurn`
    /// never deny.
    case denied(ElasticPolicy, LimitRefusal)
}

/// What became of a reservation.
package struct LimitSettlement: Sendable, Hashable {
    /// More was used than was reserved, under an enforced limit. In strict mode a fault of the bound.
    package var isOverReserved = false
    /// Somebody may be waiting for the place that came free.
    package var freesPlace = false

    package init() {}
}

/// Something to tell people about.
package struct LimitEvent: Sendable, Hashable {
    /// What happened.
    package enum Kind: Sendable, Hashable {
        case threshold(percent: Int)
        /// More was used than was reserved, by so much.
        case overReservation(excess: Int64)
        /// A turn was refused for what others in flight have reserved, which is most of the limit, while little is used.
        case reservedUnused(reserved: Int64)
        /// A turn that an alerting limit would not have let pass.
        case wouldRefuse
        /// A reservation was dropped without being settled; it was posted whole.
        case leaked
    }

    package var kind: Kind
    package var rule: String
    package var group: [String]
    package var limit: Int64
    package var used: Int64
    /// Of its counter, as in `LimitCounter`.
    package var windowStart: Int64
    package var at: Timestamp
}

/// A counter as it is stored and restored. Equal ones are equal state.
package struct LimitCounter: Sendable, Hashable, Codable {
    /// A part of a rolling window.
    package struct Bucket: Sendable, Hashable, Codable {
        /// Its number since the epoch.
        package var number: Int64
        package var amount: Int64

        package init(number: Int64, amount: Int64) {
            self.number = number
            self.amount = amount
        }
    }

    package var rule: String
    /// What must be equal for the counter to go on after its rule was changed: unit, window, zone, groups, conditions.
    package var identity: String
    package var group: [String]
    /// Seconds since the epoch at which the calendar window began; 0 of other windows.
    package var windowStart: Int64
    package var posted: Int64
    package var pending: Int64
    /// Of rolling windows.
    package var buckets: [Bucket] = []
    /// Of rates: when the bucket is empty again, in nanoseconds since the epoch.
    package var emptyAt: Int64 = 0
    /// What somebody granted on top of the limit.
    package var granted: Int64 = 0
    /// When it was last charged, in seconds since the epoch.
    package var lastUsed: Int64 = 0
    /// Journal sequence of the last record in it. A record that is not newer is not counted again.
    package var version: UInt64

    package init(
        rule: String, identity: String, group: [String], windowStart: Int64, posted: Int64, pending: Int64 = 0, version: UInt64
    ) {
        self.rule = rule
        self.identity = identity
        self.group = group
        self.windowStart = windowStart
        self.posted = posted
        self.pending = pending
        self.version = version
    }
}
