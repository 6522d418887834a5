// TurnListTests: lists of turns: filters find refused turns as they find settled ones, and pages of a session go on to its end.

import GatewayModel
import Journal
import Reports
import Storage
import Testing

struct TurnListTests {
    /// Refused turns have no labels in the ledger, and a list with any filter left them out.
    @Test func filtersFindRefusedTurnsToo() throws {
        let shop = try Shop()
        var turns = randomTurns(300, seed: 71)
        for index in turns.indices {
            guard index % 3 == 0 else {
                _ = try shop.journal.turnSettled(turns[index])
                continue
            }
            turns[index].status = 429
            turns[index].errorClass = "limit_exceeded"
            turns[index].cost = .zero
            turns[index].flags = []
            if index % 2 == 0 {
                // Refused before a model was chosen.
                (turns[index].provider, turns[index].model, turns[index].modelAsked) = ("", "", "o9")
            }
            _ = try shop.journal.turnRefused(turns[index])
        }
        try shop.project()
        let repository = "github.com/acme/r1"
        let asked: [(ask: (inout SpendFilter) -> Void, holds: (TurnRecord) -> Bool)] = [
            ({ $0.developer = "dev2" }, { $0.principal.developer == "dev2" }),
            ({ $0.developer = "ci" }, { $0.principal.serviceAccount == "ci" }),
            ({ $0.team = "core" }, { $0.principal.team == "core" }),
            ({ $0.repository = repository }, { $0.attribution.repository?.value == repository }),
            ({ $0.model = "o9" }, { $0.model == "o9" || $0.model.isEmpty }),
            ({ $0.model = "gpt-5-mini" }, { $0.model == "gpt-5-mini" }),
            ({ $0.key = "k000000003" }, { $0.principal.keyID == "k000000003" }),
            ({ $0.key = "nobody" }, { _ in false }), ({ _ in }, { _ in true }),
        ]
        for (ask, holds) in asked {
            var filter = SpendFilter()
            ask(&filter)
            for since in [nil, Timestamp(rfc3339: "2026-10-03T04:05:06.5Z")] {
                filter.since = since
                let wanted = turns.filter { turn in holds(turn) && since.map { turn.received >= $0 } ?? true }
                    .sorted { $0.requestID > $1.requestID }
                #expect(filter.key == "nobody" || wanted.contains(where: { $0.status == 429 }))
                #expect(try shop.reports.turns(filter: filter, after: nil, limit: 1000).turns == wanted, "\(filter)")
                #expect(try pages(shop, filter, limit: 7) == wanted.map(\.requestID), "\(filter)")
            }
        }
    }

    /// All that the pages hold; each but the last is full.
    private func pages(_ shop: Shop, _ filter: SpendFilter, limit: Int) throws -> [RequestID] {
        var seen: [RequestID] = []
        var after: RequestID?
        repeat {
            let page = try shop.reports.turns(filter: filter, after: after, limit: limit)
            #expect(page.turns.count == limit || page.next == nil)
            seen += page.turns.map(\.requestID)
            after = page.next
        } while after != nil
        return seen
    }

    /// Of a session of more than a thousand turns the first thousand were all that anybody could see.
    @Test(arguments: [1, 5, 6, 30, 31]) func theTurnsOfASessionAreReadToItsEnd(limit: Int) throws {
        let shop = try Shop()
        // Over the end of a month, under two keys.
        let start = Timestamp(seconds: 1_793_491_200 - 15 * 60)
        let turns = (0..<30 as Range<UInt64>).map { number in
            makeTurn(number, at: start.adding(seconds: Int64(number) * 60), session: "s", key: "k00000000\(number % 2)")
        }
        try shop.settle(turns + [makeTurn(90, at: start, session: "other"), makeTurn(91, at: start)])
        try shop.project()
        var seen: [TurnRecord] = []
        var after: RequestID?
        repeat {
            let page = try shop.reports.turns(ofSession: "s", after: after, limit: limit)
            #expect(page.turns.count == limit || page.next == nil)
            seen += page.turns
            after = page.next
            #expect(seen.count <= turns.count)
        } while after != nil && seen.count < 100
        #expect(seen == turns)
        #expect(try shop.reports.turns(ofSession: "nobody", limit: limit).turns.isEmpty)
    }

    @Test(arguments: ["", "1", "1.", ".2", "1.2.3", "a.b", "1.2 "]) func whatIsNoPlaceInTheListIsNoCursor(text: String) {
        #expect(SessionCursor(text) == nil)
    }

    @Test func aCursorIsReadAsItWasWritten() {
        let cursor = SessionCursor(lastNanoseconds: 1_790_000_000_123_456_789, id: 42)
        #expect(SessionCursor(cursor.description) == cursor)
    }
}
