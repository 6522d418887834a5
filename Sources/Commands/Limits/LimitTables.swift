// LimitTables: budgets and limits for people: lists, one with its counters, how a turn would fare, what a rule would have done.

package import AdminAPI
package import GatewayModel
package import Policy

/// All rules of a kind, each with its fullest counter.
package func limitTable(_ views: [LimitView]) -> Table {
    var table = Table([
        Column("name"), Column("for", "FOR", priority: 2), Column("per", priority: 4), Column("limit", right: true),
        Column("window", priority: 1), Column("mode", priority: 5), Column("used", right: true),
        Column("reserved", right: true, priority: 3),
        Column("state", priority: 6), Column("declared_in", "DECLARED IN", priority: 7),
    ])
    for view in views {
        let rule = view.rule
        let fullest = view.counters.first
        table.rows.append([
            Cell(rule.id), Cell(selectorText(rule)), Cell(rule.groupBy.map(\.description).joined(separator: ", ")),
            amountCell(rule.limit, rule.unit), Cell(windowText(rule)), Cell(rule.mode.rawValue),
            fullest.map { amountCell($0.used, rule.unit) } ?? Cell("-", exact: ""),
            fullest.map { amountCell($0.reserved, rule.unit) } ?? Cell("-", exact: ""), Cell(view.state), Cell(view.declaredIn),
        ])
    }
    return table
}

/// The counters of one rule.
package func counterTable(_ view: LimitView) -> Table {
    let names = view.rule.wholeGroup.map(\.description)
    var table = Table(
        names.map { Column($0.replacing(":", with: "_"), $0.uppercased()) } + [
            Column("used", right: true), Column("reserved", right: true), Column("limit", right: true),
            Column("granted", right: true, priority: 2), Column("left", right: true, priority: 1), Column("resets", priority: 3),
        ])
    for counter in view.counters {
        let group = names.indices.map { $0 < counter.group.count ? counter.group[$0] : "" }
        table.rows.append(
            group.map { Cell($0.isEmpty ? "unattributed" : $0, exact: $0) } + [
                amountCell(counter.used, view.rule.unit), amountCell(counter.reserved, view.rule.unit),
                amountCell(counter.limit, view.rule.unit), amountCell(counter.granted, view.rule.unit),
                amountCell(counter.remaining, view.rule.unit), Cell(shownTime(counter.resets), exact: counter.resets ?? ""),
            ])
    }
    return table
}

/// How each rule stands to a turn that might come.
package func explanationTable(_ explanation: LimitExplanation) -> Table {
    var table = Table([
        Column("rule"), Column("group", priority: 2), Column("window", priority: 3), Column("before", right: true),
        Column("asks", right: true), Column("limit", right: true), Column("verdict"), Column("resets", priority: 4),
    ])
    for verdict in explanation.verdicts {
        let decides = verdict.rule == explanation.decidedBy
        table.rows.append([
            Cell(verdict.rule), Cell(verdict.group.joined(separator: ", ")), Cell(verdict.window.description),
            amountCell(verdict.before, verdict.unit), verdict.amount.map { amountCell($0, verdict.unit) } ?? Cell("no price", exact: ""),
            amountCell(verdict.limit, verdict.unit),
            Cell(verdict.fits ? "fits" : decides ? "\(verdict.action): decides" : "\(verdict.action)"),
            Cell(shownTime(verdict.resetsAt?.rfc3339), exact: verdict.resetsAt?.rfc3339 ?? ""),
        ])
    }
    return table
}

/// Whom a rule would have refused.
package func simulationTable(_ simulation: LimitSimulation, _ rule: LimitRule) -> Table {
    var table = Table([
        Column("group"), Column("turns", right: true), Column("refused", right: true),
        Column("refused_nano_usd", "REFUSED COST", right: true), Column("first_refusal", "FIRST REFUSAL", priority: 1),
    ])
    for one in simulation.groups {
        table.rows.append([
            Cell(one.group.isEmpty ? "all" : one.group.joined(separator: ", "), exact: one.group.joined(separator: ", ")),
            .count(one.turns),
            .count(one.refused), .money(one.refusedNanoUSD), Cell(shownTime(one.firstRefusal), exact: one.firstRefusal ?? ""),
        ])
    }
    table.total = [
        Cell("TOTAL"), .count(simulation.turns), .count(simulation.refused), .money(simulation.refusedNanoUSD), Cell(""),
    ]
    return table
}

/// The table of `weir turn show`: each rule that held for the turn.
package func traceLines(_ traces: [LimitTrace]) -> [(String, String?)] {
    traces.map { trace in
        let unit = LimitUnit(rawValue: trace.unit) ?? .requests
        let whose = trace.group.isEmpty ? "" : " (\(trace.group.joined(separator: ", ")))"
        let asked = trace.reserved.map { amountText($0, unit) } ?? "no price"
        var text = "\(trace.rule)\(whose)  \(amountText(trace.before, unit)) + \(asked) of \(amountText(trace.limit, unit))"
        if let used = trace.used { text += ", used \(amountText(used, unit))" }
        if trace.decided { text += "  (decided)" }
        return (unit == .nanoUSD ? "budget" : "limit", text)
    }
}

private func amountCell(_ amount: Int64, _ unit: LimitUnit) -> Cell {
    unit == .nanoUSD ? .money(amount) : .count(amount)
}

/// `$1.20`, `8,192`.
func amountText(_ amount: Int64, _ unit: LimitUnit) -> String { amountCell(amount, unit).shown }

private func windowText(_ rule: LimitRule) -> String {
    rule.window.isCalendar && rule.zone != "UTC" ? "\(rule.window) (\(rule.zone))" : rule.window.description
}

/// `team web, model gpt-* o3 not *-mini`.
func selectorText(_ rule: LimitRule) -> String {
    let words = rule.conditions.map { condition in
        var text = condition.on.description
        if !condition.any.isEmpty { text += " \(condition.any.joined(separator: "|"))" }
        if !condition.except.isEmpty { text += " not \(condition.except.joined(separator: "|"))" }
        return text
    }
    return words.isEmpty ? "everybody" : words.joined(separator: ", ")
}
