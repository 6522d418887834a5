// ConfigurationReader+Routes: the list of routes. A member that cannot be read is a fault: without its condition a deployment would
// serve more turns than was meant.

import GatewayModel
import Policy
import Providers
import Yams

extension ConfigurationReader {
    mutating func readRoutes(_ node: Node) {
        guard let list = node.sequence else {
            fault(node, "routes must be a list", "- model: sonnet\n    deployments: [anthropic/claude-sonnet-4-5, openrouter/…]")
            return
        }
        for item in list { readRoute(item) }
    }

    static let routeMembers = [
        "model", "name", "pick", "deployments", "fall_back_on", "retries_max", "tries_max", "deadline_seconds", "first_byte_seconds",
        "affinity", "affinity_seconds", "breaker", "tiers", "cache", "hedge",
    ]

    private mutating func readRoute(_ node: Node) {
        let before = faults.count
        guard let mapping = node.mapping else {
            fault(node, "a route must be a mapping", "model: sonnet\n    deployments: [anthropic/claude-sonnet-4-5]")
            return
        }
        for (key, _) in mapping where !Self.routeMembers.contains(key.string ?? "") { unknown(key, key.string ?? "", Self.routeMembers) }
        let models = mapping["model"].map { names(of: $0, "model") } ?? []
        if models.isEmpty { fault(node, "a route needs a model", "model: the name that clients ask for") }
        var deployments: [RouteDeployment] = []
        if let list = mapping["deployments"]?.sequence, !list.isEmpty, list.count <= Route.deploymentsMax {
            for item in list { if let one = readRouteDeployment(item) { deployments.append(one) } }
        } else {
            fault(
                mapping["deployments"] ?? node, "a route needs a list of 1 to \(Route.deploymentsMax) deployments",
                "deployments: [anthropic/claude-sonnet-4-5]")
        }
        var route = Route(name: text(mapping, "name") ?? models.first ?? "", models: models, deployments: deployments)
        if !models.isEmpty, !isPlainName(route.name) {
            fault(mapping["name"] ?? node, "a route's name is 1 to 63 letters, digits and . _ - : /", "name: sonnet")
        }
        if let pick = word(mapping, "pick", of: RoutePick.allCases.map(\.rawValue)) { route.pick = RoutePick(rawValue: pick) ?? .order }
        if let found = classes(mapping, "fall_back_on") { route.fallBackOn = found }
        if let count = number(mapping, "retries_max", 0...5) { route.retriesMax = count }
        if let count = number(mapping, "tries_max", 1...16) { route.triesMax = count }
        route.deadlineSeconds = number(mapping, "deadline_seconds", 1...86_400)
        route.firstByteSeconds = number(mapping, "first_byte_seconds", 1...86_400)
        if let affinity = word(mapping, "affinity", of: ["session", "none"]) { route.affinity.keepsSessions = affinity == "session" }
        if let seconds = number(mapping, "affinity_seconds", 1...86_400) { route.affinity.warmSeconds = seconds }
        if let breaker = mapping["breaker"] { readBreaker(breaker, into: &route.breaker) }
        if let tiers = mapping["tiers"] { readTiers(tiers, into: &route.tiers) }
        if let hedge = mapping["hedge"] { route.hedge = readHedge(hedge) }
        if let cache = mapping["cache"] { route.cache = readCache(cache) }
        if route.pick == .tiers, let odd = deployments.first(where: { $0.tier == nil && $0.only.isEmpty }) {
            fault(node, "\(odd.deployment) has no tier, and the route picks by tiers", "tier: small, middle or large")
        }
        guard faults.count == before else { return }
        for model in models where settings.routes.contains(where: { $0.models.contains(model) }) {
            fault(mapping["model"], "there are two routes for \"\(model)\"", "keep one of them")
        }
        if settings.routes.contains(where: { $0.name == route.name }) {
            fault(mapping["name"] ?? mapping["model"], "there are two routes named \"\(route.name)\"", "give each a name of its own")
        }
        settings.routes.append(route)
        routeNodes[route.name] = mapping["deployments"]
    }

    static let deploymentMembers = ["to", "weight", "when", "only", "tier"]

    private mutating func readRouteDeployment(_ node: Node) -> RouteDeployment? {
        if let name = node.scalar?.string, !name.isEmpty { return RouteDeployment(name) }
        guard let mapping = node.mapping, let name = text(mapping, "to") else {
            fault(node, "a deployment is provider/model, or a mapping with `to`", "to: anthropic/claude-sonnet-4-5")
            return nil
        }
        for (key, _) in mapping where !Self.deploymentMembers.contains(key.string ?? "") {
            unknown(key, key.string ?? "", Self.deploymentMembers)
        }
        var one = RouteDeployment(name)
        if let weight = number(mapping, "weight", 0...1_000_000) { one.weight = Int64(weight) }
        if let only = classes(mapping, "only") { one.only = only }
        one.tier = word(mapping, "tier", of: RouteTier.allCases.map(\.rawValue)).flatMap(RouteTier.init)
        if let when = mapping["when"] { readCondition(when, into: &one.condition) }
        return one
    }

    static let conditionMembers = [
        "input_tokens", "tools", "tool_depth", "turn_depth", "images", "repository", "branch", "team", "developer", "agent", "session",
        "tags", "headers", "hours",
    ]

    private mutating func readCondition(_ node: Node, into condition: inout RouteCondition) {
        guard let mapping = node.mapping else {
            fault(node, "when must be a mapping", "when:\n  input_tokens: ..8000")
            return
        }
        for (key, value) in mapping {
            let name = key.string ?? ""
            switch name {
            case "input_tokens": condition.inputTokens = range(value, name)
            case "tools": condition.toolCount = range(value, name)
            case "tool_depth": condition.toolDepth = range(value, name)
            case "turn_depth": condition.turnDepth = range(value, name)
            case "images":
                condition.images = value.bool
                if value.bool == nil { fault(value, "images must be true or false", "images: true") }
            case "repository": condition.repositories = names(of: value, name)
            case "branch": condition.branches = names(of: value, name)
            case "team": condition.teams = names(of: value, name)
            case "developer": condition.developers = names(of: value, name)
            case "agent": condition.agents = names(of: value, name)
            case "session": condition.sessions = names(of: value, name)
            case "tags": condition.tags = patterns(value, name)
            case "headers":
                condition.headers = Dictionary(patterns(value, name).map { ($0.key.lowercased(), $0.value) }) { first, _ in first }
            case "hours":
                condition.hours = value.string.flatMap(WeeklyHours.init(text:))
                if condition.hours == nil { fault(value, "hours cannot be read", "mon-fri 08:00-18:00 (UTC), or 22:00-06:00") }
            default: unknown(key, name, Self.conditionMembers)
            }
        }
    }

    private mutating func readBreaker(_ node: Node, into rule: inout BreakerRule) {
        guard let mapping = node.mapping else {
            fault(node, "breaker must be a mapping", "breaker:\n  failures_max: 5")
            return
        }
        let known = ["failures_max", "failure_percent_max", "turns_min", "window_seconds", "open_seconds", "open_seconds_max"]
        for (key, _) in mapping where !known.contains(key.string ?? "") { unknown(key, key.string ?? "", known) }
        if let count = number(mapping, "failures_max", 1...10_000) { rule.failuresMax = count }
        if let share = number(mapping, "failure_percent_max", 1...100) { rule.failurePercentMax = share }
        if let count = number(mapping, "turns_min", 1...1_000_000) { rule.turnsMin = count }
        if let seconds = number(mapping, "window_seconds", 1...3600) { rule.windowSeconds = seconds }
        if let seconds = number(mapping, "open_seconds", 1...86_400) { rule.openSeconds = seconds }
        if let seconds = number(mapping, "open_seconds_max", 1...86_400) { rule.openSecondsMax = max(seconds, rule.openSeconds) }
    }

    private mutating func readTiers(_ node: Node, into rule: inout TierRule) {
        guard let mapping = node.mapping else {
            fault(node, "tiers must be a mapping", "tiers:\n  small_tokens_max: 8000\n  middle_tokens_max: 60000")
            return
        }
        let known = [
            "small_tokens_max", "middle_tokens_max", "small_tool_depth_max", "middle_tool_depth_max", "hysteresis_percent", "horizon_turns",
        ]
        for (key, _) in mapping where !known.contains(key.string ?? "") { unknown(key, key.string ?? "", known) }
        if let count = number(mapping, "small_tokens_max", 1...100_000_000) { rule.smallTokensMax = Int64(count) }
        if let count = number(mapping, "middle_tokens_max", 1...100_000_000) { rule.middleTokensMax = Int64(count) }
        rule.smallToolDepthMax = number(mapping, "small_tool_depth_max", 0...10_000).map(Int64.init)
        rule.middleToolDepthMax = number(mapping, "middle_tool_depth_max", 0...10_000).map(Int64.init)
        if let share = number(mapping, "hysteresis_percent", 0...90) { rule.hysteresisPercent = Int64(share) }
        if let count = number(mapping, "horizon_turns", 0...1000) { rule.horizonTurns = Int64(count) }
        if rule.smallTokensMax >= rule.middleTokensMax {
            fault(node, "small_tokens_max must be below middle_tokens_max", "small_tokens_max: 8000\n  middle_tokens_max: 60000")
        }
    }

    /// Every deployment must be there: a route that silently lost one would fail only when it is needed.
    mutating func checkRoutes() {
        let table = ModelTable(settings.providers)
        for route in settings.routes {
            for one in route.deployments where table.deployment(one.deployment) == nil {
                let provider = one.deployment.split(separator: "/").first.map(String.init) ?? ""
                let isKnown = settings.providers.contains { $0.name == provider }
                fault(
                    routeNodes[route.name],
                    isKnown ? "provider \(provider) does not serve \(one.deployment)" : "there is no provider for \(one.deployment)",
                    isKnown ? "add the model to the provider's `models`" : "write provider/model, with a provider of `providers`")
            }
        }
    }

    // MARK: Values

    private mutating func range(_ node: Node, _ name: String) -> CountRange? {
        let found = node.string.flatMap { CountRange($0) }
        if found == nil { fault(node, "\(name) is no range of counts", "\(name): ..8000, 1.., 1..3, or one number") }
        return found
    }

    /// One text, or a list of texts.
    private mutating func names(of node: Node, _ name: String) -> [String] {
        let texts = node.sequence.map { $0.compactMap { $0.scalar?.string } } ?? node.scalar.map { [$0.string] } ?? []
        if texts.isEmpty || texts.contains("") || node.sequence.map({ $0.count != texts.count }) ?? false {
            fault(node, "\(name) must be a text or a list of texts", "\(name): [a, b]")
        }
        return texts
    }

    private mutating func patterns(_ node: Node, _ name: String) -> [String: [String]] {
        guard let mapping = node.mapping else {
            fault(node, "\(name) must be a mapping", "\(name):\n  stage: [test, build]")
            return [:]
        }
        var found: [String: [String]] = [:]
        for (key, value) in mapping { found[key.string ?? ""] = names(of: value, key.string ?? name) }
        return found
    }

    private mutating func classes(_ mapping: Node.Mapping, _ name: String) -> Set<FailureClass>? {
        guard let node = mapping[name] else { return nil }
        let words = FailureClass.allCases.filter { $0 != .request }.map(\.rawValue)
        let texts = node.sequence.map { $0.compactMap { $0.scalar?.string } } ?? node.scalar.map { [$0.string] } ?? []
        let found = texts.compactMap { words.contains($0) ? FailureClass(rawValue: $0) : nil }
        if found.count != texts.count || node.mapping != nil {
            fault(node, "\(name) holds a failure that is not known", "of: \(words.joined(separator: ", "))")
        }
        return Set(found)
    }

    mutating func number(_ mapping: Node.Mapping, _ name: String, _ range: ClosedRange<Int>) -> Int? {
        guard let node = mapping[name] else { return nil }
        guard let found = node.scalar.flatMap({ Int($0.string.filter { $0 != "_" }) }), range.contains(found) else {
            fault(node, "\(name) cannot be \"\(node.string ?? "")\"", "\(range.lowerBound) to \(range.upperBound)")
            return nil
        }
        return found
    }

    private func isPlainName(_ name: String) -> Bool {
        (1...63).contains(name.utf8.count)
            && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "._-:/".contains($0)) }
    }
}
