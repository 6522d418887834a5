// The tries of one turn: what comes after which failure.

import GatewayModel
import Policy
import Testing

@Suite struct TryPlanTests {
    private func plan(_ count: Int, reserves: [Int] = [], _ change: (inout Route) -> Void = { _ in }) -> TryPlan {
        TryPlan(
            makeRoute(count, change), order: (0..<count).filter { !reserves.contains($0) }, reserves: reserves, received: at(0))
    }

    private func step(_ plan: inout TryPlan, _ failure: TryFailure, at time: Int64 = 0, budget: Bool = true) -> TryPlan.Step {
        plan.after(failure, at: at(time), random: 0) { budget }
    }

    @Test(arguments: Route.standardFallBack.sorted { $0.rawValue < $1.rawValue })
    func whatIsTheDeploymentsFaultGoesToTheNext(kind: FailureClass) {
        var plan = plan(2)
        #expect(step(&plan, TryFailure(kind)) == .next(1))
    }

    @Test(arguments: [FailureClass.request, .context, .contentFilter])
    func whatIsTheRequestsFaultGoesToTheClient(kind: FailureClass) {
        var plan = plan(3)
        #expect(step(&plan, TryFailure(kind)) == .stop)
    }

    @Test func aDeploymentKeptForLongContextsTakesOverFromThatAlone() {
        var plan = plan(3, reserves: [2]) { $0.deployments[2].only = [.context] }
        #expect(step(&plan, TryFailure(.server)) == .next(1))
        #expect(step(&plan, TryFailure(.context)) == .next(2))
        #expect(step(&plan, TryFailure(.context)) == .stop)
    }

    @Test func aShortWaitIsWaitedAndALongOneIsNot() {
        var plan = plan(2)
        #expect(step(&plan, TryFailure(.rateLimit, retryAfterMilliseconds: 800)) == .again(afterMilliseconds: 800))
        // Once: then it goes on.
        #expect(step(&plan, TryFailure(.rateLimit, retryAfterMilliseconds: 800)) == .next(1))
        var other = self.plan(2)
        #expect(step(&other, TryFailure(.rateLimit, retryAfterMilliseconds: 30_000)) == .next(1))
    }

    @Test func theLastOneIsAskedAgainWithinItsBudget() {
        var plan = plan(1)
        guard case .again(let wait) = step(&plan, TryFailure(.overload)) else {
            Issue.record("no retry")
            return
        }
        #expect((1...250).contains(wait))
        #expect(step(&plan, TryFailure(.overload)) == .stop)
        var poor = self.plan(1)
        #expect(step(&poor, TryFailure(.overload), budget: false) == .stop)
        var asked = self.plan(1)
        #expect(step(&asked, TryFailure(.rateLimit, retryAfterMilliseconds: 3_600_000)) == .stop)
    }

    @Test func whatCannotBeMendedByAskingAgainIsNotAskedAgain() {
        for kind in [FailureClass.timeout, .authentication, .quota] {
            var plan = plan(1)
            #expect(step(&plan, TryFailure(kind)) == .stop)
        }
    }

    @Test func nothingIsTriedBehindTheDeadline() {
        var plan = plan(3) { $0.deadlineSeconds = 5 }
        #expect(step(&plan, TryFailure(.server), at: 4_999) == .next(1))
        #expect(step(&plan, TryFailure(.server), at: 5_000) == .stop)
        // Nor is it waited for.
        var last = self.plan(1) { $0.deadlineSeconds = 5 }
        #expect(step(&last, TryFailure(.rateLimit, retryAfterMilliseconds: 3_000), at: 2_500) == .stop)
    }

    @Test(arguments: 0..<300) func everyPlanEndsAndNoDeploymentIsTakenTwice(seed: UInt64) {
        var random = SeededRandom(seed)
        let count = Int.random(in: 1...8, using: &random)
        let reserves = Array((0..<count).filter { $0 > 0 && $0 % 3 == 2 })
        var plan = plan(count, reserves: reserves) { route in
            route.triesMax = Int.random(in: 1...10, using: &random)
            route.retriesMax = Int.random(in: 0...3, using: &random)
            for index in reserves { route.deployments[index].only = [.context, .contentFilter] }
        }
        var (seen, now, tries): (Set<Int>, Int64, Int) = ([plan.current], 0, 1)
        while true {
            let kind = FailureClass.allCases.randomElement(using: &random) ?? .server
            let advice: Int64? = Bool.random(using: &random) ? Int64.random(in: 0..<20_000, using: &random) : nil
            let failure = TryFailure(kind, retryAfterMilliseconds: advice)
            let could = plan.canGoOn
            let step = plan.after(failure, at: at(now), random: random.next()) { true }
            if case .stop = step { break }
            #expect(could)
            tries += 1
            switch step {
            case .next(let index):
                #expect(seen.insert(index).inserted && plan.current == index)
                #expect(!reserves.contains(index) || kind == .context || kind == .contentFilter)
            case .again(let wait):
                #expect(wait >= advice ?? 0 && wait <= 10_250)
                now += wait
            case .stop: break
            }
            #expect(plan.tries == tries && tries <= plan.route.triesMax)
        }
    }

    // MARK: What a failure is

    @Test(arguments: [
        (
            400, #"{"error":{"message":"This model's maximum context length is 8192 tokens","code":"context_length_exceeded"}}"#,
            FailureClass.context
        ),
        (
            400,
            #"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 215000 tokens > 200000 maximum"}}"#,
            .context
        ),
        (413, "too large", .context),
        (400, #"{"error":{"code":"content_filter","message":"The response was filtered"}}"#, .contentFilter),
        (400, #"{"error":{"message":"'messages' is required"}}"#, .request),
        (401, "{}", .authentication), (403, "{}", .authentication), (402, "{}", .quota), (404, "{}", .request),
        (408, "", .timeout), (409, "", .request), (429, "{}", .rateLimit),
        (429, #"{"error":{"code":"insufficient_quota"}}"#, .quota),
        (500, "", .server), (502, "<html>", .server), (503, "", .overload), (504, "", .timeout), (529, "", .overload),
    ])
    func anAnswerIsOfOneClass(status: Int, body: String, kind: FailureClass) {
        let found = Array(body.utf8).withUnsafeBytes { TryFailure(status: status, body: $0, retryAfterMilliseconds: nil) }
        #expect(found.kind == kind && found.status == status)
    }
}
