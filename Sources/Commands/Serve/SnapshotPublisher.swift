// SnapshotPublisher: builds the hot path's snapshot from settings, keys and prices, and puts it in force.

import AgentOrigin
import Foundation
import GatewayModel
import Identity
import Journal
import Policy
import Providers
import Proxy
import ServerConfiguration
import Storage

/// The prices in force: what the configuration sets goes before what was imported, and both before our own list.
func priceBook(configured: [PriceRow], imported: [String]) -> PriceBook {
    let decoder = JSONDecoder()
    let rows = configured + imported.compactMap { try? decoder.decode(PriceRow.self, from: Data($0.utf8)) }
    return PriceBook(rows: rows + Catalogue.rows, version: Catalogue.version + fingerprint(rows))
}

/// Tells two sets of overriding prices apart on the turns that they priced: FNV-1a of every row.
private func fingerprint(_ rows: [PriceRow]) -> String {
    guard !rows.isEmpty else { return "" }
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for row in rows {
        for byte in "\(row)\n".utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    }
    return "+" + String(hash, radix: 36)
}

/// One publication at a time, each with the next version.
actor SnapshotPublisher {
    private var settings: GatewaySettings
    private let directory: Directory
    private let control: ControlStore
    private let board: DeploymentBoard
    /// Access tokens outlive every snapshot.
    private let tokens: AccessTokens
    private var version: Int64
    private var server: GatewayServer?
    private(set) var prices: PriceBook
    /// The snapshot that is in force.
    private(set) var snapshot: GatewaySnapshot?
    /// What `prices` was made from. A catalogue has thousands of rows, and most publications change none of them.
    private var priceSources: (configured: [PriceRow], imported: [String])?
    private let limits: LimitsInForce
    private let sessions: RunawaySessions
    private let alerts: AlertDesk
    private let clock: any GatewayClock
    /// Publications come one after the other, and so do reloads.
    private var last: Task<Void, any Error>?
    private var lastReload: Task<Void, any Error>?

    init(
        settings: GatewaySettings, directory: Directory, control: ControlStore, limits: LimitsInForce, sessions: RunawaySessions,
        alerts: AlertDesk, board: DeploymentBoard, clock: any GatewayClock
    ) {
        self.clock = clock
        self.alerts = alerts
        self.limits = limits
        self.sessions = sessions
        self.settings = settings
        self.board = board
        self.directory = directory
        self.control = control
        tokens = AccessTokens(clock: clock) { source async throws(AccessTokenError) in try await fetchAccessToken(source, clock) }
        // Versions grow over restarts too.
        version = clock.now().milliseconds
        prices = PriceBook(rows: [], version: "")
    }

    func attach(_ server: GatewayServer) { self.server = server }

    var currentVersion: Int64 { version }
    var agentOrigin: AgentOriginSettings {
        var origin = AgentOriginSettings()
        origin.publicURL = settings.publicURL
        origin.listsModelsPublicly = settings.publicModels == "yes"
        origin.openCodeModel = settings.openCodeModel
        origin.openCodeSmallModel = settings.openCodeSmallModel
        origin.loginKeyDays = Int64(settings.loginKeyDays)
        return origin
    }

    var providers: [Provider] { settings.providers }
    var providerNames: [String] { settings.providers.map(\.name) }

    /// The first snapshot: nothing is admitted before every budget and limit is counted up.
    func buildFirst() async throws -> GatewaySnapshot {
        await alerts.setSinks(settings.alertSinks)
        let rules = try limitRules()
        let first = try limits.publication(rules)
        if !first.uncounted.isEmpty { _ = try limits.count(first.uncounted, before: .max) }
        limits.setGrants(try control.limitGrants())
        return try build(try limits.publication(rules).book)
    }

    /// What the configuration declares, then what was made through the admin API.
    func limitRules() throws -> [LimitRule] {
        let declared = settings.limitRules
        let names = Set(declared.map(\.id))
        return declared + (try storedLimits(control)).filter { !names.contains($0.id) }
    }

    var declaredLimits: Set<String> { Set(settings.limitRules.map(\.id)) }

    private func build(_ book: LimitBook) throws -> GatewaySnapshot {
        version += 1
        let imported = try control.priceRows()
        if priceSources.map({ $0.configured != settings.prices || $0.imported != imported }) ?? true {
            prices = priceBook(configured: settings.prices, imported: imported)
            priceSources = (settings.prices, imported)
        }
        var policy = GatewayPolicy()
        policy.requiredLabels = Set(settings.requiredLabels)
        policy.keepsDigests = settings.digests == "sha256"
        policy.runaway = try sessions.policy(settings.runaway)
        policy.waitsForSync = settings.journalSync == "always"
        policy.watchesPrompts = settings.promptCacheWatch == "yes"
        let made = GatewaySnapshot(
            version: version, keys: try directory.keysByID(), providers: settings.providers, prices: prices,
            limits: settings.limits, policy: policy, pepper: directory.pepper.bytes,
            aliases: RepositoryAliases(try directory.aliases()), tokens: tokens, routes: settings.routes, board: board, limitBook: book)
        snapshot = made
        return made
    }

    /// Puts what there is now in force, after the publications that were asked for before. Budgets and limits that are new are
    /// enforced when it returns.
    func publish() async throws {
        let before = last
        let next = Task {
            _ = await before?.result
            try await self.publishNow()
        }
        last = next
        try await next.value
    }

    private func publishNow() async throws {
        let rules = try limitRules()
        let first = try limits.publication(rules)
        let snapshot = try build(first.book)
        await server?.publish(snapshot)
        limits.setGrants(try control.limitGrants())
        guard !first.uncounted.isEmpty else { return }
        // From here on turns of the new snapshot count for the new rules by themselves.
        let limits = limits
        let counting = try await onThread { try limits.count(first.uncounted, before: snapshot.version) }
        let enforcing = try build(try limits.publication(rules).book)
        await server?.publish(enforcing)
        limits.setGrants(try control.limitGrants())
        follow(counting, before: snapshot.version)
    }

    /// Counts turns that ran already when a rule was made, as they end.
    private func follow(_ counting: LimitCounting, before snapshot: Int64) {
        guard let server else { return }
        let limits = limits
        Task {
            while true {
                let isRunning = await server.hasRequests(before: snapshot)
                try? await onThread { limits.follow(counting, before: snapshot) }
                guard isRunning else { return }
                try await Task.sleep(for: .milliseconds(200))
            }
        }
    }

    /// Takes over of new settings what can change while the server runs, once that is journaled; all of it or nothing.
    func reload(_ next: GatewaySettings, _ journal: Journal) async throws {
        let before = lastReload
        let reload = Task {
            _ = await before?.result
            try await self.reloadNow(next, journal)
        }
        lastReload = reload
        try await reload.value
    }

    private func reloadNow(_ next: GatewaySettings, _ journal: Journal) async throws {
        let before = settings
        let after = before.takingOver(next)
        let change = PolicyChange(from: before.policyLines, to: after.policyLines)
        try journal.recordPolicy("configuration", change, at: clock.now())
        settings = after
        await alerts.setSinks(after.alertSinks)
        do {
            try await publish()
        } catch {
            settings = before
            await alerts.setSinks(before.alertSinks)
            try? journal.recordPolicy("configuration", change.reversed, at: clock.now())
            throw error
        }
    }

    /// A copy of what prices turns, for use outside the actor.
    func pricing() -> @Sendable (TurnRecord) -> RatedCost? {
        let prices = prices
        let providers = settings.providers
        return { turn in
            func price(_ usage: TokenUsage, _ name: String, _ model: String, _ qualifiers: UsageQualifiers) -> PriceResult {
                let provider = providers.first { $0.name == name }
                let priced = provider?.priceModel(of: model) ?? model
                return prices.price(
                    usage: usage, provider: provider?.priceProvider(of: priced) ?? name, model: priced, qualifiers: qualifiers,
                    at: turn.received)
            }
            guard case .priced(let served, let version) = price(turn.usage, turn.provider, turn.model, turn.qualifiers) else {
                return nil
            }
            var rated = RatedCost(cost: served, tries: [], version: version)
            // What the other tries cost was priced when they failed, but for those that had no price either. The line of the one that
            // served has neither cost nor tokens.
            for one in turn.tries {
                var cost = one.cost
                if cost == .zero, one.inputTokens != nil || one.outputTokens != nil {
                    let names = one.deployment.split(separator: "/", maxSplits: 1).map(String.init)
                    var usage = TokenUsage()
                    (usage.input, usage.output) = (one.inputTokens ?? 0, one.outputTokens ?? 0)
                    let tier = UsageQualifiers(serviceTier: turn.qualifiers.serviceTier)
                    guard names.count == 2, case .priced(let own, _) = price(usage, names[0], names[1], tier) else { return nil }
                    cost = own
                }
                rated.tries.append(cost)
                rated.cost += cost
            }
            return rated
        }
    }
}

extension GatewaySettings {
    /// These settings with those of others that a running server takes over; the rest needs a start.
    fileprivate func takingOver(_ next: GatewaySettings) -> GatewaySettings {
        var settings = self
        settings.limits = next.limits
        settings.providers = next.providers
        settings.prices = next.prices
        settings.routes = next.routes
        settings.limitRules = next.limitRules
        settings.runaway = next.runaway
        settings.alertSinks = next.alertSinks
        settings.requiredLabels = next.requiredLabels
        settings.digests = next.digests
        settings.promptCacheWatch = next.promptCacheWatch
        settings.publicURL = next.publicURL
        settings.publicModels = next.publicModels
        settings.openCodeModel = next.openCodeModel
        settings.openCodeSmallModel = next.openCodeSmallModel
        settings.loginKeyDays = next.loginKeyDays
        settings.journalSync = next.journalSync
        return settings
    }
}

/// Runs what blocks where it may.
func onThread<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
        let thread = Thread { continuation.resume(with: Swift.Result { try body() }) }
        thread.name = "weir-limits"
        thread.start()
    }
}

/// The rules in the store; one that this Weir cannot read is left out and told by `weir limit list`.
func storedLimits(_ control: ControlStore) throws -> [LimitRule] {
    let decoder = JSONDecoder()
    return try control.limitRules().compactMap { try? decoder.decode(LimitRule.self, from: Data($0.body.utf8)) }
}
