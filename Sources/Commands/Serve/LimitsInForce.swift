// LimitsInForce: the budgets and limits of the running server: which rules there are, since when they are counted up, and what was
// granted on top. A rule is enforced from the moment when its past has been counted.

import Foundation
import GatewayModel
import Identity
import Journal
import Logging
import Policy
import ServerConfiguration
import Storage
import Synchronization

/// Rules that hold, and which of them are new.
struct LimitPublication: Sendable {
    var book: LimitBook
    /// Rules whose past is not counted yet; the book only counts them.
    var uncounted: [LimitRule]
}

/// Keeps counters in step with the rules. Used by the publisher alone, one call at a time.
final class LimitsInForce: Sendable {
    let ledger: LimitLedger
    private let databases: Databases
    private let journal: Journal
    private let clock: any GatewayClock
    private let logger: Logger
    private let state = Mutex(Held())

    private struct Held {
        var book = LimitBook.empty
        /// As they were given.
        var rules: [LimitRule] = []
        /// As they stand in the book.
        var published: [LimitRule] = []
        var counted: Set<String> = []
        var version: UInt64 = 0
        var grants: [LimitGrantRecord] = []
        /// Counters that something is granted to now.
        var granted: Set<GrantedCounter> = []
    }

    init(ledger: LimitLedger, databases: Databases, journal: Journal, clock: any GatewayClock, logger: Logger) {
        self.ledger = ledger
        self.databases = databases
        self.journal = journal
        self.clock = clock
        self.logger = logger
    }

    /// The book of the last publication, and every rule as it was given.
    var book: LimitBook { state.withLock { $0.book } }
    var rules: [LimitRule] { state.withLock { $0.rules } }
    var grants: [LimitGrantRecord] { state.withLock { $0.grants } }

    /// Whether a rule's past has been counted, so that it is enforced.
    func isCounted(_ rule: LimitRule) -> Bool { state.withLock { $0.counted.contains(name(rule)) } }

    /// What is to be published for these rules.
    func publication(_ rules: [LimitRule]) throws(LimitFault) -> LimitPublication {
        let (known, counted) = state.withLock { ($0.published, $0.counted) }
        let uncounted = rules.filter { !counted.contains(name($0)) }
        let published = rules.map { rule in
            guard !counted.contains(name(rule)) else { return rule }
            var counting = rule
            counting.mode = .alert
            counting.onExceed = .block
            counting.waitMillisecondsMax = 0
            counting.thresholds = []
            return counting
        }
        // The same rules stay the same book.
        // A book without rules is one of its own too: what comes back after it is counted anew.
        let book = known == published ? state.withLock { $0.book } : try LimitBook(published, zone: timeZoneRules)
        ledger.adopt(book)
        state.withLock { state in
            state.published = published
            state.book = book
            state.rules = rules
            let live = Set(rules.map { name($0) })
            // A rule that goes and comes back is counted anew.
            state.counted = state.counted.filter { live.contains($0) }
        }
        return LimitPublication(book: book, uncounted: uncounted)
    }

    /// Counts the past of rules; turns of snapshots from `snapshot` on post themselves. Blocks for as long as that takes.
    func count(_ rules: [LimitRule], before snapshot: Int64) throws -> LimitCounting {
        let began = ContinuousClock.now
        let counting = try LimitCounting(
            rules, ledger: ledger, databases: databases, journal: journal,
            after: state.withLock { $0.version })
        try counting.countLedger(at: clock.now())
        let records = counting.countJournal(before: snapshot, at: clock.now())
        state.withLock { state in
            state.version = counting.lastVersion
            for rule in rules { state.counted.insert(name(rule)) }
        }
        logger.info(
            "budgets and limits are counted up",
            metadata: [
                "rules": "\(rules.count)", "uses": "\(counting.uses)", "journal_records": "\(records)",
                "milliseconds": "\((ContinuousClock.now - began) / .milliseconds(1))",
            ])
        return counting
    }

    /// Posts what turns of earlier snapshots settled since.
    func follow(_ counting: LimitCounting, before snapshot: Int64) {
        _ = counting.countJournal(before: snapshot, at: clock.now())
        state.withLock { $0.version = max($0.version, counting.lastVersion) }
    }

    /// The counters of a rule that count in the window of now; at most 1000.
    func liveCounters(_ rule: LimitRule, at now: Timestamp) -> [LimitCounter] {
        var found: [LimitCounter] = []
        var place: Int? = 0
        while let from = place, found.count < 1000 {
            let page = ledger.counters(rule: rule.id, under: book, from: from, max: 1000, at: now)
            found += page.counters
            place = page.next
        }
        let start = rule.window.isCalendar ? calendar(rule).period(at: now).start : nil
        return found.filter { start == nil || $0.windowStart == start }
    }

    // MARK: Grants

    func setGrants(_ grants: [LimitGrantRecord]) {
        let gone = state.withLock { state in
            defer { state.grants = grants }
            let gone = Set(state.grants.map { GrantedCounter($0) }).subtracting(grants.map { GrantedCounter($0) })
            return gone.filter { state.granted.remove($0) != nil }
        }
        for counter in gone { ledger.grant(rule: counter.rule, group: counter.group, total: 0, under: book, at: clock.now()) }
        applyGrants()
    }

    /// Sets what holds now on top of each counter; called now and then, since grants and windows end.
    func applyGrants() {
        let now = clock.now()
        let (grants, book) = state.withLock { ($0.grants, $0.book) }
        guard !grants.isEmpty else { return }
        var totals: [GrantedCounter: Int64] = [:]
        for grant in grants {
            let rule = book.rules.first { $0.id == grant.rule }
            guard rule.map({ isInForce(grant, $0, now) }) == true else {
                totals[GrantedCounter(grant), default: 0] += 0
                continue
            }
            // No more than a limit may be: the two together stay within the integer.
            let sum = totals[GrantedCounter(grant), default: 0].saturatingAdding(grant.amount)
            totals[GrantedCounter(grant)] = min(sum, LimitRule.limitMax)
        }
        let before = state.withLock { state in
            defer { state.granted = Set(totals.lazy.filter { $0.value > 0 }.map(\.key)) }
            return state.granted
        }
        // What has ended is said once: it would open a counter in every window that comes.
        for (counter, total) in totals where total > 0 || before.contains(counter) {
            ledger.grant(rule: counter.rule, group: counter.group, total: total, under: book, at: now)
        }
    }

    /// A grant without an end holds until the window ends in which it was made.
    private func isInForce(_ grant: LimitGrantRecord, _ rule: LimitRule, _ now: Timestamp) -> Bool {
        if let expires = grant.expires { return now < expires }
        guard let start = windowStart(rule, at: now), rule.window.isCalendar else { return true }
        return grant.created >= start
    }

    private func name(_ rule: LimitRule) -> String { "\(rule.id)\u{0}\(rule.counterIdentity)" }
}

/// One counter that something was granted to.
private struct GrantedCounter: Hashable {
    var rule: String
    var group: [String]

    init(_ grant: LimitGrantRecord) {
        rule = grant.rule
        group = grant.group
    }
}
