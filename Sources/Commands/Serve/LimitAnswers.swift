// LimitAnswers: what the admin API asks of budgets and limits: counters as people see them, how a turn that might come would fare, and
// what a rule would have done to the past.

import AdminAPI
import Console
import Foundation
import GatewayModel
import Identity
import Policy
import Providers
import Proxy
import ServerConfiguration
import Storage

/// Answers for the admin API.
struct LimitAnswers: Sendable {
    let limits: LimitsInForce
    let publisher: SnapshotPublisher
    let directory: Directory
    let databases: Databases
    let clock: any GatewayClock

    var access: LimitAccess {
        LimitAccess(
            rules: { limits.rules }, declared: { await publisher.declaredLimits }, isCounted: { limits.isCounted($0) },
            counters: { counters($0) }, hasZone: { timeZoneRules($0) != nil }, explain: { try await explain($0) },
            simulate: { request in try await onThread { try simulate(request) } },
            forecast: { rule in try await onThread { try LimitForecasts(limits: limits, databases: databases, clock: clock).views(rule) } })
    }

    /// The counters of the window of now, those that are used most first.
    private func counters(_ rule: LimitRule) -> [LimitCounterView] {
        let now = clock.now()
        let period = rule.window.isCalendar ? calendar(rule).period(at: now) : nil
        return limits.liveCounters(rule, at: now).map { counter in
            LimitCounterView(
                group: counter.group, used: counter.posted, reserved: counter.pending, limit: rule.limit.saturatingAdding(counter.granted),
                granted: counter.granted, windowStart: period.map { Timestamp(seconds: $0.start).rfc3339 },
                resets: period.map { Timestamp(seconds: $0.end).rfc3339 })
        }.sorted { $0.used.saturatingAdding($0.reserved) > $1.used.saturatingAdding($1.reserved) }
    }

    private func explain(_ question: LimitQuestion) async throws -> LimitExplanation {
        let key = try directory.key(question.key).key
        let (facts, demand, deployment) = try await publisher.turnThatMightCome(question, key)
        let book = limits.book
        let verdicts = limits.ledger.explain(facts, demand, under: book, at: clock.now())
        let enforced = verdicts.first { !$0.fits && $0.mode != .alert && $0.action != .alert }
        return LimitExplanation(
            deployment: deployment, reservesNanoUSD: demand.whole.cost, admitted: enforced == nil, decidedBy: enforced?.rule,
            verdicts: verdicts)
    }

    /// Holds past turns against a rule, one after the other in the order in which they came, each at what it cost.
    private func simulate(_ request: LimitSimulationRequest) throws -> LimitSimulation {
        guard let since = Timestamp(rfc3339: request.since) else { throw malformed("since", request.since) }
        let until = try request.until.map { text in
            guard let time = Timestamp(rfc3339: text) else { throw malformed("until", text) }
            return time
        }
        if let fault = request.rule.fault(hasZone: { timeZoneRules($0) != nil }) {
            throw IdentityError(.invalid, "malformed_limit", "\(fault.field): \(fault.problem)", mend: fault.mend)
        }
        let end = until ?? clock.now()
        var replay = LimitReplay(under: try limitBook([request.rule]), seed: 1)
        try LedgerHistory.read(databases.ledger) { history in
            try history.turns(from: since, until: end) { replay.take(PastTurn(PastUse($0))) }
        }
        return LimitSimulation(replay.finish(), since: since, until: end)
    }

    private func malformed(_ name: String, _ text: String) -> IdentityError {
        IdentityError(.invalid, "malformed_time", "\(name) is no time: \(text)", mend: "for example 2026-11-01T00:00:00Z")
    }
}

extension PastTurn {
    /// At what it cost, from when it came until it ended.
    fileprivate init(_ use: PastUse) {
        let used = LimitAmounts(cost: use.costNanoUSD, inputTokens: use.inputTokens, outputTokens: use.outputTokens)
        self.init(facts: TurnFacts(use), received: use.time, ended: use.ended, reserved: used, used: used)
    }
}

extension LimitSimulation {
    fileprivate init(_ report: LimitReplayReport, since: Timestamp, until: Timestamp) {
        let counters = (report.rules.first?.counters ?? [:]).map { group, counter in
            Group(
                group: group, turns: Int64(counter.matched), refused: Int64(counter.refused), refusedNanoUSD: counter.refusedCost,
                firstRefusal: counter.firstRefused?.rfc3339)
        }
        let sorted = counters.sorted { ($1.refused, $0.group.joined()) < ($0.refused, $1.group.joined()) }
        self.init(
            since: since.rfc3339, until: until.rfc3339, turns: Int64(report.turns), refused: Int64(report.refused),
            costNanoUSD: report.cost, refusedNanoUSD: report.refusedCost, groups: Array(sorted.prefix(100)))
    }
}

extension SnapshotPublisher {
    /// A turn as its limits would see it, without a request.
    func turnThatMightCome(_ question: LimitQuestion, _ key: VirtualKey) throws -> (TurnFacts, LimitDemand, String) {
        let (provider, model) = try deployment(of: question.model)
        var facts = TurnFacts()
        facts.workspace = key.principal.workspace
        facts.team = key.principal.team
        facts.developer = key.principal.owner
        facts.key = key.id
        facts.repository = question.repository
        facts.branch = question.branch
        facts.session = question.session
        facts.agent = question.agent
        facts.tags = question.tags ?? [:]
        facts.model = model
        facts.provider = provider.name
        facts.deployment = "\(provider.name)/\(model)"
        let bytes = max(0, question.bytes ?? 10_000)
        let bound = TurnBound.ofRequest(
            RequestSize(bytes: bytes, maxOutputTokens: question.maxOutputTokens), model: model,
            priceProvider: provider.priceProvider(of: model), prices: prices, at: SystemClock().now())
        return (facts, bound.demand(estimatedInput: bytes / 3), "\(provider.name)/\(model)")
    }

    private func deployment(of model: String) throws -> (Provider, String) {
        let table = ModelTable(providers)
        for dialect in Dialect.allCases {
            if let found = try? table.resolve(model, dialect: dialect) { return (providers[found.providerIndex], found.model) }
        }
        throw IdentityError(.notFound, "model_not_found", "no provider serves \"\(model)\"", mend: "GET /v1/models lists them")
    }
}
