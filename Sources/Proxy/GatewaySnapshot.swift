// GatewaySnapshot: everything that decides about a request, as one immutable value. It is built off the hot path, published
// to every event loop as a reference, and a request keeps the one that it began with.

import Crypto
package import GatewayModel
package import Policy
package import Providers

/// What the data plane knows: keys, providers, models, prices, limits.
package final class GatewaySnapshot: Sendable {
    /// Grows by one with each publication; stored on every turn.
    package let version: Int64
    /// Virtual keys by their public id.
    package let keys: [String: VirtualKey]
    package let models: ModelTable
    package let prices: PriceBook
    /// What projects and sessions are named that say no repository.
    package let aliases: RepositoryAliases
    package let limits: Limits
    package let policy: GatewayPolicy
    /// The budgets and limits in force.
    package let limitBook: LimitBook
    /// Begun with the pepper of the keys' HMACs, which is kept outside the database. Each use is a copy.
    let keyMAC: HMAC<SHA256>
    let providers: [ProviderRuntime]
    let routes: RouteTable
    /// Whether any route or key asks for the exact response cache.
    let keepsAnswers: Bool
    /// A simulated provider reads fields of its own, which then decide an answer.
    let steersSimulation: Bool

    /// The providers as they are configured.
    package var configuredProviders: [Provider] { providers.map(\.provider) }

    /// - Parameters:
    ///   - pepper: the bytes under which the keys' secrets were MACed.
    ///   - tokens: where providers whose credential is fetched find it.
    package init(
        version: Int64, keys: [String: VirtualKey], providers: [Provider], prices: PriceBook, limits: Limits,
        policy: GatewayPolicy, pepper: [UInt8], aliases: RepositoryAliases = RepositoryAliases(), tokens: AccessTokens? = nil,
        routes: [Route] = [], board: DeploymentBoard = DeploymentBoard(), limitBook: LimitBook = .empty
    ) {
        self.version = version
        self.keys = keys
        let runtimes = providers.map { provider in
            ProviderRuntime(
                provider, token: provider.tokenSource.flatMap { tokens?.slot(of: $0) },
                health: provider.health == nil ? nil : board.health(provider.name))
        }
        self.providers = runtimes
        let models = ModelTable(providers)
        self.models = models
        keepsAnswers = routes.contains { $0.cache != nil } || keys.values.contains { ($0.cacheSeconds ?? 0) > 0 }
        steersSimulation = providers.contains { $0.kind == .simulated }
        self.routes = RouteTable(routes, models: models, providers: runtimes, board: board)
        self.prices = prices
        self.aliases = aliases
        self.limits = limits
        self.policy = policy
        self.limitBook = limitBook
        keyMAC = HMAC(key: SymmetricKey(data: pepper))
    }
}

/// The choices of an operator that are not limits.
package struct GatewayPolicy: Sendable, Hashable {
    /// Labels without which a call is refused: `repository`, `branch`, `session`, `agent`.
    package var requiredLabels: Set<String> = []
    /// Whether SHA-256 digests of both bodies are kept on each turn. They cost about as much CPU as TLS does.
    package var keepsDigests = false
    /// What is done about agents that run away; nil is nothing.
    package var runaway: RunawayPolicy?
    /// Journal appends wait for the group's fsync before the next step.
    package var waitsForSync = false
    /// Whether each turn's prompt is outlined, so that a turn whose cache broke says why. About a pass over the body.
    package var watchesPrompts = false

    package init() {}
}

/// A provider with what every request to it has in common, computed once.
final class ProviderRuntime: Sendable {
    let provider: Provider
    /// `Host` and credential lines, ready to be copied into a request head.
    let fixedFields: [UInt8]
    /// The same with each of the provider's credentials.
    let credentials: [[UInt8]]
    let credentialNames: [String]
    let credentialWeights: [Int64]
    /// The token that every request carries or the keys that sign it, when the credential is one that is fetched.
    let token: AccessTokenSlot?
    /// What every request has in its query.
    let fixedQuery: String?
    /// What makes two connections interchangeable.
    let poolKey: String
    /// Signs requests to it; nil where the credential is a fixed field or a token.
    let signer: RequestSigner?
    /// The paths of the endpoints that agents call most, which need neither id nor model.
    private let paths: [(endpoint: Endpoint, path: [UInt8])]

    /// What checks say of it; nil where it is not checked.
    let health: ProviderHealth?

    init(_ provider: Provider, token: AccessTokenSlot? = nil, health: ProviderHealth? = nil) {
        self.provider = provider
        self.token = token
        self.health = health
        let origin = provider.origin
        let isDefaultPort = origin.port == (origin.isTLS ? 443 : 80)
        let host = origin.host.contains(":") ? "[\(origin.host)]" : origin.host
        let authority = "\(host)\(isDefaultPort ? "" : ":\(origin.port)")"
        signer = RequestSigner(provider, host: authority, slot: token)
        let all = provider.allCredentials
        credentials = all.map { one in
            let line: String
            switch provider.credentialHeader {
            case .bearer where !one.secret.isEmpty: line = "Authorization: Bearer \(one.secret)\r\n"
            case .apiKey where !one.secret.isEmpty: line = "x-api-key: \(one.secret)\r\n"
            case .azureAPIKey where !one.secret.isEmpty: line = "api-key: \(one.secret)\r\n"
            case .googleAPIKey where !one.secret.isEmpty: line = "x-goog-api-key: \(one.secret)\r\n"
            default: line = ""
            }
            return Array("Host: \(authority)\r\n\(line)".utf8)
        }
        fixedFields = credentials[0]
        credentialNames = all.map(\.name)
        credentialWeights = all.map(\.weight)
        fixedQuery = provider.traits.apiVersion.map { "api-version=\($0)" }
        paths =
            provider.traits.layout == .standard
            ? [.chatCompletions, .messages, .responses].map { ($0, Array(upstreamPath($0, provider: provider, id: nil, model: "").utf8)) }
            : []
        // Whatever a connection is made by: one that was made otherwise is not shared.
        poolKey =
            "\(origin.scheme)://\(origin.host):\(origin.port) \(provider.name) \(provider.allowsPrivateAddresses) "
            + (provider.trustRootsFile ?? "")
    }

    /// Where an endpoint lies at this provider, without the query.
    func path(_ endpoint: Endpoint, id: String?, model: String, streams: Bool) -> [UInt8] {
        for index in 0..<paths.count where paths[index].endpoint == endpoint { return paths[index].path }
        return Array(upstreamPath(endpoint, provider: provider, id: id, model: model, streams: streams).utf8)
    }
}
