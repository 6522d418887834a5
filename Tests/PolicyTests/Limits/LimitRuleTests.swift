// Rules: as JSON, and what is wrong with them said with field and mend.

import Foundation
import GatewayModel
import Policy
import Testing

@Suite struct LimitRuleTests {
    @Test func aRuleIsReadWithItsDefaultsAndWrittenBack() throws {
        let text = """
            {"id":"team-month","limit":25000000000,"unit":"nano_usd","window":"month","zone":"Europe/Berlin","mode":"elastic",
             "conditions":[{"on":"team","any":["shop"]},{"on":"model","except":["*haiku*"]},{"on":"tag:env","any":["prod"]}],
             "group_by":["developer"],"on_exceed":"route:claude-haiku-5-5"}
            """
        let rule = try JSONDecoder().decode(LimitRule.self, from: Data(text.utf8))
        #expect(rule.name == "team-month" && rule.window == .month && rule.elastic == .finishBlock && rule.thresholds == [50, 80, 100])
        #expect(rule.onExceed == .route(model: "claude-haiku-5-5") && rule.conditions[2].on == .tag("env"))
        #expect(try JSONDecoder().decode(LimitRule.self, from: JSONEncoder().encode(rule)) == rule)
        #expect(rule.fault { $0 == "Europe/Berlin" } == nil)
    }

    @Test(arguments: [
        ("day", LimitWindow.day), ("rolling 5h", .rolling(seconds: 18_000)), ("rolling 90s", .rolling(seconds: 90)),
        ("rolling 30d", .rolling(seconds: 2_592_000)), ("per minute", .rate(seconds: 60)), ("per day", .rate(seconds: 86_400)),
        ("none", LimitWindow.none), ("quarter", .quarter),
    ])
    func aWindowIsWrittenAsItIsRead(_ text: String, _ window: LimitWindow) {
        #expect(LimitWindow(text) == window && window.description == text)
    }

    @Test(arguments: ["", "rolling", "rolling 5", "rolling -5h", "rolling 99999999999999999999d", "per second", "Month"])
    func whatIsNoWindowIsRefused(_ text: String) { #expect(LimitWindow(text) == nil) }

    @Test(
        arguments: [
            ("limit", { @Sendable (rule: inout LimitRule) in rule.limit = -1 }), ("zone", { $0.zone = "Mars/Olympus" }),
            ("fiscal_start_month", { $0.fiscalStartMonth = 13 }), ("id", { $0.id = "" }),
            ("conditions", { $0.conditions = [LimitCondition(.team)] }), ("group_by", { $0.groupBy = [.team, .team] }),
            ("group_by", { $0.groupBy = [.session, .team, .model, .agent] }), ("window", { $0.unit = .concurrent }),
            ("window", { $0.window = .rolling(seconds: 5) }), ("burst", { $0.burst = 5 }),
            (
                "mode",
                {
                    $0.unit = .requests
                    $0.mode = .elastic
                }
            ),
            (
                "mode",
                {
                    $0.window = .rate(seconds: 60)
                    $0.mode = .elastic
                }
            ),
            ("wait_milliseconds_max", { $0.waitMillisecondsMax = 100 }), ("thresholds", { $0.thresholds = [0] }),
            ("idle_seconds_max", { $0.idleSecondsMax = 7200 }),
        ] as [(String, @Sendable (inout LimitRule) -> Void)])
    func aFaultNamesItsFieldAndTheMend(_ field: String, _ change: @Sendable (inout LimitRule) -> Void) {
        var rule = LimitRule(id: "r", name: "r", limit: 10, unit: .nanoUSD, window: .month)
        change(&rule)
        let fault = rule.fault { $0 == "UTC" }
        #expect(fault?.field == field && fault?.mend.isEmpty == false)
        #expect(throws: LimitFault.self) { try LimitBook([rule]) { _ in nil } }
    }

    @Test(arguments: ["*", "**", "a*", "*a", "*a*", "a", "a*b", "*sonnet*", "github.com/acme/*", "ä*", "*ä"])
    func aConditionMatchesAsAKeysPatternsDo(_ pattern: String) throws {
        var rule = LimitRule(id: "r", name: "r", limit: 0, unit: .requests, window: .none)
        rule.conditions = [LimitCondition(.model, any: [pattern])]
        let book = try LimitBook([rule]) { _ in nil }
        let ledger = LimitLedger(seed: 1)
        for text in [
            "", "a", "ab", "ba", "bab", "b", "a*b", "axb", "claude-sonnet-5", "sonnet", "github.com/acme/x", "github.com/acme", "ä",
        ] {
            var facts = TurnFacts()
            facts.model = text
            let demand = LimitDemand(whole: .zero, first: .zero, estimate: .zero, overshoot: .zero)
            let isHeld = !ledger.explain(facts, demand, under: book, at: Timestamp(seconds: 0)).isEmpty
            #expect(isHeld == KeyAccess.matches(pattern, text), "\(pattern) and \(text)")
        }
    }

    @Test func twoRulesOfOneIdAreRefused() {
        let rule = LimitRule(id: "r", name: "r", limit: 10, unit: .nanoUSD, window: .month)
        #expect(throws: LimitFault.self) { try LimitBook([rule, rule]) { _ in nil } }
    }

    @Test func theMostSpecificRuleStandsFirst() throws {
        func rule(_ id: String, _ on: LimitDimension) -> LimitRule {
            var rule = LimitRule(id: id, name: id, limit: 1, unit: .nanoUSD, window: .month)
            rule.groupBy = [on]
            return rule
        }
        let book = try LimitBook([
            rule("w", .workspace), rule("t", .team), rule("s", .session), rule("m", .model), rule("k", .key), rule("tag", .tag("env")),
        ]) { _ in nil }
        #expect(book.rules.map(\.id) == ["s", "k", "tag", "t", "m", "w"])
    }

    @Test func restoringSetsAndReplayingCountsARecordOnce() throws {
        typealias T = LimitLedgerTests
        let book = try T.book(T.rule("all", 1000), T.rule("five", 1000, .nanoUSD, .rolling(seconds: 18_000)))
        let first = LimitLedger(seed: 1)
        for version in UInt64(1)...5 {
            first.replay(T.facts(), T.cost(10), admitted: T.now, version: version, under: book, at: T.now)
        }
        let stored = first.counters(under: book, at: T.now).counters
        let second = LimitLedger(seed: 2)
        for _ in 0..<3 { #expect(second.restore(stored, under: book).isEmpty) }
        #expect(second.counters(under: book, at: T.now).counters.map(\.posted) == [50, 50])
        for version in [UInt64(3), 5, 6, 6] {
            second.replay(T.facts(), T.cost(10), admitted: T.now, version: version, under: book, at: T.now)
        }
        #expect(second.counters(under: book, at: T.now).counters.map(\.posted) == [60, 60])
        let daily = try T.book(T.rule("all", 1000, .nanoUSD, .day))
        #expect(LimitLedger(seed: 3).restore(stored, under: daily).count == 2, "another window is not restored into")
    }
}
