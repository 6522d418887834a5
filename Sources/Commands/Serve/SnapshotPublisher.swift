// SnapshotPublisher: builds the hot path's snapshot from settings, keys and prices, and puts it in force.

import AgentOrigin
import Foundation
import GatewayModel
import Identity
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

    init(
        settings: GatewaySettings, directory: Directory, control: ControlStore, board: DeploymentBoard, clock: any GatewayClock
    ) {
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

    var providerNames: [String] { settings.providers.map(\.name) }

    func build() throws -> GatewaySnapshot {
        version += 1
        let imported = try control.priceRows()
        if priceSources.map({ $0.configured != settings.prices || $0.imported != imported }) ?? true {
            prices = priceBook(configured: settings.prices, imported: imported)
            priceSources = (settings.prices, imported)
        }
        var policy = GatewayPolicy()
        policy.requiredLabels = Set(settings.requiredLabels)
        policy.keepsDigests = settings.digests == "sha256"
        policy.waitsForSync = settings.journalSync == "always"
        let made = GatewaySnapshot(
            version: version, keys: try directory.keysByID(), providers: settings.providers, prices: prices,
            limits: settings.limits, policy: policy, pepper: directory.pepper.bytes,
            aliases: RepositoryAliases(try directory.aliases()), tokens: tokens, routes: settings.routes, board: board)
        snapshot = made
        return made
    }

    func publish() async throws {
        let snapshot = try build()
        await server?.publish(snapshot)
    }

    /// Takes new settings over whole.
    func reload(_ next: GatewaySettings) async throws {
        settings.limits = next.limits
        settings.providers = next.providers
        settings.prices = next.prices
        settings.routes = next.routes
        settings.requiredLabels = next.requiredLabels
        settings.digests = next.digests
        settings.publicURL = next.publicURL
        settings.publicModels = next.publicModels
        settings.openCodeModel = next.openCodeModel
        settings.openCodeSmallModel = next.openCodeSmallModel
        settings.loginKeyDays = next.loginKeyDays
        settings.journalSync = next.journalSync
        try await publish()
    }

    /// A copy of what prices turns, for use outside the actor.
    func pricing() -> @Sendable (TurnRecord) -> (cost: NanoUSD, version: String)? {
        let prices = prices
        let providers = settings.providers
        return { turn in
            let provider = providers.first { $0.name == turn.provider }
            let model = provider?.priceModel(of: turn.model) ?? turn.model
            let result = prices.price(
                usage: turn.usage, provider: provider?.priceProvider(of: model) ?? turn.provider, model: model,
                qualifiers: turn.qualifiers, at: turn.received)
            guard case .priced(let cost, let version) = result else { return nil }
            // What failed tries cost was priced when they failed.
            return (turn.tries.dropLast().reduce(cost) { $0 + $1.cost }, version)
        }
    }
}
