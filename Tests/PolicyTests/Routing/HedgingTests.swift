// Asking a second deployment beside a slow one: the plan's part, and when a deployment is slow.

import GatewayModel
import Policy
import Testing

@Suite struct HedgingTests {
    private let start = Timestamp(seconds: 1000)

    private func plan(triesMax: Int = 6) -> TryPlan {
        var route = Route(name: "r", models: ["r"], deployments: ["a/m", "b/m", "c/m"].map { RouteDeployment($0) })
        route.triesMax = triesMax
        return TryPlan(route, order: [0, 1, 2], received: start)
    }

    @Test func theNextOneIsAskedBesideThePresentOneAndIsNotAskedAgain() {
        var plan = plan()
        #expect(plan.next == 1)
        let isHedged = plan.hedge()
        #expect(isHedged && plan.current == 1 && plan.tries == 2)
        plan.resume(0)
        let step = plan.after(TryFailure(.server), at: start, random: 0) { true }
        #expect(step == .next(2) && plan.current == 2)
        let again = plan.hedge()
        #expect(!again && plan.current == 2, "nobody is left")
    }

    @Test func aHedgeIsATry() {
        var plan = plan(triesMax: 1)
        let isHedged = plan.hedge()
        #expect(plan.next == nil && !isHedged)
    }

    @Test func slownessIsMeasuredByTheLastAnswersAndForgotten() {
        var health = DeploymentHealth()
        for number in 1...19 { health.answered(after: Int64(number) * 1000, credential: 0, at: start) }
        #expect(health.latencyP95(at: start) == nil, "too few")
        for number in 20...100 { health.answered(after: Int64(number) * 1000, credential: 0, at: start) }
        // Of 37 to 100.
        #expect(health.latencyP95(at: start) == 97_000)
        #expect(health.latencyP95(at: start.adding(seconds: 61)) == nil)
    }
}
