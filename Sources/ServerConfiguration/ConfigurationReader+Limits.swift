// ConfigurationReader+Limits: budgets and usage limits that the file declares. A budget is money, a limit is anything else; both are
// one kind of rule. What cannot be read is a fault: a rule that means something else than was meant lets money through.

import Foundation
import GatewayModel
package import Policy
import Providers
import Yams

extension ConfigurationReader {
    static let ruleMembers = [
        "name", "for", "except", "group_by", "window", "zone", "fiscal_start_month", "mode", "on_exceed", "when_used_up",
        "alerts", "contact", "idle_seconds_max",
    ]
    static let budgetMembers = ruleMembers + ["usd"]
    static let limitMembers = ruleMembers + ["limit", "unit", "burst", "wait_milliseconds_max"]

    mutating func readLimits(_ node: Node, areBudgets: Bool) {
        let what = areBudgets ? "budgets" : "usage_limits"
        guard let list = node.sequence else {
            fault(
                node, "\(what) must be a list",
                areBudgets
                    ? "- name: web\n    for: {team: web}\n    usd: 100\n    window: month"
                    : "- name: pace\n    limit: 60\n    unit: requests\n    window: per minute")
            return
        }
        for item in list {
            guard let rule = readLimit(item, isBudget: areBudgets) else { continue }
            if settings.limitRules.contains(where: { $0.id == rule.id }) {
                fault(item, "there are two budgets or limits named \"\(rule.id)\"", "give each a name of its own")
                continue
            }
            settings.limitRules.append(rule)
        }
    }

    private mutating func readLimit(_ node: Node, isBudget: Bool) -> LimitRule? {
        let what = isBudget ? "budget" : "limit"
        let before = faults.count
        guard let mapping = node.mapping else {
            fault(node, "a \(what) must be a mapping", isBudget ? "name, usd, window, …" : "name, limit, unit, window, …")
            return nil
        }
        let members = isBudget ? Self.budgetMembers : Self.limitMembers
        for (key, _) in mapping where !members.contains(key.string ?? "") { unknown(key, key.string ?? "", members) }
        guard let name = text(mapping, "name") else {
            if mapping["name"] == nil { fault(node, "a \(what) needs a name", "name: web-monthly") }
            return nil
        }
        guard let amount = isBudget ? money(mapping, node) : amount(mapping, node) else { return nil }
        guard let unit = isBudget ? .nanoUSD : word(mapping, "unit", countableUnit, LimitUnit.countable) else {
            if mapping["unit"] == nil { fault(node, "a limit needs a unit", "one of: \(LimitUnit.countable.joined(separator: ", "))") }
            return nil
        }
        var rule = LimitRule(id: name, name: name, limit: amount, unit: unit, window: .none)
        rule.window = word(mapping, "window", LimitWindow.init, LimitWindow.examples) ?? .none
        if mapping["window"] == nil, unit != .concurrent {
            fault(node, "a \(what) needs a window", "window: month; one of: \(LimitWindow.examples.joined(separator: ", "))")
        }
        rule.zone = text(mapping, "zone") ?? "UTC"
        rule.mode = word(mapping, "mode", LimitMode.init(rawValue:), LimitMode.allCases.map(\.rawValue)) ?? .strict
        rule.onExceed = word(mapping, "on_exceed", LimitAction.init, ["block", "ask", "alert", "route:<model>"]) ?? .block
        rule.elastic =
            word(mapping, "when_used_up", ElasticPolicy.init(rawValue:), ElasticPolicy.allCases.map(\.rawValue)) ?? rule.elastic
        if let month = number(mapping, "fiscal_start_month") { rule.fiscalStartMonth = Int(clamping: month) }
        if let wait = number(mapping, "wait_milliseconds_max") { rule.waitMillisecondsMax = wait }
        rule.burst = number(mapping, "burst")
        rule.idleSecondsMax = number(mapping, "idle_seconds_max")
        rule.contact = text(mapping, "contact")
        rule.groupBy = dimensions(mapping, "group_by")
        rule.conditions = conditions(mapping)
        if let percents = percents(mapping, "alerts") { rule.thresholds = percents }
        guard faults.count == before else { return nil }
        if let found = rule.fault(hasZone: { timeZoneRules($0) != nil }) {
            let member = found.field == "thresholds" ? "alerts" : found.field
            fault(mapping[member] ?? node, "\(member): \(found.problem)", found.mend)
            return nil
        }
        return rule
    }

    private mutating func money(_ mapping: Node.Mapping, _ node: Node) -> Int64? {
        guard let value = mapping["usd"] else {
            fault(node, "a budget needs an amount", "usd: \"100.00\"")
            return nil
        }
        guard let text = value.scalar?.string, let amount = nanoUSD(text) else {
            fault(value, "usd is no amount of money", "a decimal number in USD: usd: \"100.00\"")
            return nil
        }
        return amount
    }

    private mutating func amount(_ mapping: Node.Mapping, _ node: Node) -> Int64? {
        if mapping["limit"] == nil { fault(node, "a limit needs an amount", "limit: 60") }
        return number(mapping, "limit")
    }

    /// A whole number, `_` between its digits allowed; nil without it.
    private mutating func number(_ mapping: Node.Mapping, _ name: String) -> Int64? {
        guard let node = mapping[name] else { return nil }
        guard let text = node.scalar?.string, let value = Int64(text.filter { $0 != "_" }) else {
            fault(node, "\(name) is no whole number", "\(name): 60")
            return nil
        }
        return value
    }

    /// A list of whole percentages; nil without it. One that cannot be read is a fault: left out, it would switch its alert off.
    private mutating func percents(_ mapping: Node.Mapping, _ name: String) -> [Int]? {
        guard let words = texts(mapping, name), let list = mapping[name]?.sequence, list.count == words.count else { return nil }
        var percents: [Int] = []
        for (node, word) in zip(list, words) {
            if let percent = Int(word) {
                percents.append(percent)
            } else {
                fault(node, "\(name) cannot hold \"\(word)\"", "whole numbers of percent: \(name): [50, 80, 100]")
            }
        }
        return percents
    }

    /// A member that is one of a few words; nil without it.
    private mutating func word<Value>(
        _ mapping: Node.Mapping, _ name: String, _ make: (String) -> Value?, _ known: [String]
    ) -> Value? {
        guard let node = mapping[name] else { return nil }
        guard let value = node.scalar.flatMap({ make($0.string) }) else {
            fault(node, "\(name) cannot be \"\(node.scalar?.string ?? "")\"", "one of: \(known.joined(separator: ", "))")
            return nil
        }
        return value
    }

    private mutating func dimensions(_ mapping: Node.Mapping, _ name: String) -> [LimitDimension] {
        guard let words = texts(mapping, name) else { return [] }
        return words.compactMap { word in
            let found = LimitDimension(word)
            if found == nil { fault(mapping[name], "\(name) does not know \"\(word)\"", "one of: \(LimitDimension.names)") }
            return found
        }
    }

    /// `for: {team: web, model: [gpt-*, o3]}` and `except: {model: "*-mini"}`.
    private mutating func conditions(_ mapping: Node.Mapping) -> [LimitCondition] {
        var found: [LimitDimension: LimitCondition] = [:]
        for name in ["for", "except"] {
            guard let node = mapping[name] else { continue }
            guard let selector = node.mapping else {
                fault(node, "\(name) must be a mapping", "\(name): {team: web}")
                continue
            }
            for (key, value) in selector {
                guard let dimension = LimitDimension(key.string ?? "") else {
                    fault(key, "\(name) does not know \"\(key.string ?? "")\"", "one of: \(LimitDimension.names)")
                    continue
                }
                let patterns = value.sequence.map { $0.compactMap { $0.scalar?.string } } ?? value.scalar.map { [$0.string] } ?? []
                if patterns.isEmpty || patterns.contains("") {
                    fault(value, "\(name).\(dimension) must be a value or a list of values", "\(name): {\(dimension): web}")
                }
                var condition = found[dimension] ?? LimitCondition(dimension)
                if name == "for" { condition.any = patterns } else { condition.except = patterns }
                found[dimension] = condition
            }
        }
        return found.values.sorted { $0.on.description < $1.on.description }
    }
}

/// An amount of money as it is written: `100`, `$0.50`, `1_000.00`. Exact, or nil.
package func nanoUSD(_ text: String) -> Int64? {
    let digits = (text.hasPrefix("$") ? String(text.dropFirst()) : text).filter { $0 != "_" }
    return nanoUSDPerMillion(digits)
}

extension LimitDimension {
    /// For messages.
    package static let names =
        "workspace, team, developer, key, repository, branch, session, model, provider, deployment, agent, tag:<name>"
}

extension LimitUnit {
    /// What a limit counts that is no budget.
    package static let countable = LimitUnit.allCases.filter { $0 != .nanoUSD }.map(\.rawValue)
}

extension LimitWindow {
    /// For messages.
    package static let examples = ["day", "week", "month", "quarter", "rolling 5h", "per minute", "per hour", "per day", "none"]
}

/// What a limit counts; money has its own word.
private func countableUnit(_ text: String) -> LimitUnit? { LimitUnit.countable.contains(text) ? LimitUnit(rawValue: text) : nil }
