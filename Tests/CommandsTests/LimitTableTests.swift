// LimitTableTests: budgets and limits as people read them.

import AdminAPI
import Commands
import Foundation
import GatewayModel
import Policy
import ServerConfiguration
import Testing

@Suite struct LimitTableTests {
    private func views() -> [LimitView] {
        var web = LimitRule(id: "web-monthly", name: "web-monthly", limit: 500_000_000_000, unit: .nanoUSD, window: .month)
        web.conditions = [LimitCondition(.team, any: ["web"]), LimitCondition(.model, except: ["*-mini"])]
        web.zone = "Europe/Berlin"
        web.groupBy = [.developer]
        let pace = LimitRule(id: "pace", name: "pace", limit: 60, unit: .requests, window: .rate(seconds: 60))
        func counter(_ who: [String], _ used: Int64, _ limit: Int64) -> LimitCounterView {
            LimitCounterView(
                group: who, used: used, reserved: 120_000_000, limit: limit, granted: 0, windowStart: "2026-10-31T23:00:00Z",
                resets: "2026-11-30T23:00:00Z")
        }
        return [
            LimitView(
                rule: web, declaredIn: "configuration", state: "enforced",
                counters: [counter(["maria"], 412_340_000_000, 500_000_000_000), counter([""], 1_000_000, 500_000_000_000)]),
            LimitView(rule: pace, declaredIn: "store", state: "counting", counters: []),
        ]
    }

    @Test(arguments: [80, 160]) func rulesFitTheTerminal(_ width: Int) throws {
        let text = limitTable(views()).text(width: width)
        #expect(text.split(separator: "\n").allSatisfy { $0.count <= width })
        try expectGolden(text, "limits.\(width)")
    }

    @Test func oneRuleShowsItsCounters() throws { try expectGolden(counterTable(views()[0]).text(width: nil), "limit.counters") }

    @Test func aBurnDownShowsEachDayWhatIsLeftAndHowLongItLasts() throws {
        let days = [(1, 12_310_000_000, 487_690_000_000), (2, 0, 487_690_000_000), (3, 31_000_000_000, 456_690_000_000)].map {
            LimitForecastView.Day(
                date: "2026-11-0\($0.0)", used: Int64($0.1), left: Int64($0.2), even: Int64(30 - $0.0) * 16_666_666_666)
        }
        var forecast = LimitForecastView(group: ["maria"], start: "2026-11-01", end: "2026-12-01", days: days)
        let before = burnDownLines(forecast, views()[0].rule).joined(separator: "\n")
        #expect(before.hasSuffix("Forecast: none before a whole day is known."))
        (forecast.expected, forecast.low, forecast.high) = (540_000_000_000, 510_000_000_000, 580_000_000_000)
        (forecast.exhaustedOn, forecast.daysKnown) = ("2026-11-27", 23)
        try expectGolden(burnDownLines(forecast, views()[0].rule).joined(separator: "\n"), "limit.burn-down")
    }

    @Test func aViewSurvivesItsJSON() throws {
        let view = views()[0]
        let data = try JSONEncoder().encode(view)
        let back = try JSONDecoder().decode(LimitView.self, from: data)
        #expect(back.rule == view.rule && back.declaredIn == "configuration" && back.counters.count == 2)
    }

    @Test func anExplanationSaysWhichRuleDecides() throws {
        let json = """
            {"rule":"web-monthly","name":"web-monthly","unit":"nano_usd","window":"month","mode":"strict","action":"block",
            "group":["maria"],"limit":500000000000,"before":499990000000,"amount":120000000,"after":500110000000,"fits":false,
            "resetsAt":"2026-11-30T23:00:00Z"}
            """
        let verdict = try JSONDecoder().decode(LimitVerdict.self, from: Data(json.utf8))
        let answer = LimitExplanation(
            deployment: "openai/gpt-5.4", reservesNanoUSD: 120_000_000, admitted: false, decidedBy: "web-monthly", verdicts: [verdict])
        try expectGolden(explanationTable(answer).text(width: nil), "limit.explain")
    }

    @Test func theTemplateIsAConfigurationOfFourTiers() throws {
        let rules = try ConfigurationReader.read(text: budgetTemplate, file: "template", environment: [:]).limitRules
        #expect(rules.map(\.id) == ["workspace", "team", "key", "model"])
    }
}
