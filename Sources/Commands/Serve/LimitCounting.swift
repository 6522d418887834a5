// LimitCounting: counters of budgets and limits made again, exactly: at a start before anything is admitted, and for a rule that is
// added while turns run. Past use comes from the ledger at one moment, the rest from the journal behind it.

import Foundation
package import GatewayModel
import Journal
import Logging
package import Policy
import Proxy
import ServerConfiguration
import Storage

/// Counts up what past turns used under some rules.
///
/// Sendable without a check: it is made and used by one call of `LimitsInForce.count`, then by one task after it, which waits for each
/// call before the next.
final class LimitCounting: @unchecked Sendable {
    let ledger: LimitLedger
    let databases: Databases
    private let journal: Journal
    /// Each posting has a number, so that none is counted twice.
    private var version: UInt64
    /// Where the journal goes on.
    private var cursor = JournalPosition.start
    private var reader: JournalReader
    private let book: LimitBook
    private(set) var uses = 0

    /// - Parameter after: postings with a number up to this were made before.
    init(
        _ rules: [LimitRule], ledger: LimitLedger, databases: Databases, journal: Journal, after version: UInt64
    ) throws {
        self.ledger = ledger
        self.databases = databases
        self.journal = journal
        self.version = version
        reader = JournalReader(directory: journal.directory, skips: [.turnReserved, .turnSent, .turnProgress])
        book = try limitBook(rules)
    }

    var lastVersion: UInt64 { version }

    /// Posts what the ledger holds.
    func countLedger(at now: Timestamp) throws {
        let parts = Dictionary(grouping: book.rules) { CountingPart(way: CountingWay($0), start: windowStart($0, at: now)) }
        cursor = try LedgerHistory.read(databases.ledger) { history in
            for (part, rules) in parts where part.way != .nothing {
                let book = try limitBook(rules)
                try count(part, history, at: now) { self.post($0, under: book, now: now) }
            }
            return history.cursor
        }
    }

    /// Posts turns that the journal has settled since, of snapshots before `snapshot`: later ones post themselves. Gives how many
    /// records there were.
    func countJournal(before snapshot: Int64, at now: Timestamp) -> Int {
        var count = 0
        journal.writeStaged()
        while true {
            let records = reader.read(after: cursor, countMax: 2000)
            guard let last = records.last else { return count }
            for record in records where record.kind == .turnSettled {
                guard let turn = record.json.withUnsafeBytes({ decodeTurn($0) }), turn.snapshotVersion < snapshot else { continue }
                for use in PastUse.apart(turn) { post(use, under: book, now: now) }
            }
            cursor = last.position
            count += records.count
        }
    }

    private func count(
        _ part: CountingPart, _ history: LedgerHistory, at now: Timestamp, _ body: (PastUse) -> Void
    ) throws {
        let start = part.start
        switch part.way {
        case .nothing: return
        case .turns: try history.uses(from: start ?? Timestamp(nanoseconds: 0), until: now.adding(seconds: 86_400), body)
        case .hours, .sessionHours:
            // An hour that begins before its window is counted turn by turn.
            let whole = start.map { $0.start(of: .hour) == $0 ? $0 : $0.start(of: .hour).adding(seconds: 3600) }
            if let start, let whole { try history.uses(from: start, until: whole, body) }
            try part.way == .hours ? history.hours(from: whole, body) : history.sessionHours(from: whole, body)
        }
    }

    private func post(_ use: PastUse, under book: LimitBook, now: Timestamp) {
        version += 1
        uses += 1
        ledger.replay(
            TurnFacts(use), LimitAmounts(cost: use.costNanoUSD, inputTokens: use.inputTokens, outputTokens: use.outputTokens),
            admitted: use.time, version: version, under: book, at: now, turns: use.turns)
    }
}

/// How a rule's past is read: as coarse as is exact.
private enum CountingWay: Hashable {
    /// Turns at once, and rates that are full again within a minute.
    case nothing
    /// Single turns: tags are in no rollup, and a short window cuts hours.
    case turns
    case hours
    case sessionHours

    init(_ rule: LimitRule) {
        if rule.unit == .concurrent || rule.window == .rate(seconds: 60) {
            self = .nothing
            return
        }
        let dimensions = rule.conditions.map(\.on) + rule.groupBy
        let hasTags = dimensions.contains { if case .tag = $0 { true } else { false } }
        switch rule.window {
        case .rate, .rolling: self = .turns
        default: self = hasTags ? .turns : dimensions.contains(.session) ? .sessionHours : .hours
        }
    }
}

/// Rules whose past is read together.
private struct CountingPart: Hashable {
    var way: CountingWay
    /// Nil is from the beginning.
    var start: Timestamp?
}

/// From when on a rule's past counts; nil is from the beginning.
func windowStart(_ rule: LimitRule, at now: Timestamp) -> Timestamp? {
    switch rule.window {
    case .none: nil
    case .rate(let seconds): now.adding(seconds: -seconds)
    case .rolling(let seconds): now.adding(seconds: -seconds - seconds / 60 - 1)
    case .day, .week, .month, .quarter: Timestamp(seconds: calendar(rule).period(at: now).start)
    }
}

/// From when on a rule's past is read from single turns; nil where sums are enough. Turns are kept for as long as that.
package func turnsCounted(_ rule: LimitRule, at now: Timestamp) -> Timestamp? {
    let start = windowStart(rule, at: now)
    switch CountingWay(rule) {
    case .nothing: return nil
    case .turns: return start ?? Timestamp(nanoseconds: 0)
    case .hours, .sessionHours: return start.flatMap { $0.start(of: .hour) == $0 ? nil : $0 }
    }
}

/// The periods of a rule's window, in its zone.
func calendar(_ rule: LimitRule) -> WindowCalendar {
    WindowCalendar(rule.window, zone: timeZoneRules(rule.zone) ?? .utc, fiscalStartMonth: rule.fiscalStartMonth)
}

/// Rules as a book, with the system's time zones.
func limitBook(_ rules: [LimitRule]) throws(LimitFault) -> LimitBook {
    if rules.isEmpty { return .empty }
    return try LimitBook(rules, zone: timeZoneRules)
}

extension TurnFacts {
    init(_ use: PastUse) {
        self.init()
        let labels = use.labels
        func known(_ text: String) -> String? { text.isEmpty ? nil : text }
        workspace = labels.workspace
        team = labels.team
        developer = labels.owner
        key = labels.keyID
        repository = known(labels.repository)
        branch = known(labels.branch)
        session = use.session
        model = labels.model
        deployment = labels.deployment
        provider = labels.deployment.split(separator: "/", maxSplits: 1).first.map(String.init)
        agent = known(labels.agent)
        tags = use.tags
    }
}
