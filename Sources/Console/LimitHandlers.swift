// LimitHandlers: budgets and limits. The two are one kind of rule under two words: a budget is money, a limit is anything else. A
// change is enforced on every event loop, with its past counted up, before its answer is sent.

import AdminAPI
import Foundation
import GatewayModel
import Hummingbird
import Identity
import Policy

struct LimitHandlers: Sendable {
    private let dependencies: AdminDependencies

    init(_ dependencies: AdminDependencies) { self.dependencies = dependencies }

    func register(_ routes: Routes) {
        register(routes, "/api/v1/budgets", areBudgets: true)
        register(routes, "/api/v1/limits", areBudgets: false)
        let dependencies = dependencies
        routes.on(.post, "/api/v1/limits/explain") { request, _ in
            let question = try await request.decodeBody(LimitQuestion.self, members: LimitQuestion.members)
            return try jsonResponse(await dependencies.limits.explain(question))
        }
        routes.on(.post, "/api/v1/limits/simulate") { request, _ in
            let body = try await request.decodeBody(LimitSimulationRequest.self, members: LimitSimulationRequest.members)
            await dependencies.catchUp()
            return try jsonResponse(await dependencies.limits.simulate(body))
        }
        routes.on(.post, "/api/v1/alerts/test") { request, _ in
            let body = try await request.decodeBody(AlertTestRequest.self, members: ["receiver"])
            let found = await dependencies.testAlerts(body.receiver)
            guard !found.isEmpty else {
                throw IdentityError(
                    .notFound, "receiver_not_found", "no such receiver of alerts is configured",
                    mend: "list them under alerts: in weir.yaml")
            }
            return try jsonResponse(ListBody(data: found))
        }
        routes.on(.get, "/api/v1/limit-grants") { _, _ in
            try jsonResponse(ListBody(data: dependencies.directory.limitGrants()))
        }
    }

    private func register(_ routes: Routes, _ path: String, areBudgets: Bool) {
        let dependencies = dependencies
        routes.on(.get, path) { _, _ in
            var views: [LimitView] = []
            for rule in try await dependencies.limits.rules() where (rule.unit == .nanoUSD) == areBudgets { views.append(await view(rule)) }
            return try jsonResponse(ListBody(data: views))
        }
        routes.on(.post, path) { request, _ in
            var rule = try await request.decodeBody(LimitRule.self, members: LimitRule.memberNames)
            if rule.name.isEmpty { rule.name = rule.id }
            try check(rule, areBudgets)
            let made = try dependencies.directory.createLimit(
                rule, declared: await dependencies.limits.declared(), hasZone: dependencies.limits.hasZone)
            try await dependencies.publish()
            return try jsonResponse(await view(made), status: .created)
        }
        routes.on(.get, "\(path)/{id}") { _, context in
            let rule = try await find(pathID(context))
            await dependencies.catchUp()
            var view = await view(rule, all: true)
            view.forecasts = try await dependencies.limits.forecast(rule)
            return try jsonResponse(view)
        }
        routes.on(.patch, "\(path)/{id}") { request, context in
            let id = try pathID(context)
            let change = try await request.decodeBody(LimitChange.self, members: LimitRule.memberNames)
            let changed = try dependencies.directory.updateLimit(
                id, declared: await dependencies.limits.declared(), hasZone: dependencies.limits.hasZone
            ) { before in
                let after = change.applied(to: before)
                try check(after, areBudgets)
                return after
            }
            try await dependencies.publish()
            return try jsonResponse(await view(changed))
        }
        routes.on(.delete, "\(path)/{id}") { _, context in
            let gone = try dependencies.directory.removeLimit(pathID(context), declared: await dependencies.limits.declared())
            try await dependencies.publish()
            return try jsonResponse(LimitView(rule: gone, declaredIn: "store", state: "deleted", counters: []))
        }
        routes.on(.post, "\(path)/{id}/grant") { request, context in
            let body = try await request.decodeBody(LimitGrantRequest.self, members: LimitGrantRequest.members)
            let rule = try await find(pathID(context))
            let grant = try dependencies.directory.grant(
                rule, group: body.group, amount: body.amount, expires: parseTime(body.expires, "expires"), by: body.by,
                reason: body.reason ?? "")
            try await dependencies.publish()
            return try jsonResponse(grant, status: .created)
        }
    }

    private func find(_ id: String) async throws -> LimitRule {
        if let rule = try await dependencies.limits.rules().first(where: { $0.id == id }) { return rule }
        throw IdentityError(
            .notFound, "limit_not_found", "there is no budget or limit \"\(id)\"", mend: "weir budget list, weir limit list")
    }

    private func check(_ rule: LimitRule, _ isBudget: Bool) throws {
        guard (rule.unit == .nanoUSD) != isBudget else { return }
        throw IdentityError(
            .invalid, "wrong_unit", isBudget ? "a budget is money" : "a limit counts something else than money",
            mend: isBudget ? "weir limit create, for \(rule.unit.rawValue)" : "weir budget create, for money")
    }

    /// The fullest counters alone, unless all are wanted.
    private func view(_ rule: LimitRule, all: Bool = false) async -> LimitView {
        let isDeclared = await dependencies.limits.declared().contains(rule.id)
        let isCounted = await dependencies.limits.isCounted(rule)
        let counters = await dependencies.limits.counters(rule)
        let isAlert = rule.mode == .alert || rule.onExceed == .alert
        return LimitView(
            rule: rule, declaredIn: isDeclared ? "configuration" : "store",
            state: !isCounted ? "counting" : isAlert ? "alerting" : "enforced", counters: all ? counters : Array(counters.prefix(1)))
    }
}
