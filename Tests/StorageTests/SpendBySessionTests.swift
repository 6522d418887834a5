// SpendBySessionTests: a report by session has the dearest of its range, or those of the latest times, whatever sessions cost in all.

import GatewayModel
import Journal
import Reports
import Storage
import Testing

struct SpendBySessionTests {
    /// 2026-11-02T00:00:00Z.
    private let day = Timestamp(seconds: 1_793_577_600)

    private func turn(
        _ number: UInt64, _ session: String, _ cost: Int64, at time: Timestamp, key: String = "k000000001"
    ) -> TurnRecord {
        var turn = makeTurn(number, at: time, session: session, key: key)
        turn.cost = NanoUSD(cost)
        return turn
    }

    /// Reports hid them behind sessions that were dear before the range began. With many sessions outside of the range those that may
    /// belong to the report are looked up, with few all are read.
    @Test(arguments: [0, 60] as [UInt64]) func sessionsThatAreDearInTheRangeAreNotHiddenByThoseThatWereDearBefore(outside: UInt64) throws {
        let shop = try Shop()
        var turns = [turn(1, "short", 50, at: day.adding(seconds: 60)), turn(2, "brief", 40, at: day.adding(seconds: 90))]
        for number in 0..<8 as Range<UInt64> {
            let (name, cost) = ("long-\(number)", 1000 + Int64(number))
            turns.append(turn(10 + number, name, cost, at: day.adding(seconds: -7200)))
            turns.append(turn(30 + number, name, 1, at: day.adding(seconds: 120)))
        }
        for number in 0..<outside {
            turns.append(turn(100 + number, "past-\(number)", 5, at: day.adding(seconds: -86_400)))
        }
        try shop.settle(turns)
        try shop.project()
        var filter = SpendFilter()
        filter.since = day
        let report = try shop.reports.spend(by: [.session], filter: filter, limit: 2)
        #expect(report.rows.map(\.labels) == [["short"], ["brief"]])
        #expect(report.rows.map(\.costNanoUSD) == [50, 40] && report.total.costNanoUSD == 98)
    }

    @Test func aNameThatSeveralKeysUseIsWeighedByWhatAllItsSessionsCost() throws {
        let shop = try Shop()
        var turns: [TurnRecord] = []
        for number in 0..<4 as Range<UInt64> {
            turns.append(turn(number, "own-\(number)", 10 - Int64(number), at: day))
            turns.append(turn(10 + number, "shared", 5, at: day, key: "k00000000\(number)"))
        }
        try shop.settle(turns)
        try shop.project()
        let report = try shop.reports.spend(by: [.session], filter: SpendFilter(), limit: 1)
        #expect(report.rows.map(\.labels) == [["shared"]] && report.rows.map(\.costNanoUSD) == [20])
    }

    /// Sessions that were dear long ago stood in the place of the latest; and of one time the dearest are given, not those that were
    /// there last.
    @Test(arguments: [.hour, .day, .month] as [SpendDimension], [0, 60] as [UInt64])
    func byTimeTheLatestAreGivenAndNotTheSessionsThatCostMost(time: SpendDimension, earlier: UInt64) throws {
        let shop = try Shop()
        var turns: [TurnRecord] = []
        for number in 0..<6 as Range<UInt64> {
            turns.append(turn(number, "dear-\(number)", 1_000_000, at: day.adding(seconds: -40 * 86_400)))
            let late = day.adding(seconds: 60 * Int64(number))
            turns.append(turn(20 + number, "late-\(number)", 60 - 10 * Int64(number), at: late))
        }
        for number in 0..<earlier {
            turns.append(turn(100 + number, "past-\(number)", 500_000, at: day.adding(seconds: -50 * 86_400)))
        }
        try shop.settle(turns)
        try shop.project()
        let report = try shop.reports.spend(by: [.session, time], filter: SpendFilter(), limit: 2)
        #expect(Set(report.rows.map { $0.labels[0] }) == ["late-0", "late-1"])
        #expect(report.rows.allSatisfy { day.rfc3339.hasPrefix($0.labels[1]) })
    }

    @Test(arguments: [61, 62] as [UInt64], [false, true]) func aShortReportIsTheBeginningOfTheWhole(seed: UInt64, isShared: Bool) throws {
        let shop = try Shop()
        var turns = randomTurns(600, seed: seed)
        if !isShared {
            for index in turns.indices {
                guard let session = turns[index].attribution.session else { continue }
                turns[index].attribution.session = Label("\(turns[index].principal.keyID)-\(session.value)", .agent)
            }
        }
        try shop.settle(turns)
        try shop.project()
        var generator = SeededGenerator(seed: seed)
        for dimensions in [[.session], [.session, .model], [.session, .hour], [.day, .session], [.month, .session, .team]]
            as [[SpendDimension]]
        {
            for _ in 0..<4 {
                var filter = SpendFilter()
                let ends = [generator.pick(turns).received, generator.pick(turns).received].sorted()
                if generator.number(0...2) > 0 { filter.since = ends[0] }
                if generator.number(0...2) > 0 { filter.until = ends[1] }
                let whole = try shop.reports.spend(by: dimensions, filter: filter, limit: Reports.spendRowsMax)
                for limit in [1, 3, 10] {
                    let cut = try shop.reports.spend(by: dimensions, filter: filter, limit: limit)
                    let wanted = ranked(whole.rows, dimensions).prefix(limit)
                    #expect(ranked(cut.rows, dimensions) == Array(wanted), "\(dimensions) \(filter) \(limit)")
                    #expect(cut.total == whole.total)
                }
            }
        }
    }

    /// Time and cost of rows: the latest first, and of one time the dearest first.
    private func ranked(_ rows: [SpendRow], _ dimensions: [SpendDimension]) -> [String] {
        let place = dimensions.firstIndex { [.hour, .day, .month].contains($0) }
        let keys = rows.map { row in (time: place.map { row.labels[$0] } ?? "", cost: row.costNanoUSD) }
        return keys.sorted { ($0.time, $0.cost) > ($1.time, $1.cost) }.map { "\($0.time) \($0.cost)" }
    }
}
