// Routes and credentials of a configuration: what is read, and every fault with its line and its mend.

import GatewayModel
import Policy
import ServerConfiguration
import Testing

@Suite struct RouteSettingTests {
    private static let providers = """
        providers:
          - {name: a, kind: vllm, base_url: "http://10.0.0.1/v1", models: ["*"]}
          - {name: b, kind: vllm, base_url: "http://10.0.0.2/v1", models: [known]}

        """

    @Test func theShortFormIsAnOrderedList() throws {
        let routes = try settings(Self.providers + "routes:\n  - model: sonnet\n    deployments: [a/x, b/known]\n").routes
        #expect(routes.map(\.name) == ["sonnet"] && routes[0].models == ["sonnet"] && routes[0].pick == .order)
        #expect(routes[0].deployments.map(\.deployment) == ["a/x", "b/known"])
        #expect(routes[0].cache == nil && routes[0].hedge == nil)
        #expect(routes[0].fallBackOn == Route.standardFallBack && routes[0].affinity.keepsSessions)
    }

    @Test func everyMemberIsRead() throws {
        let route = try #require(
            try settings(
                Self.providers + """
                    routes:
                      - model: [auto, fast]
                        name: cheap
                        pick: tiers
                        fall_back_on: [server, rate_limit]
                        retries_max: 3
                        tries_max: 4
                        deadline_seconds: 30
                        first_byte_seconds: 20
                        affinity: none
                        affinity_seconds: 60
                        cache: {seconds: 600, scope: workspace, tools: true}
                        hedge: {after_milliseconds: 1_500}
                        breaker: {failures_max: 2, open_seconds: 7, open_seconds_max: 70, window_seconds: 9, turns_min: 5, failure_percent_max: 40}
                        tiers: {small_tokens_max: 4_000, middle_tokens_max: 50000, small_tool_depth_max: 3, hysteresis_percent: 20, horizon_turns: 5}
                        deployments:
                          - to: a/models/with/slashes
                            weight: 3
                            tier: small
                            when:
                              input_tokens: ..8000
                              tools: 1..
                              images: false
                              repository: [github.com/acme/*]
                              team: web
                              tags: {stage: [build, test]}
                              headers: {X-Tier: gold}
                              hours: mon-fri 08:00-18:00
                          - {to: b/known, tier: large, only: [context]}

                    """
            ).routes.first)
        #expect(route.name == "cheap" && route.models == ["auto", "fast"] && route.pick == .tiers)
        #expect(route.fallBackOn == [.server, .rateLimit] && route.retriesMax == 3 && route.triesMax == 4)
        #expect(route.deadlineSeconds == 30 && route.firstByteSeconds == 20)
        #expect(!route.affinity.keepsSessions && route.affinity.warmSeconds == 60)
        #expect(route.breaker.failuresMax == 2 && route.breaker.openSeconds == 7 && route.breaker.openSecondsMax == 70)
        #expect(route.tiers.smallTokensMax == 4000 && route.tiers.smallToolDepthMax == 3 && route.tiers.horizonTurns == 5)
        #expect(route.cache?.seconds == 600 && route.cache?.scope == .workspace && route.cache?.keepsTools == true)
        #expect(route.hedge == HedgeRule(milliseconds: 1500))
        let first = route.deployments[0]
        #expect(first.deployment == "a/models/with/slashes" && first.weight == 3 && first.tier == .small)
        #expect(first.condition.inputTokens == CountRange(0, 8000) && first.condition.toolCount == CountRange(1))
        #expect(first.condition.images == false && first.condition.repositories == ["github.com/acme/*"])
        #expect(first.condition.teams == ["web"] && first.condition.tags == ["stage": ["build", "test"]])
        #expect(first.condition.headers == ["x-tier": ["gold"]] && first.condition.hours?.weekdays == WeeklyHours.mondayToFriday)
        #expect(route.deployments[1].only == [.context])
    }

    /// Lines of one route, the line of its one fault, and a word of it.
    private static let table: [(String, Int, String)] = [
        ("routes: {}\n", 1, "must be a list"), ("routes:\n  - x\n", 2, "must be a mapping"),
        ("routes:\n  - deployments: [a/x]\n", 2, "needs a model"), ("routes:\n  - model: m\n", 2, "1 to 16 deployments"),
        ("routes:\n  - model: m\n    deployments: []\n", 3, "1 to 16 deployments"),
        ("routes:\n  - model: m\n    deployments: [c/x]\n", 3, "there is no provider for c/x"),
        ("routes:\n  - model: m\n    deployments: [b/unknown]\n", 3, "does not serve b/unknown"),
        ("routes:\n  - model: m\n    deployments: [plain]\n", 3, "provider/model"),
        ("routes:\n  - model: m\n    pik: order\n    deployments: [a/x]\n", 3, "did you mean \"pick\"?"),
        ("routes:\n  - model: m\n    pick: best\n    deployments: [a/x]\n", 3, "least_latency"),
        ("routes:\n  - model: m\n    retries_max: 9\n    deployments: [a/x]\n", 3, "0 to 5"),
        ("routes:\n  - model: m\n    fall_back_on: [sever]\n    deployments: [a/x]\n", 3, "overload"),
        ("routes:\n  - model: m\n    deployments:\n      - {to: a/x, wight: 2}\n", 4, "did you mean \"weight\"?"),
        ("routes:\n  - model: m\n    deployments:\n      - {to: a/x, when: {input_tokens: many}}\n", 4, "..8000"),
        ("routes:\n  - model: m\n    deployments:\n      - {to: a/x, when: {hours: noon}}\n", 4, "mon-fri"),
        ("routes:\n  - model: m\n    deployments:\n      - {to: a/x, when: {repo: x}}\n", 4, "there is no setting \"repo\""),
        ("routes:\n  - model: m\n    cache: yes\n    deployments: [a/x]\n", 3, "cache: {seconds: 3600"),
        ("routes:\n  - model: m\n    cache: {seconds: 0}\n    deployments: [a/x]\n", 3, "1 to 2592000"),
        ("routes:\n  - model: m\n    cache: {seconds: 9, scope: all}\n    deployments: [a/x]\n", 3, "workspace"),
        ("routes:\n  - model: m\n    cache: {seconds: 9, tool: true}\n    deployments: [a/x]\n", 3, "did you mean \"tools\"?"),
        ("routes:\n  - model: m\n    hedge: 5\n    deployments: [a/x]\n", 3, "after_milliseconds: 1500"),
        ("routes:\n  - model: m\n    hedge: {after_milliseconds: 0}\n    deployments: [a/x]\n", 3, "1 to 600000"),
        ("routes:\n  - model: m\n    pick: tiers\n    deployments: [a/x]\n", 2, "has no tier"),
        ("routes:\n  - model: m\n    tiers: {small_tokens_max: 9, middle_tokens_max: 9}\n    deployments: [a/x]\n", 3, "below"),
        ("routes:\n  - {model: m, deployments: [a/x]}\n  - {model: [n, m], deployments: [a/x]}\n", 3, "two routes for \"m\""),
        ("routes:\n  - {model: m, deployments: [a/x]}\n  - {model: n, name: m, deployments: [a/x]}\n", 3, "two routes named \"m\""),
    ]

    @Test(arguments: table) func aFaultHasItsLineAndItsMend(text: String, line: Int, word: String) throws {
        let found = faults(Self.providers + text)
        #expect(found.count == 1, "\(found)")
        let fault = try #require(found.first)
        #expect(fault.line == line + 3 && fault.description.contains(word), "\(fault)")
    }

    @Test func checksAreReadAndTheirFaultsNamed() throws {
        let head = "providers:\n  - {name: a, kind: vllm, base_url: \"http://10.0.0.1/v1\", models: [\"*\"], health: "
        #expect(try settings(head + "/health}\n").providers.first?.health == HealthRule(path: "/health"))
        let rule = try settings(head + "{path: /v1/models, seconds: 5, timeout_seconds: 2, failures_max: 1, passes_min: 9}}\n")
            .providers.first?.health
        #expect(rule?.seconds == 5 && rule?.timeoutSeconds == 2 && rule?.failuresMax == 1 && rule?.passesMin == 9)
        for (odd, word) in [
            ("health", "needs a path"), ("{seconds: 5}", "needs a path"), ("{path: \"/a b\"}", "needs a path"),
            ("{path: /a, seconds: 0}", "1 to 3600"), ("{path: /a, second: 5}", "did you mean \"seconds\"?"),
        ] {
            let found = faults(head + odd + "}\n")
            #expect(found.count == 1 && found[0].description.contains(word), "\(odd): \(found)")
        }
    }

    @Test func severalCredentialsAreReadAndNeverShown() throws {
        let text = """
            providers:
              - kind: openai
                api_keys:
                  - {key: "${A}", weight: 3}
                  - {key: "${B}", name: spare}

            """
        let provider = try #require(try settings(text, ["A": "sk-canary-a", "B": "sk-canary-b"]).providers.first)
        #expect(provider.allCredentials.map(\.name) == ["key1", "spare"] && provider.allCredentials.map(\.weight) == [3, 1])
        #expect(provider.credential == "sk-canary-a" && provider.credentialHeader == .bearer)
        #expect(!"\(provider) \(provider.allCredentials)".contains("canary"))
        #expect(!ConfigurationReference.inForce(try settings(text, ["A": "sk-canary-a", "B": "sk-canary-b"])).contains("canary"))
        for (odd, word) in [
            ("api_keys: {}", "list of 1 to 64"), ("api_keys: [x]", "needs a key"), ("api_keys: [{key: clear}]", "may not stand"),
            ("api_keys: [{key: \"${A}\", weight: 0}]", "weight"), ("api_keys: [{key: \"${A}\", wait: 1}]", "no setting"),
        ] {
            let found = faults("providers:\n  - kind: openai\n    \(odd)\n", ["A": "x"])
            #expect(found.count == 1 && found[0].description.contains(word), "\(odd): \(found)")
        }
    }
}
