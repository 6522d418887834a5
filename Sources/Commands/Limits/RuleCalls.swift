// RuleCalls: what `weir budget` and `weir limit` ask of the server, one way for both.

import AdminAPI
import ArgumentParser
import Foundation
import GatewayModel
import Policy
import Proxy

func createRule(_ rule: LimitRule, _ path: String, _ server: ServerOptions) async throws {
    let made: LimitView = try await server.changing { try await $0.post(path, rule) }
    standardError(inert("\(made.rule.unit == .nanoUSD ? "Budget" : "Limit") \(made.rule.id) is \(made.state)."))
}

/// The published bound of a rule: by how much it can be passed.
func boundText(_ rule: LimitRule) -> String {
    if rule.mode == .alert || rule.onExceed == .alert { return "it tells and stops nobody" }
    switch rule.mode {
    case .strict:
        return "not passed: the most that a turn can use is reserved before it is sent"
    default:
        return rule.elastic == .finishTurn
            ? "passed by what the turns in flight still write: their answers are not stopped"
            : "passed at most by \(TurnBound.overshootTokens) output tokens for each turn in flight: what a provider writes "
                + "between being cut off and stopping; and by what hosted tools cost whose calls the request does not cap"
    }
}

func updateRule(
    _ name: String, _ path: String, _ server: ServerOptions, _ change: @Sendable (inout LimitRule) throws -> Void
) async throws {
    let changed: LimitView = try await server.changing { client in
        let before: LimitView = try await client.get("\(path)/\(segment(name))")
        var rule = before.rule
        try change(&rule)
        return try await client.patch("\(path)/\(segment(name))", rule)
    }
    standardError(inert("\(changed.rule.id) is changed and \(changed.state)."))
}

/// What every grant takes.
struct GrantOptions: ParsableArguments {
    @Option(name: .customLong("for"), help: "How long: 24h, 7d; until the window ends unless said.") var duration: String?
    @Option(help: ArgumentHelp("Whose counter, where the rule keeps several: developer=maria.", valueName: "what=value"))
    var group: [String] = []
    @Option(help: "Who grants it; the user's name unless said.") var by: String?
    @Option(help: "Why.") var reason: String?

    func send(_ name: String, _ path: String, amount: Int64, _ server: ServerOptions) async throws {
        let expires = try duration.map { try momentText($0, "--for") }
        let values = try group.map { try assignment($0, "--group") }
        let granter = by ?? granterName()
        let reason = reason
        let made: LimitGrantRecord = try await server.changing { client in
            let view: LimitView = try await client.get("\(path)/\(segment(name))")
            let whole = view.rule.wholeGroup.map { dimension in
                values.first { $0.0 == dimension }?.1 ?? sessionKey(dimension, values, view) ?? ""
            }
            guard !whole.contains("") else {
                throw CommandFailure(
                    "grant_needs_group",
                    "\(name) keeps a counter for each \(view.rule.wholeGroup.map(\.description).joined(separator: ", "))",
                    mend: "say whose: \(view.rule.wholeGroup.map { "--group \($0)=…" }.joined(separator: " "))")
            }
            return try await client.post(
                "\(path)/\(segment(name))/grant",
                LimitGrantRequest(amount: amount, group: whole, expires: expires, by: granter, reason: reason))
        }
        standardError(inert("Granted to \(made.rule)\(made.group.isEmpty ? "" : " (\(made.group.joined(separator: ", ")))"): \(made.id)."))
    }
}

/// A session's key, where only one key has such a session.
private func sessionKey(_ dimension: LimitDimension, _ values: [(LimitDimension, String)], _ view: LimitView) -> String? {
    guard dimension == .key, let session = values.first(where: { $0.0 == .session })?.1,
        let place = view.rule.wholeGroup.firstIndex(of: .session), let key = view.rule.wholeGroup.firstIndex(of: .key)
    else { return nil }
    let found = Set(view.counters.filter { $0.group.count > key && $0.group[place] == session }.map { $0.group[key] })
    return found.count == 1 ? found.first : nil
}

/// The time that a rule is tried on.
struct SimulationRange: ParsableArguments {
    @Option(help: "From: a day (2026-11-01), a month, a time back (30d) or an RFC 3339 time.") var since = "30d"
    @Option(help: "Until: the same; now unless said.") var until: String?

    func send(_ rule: LimitRule, _ schema: String, _ server: ServerOptions, _ display: OutputOptions) async throws {
        let request = LimitSimulationRequest(
            rule: rule, since: try rangeText(since, "--since") ?? since, until: try rangeText(until, "--until"))
        let found: LimitSimulation = try await server.changing { try await $0.post("/limits/simulate", request) }
        var notes = ["past turns at what they cost; a turn that was refused leaves room for the next"]
        if found.refused == 0 { notes = ["nobody would have been refused"] }
        try display.write(SingleDocument(schema: schema, value: found), table: simulationTable(found, rule), notes: notes)
    }
}
