// SpendTests: a report is the sum over its turns, by every dimension, in every range.

import GRDB
import GatewayModel
import Journal
import Reports
import Storage
import Testing

struct SpendTests {
    private func check(_ report: SpendReport, by dimensions: [SpendDimension], _ turns: [TurnRecord]) {
        var wanted: [[String]: [TurnRecord]] = [:]
        for turn in turns { wanted[dimensions.map { $0.label(turn) }, default: []].append(turn) }
        #expect(Set(report.rows.map(\.labels)) == Set(wanted.keys))
        #expect(report.rows.count == wanted.count)
        for row in report.rows { #expect(row.measures == sum(wanted[row.labels] ?? [])) }
        #expect(report.total.measures == sum(turns))
    }

    @Test func everyDimensionAddsUpToTheTurns() throws {
        let shop = try Shop()
        let turns = randomTurns(600, seed: 11)
        try shop.settle(turns)
        try shop.project()
        for one in SpendDimension.allCases {
            check(try shop.reports.spend(by: [one], filter: SpendFilter()), by: [one], turns)
        }
        for first in SpendDimension.allCases {
            for second in SpendDimension.allCases where second != first {
                check(try shop.reports.spend(by: [first, second], filter: SpendFilter()), by: [first, second], turns)
            }
        }
        let three: [SpendDimension] = [.repository, .model, .month]
        check(try shop.reports.spend(by: three, filter: SpendFilter()), by: three, turns)
    }

    @Test func rangesOverHoursDaysAndMonthsHoldWhatLiesInThem() throws {
        let shop = try Shop()
        var turns = randomTurns(500, seed: 12)
        // Turns on the very edges.
        let edges = ["2026-09-01T00:00:00Z", "2026-10-01T00:00:00Z", "2026-09-15T00:00:00Z", "2026-09-15T13:00:00Z"]
            .compactMap(Timestamp.init(rfc3339:))
        for (index, edge) in edges.enumerated() {
            for (shift, offset) in ([-1, 0, 1] as [Int64]).enumerated() {
                turns.append(
                    makeTurn(UInt64(5000 + index * 3 + shift), at: Timestamp(nanoseconds: edge.nanoseconds + offset)))
            }
        }
        try shop.settle(turns)
        try shop.project()
        let ends =
            [nil] + edges + ["2026-08-15T07:00:00Z", "2026-11-02T00:00:00Z"].compactMap(Timestamp.init(rfc3339:))
        for since in ends {
            for until in ends {
                var filter = SpendFilter()
                filter.since = since
                filter.until = until
                let inside = turns.filter { turn in
                    (since.map { turn.received >= $0 } ?? true) && (until.map { turn.received < $0 } ?? true)
                }
                for dimension in [SpendDimension.developer, .session, .day, .month] {
                    check(try shop.reports.spend(by: [dimension], filter: filter), by: [dimension], inside)
                }
            }
        }
    }

    @Test func aRangeThatCutsAnHourIsWidenedAndSaysSo() throws {
        let shop = try Shop()
        let hour = Timestamp(seconds: 1_790_002_800)
        try shop.settle((0..<4).map { makeTurn(UInt64($0), at: hour.adding(seconds: Int64($0) * 1800)) })
        try shop.project()
        var filter = SpendFilter()
        filter.since = hour.adding(seconds: 600)
        filter.until = hour.adding(seconds: 3000)
        let report = try shop.reports.spend(by: [.model], filter: filter)
        #expect(report.total.turns == 2)
        #expect(report.since == hour.rfc3339 && report.until == hour.adding(seconds: 3600).rfc3339)
    }

    @Test func filtersAddUpToTheirTurns() throws {
        let shop = try Shop()
        let turns = randomTurns(400, seed: 13)
        try shop.settle(turns)
        try shop.project()
        let dimensions: [SpendDimension] = [.developer, .team, .repository, .model, .key]
        for dimension in dimensions {
            for value in Set(turns.map { dimension.label($0) }) {
                var filter = SpendFilter()
                switch dimension {
                case .developer: filter.developer = value
                case .team: filter.team = value
                case .repository: filter.repository = value
                case .model: filter.model = value
                default: filter.key = value
                }
                let inside = turns.filter { dimension.label($0) == value }
                check(try shop.reports.spend(by: [.agent, .session], filter: filter), by: [.agent, .session], inside)
            }
        }
    }

    @Test func theDearestComesFirstAndTimeRunsForward() throws {
        let shop = try Shop()
        try shop.settle(randomTurns(300, seed: 14))
        try shop.project()
        let costs = try shop.reports.spend(by: [.repository, .model], filter: SpendFilter()).rows.map(\.costNanoUSD)
        #expect(costs == costs.sorted(by: >))
        let days = try shop.reports.spend(by: [.day], filter: SpendFilter()).rows.map { $0.labels[0] }
        #expect(days == days.sorted())
    }

    @Test(arguments: [1, 2] as [UInt64]) func ratingAgainMovesEverySumByTheDifference(seed: UInt64) throws {
        let shop = try Shop()
        var turns = randomTurns(400, seed: 20 + seed)
        // After a crash nobody knows what was used, so no price mends it.
        turns[0].flags = [.unpriced, .recovered, .estimated]
        turns[0].usage = TokenUsage()
        turns[0].cost = .zero
        try shop.settle(turns)
        try shop.project()
        let unpriced = turns.filter { $0.flags.contains(.unpriced) }
        #expect(try shop.reports.unpriced().reduce(0) { $0 + $1.turns } == Int64(unpriced.count))
        func isPriced(_ turn: TurnRecord) -> Bool {
            turn.flags.contains(.unpriced) && turn.model != "o9" && turn.requestID != turns[0].requestID
        }
        let priced = try LedgerProjection.rerate(shop.ledger) { turn in
            turn.model == "o9" ? nil : RatedCost(cost: NanoUSD(turn.usage.input * 3), tries: [], version: "later")
        }
        for index in turns.indices where isPriced(turns[index]) {
            turns[index].cost = NanoUSD(turns[index].usage.input * 3)
            turns[index].flags.remove(.unpriced)
            turns[index].flags.insert(.rerated)
            turns[index].priceVersion = "later"
        }
        #expect(priced.values.reduce(0, +) == Int64(unpriced.count { isPriced($0) }))
        for dimension in SpendDimension.allCases {
            check(try shop.reports.spend(by: [dimension], filter: SpendFilter()), by: [dimension], turns)
        }
        let stored = try shop.reports.turns(filter: SpendFilter(), after: nil, limit: 1000).turns
        #expect(stored == turns.sorted { $0.requestID > $1.requestID })
        let sessions = try shop.reports.sessions(filter: SpendFilter(), after: nil, limit: 1000).sessions
        #expect(
            sessions.reduce(0) { $0 + $1.costNanoUSD }
                == turns.filter { $0.attribution.session != nil }.reduce(0) { $0 + $1.cost.value })
        // A second time there is nothing left to do, and the journal read anew changes nothing.
        let sums = try shop.sums()
        #expect(try LedgerProjection.rerate(shop.ledger) { _ in nil }.isEmpty)
        try LedgerProjection(shop.ledger).apply(shop.records())
        #expect(try shop.sums() == sums)
    }
}

/// What a report leaves out is summed up, and no range is read from more rows than it needs.
struct SpendLimitTests {
    @Test(
        arguments: [
            [.repository, .model], [.session], [.session, .model], [.developer, .hour], [.day], [.team, .month],
        ] as [[SpendDimension]])
    func theRestOfALongReportIsSummedUp(dimensions: [SpendDimension]) throws {
        let shop = try Shop()
        let turns = randomTurns(500, seed: 51)
        try shop.settle(turns)
        try shop.project()
        let whole = try shop.reports.spend(by: dimensions, filter: SpendFilter())
        #expect(whole.rest == nil && whole.total.measures == sum(turns))
        let cut = try shop.reports.spend(by: dimensions, filter: SpendFilter(), limit: 5)
        #expect(cut.rows.count == 5 && cut.total == whole.total)
        // The dearest, or the latest times; each row as it is in the whole.
        let times = dimensions.contains(where: { [.hour, .day, .month].contains($0) })
        #expect(cut.rows.allSatisfy { row in whole.rows.contains(row) })
        if !times, !dimensions.contains(.session) { #expect(cut.rows == Array(whole.rows.prefix(5))) }
        if dimensions == [.day] { #expect(cut.rows == Array(whole.rows.suffix(5))) }
        let rest = zip(
            sum(turns), cut.rows.map(\.measures).reduce(Array(repeating: 0, count: 10)) { zip($0, $1).map(+) }
        ).map(-)
        #expect(cut.rest?.measures == rest)
    }

    @Test func anEmptyLedgerHasEmptyReports() throws {
        let shop = try Shop()
        for dimension in SpendDimension.allCases {
            let report = try shop.reports.spend(by: [dimension], filter: SpendFilter())
            #expect(report.rows.isEmpty && report.total.turns == 0 && report.rest == nil)
        }
    }
}

/// Turns at the end of the integers: a ledger of an older version may hold them.
struct AbsurdSumTests {
    @Test func sumsStayAtTheEndOfTheIntegersAndReportsGoOn() throws {
        let shop = try Shop()
        let time = Timestamp(seconds: 1_790_000_000)
        for number in 0..<4 as Range<UInt64> {
            var turn = makeTurn(number, at: time, session: number < 3 ? "one" : "two")
            turn.cost = NanoUSD(.max)
            turn.usage.input = .max
            if number == 2 { turn.model = "gpt-5-mini" }
            try shop.settle([turn])
            // Each in a transaction of its own, so that the database adds them up.
            try shop.project()
        }
        let sessions = try shop.reports.sessions(filter: SpendFilter(), after: nil, limit: 10).sessions
        #expect(sessions.map(\.costNanoUSD) == [.max, .max] && sessions.map(\.inputTokens) == [.max, .max])
        for dimensions in [[.model], [.session], [.developer], [.day, .model]] as [[SpendDimension]] {
            let report = try shop.reports.spend(by: dimensions, filter: SpendFilter(), limit: 10)
            #expect(report.total.costNanoUSD == .max && report.rows.allSatisfy { $0.costNanoUSD == .max }, "\(dimensions)")
        }
        #expect(try shop.reports.unattributed(since: nil, until: nil).totalTurns == 4)
    }
}
