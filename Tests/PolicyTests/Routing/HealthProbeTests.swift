// When active checks take a provider out, and back.

import GatewayModel
import Policy
import Testing

@Suite struct HealthProbeTests {
    private let rule: HealthRule = {
        var rule = HealthRule(path: "/health")
        (rule.seconds, rule.failuresMax, rule.passesMin) = (10, 3, 2)
        return rule
    }()
    private let start = Timestamp(seconds: 1000)

    @Test func failuresInARowTakeItOutAndPassesInARowTakeItBack() {
        var probe = HealthProbe()
        var downs: [Bool] = []
        for result in [nil, "no", "no", nil, "no", "no", "no", "no", nil, "no", nil, nil] as [String?] {
            if let result { probe.failed(result, rule, at: start) } else { probe.passed(rule, at: start) }
            downs.append(probe.isDown)
        }
        #expect(downs == [false, false, false, false, false, false, true, true, true, true, true, false])
        #expect(probe.problem == nil && probe.lastChecked == start)
    }

    @Test func oneCheckRunsAtATimeAndTheNextWaitsForItsHour() {
        var probe = HealthProbe()
        let began = [0, 1, 20].map { probe.begins(rule, at: start.adding(seconds: $0)) }
        #expect(began == [true, false, false], "the first one has not ended")
        probe.passed(rule, at: start.adding(seconds: 20))
        let again = [20, 21].map { probe.begins(rule, at: start.adding(seconds: $0)) }
        #expect(again == [true, false])
        probe.failed("no", rule, at: start.adding(seconds: 22))
        let early = probe.begins(rule, at: start.adding(seconds: 29))
        let due = probe.begins(rule, at: start.adding(seconds: 30))
        #expect(!early && due)
    }
}
