// LoopContext: what one event loop owns. A connection lives on one loop and takes its upstream from that loop's own pool, so
// nothing here needs a lock.

import Dialects
import GatewayModel
import NIOCore
import Providers

/// The prices of a model in its standard tier.
private final class KeptSheet {
    let provider: ProviderRuntime
    let model: String
    let sheet: PriceSheet

    init(_ provider: ProviderRuntime, _ model: String, _ sheet: PriceSheet) {
        self.provider = provider
        self.model = model
        self.sheet = sheet
    }
}

/// The state of one event loop of the data plane.
///
/// Sendable without a check: every member but the immutable ones is touched only on `eventLoop`, and each entry from
/// outside goes through `eventLoop.execute`.
final class LoopContext: @unchecked Sendable {
    let eventLoop: any EventLoop
    let shared: GatewayShared
    let allocator = ByteBufferAllocator()
    var snapshot: GatewaySnapshot
    var estimator = OutputEstimator()
    var limitQueue = LimitQueue()
    var isDraining = false
    /// One of the loops checks providers.
    var checksProviders = false
    private(set) var pools: [String: UpstreamPool] = [:]
    /// The pool that was asked for last: most requests want the same one again.
    private var lastPool: (provider: ProviderRuntime, pool: UpstreamPool)?
    /// The prices that were looked up last.
    private var lastSheet: KeptSheet?
    private(set) var clients: [ObjectIdentifier: ClientConnection] = [:]
    private(set) var exchanges: [Exchange] = []
    private(set) var drainCount = 0
    private var sweep: RepeatedTask?
    private var random: (UInt64, UInt64)

    /// How often time limits are looked at.
    static let sweepsPerSecond = 4

    init(eventLoop: any EventLoop, shared: GatewayShared, snapshot: GatewaySnapshot) {
        self.eventLoop = eventLoop
        self.shared = shared
        self.snapshot = snapshot
        random = (shared.random.next() | 1, shared.random.next())
    }

    /// Starts the sweep that enforces every time limit: one timer a loop instead of several a request.
    func start() {
        eventLoop.assertInEventLoop()
        let interval = TimeAmount.milliseconds(1000 / Int64(Self.sweepsPerSecond))
        sweep = eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { [weak self] _ in
            self?.sweepDeadlines()
        }
    }

    func stop() {
        sweep?.cancel()
        sweep = nil
    }

    func pool(for provider: ProviderRuntime) -> UpstreamPool {
        if let lastPool, lastPool.provider === provider { return lastPool.pool }
        let pool = pools[provider.poolKey] ?? UpstreamPool(provider: provider.provider, loop: self)
        pools[provider.poolKey] = pool
        lastPool = (provider, pool)
        return pool
    }

    /// The cost of a usage at a provider of the snapshot. Turns of one model follow each other, so the last prices are kept for as long
    /// as they hold; a provider is another one in each snapshot.
    func price(
        _ usage: TokenUsage, _ provider: ProviderRuntime, model asked: String, _ qualifiers: UsageQualifiers, at time: Timestamp,
        _ snapshot: GatewaySnapshot
    ) -> PriceResult {
        let isStandard = qualifiers.serviceTier == nil && qualifiers.speed == nil && qualifiers.inferenceGeo == nil
        let totalInput = usage.billedInput
        if isStandard, let lastSheet, lastSheet.provider === provider, lastSheet.model == asked {
            let sheet = lastSheet.sheet
            if sheet.holds(at: time, totalInput: totalInput) { return sheet.cost(usage) }
        }
        let model = provider.provider.priceModel(of: asked)
        let name = provider.provider.priceProvider(of: model)
        guard isStandard,
            let sheet = snapshot.prices.sheet(
                provider: name, model: model, qualifiers: qualifiers, at: time, totalInput: totalInput)
        else {
            return snapshot.prices.price(usage: usage, provider: name, model: model, qualifiers: qualifiers, at: time)
        }
        lastSheet = KeptSheet(provider, asked, sheet)
        return sheet.cost(usage)
    }

    func add(_ client: ClientConnection) { clients[ObjectIdentifier(client)] = client }
    func remove(_ client: ClientConnection) { clients[ObjectIdentifier(client)] = nil }

    /// Each exchange knows its place, which costs less than a search and less than a hash.
    func add(_ exchange: Exchange) {
        exchange.place = exchanges.count
        exchanges.append(exchange)
    }

    func remove(_ exchange: Exchange) {
        guard exchange.place >= 0 else { return }
        let last = exchanges.removeLast()
        if last !== exchange {
            exchanges[exchange.place] = last
            last.place = exchange.place
        }
        exchange.place = -1
    }

    /// Requests that are being served, and finished answers that are still on their way to a client.
    var activeCount: Int { exchanges.count + clients.values.count { $0.exchange == nil && $0.sink.hasQueuedBytes } }

    /// Takes one of the places for upstreams that are read to their end without a client.
    func beginDrain() -> Bool {
        guard drainCount < snapshot.limits.drainsMax else { return false }
        drainCount += 1
        return true
    }

    func endDrain() { drainCount -= 1 }

    /// A new request id: time-ordered, with bits of a generator seeded from the system's random source. Ids need not be
    /// secret, only unique.
    func makeRequestID(at time: Timestamp) -> RequestID {
        RequestID(time: time, random: nextRandom(), random12: UInt16(truncatingIfNeeded: nextRandom() >> 32))
    }

    /// xoroshiro128+ (Blackman and Vigna).
    func nextRandom() -> UInt64 {
        let (first, second) = random
        let result = first &+ second
        let mixed = first ^ second
        random.0 = (first << 24 | first >> 40) ^ mixed ^ (mixed << 16)
        random.1 = mixed << 37 | mixed >> 27
        return result
    }

    /// Takes a new snapshot: later requests use it at once, and running ones whose key it revokes are cut.
    func adopt(_ next: GatewaySnapshot) {
        eventLoop.assertInEventLoop()
        snapshot = next
        for client in clients.values { client.snapshotChanged() }
        for exchange in exchanges {
            // What a handler is at is no stream: it ends soon, and may be the very request that revoked its own key.
            guard let keyID = exchange.keyID, exchange.phase != .answering else { continue }
            if next.keys[keyID].map({ $0.revoked }) ?? true { exchange.cut(.revokedKey(keyID: keyID)) }
        }
    }

    /// Stops taking work: idle connections close now, busy ones after their answer.
    func drain() {
        isDraining = true
        for client in clients.values { client.drain() }
        for pool in pools.values { pool.closeIdle() }
    }

    /// Ends whatever still runs; each turn is settled with what was seen.
    func cutAll() {
        for exchange in exchanges { exchange.cut(.shuttingDown) }
        for client in clients.values { client.close() }
        for pool in pools.values { pool.closeIdle() }
    }

    private func sweepDeadlines() {
        let now = NIODeadline.now()
        for client in clients.values { client.checkDeadline(now) }
        for exchange in exchanges { exchange.checkDeadline(now) }
        for pool in pools.values { pool.checkDeadlines(now) }
        if checksProviders { checkProviders() }
    }
}
