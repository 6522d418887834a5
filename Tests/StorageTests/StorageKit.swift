// StorageKit: a folder with a journal and a ledger of its own, random turns from a seed, and the sums that a report must have,
// computed here from the turns themselves.

import Foundation
import GRDB
import GatewayModel
import Journal
import Reports
import Storage
import Testing

struct FixedClock: GatewayClock {
    func now() -> Timestamp { Timestamp(seconds: 1_790_000_000) }
}

/// A ledger and the journal that fills it.
final class Shop {
    let path = NSTemporaryDirectory() + "weir-storage-\(UUID().uuidString)"
    let databases: Databases
    let journal: Journal

    var ledger: DatabasePool { databases.ledger }
    var reports: Reports { Reports(databases.ledger) }

    init() throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        databases = try Databases(directory: path)
        var options = JournalOptions()
        options.segmentBytes = 1 << 20
        journal = try Journal(directory: "\(path)/journal", node: "test", options: options, clock: FixedClock())
    }

    deinit {
        journal.stop()
        try? databases.ledger.close()
        try? databases.control.close()
        try? FileManager.default.removeItem(atPath: path)
    }

    func settle(_ turns: [TurnRecord]) throws {
        for turn in turns { _ = try journal.turnSettled(turn) }
    }

    /// Everything that the journal holds.
    func records() -> [JournalRecord] {
        journal.writeStaged()
        var reader = JournalReader(directory: journal.directory)
        var records: [JournalRecord] = []
        while true {
            let batch = reader.read(after: records.last?.position ?? .start, countMax: 1000)
            if batch.isEmpty { return records }
            records += batch
        }
    }

    func project(batch: Int = 100) throws {
        let projection = try LedgerProjection(ledger)
        let left = records().filter { $0.position > projection.cursor }
        for start in stride(from: 0, to: left.count, by: batch) {
            try projection.apply(Array(left[start..<min(start + batch, left.count)]))
        }
    }

    /// Every row of the tables that hold sums, as text.
    func sums() throws -> [String: [String]] {
        try ledger.read { database in
            var found: [String: [String]] = [:]
            for table in [
                "usage_hour", "usage_day", "usage_month", "usage_month_unbranched", "usage_session", "session",
                "unpriced_model", "key_use",
            ] {
                found[table] = try Row.fetchAll(database, sql: "SELECT * FROM \(table)").map { "\($0)" }.sorted()
            }
            return found
        }
    }
}

/// SplitMix64: one seed, one history.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func pick<Element>(_ list: [Element]) -> Element { list[Int(next() % UInt64(list.count))] }
    mutating func number(_ range: ClosedRange<Int64>) -> Int64 { Int64.random(in: range, using: &self) }
}

func makeTurn(_ number: UInt64, at time: Timestamp, session: String? = nil, key: String = "k000000001") -> TurnRecord {
    var turn = TurnRecord(
        requestID: RequestID(time: time, random: number, random12: 0),
        principal: Principal(keyID: key, workspace: "default", team: "web", developer: "maria"),
        attribution: Attribution(),
        endpoint: .chatCompletions, modelAsked: "gpt-5.2", received: time)
    turn.provider = "openai"
    turn.model = "gpt-5.2"
    turn.status = 200
    turn.usage.input = 10
    turn.cost = NanoUSD(7)
    turn.lastByte = Timestamp(nanoseconds: time.nanoseconds + 1_000_000_000)
    turn.attribution.session = session.map { Label($0, .agent) }
    return turn
}

/// Turns over four months, with everything that labels and flags can be.
func randomTurns(_ count: Int, seed: UInt64) -> [TurnRecord] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { index in
        let time = Timestamp(nanoseconds: generator.number(1_785_500_000_000_000_000...1_795_900_000_000_000_000))
        let person = generator.number(0...6)
        var turn = makeTurn(UInt64(index), at: time, key: "k00000000\(person)")
        turn.principal.team = person % 2 == 0 ? "web" : "core"
        turn.principal.developer = person == 6 ? nil : "dev\(person)"
        turn.principal.serviceAccount = person == 6 ? "ci" : nil
        if generator.number(0...9) > 0 {
            turn.attribution.session = Label("session-\(generator.number(0...30))", .agent)
        }
        if generator.number(0...3) > 0 {
            turn.attribution.repository = Label("github.com/acme/r\(generator.number(0...4))", .agent)
        }
        if generator.number(0...3) > 0 { turn.attribution.branch = Label(generator.pick(["main", "fix"]), .agent) }
        if generator.number(0...3) > 0 { turn.attribution.agent = Label(generator.pick(["build", "explore"]), .agent) }
        turn.attribution.client = generator.pick(["opencode", "codex", nil])
        turn.provider = generator.pick(["openai", "azure"])
        turn.model = generator.pick(["gpt-5.2", "gpt-5-mini", "o9"])
        turn.usage.input = generator.number(0...100_000)
        turn.usage.cacheRead = generator.number(0...100_000)
        turn.usage.cacheWrite5m = generator.number(0...500)
        turn.usage.cacheWrite1h = generator.number(0...500)
        turn.usage.toolPrompt = generator.number(0...9)
        turn.usage.output = generator.number(0...5000)
        turn.usage.reasoning = generator.number(0...100)
        turn.cost = NanoUSD(generator.number(0...9_000_000_000))
        if generator.number(0...9) == 0 { turn.flags.insert(.unpriced) }
        if generator.number(0...9) == 0 { turn.flags.insert(.estimated) }
        if generator.number(0...9) == 0 { turn.errorClass = "upstream_500" }
        turn.lastByte = Timestamp(nanoseconds: time.nanoseconds + generator.number(0...90_000_000_000))
        return turn
    }
}

/// What a row of a report must hold, from the turns themselves.
func sum(_ turns: [TurnRecord]) -> [Int64] {
    func total(_ value: (TurnRecord) -> Int64) -> Int64 { turns.reduce(0) { $0 + value($1) } }
    return [
        Int64(turns.count), total { $0.errorClass != nil ? 1 : 0 }, total { $0.flags.contains(.unpriced) ? 1 : 0 },
        total { $0.flags.contains(.estimated) ? 1 : 0 }, total { $0.usage.input + $0.usage.toolPrompt },
        total { $0.usage.cacheRead }, total { $0.usage.cacheWrite }, total { $0.usage.output },
        total { $0.usage.reasoning },
        total { $0.cost.value },
    ]
}

extension SpendRow {
    var measures: [Int64] {
        [
            turns, errors, unpricedTurns, estimatedTurns, inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens,
            reasoningTokens, costNanoUSD,
        ]
    }
}

extension SpendDimension {
    /// What a turn stands under in a report by this.
    func label(_ turn: TurnRecord) -> String {
        switch self {
        case .developer: turn.principal.owner
        case .team: turn.principal.team
        case .workspace: turn.principal.workspace
        case .repository: turn.attribution.repository?.value ?? ""
        case .branch: turn.attribution.branch?.value ?? ""
        case .session: turn.attribution.session?.value ?? ""
        case .agent: turn.attribution.agent?.value ?? ""
        case .client: turn.attribution.client ?? ""
        case .model: turn.model
        case .deployment: turn.deployment
        case .key: turn.principal.keyID
        case .hour: String(turn.received.rfc3339.prefix(13))
        case .day: String(turn.received.rfc3339.prefix(10))
        case .month: String(turn.received.rfc3339.prefix(7))
        }
    }
}
