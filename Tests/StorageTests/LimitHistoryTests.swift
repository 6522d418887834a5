// What limits count of the past: the same read from turns, hours, sessions and months, and in a ledger of an older version.

import GRDB
import GatewayModel
import Reports
import Storage
import Testing

@Suite struct LimitHistoryTests {
    private struct Total: Equatable {
        var requests: Int64 = 0
        var input: Int64 = 0
        var output: Int64 = 0
        var cost: Int64 = 0

        mutating func add(_ use: PastUse) {
            requests += use.turns
            input += use.inputTokens
            output += use.outputTokens
            cost += use.costNanoUSD
        }

        mutating func add(_ other: Total) {
            requests += other.requests
            input += other.input
            output += other.output
            cost += other.cost
        }
    }

    /// Some of which were never sent, and some of which took more than one try.
    private func someTurns(_ count: Int) -> [TurnRecord] {
        var random = SeededGenerator(seed: 3)
        return randomTurns(count, seed: 8).map { turn in
            var turn = turn
            turn.reserved = NanoUSD(random.number(0...20_000_000_000))
            if turn.flags.contains(.unpriced) { turn.flags.insert(.held) }
            switch random.number(0...4) {
            case 0:
                turn.flags.insert(.unsent)
                turn.flags.subtract([.unpriced, .held])
                (turn.usage, turn.cost) = (TokenUsage(), .zero)
            case 1:
                turn.flags.insert(.spentTries)
                // Where the lost try alone has no price, nothing is held for the one that served.
                if turn.flags.contains(.unpriced), random.number(0...1) == 0 { turn.flags.remove(.held) }
                turn.tries = [
                    UpstreamTry(deployment: "bedrock/claude", status: 0, error: "hedge_lost", microseconds: 5, cost: NanoUSD(7)),
                    UpstreamTry(deployment: turn.deployment, status: 200, error: nil, microseconds: 5),
                ]
                turn.tries[0].inputTokens = random.number(1...5000)
                turn.tries[0].outputTokens = random.number(0...50)
            default: break
            }
            return turn
        }
    }

    @Test func everyWayToReadThePastCountsTheSame() throws {
        let shop = try Shop()
        let turns = someTurns(400)
        try shop.settle(turns)
        try shop.project()
        var wanted = Total()
        for turn in turns {
            wanted.requests += turn.flags.contains(.unsent) ? 0 : 1
            wanted.input += turn.usage.totalInput + (turn.tries.first?.inputTokens ?? 0)
            wanted.output += turn.usage.output + (turn.tries.first?.outputTokens ?? 0)
            // What nobody can price counts as what was reserved for it.
            wanted.cost += turn.flags.contains(.held) ? max(turn.reserved.value, turn.cost.value) : turn.cost.value
        }
        let (start, end) = (Timestamp(seconds: 0), Timestamp(seconds: 4_000_000_000))
        var (hours, months, sessions, single) = (Total(), Total(), Total(), Total())
        try LedgerHistory.read(shop.ledger) { history in
            try history.hours(from: start) { hours.add($0) }
            try history.hours(from: nil) { months.add($0) }
            try history.sessionHours(from: start) { sessions.add($0) }
            try history.uses(from: start, until: end) { single.add($0) }
        }
        #expect(hours == wanted && months == wanted && sessions == wanted && single == wanted)
    }

    /// By deployment, in every way, before prices have come and after it.
    @Test func aLostTryCountsWhereItWasMade() throws {
        let shop = try Shop()
        var all = someTurns(300)
        try shop.settle(all)
        try shop.project()
        try expectApart(shop, all)

        let prices: [NanoUSD] = [NanoUSD(5), .zero]
        _ = try LedgerProjection.rerate(shop.ledger) { turn in
            RatedCost(cost: NanoUSD(turn.tries.isEmpty ? 11 : 16), tries: turn.tries.isEmpty ? [] : prices, version: "new")
        }
        for index in all.indices where all[index].flags.contains(.unpriced) {
            all[index].flags.subtract([.unpriced, .held])
            all[index].cost = NanoUSD(all[index].tries.isEmpty ? 11 : 16)
            for (number, cost) in zip(all[index].tries.indices, prices) { all[index].tries[number].cost = cost }
        }
        try expectApart(shop, all)

        // The journal read anew changes nothing, and reports add up to the same.
        try LedgerProjection(shop.ledger).apply(shop.records())
        try expectApart(shop, all)
        let report = try shop.reports.spend(by: [.deployment], filter: SpendFilter())
        #expect(report.total.costNanoUSD == all.reduce(0) { $0 + $1.cost.value } && report.total.turns == 300)
        let elsewhere = try #require(report.rows.first { $0.labels == ["bedrock/claude"] })
        #expect(elsewhere.costNanoUSD == all.reduce(0) { $0 + ($1.tries.first?.cost.value ?? 0) } && elsewhere.turns == 0)
        // A rest that is no turn is told too.
        #expect(report.rows.last?.labels == elsewhere.labels)
        let short = try shop.reports.spend(by: [.deployment], filter: SpendFilter(), limit: report.rows.count - 1)
        #expect(short.rest?.costNanoUSD == report.rows.last?.costNanoUSD)
    }

    private func expectApart(_ shop: Shop, _ turns: [TurnRecord]) throws {
        var wanted: [String: Total] = [:]
        for turn in turns {
            let lost = turn.tries.first
            var own = Total(
                requests: turn.flags.contains(.unsent) ? 0 : 1, input: turn.usage.totalInput, output: turn.usage.output,
                cost: turn.flags.contains(.held) ? max(turn.reserved.value, turn.cost.value) : turn.cost.value)
            own.cost -= lost?.cost.value ?? 0
            wanted[turn.deployment, default: Total()].add(own)
            guard let lost else { continue }
            wanted[lost.deployment, default: Total()].add(
                Total(input: lost.inputTokens ?? 0, output: lost.outputTokens ?? 0, cost: lost.cost.value))
        }
        var found: [[String: Total]] = [[:], [:], [:], [:]]
        let (start, end) = (Timestamp(seconds: 0), Timestamp(seconds: 4_000_000_000))
        try LedgerHistory.read(shop.ledger) { history in
            try history.hours(from: start) { found[0][$0.labels.deployment, default: Total()].add($0) }
            try history.hours(from: nil) { found[1][$0.labels.deployment, default: Total()].add($0) }
            try history.sessionHours(from: start) { found[2][$0.labels.deployment, default: Total()].add($0) }
            try history.uses(from: start, until: end) { found[3][$0.labels.deployment, default: Total()].add($0) }
        }
        for one in found { #expect(one == wanted) }
        // The model is the deployment's.
        let models = try shop.ledger.read { database in
            try String.fetchAll(database, sql: "SELECT DISTINCT model FROM label_set WHERE deployment = 'bedrock/claude'")
        }
        #expect(models == ["claude"])
    }

    @Test func whatWasReservedIsLetGoOfOnceThereIsAPriceAndOnlyWhereItWasCounted() throws {
        let shop = try Shop()
        // Every other one without a price is of a version that did not count what it reserved.
        let all = someTurns(300).enumerated().map { number, turn in
            var turn = turn
            if number.isMultiple(of: 2) { turn.flags.remove(.held) }
            return turn
        }
        try shop.settle(all)
        try shop.project()
        let rerated = try LedgerProjection.rerate(shop.ledger) { turn in
            RatedCost(cost: NanoUSD(11), tries: turn.tries.map(\.cost), version: "new")
        }
        #expect(rerated.values.reduce(0, +) > 10)
        let wanted = all.reduce(0) { $0 + ($1.flags.contains(.unpriced) ? 11 : $1.cost.value) }
        var costs: [Int64] = [0, 0, 0]
        try LedgerHistory.read(shop.ledger) { history in
            try history.hours(from: Timestamp(seconds: 0)) { costs[0] += $0.costNanoUSD }
            try history.hours(from: nil) { costs[1] += $0.costNanoUSD }
            try history.sessionHours(from: Timestamp(seconds: 0)) { costs[2] += $0.costNanoUSD }
        }
        #expect(costs == [wanted, wanted, wanted])
        let left = try shop.ledger.read { database in
            try ["usage_hour", "usage_day", "usage_month", "usage_month_unbranched", "usage_session", "session"].map {
                try Int64.fetchOne(database, sql: "SELECT COUNT(*) FROM \($0) WHERE unpriced_reserved <> 0")
            }
        }
        #expect(left == [0, 0, 0, 0, 0, 0])
    }

    @Test func aLedgerOfAnOlderVersionGoesOn() throws {
        let shop = try Shop()
        let all = someTurns(200)
        try shop.settle(Array(all[..<100]))
        try shop.project()
        let sums = try shop.sums()
        try shop.ledger.write { database in
            try database.execute(sql: "DELETE FROM schema_version WHERE version = 6")
            for table in ["usage_hour", "usage_day", "usage_month", "usage_month_unbranched", "usage_session", "session"] {
                for column in ["unsent", "tried_input", "tried_output", "unpriced_reserved"] {
                    try database.execute(sql: "ALTER TABLE \(table) DROP COLUMN \(column)")
                }
            }
        }
        let databases = try Databases(directory: shop.path)
        // What was there stands, but for what that version did not know.
        let before = try databases.ledger.read { try Int64.fetchOne($0, sql: "SELECT SUM(turns + unsent) FROM usage_hour") }
        #expect(before == 100)
        try shop.settle(Array(all[100...]))
        try shop.project()
        #expect(try shop.sums().keys == sums.keys)
        let after = try databases.ledger.read { try Int64.fetchOne($0, sql: "SELECT SUM(turns) FROM usage_hour") }
        #expect(after == 200)
    }
}
