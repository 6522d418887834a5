// What clients say is joined to turns by request id, before or after them, once; and it moves no sum.

import GRDB
import GatewayModel
import Journal
import Reports
import Storage
import Testing

private let noon = Timestamp(seconds: 1_790_000_000)

private func claudeTurn(_ number: UInt64, upstream: String?, session: String? = "s-1", key: String = "k000000001") -> TurnRecord {
    var turn = makeTurn(number, at: noon.adding(seconds: Int64(number)), session: session, key: key)
    turn.attribution.client = "claude-code"
    turn.attribution.clientVersion = "2.1.330"
    turn.upstreamRequestID = upstream
    turn.usage.output = 5
    turn.usage.cacheRead = 100
    return turn
}

private func call(_ id: String, session: String? = "s-1", cost: Int64? = 7) -> ClientCall {
    var call = ClientCall()
    call.requestID = id
    call.session = session
    call.success = true
    call.input = 10
    call.output = 5
    call.cacheRead = 100
    call.cost = cost.map { NanoUSD($0) }
    return call
}

private func report(
    _ calls: [ClientCall], tools: [ClientTool] = [], after seconds: Int64 = 60, key: String = "k000000001", client: String = "claude-code"
) -> ClientReport {
    var report = ClientReport(
        principal: Principal(keyID: key, workspace: "default", team: "web", developer: "maria"), client: client,
        clientVersion: "2.1.330", received: noon.adding(seconds: seconds))
    report.calls = calls
    report.tools = tools
    return report
}

private func tool(_ id: String, _ name: String?, success: Bool?, milliseconds: Int64? = 20) -> ClientTool {
    var tool = ClientTool()
    tool.callID = id
    tool.name = name
    tool.session = "s-1"
    tool.success = success
    tool.durationMilliseconds = milliseconds
    return tool
}

extension Shop {
    /// Both tables of what clients say, as text.
    fileprivate func said() throws -> [[String]] {
        try ledger.read { database in
            try ["client_report", "client_tool"].map { table in
                try Row.fetchAll(database, sql: "SELECT * FROM \(table)").map { "\($0)" }.sorted()
            }
        }
    }
}

@Suite struct ClientReportTests {
    @Test func aCallIsJoinedByTheProvidersIDByWeirsAndByTheResponses() throws {
        let shop = try Shop()
        var response = claudeTurn(3, upstream: nil)
        response.responseID = "chatcmpl-3"
        let turns = [claudeTurn(1, upstream: "req_1"), claudeTurn(2, upstream: nil), response]
        try shop.settle(turns)
        try shop.journal.clientReported(report([call("req_1"), call(turns[1].requestID.description), call("chatcmpl-3")]))
        try shop.project()
        for turn in turns {
            let says = try #require(try shop.reports.clientSays(of: turn))
            #expect(says.difference.isZero && says.client == "claude-code" && says.costNanoUSD == 7)
        }
        let found = try shop.reports.telemetry(since: nil)
        #expect(found.rows.map(\.turns) == [3] && found.rows.map(\.missed) == [0] && found.missed.isEmpty)
        #expect(found.rows.map(\.clientCostNanoUSD) == [21] && found.rows.map(\.weirCostNanoUSD) == [21])
        #expect(found.coverage.map { [$0.turns, $0.withReport, $0.withoutReport] } == [[3, 3, 0]])
    }

    @Test(arguments: [1, 2, 100]) func aReportMayComeBeforeItsTurn(batch: Int) throws {
        let shop = try Shop()
        try shop.journal.clientReported(report([call("req_1")]))
        try shop.settle([claudeTurn(1, upstream: "req_1"), claudeTurn(2, upstream: "req_2")])
        try shop.project(batch: batch)
        let found = try shop.reports.telemetry(since: nil)
        #expect(found.rows.map(\.turns) == [1] && found.rows.map(\.missed) == [0])
        #expect(found.coverage.map(\.withoutReport) == [1])
    }

    @Test func aReportBeforeItsTurnIsJoinedAcrossARestart() throws {
        let shop = try Shop()
        try shop.journal.clientReported(report([call("req_1")]))
        try shop.project()
        // Another projection knows only what the ledger holds.
        try shop.settle([claudeTurn(1, upstream: "req_1")])
        try shop.project()
        #expect(try shop.reports.telemetry(since: nil).rows.map(\.turns) == [1])
    }

    @Test func whatClientsSayMovesNoSum() throws {
        let silent = try Shop()
        let spoken = try Shop()
        let turns = (1...20).map { claudeTurn(UInt64($0), upstream: "req_\($0)") }
        try silent.settle(turns)
        try spoken.settle(turns)
        for number in 1...40 {
            try spoken.journal.clientReported(
                report([call("req_\(number)", cost: 1_000_000)], tools: [tool("t\(number)", "Bash", success: true)]))
        }
        try silent.project()
        try spoken.project()
        #expect(try spoken.sums() == silent.sums())
        let filter = SpendFilter()
        #expect(
            try spoken.reports.spend(by: [.developer, .client], filter: filter).total
                == silent.reports.spend(by: [.developer, .client], filter: filter).total)
    }

    @Test func recordsThatComeAgainChangeNothing() throws {
        let shop = try Shop()
        try shop.settle((1...5).map { claudeTurn(UInt64($0), upstream: "req_\($0)") })
        // A log record, then a span of the same call and tool, which fills what is open.
        var log = call("req_2")
        log.prompt = "p-1"
        var span = call("req_2", cost: nil)
        span.attempt = 1
        try shop.journal.clientReported(report([log, call("req_9")], tools: [tool("t1", "Bash", success: nil, milliseconds: nil)]))
        try shop.journal.clientReported(report([span], tools: [tool("t1", nil, success: false)], after: 61))
        try shop.project()
        let said = try shop.said()
        let records = shop.records()
        for start in 0..<records.count { try LedgerProjection(shop.ledger).apply(Array(records[start...])) }
        #expect(try shop.said() == said)
        let says = try #require(try shop.reports.clientSays(of: claudeTurn(2, upstream: "req_2")))
        #expect(says.prompt == "p-1" && says.attempt == 1 && says.costNanoUSD == 7)
        #expect(
            try shop.reports.tools(ofSession: "s-1").map { [$0.name, "\($0.calls)", "\($0.failures)", "\($0.durationMilliseconds)"] }
                == [["Bash", "1", "1", "20"]])
    }

    @Test func aCallThatWeirNeverSawIsALeakWithItsSessionAndDeveloper() throws {
        let shop = try Shop()
        try shop.settle([claudeTurn(1, upstream: "req_1")])
        try shop.journal.clientReported(report([call("req_1"), call("req_other", session: "s-2", cost: 90), call("~1.2")]))
        try shop.project()
        let found = try shop.reports.telemetry(since: nil)
        #expect(found.rows.map(\.missed) == [1] && found.rows.map(\.unnamed) == [1] && found.rows.map(\.missedCostNanoUSD) == [90])
        let missed = try #require(found.missed.first)
        #expect((missed.developer, missed.session, missed.calls, missed.costNanoUSD) == ("maria", "s-2", 1, 90))
        #expect(found.missed.count == 1)
    }

    @Test func aClientSpeaksOnlyOfItsOwnKeysTurns() throws {
        let shop = try Shop()
        let turn = claudeTurn(1, upstream: "req_1", key: "k000000002")
        try shop.settle([turn])
        try shop.journal.clientReported(report([call("req_1"), call(turn.requestID.description)]))
        try shop.project()
        #expect(try shop.reports.clientSays(of: turn) == nil)
        #expect(try shop.reports.telemetry(since: nil).rows.map(\.missed) == [2])
    }

    @Test func aTurnThatIsSpokenOfByTwoIDsIsOneTurn() throws {
        let shop = try Shop()
        var turn = claudeTurn(1, upstream: "req_1")
        turn.responseID = "msg_1"
        try shop.settle([turn])
        try shop.journal.clientReported(report([call("req_1"), call("msg_1")]))
        try shop.project()
        let row = try #require(try shop.reports.telemetry(since: nil).rows.first)
        #expect((row.turns, row.clientCostNanoUSD, row.weirCostNanoUSD, row.missed) == (1, 7, 7, 0))
    }

    @Test func aClientWithoutASessionIsJoinedToo() throws {
        let shop = try Shop()
        try shop.settle((1...30).map { claudeTurn(UInt64($0), upstream: "req_\($0)", session: nil) })
        try shop.journal.clientReported(report([call("req_7", session: nil)], client: "shop-bot"))
        try shop.project()
        let found = try shop.reports.telemetry(since: nil)
        #expect(found.rows.map(\.client) == ["shop-bot"] && found.rows.map(\.turns) == [1])
        #expect(found.coverage.map { [$0.turns, $0.withReport, $0.withoutReport] } == [[30, 1, 29]])
    }

    @Test func wholeInputIsHeldAgainstWholeInput() throws {
        let shop = try Shop()
        let turn = claudeTurn(1, upstream: "req_1")
        try shop.settle([turn])
        var whole = call("req_1", cost: 10)
        whole.input = 111
        whole.inputIsWhole = true
        try shop.journal.clientReported(report([whole]))
        try shop.project()
        let difference = try #require(try shop.reports.clientSays(of: turn)?.difference)
        #expect((difference.input, difference.output, difference.costNanoUSD) == (1, 0, 3))
    }

    @Test func aRangeTakesTheTurnsThatLieInIt() throws {
        let shop = try Shop()
        try shop.settle([claudeTurn(1, upstream: "req_1"), claudeTurn(7200, upstream: "req_2")])
        try shop.journal.clientReported(report([call("req_1")]))
        try shop.journal.clientReported(report([call("req_2")], after: 7201))
        try shop.project()
        let found = try shop.reports.telemetry(since: noon.adding(seconds: 7200))
        #expect(found.rows.map(\.turns) == [1] && found.coverage.map(\.turns) == [1])
    }

    @Test func whatWasSaidGoesWithItsMonthsTurnsAndStaysAway() throws {
        let shop = try Shop()
        try shop.settle([claudeTurn(1, upstream: "req_1")])
        try shop.journal.clientReported(report([call("req_1")], tools: [tool("t1", "Bash", success: true)]))
        try shop.project()
        _ = try LedgerProjection.dropTurns(shop.ledger, before: "2099_01")
        #expect(try shop.said() == [[], []])
        try LedgerProjection(shop.ledger).apply(shop.records())
        #expect(try shop.said() == [[], []])
    }
}
