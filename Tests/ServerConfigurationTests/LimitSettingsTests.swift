// LimitSettingsTests: budgets and limits of the file are the rules that were meant, and what cannot be meant is a fault with its place.

import GatewayModel
import Policy
import ServerConfiguration
import Testing

@Suite struct LimitSettingsTests {
    private func read(_ text: String) throws -> [LimitRule] {
        try ConfigurationReader.read(text: text, file: "weir.yaml", environment: [:]).limitRules
    }

    @Test func aBudgetIsReadWhole() throws {
        let rules = try read(
            """
            budgets:
              - name: web
                for: {team: web, model: [gpt-*, o3]}
                except: {model: "*-mini", tag:purpose: batch}
                group_by: [developer, tag:ticket]
                usd: $1_000.50
                window: quarter
                zone: Europe/Berlin
                fiscal_start_month: 4
                mode: elastic
                when_used_up: stop_now
                on_exceed: route:gpt-5-mini
                alerts: [50, 90]
                contact: finance@acme.example
            """)
        var expected = LimitRule(id: "web", name: "web", limit: 1_000_500_000_000, unit: .nanoUSD, window: .quarter)
        expected.conditions = [
            LimitCondition(.model, any: ["gpt-*", "o3"], except: ["*-mini"]), LimitCondition(.tag("purpose"), except: ["batch"]),
            LimitCondition(.team, any: ["web"]),
        ]
        expected.groupBy = [.developer, .tag("ticket")]
        expected.zone = "Europe/Berlin"
        expected.fiscalStartMonth = 4
        expected.mode = .elastic
        expected.elastic = .stopNow
        expected.onExceed = .route(model: "gpt-5-mini")
        expected.thresholds = [50, 90]
        expected.contact = "finance@acme.example"
        #expect(rules == [expected])
    }

    @Test func aLimitIsReadWhole() throws {
        let rules = try read(
            """
            usage_limits:
              - {name: pace, limit: 1_200, unit: input_tokens, window: per minute, burst: 100, wait_milliseconds_max: 2000}
              - {name: at-once, limit: 8, unit: concurrent, group_by: [key]}
            """)
        #expect(rules.map(\.id) == ["pace", "at-once"] && rules[0].limit == 1200 && rules[0].burst == 100)
        #expect(rules[0].window == .rate(seconds: 60) && rules[0].waitMillisecondsMax == 2000 && rules[1].window == .none)
    }

    /// Text, the line of its one fault, and a word of it.
    private static let faults: [(String, Int, String)] = [
        ("budgets: {}\n", 1, "must be a list"), ("budgets:\n  - web\n", 2, "must be a mapping"),
        ("budgets:\n  - {usd: 1, window: day}\n", 2, "needs a name"), ("budgets:\n  - {name: a, window: day}\n", 2, "needs an amount"),
        ("budgets:\n  - {name: a, usd: 1}\n", 2, "needs a window"), ("budgets:\n  - {name: a, usd: much, window: day}\n", 2, "no amount"),
        ("budgets:\n  - {name: a, usd: 0.0000000001, window: day}\n", 2, "no amount"),
        ("budgets:\n  - {name: a, usd: 1, window: fortnight}\n", 2, "rolling 5h"),
        ("budgets:\n  - {name: a, usd: 1, window: day, limit: 3}\n", 2, "there is no setting"),
        ("budgets:\n  - {name: a, usd: 1, window: day, zone: Mars/Olympus}\n", 2, "Mars/Olympus"),
        ("budgets:\n  - {name: a, usd: 1, window: day, zone: ../../etc/passwd}\n", 2, "no time zone"),
        ("budgets:\n  - {name: a, usd: 1, window: day, for: {tema: web}}\n", 2, "tag:<name>"),
        ("budgets:\n  - {name: a, usd: 1, window: day, for: {team: []}}\n", 2, "a value or a list"),
        ("budgets:\n  - {name: a, usd: 1, window: day, group_by: [sesion]}\n", 2, "does not know"),
        ("budgets:\n  - {name: a, usd: 1, window: day, mode: soft}\n", 2, "strict, elastic, alert"),
        ("budgets:\n  - {name: a, usd: 1, window: day}\n  - {name: a, usd: 2, window: day}\n", 3, "two budgets or limits"),
        // These were left out, and no alert came.
        ("budgets:\n  - name: a\n    usd: 1\n    window: day\n    alerts: [\"50%\"]\n", 5, "cannot hold \"50%\""),
        ("budgets:\n  - name: a\n    usd: 1\n    window: day\n    alerts:\n      - 50\n      - half\n", 7, "alerts: [50, 80, 100]"),
        ("budgets:\n  - name: a\n    usd: 1\n    window: day\n    alerts: [50, 8000]\n", 5, "alerts: they are percentages"),
        ("usage_limits:\n  - {name: a, limit: 5, window: day}\n", 2, "needs a unit"),
        ("usage_limits:\n  - {name: a, limit: 5, unit: nano_usd, window: day}\n", 2, "unit cannot be"),
        ("usage_limits:\n  - {name: a, limit: 5.5, unit: requests, window: day}\n", 2, "whole number"),
        ("usage_limits:\n  - {name: a, limit: 5, unit: requests, window: day, mode: elastic}\n", 2, "one turn"),
        ("usage_limits:\n  - {name: a, limit: 5, unit: requests, window: day, wait_milliseconds_max: 100}\n", 2, "comes back soon"),
    ]

    @Test(arguments: faults.map(\.0))
    func aFaultIsToldWithItsPlaceAndItsMend(_ text: String) throws {
        let (_, line, word) = try #require(Self.faults.first { $0.0 == text })
        do {
            _ = try read(text)
            Issue.record("no fault: \(text)")
        } catch let faults as ConfigurationFaults {
            #expect(faults.faults.count == 1 && faults.faults[0].line == line, "\(faults.faults)")
            #expect("\(faults.faults[0])".contains(word), "\(faults.faults[0])")
        }
    }

    @Test(arguments: ["100", "$0.50", "1_000.00", "0"]) func moneyIsExact(_ text: String) throws {
        let known: [String: Int64] = ["100": 100_000_000_000, "$0.50": 500_000_000, "1_000.00": 1_000_000_000_000, "0": 0]
        #expect(nanoUSD(text) == known[text])
    }

    @Test(arguments: ["-1", "", "one", "1e99", "0.00000000001"]) func whatIsNoMoneyIsNone(_ text: String) { #expect(nanoUSD(text) == nil) }
}
