// RuleOptions: a budget or a limit as it is typed: what it is for, how much, over what time, how hard.

import AdminAPI
import ArgumentParser
import Foundation
import GatewayModel
import Policy
import ServerConfiguration

/// What budgets and limits have in common on the command line.
struct RuleOptions: ParsableArguments {
    @Option(
        name: .customLong("for"), help: ArgumentHelp("Whose turns: team=web, model=gpt-*; several may be given.", valueName: "what=value"))
    var selects: [String] = []
    @Option(help: ArgumentHelp("Whose turns not.", valueName: "what=value")) var except: [String] = []
    @Option(name: .customLong("per"), help: "One counter for each: developer, session, tag:NAME, …; several may be given.")
    var groupBy: [String] = []
    @Option(help: "day, week, month, quarter, rolling 5h, per minute, per hour, per day, none.") var window: String?
    @Option(help: "The IANA time zone of days, weeks and months; UTC unless said.") var zone: String?
    @Option(help: "The month in which the fiscal year begins, for quarters.") var fiscalStartMonth: Int?
    @Option(help: "strict, elastic or alert.") var mode: String?
    @Option(help: "What becomes of a turn that does not fit: block, ask, alert or route:MODEL.") var onExceed: String?
    @Option(help: "What becomes of an answer that is granted no more: finish_turn, finish_block or stop_now.") var whenUsedUp: String?
    @Option(help: "Whom to ask for more; refusals say it.") var contact: String?
    @Option(help: ArgumentHelp("Shares of which is told, in percent: 50,80,100.", valueName: "list")) var alerts: String?

    static let dimensionHelp = "one of: \(LimitDimension.names)"

    func apply(to rule: inout LimitRule) throws {
        if let window { rule.window = try value(window, "--window", LimitWindow.init) }
        if let zone { rule.zone = zone }
        if let fiscalStartMonth { rule.fiscalStartMonth = fiscalStartMonth }
        if let mode { rule.mode = try value(mode, "--mode", LimitMode.init(rawValue:)) }
        if let onExceed { rule.onExceed = try value(onExceed, "--on-exceed", LimitAction.init) }
        if let whenUsedUp { rule.elastic = try value(whenUsedUp, "--when-used-up", ElasticPolicy.init(rawValue:)) }
        if let contact { rule.contact = contact }
        if let alerts {
            rule.thresholds = try alerts.split(separator: ",").map { try value(String($0), "--alerts") { Int($0) } }
        }
        if !groupBy.isEmpty { rule.groupBy = try groupBy.map { try value($0, "--per", LimitDimension.init) } }
        if !selects.isEmpty || !except.isEmpty { rule.conditions = try conditions() }
    }

    private func conditions() throws -> [LimitCondition] {
        var found: [LimitDimension: LimitCondition] = [:]
        for (texts, isExcept) in [(selects, false), (except, true)] {
            for text in texts {
                let (dimension, pattern) = try assignment(text, isExcept ? "--except" : "--for")
                var condition = found[dimension] ?? LimitCondition(dimension)
                if isExcept { condition.except.append(pattern) } else { condition.any.append(pattern) }
                found[dimension] = condition
            }
        }
        return found.values.sorted { $0.on.description < $1.on.description }
    }
}

/// `team=web`.
func assignment(_ text: String, _ option: String) throws -> (LimitDimension, String) {
    guard let equals = text.firstIndex(of: "="), let dimension = LimitDimension(String(text[..<equals])) else {
        throw ValidationError("\(option) takes WHAT=VALUE; what is \(RuleOptions.dimensionHelp)")
    }
    return (dimension, String(text[text.index(after: equals)...]))
}

private func value<Value>(_ text: String, _ option: String, _ make: (String) -> Value?) throws -> Value {
    guard let found = make(text) else { throw ValidationError("\(option) cannot be \"\(text)\"") }
    return found
}

/// An amount in a rule's unit: money for a budget, a count for a limit.
func ruleAmount(_ text: String, _ unit: LimitUnit, _ option: String) throws -> Int64 {
    if unit == .nanoUSD {
        guard let amount = nanoUSD(text) else { throw ValidationError("\(option) takes an amount in USD, such as 20 or 0.50") }
        return amount
    }
    guard let count = Int64(text.filter { $0 != "_" }), count >= 0 else { throw ValidationError("\(option) takes a whole number") }
    return count
}
