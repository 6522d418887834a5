// ProjectionTests: the ledger is a projection: the same records may come again from any earlier place, and no sum moves.

import GRDB
import GatewayModel
import Journal
import Reports
import Storage
import Testing

struct ProjectionTests {
    @Test(arguments: [1, 2, 3] as [UInt64]) func recordsThatComeAgainMoveNoSum(seed: UInt64) throws {
        let shop = try Shop()
        try shop.settle(randomTurns(400, seed: seed))
        try shop.project()
        let sums = try shop.sums()
        let records = shop.records()
        var generator = SeededGenerator(seed: seed &+ 100)
        for _ in 0..<12 {
            // From a random earlier cursor, in batches of a random size, by a projection that knows nothing.
            let start = Int(generator.next() % UInt64(records.count))
            let end = start + 1 + Int(generator.next() % UInt64(records.count - start))
            let projection = try LedgerProjection(shop.ledger)
            var next = start
            while next < end {
                let stop = min(end, next + 1 + Int(generator.next() % 150))
                try projection.apply(Array(records[next..<stop]))
                next = stop
            }
        }
        #expect(try shop.sums() == sums)
    }

    @Test func batchesOfEverySizeGiveTheSameLedger() throws {
        var found: [[String: [String]]] = []
        for batch in [1, 17, 1000] {
            let shop = try Shop()
            try shop.settle(randomTurns(200, seed: 9))
            try shop.project(batch: batch)
            found.append(try shop.sums())
        }
        for table in found[0].keys {
            #expect(found[0][table] == found[1][table] && found[1][table] == found[2][table], "\(table)")
        }
    }

    @Test func theCursorGoesWithWhatItCovers() throws {
        let shop = try Shop()
        try shop.settle(randomTurns(30, seed: 4))
        let projection = try LedgerProjection(shop.ledger)
        let records = shop.records()
        try projection.apply(Array(records[..<10]))
        #expect(try LedgerProjection(shop.ledger).cursor == records[9].position)
        // A batch that fails leaves neither rows nor a cursor, and its ids are given out anew.
        try shop.ledger.write { try $0.execute(sql: "ALTER TABLE usage_month RENAME TO away") }
        #expect(throws: DatabaseError.self) { try projection.apply(Array(records[10...])) }
        #expect(projection.cursor == records[9].position)
        try shop.ledger.write { try $0.execute(sql: "ALTER TABLE away RENAME TO usage_month") }
        try projection.apply(Array(records[10...]))
        #expect(try LedgerProjection(shop.ledger).cursor == records[29].position)
        #expect(try shop.reports.spend(by: [.model], filter: SpendFilter()).total.turns == 30)
    }

    @Test func refusedTurnsAreListedAndNotCounted() throws {
        let shop = try Shop()
        var refused = makeTurn(1, at: FixedClock().now())
        refused.status = 403
        refused.errorClass = "model_not_allowed"
        _ = try shop.journal.turnRefused(refused)
        try shop.project()
        #expect(try shop.reports.turns(filter: SpendFilter(), after: nil, limit: 10).turns == [refused])
        #expect(try shop.reports.spend(by: [.developer], filter: SpendFilter()).total.turns == 0)
    }

    @Test func aKeyWasLastUsedInTheMinuteOfItsLatestTurn() throws {
        let shop = try Shop()
        let time = Timestamp(seconds: 1_790_000_030)
        try shop.settle([
            makeTurn(1, at: time), makeTurn(2, at: time.adding(seconds: 130)),
            makeTurn(3, at: time.adding(seconds: -900)),
        ])
        try shop.project(batch: 1)
        #expect(try shop.reports.keyUse() == ["k000000001": Timestamp(seconds: 1_790_000_160 / 60 * 60)])
    }

    @Test func aStoredResponseBelongsToWhoMadeIt() throws {
        let shop = try Shop()
        var turn = makeTurn(1, at: FixedClock().now())
        turn.endpoint = .responses
        turn.responseID = "resp_1"
        var chat = makeTurn(2, at: FixedClock().now())
        chat.responseID = "chatcmpl-1"
        // A second claim of an id does not move it.
        var thief = makeTurn(3, at: FixedClock().now(), key: "k000000002")
        thief.endpoint = .responses
        thief.responseID = "resp_1"
        try shop.settle([turn, chat, thief])
        try shop.project()
        #expect(try shop.reports.responseTurn("resp_1") == turn)
        #expect(try shop.reports.responseTurn("chatcmpl-1") == nil)
        #expect(try shop.reports.responseTurn("resp_2") == nil)
    }

    @Test func retentionDropsTurnsAndKeepsSums() throws {
        let shop = try Shop()
        var turns = randomTurns(300, seed: 5)
        turns[0].endpoint = .responses
        turns[0].responseID = "resp_old"
        turns[0].received = Timestamp(seconds: 1_785_500_001)
        try shop.settle(turns)
        try shop.project()
        // But for turns without a price: they can get none any more.
        func sums() throws -> [String: [String]] { try shop.sums().filter { $0.key != "unpriced_model" } }
        let before = try sums()
        #expect(try LedgerProjection.dropTurns(shop.ledger, before: "2026_10") == ["2026_07", "2026_08", "2026_09"])
        #expect(try LedgerProjection.dropTurns(shop.ledger, before: "2026_10").isEmpty)
        #expect(try sums() == before)
        let left = try shop.reports.turns(filter: SpendFilter(), after: nil, limit: 1000).turns
        #expect(left.count == turns.count { $0.received >= Timestamp(seconds: 1_790_812_800) } && !left.isEmpty)
        #expect(try shop.reports.responseTurn("resp_old") == nil)
        #expect(try shop.reports.turn(turns[0].requestID) == nil)
        // The journal may hold more than the ledger keeps: what is read anew is not counted anew.
        try LedgerProjection(shop.ledger).apply(shop.records())
        #expect(try sums() == before)
    }

    @Test func nobodyIsAskedForThePriceOfTurnsThatRetentionDropped() throws {
        let shop = try Shop()
        for (number, seconds) in [(1, 1_785_500_001), (2, 1_793_880_000)] as [(UInt64, Int64)] {
            var turn = makeTurn(number, at: Timestamp(seconds: seconds))
            turn.model = "m\(number)"
            turn.flags.insert(.unpriced)
            try shop.settle([turn])
        }
        try shop.project()
        #expect(try shop.reports.unpriced().map(\.deployment).sorted() == ["openai/m1", "openai/m2"])
        _ = try LedgerProjection.dropTurns(shop.ledger, before: "2026_10")
        #expect(try shop.reports.unpriced().map(\.deployment) == ["openai/m2"])
    }
}
