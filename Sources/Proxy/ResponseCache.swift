// ResponseCache: answers that are kept in memory and given again for exactly the same request of the same tenant. All event loops share
// it; a turn whose route and key ask for no cache never comes here. Nothing of it is written to disk.

import Crypto
package import GatewayModel
import Policy
import Synchronization

/// What an answer is kept under: the SHA-256 of its tenant and of everything in the request that decides it.
struct CacheKey: Hashable, Sendable {
    let digest: [UInt8]

    init(_ hash: SHA256) { digest = Array(hash.finalize()) }
}

/// A whole answer as the client got it.
final class CachedResponse: Sendable {
    let body: [UInt8]
    let contentType: String
    /// What translation could not carry.
    let dropped: [String]
    /// The settled turn that it comes from.
    let turn: TurnRecord
    /// The route that served it; empty without one.
    let route: String
    let stored: Timestamp

    init(body: [UInt8], contentType: String, dropped: [String], turn: TurnRecord, route: String, stored: Timestamp) {
        self.body = body
        self.contentType = contentType
        self.dropped = dropped
        self.turn = turn
        self.route = route
        self.stored = stored
    }
}

/// What the cache did since the start, and what it holds now.
package struct ResponseCacheFigures: Sendable {
    package var entries: Int
    package var bytes: Int
    package var bytesMax: Int
    package var hits: Int64
    package var misses: Int64
    package var stored: Int64
    package var evictions: Int64
    package var saved: NanoUSD
}

/// The answers of all tenants, each under a key that holds its tenant.
package final class ResponseCache: Sendable {
    private let shelf = Mutex(CacheShelf<CacheKey, CachedResponse>(bytesMax: Limits().responseCacheBytesMax))
    private let hits = Counter()
    private let misses = Counter()
    private let stored = Counter()
    private let saved = Counter()

    package init() {}

    /// An answer that is not older than the rule in force lets it be, and is fit to be given; counts neither way.
    func find(_ key: CacheKey, seconds: Int, at now: Timestamp) -> CachedResponse? {
        shelf.withLock { $0.find(key, at: now, storedAfter: now.adding(seconds: -Int64(seconds))) }
    }

    func countHit(saved cost: NanoUSD?) {
        hits.increment()
        saved.increment(by: cost?.value ?? 0)
    }

    func countMiss() { misses.increment() }

    func keep(_ key: CacheKey, _ answer: CachedResponse, seconds: Int, bytesMax: Int) {
        let size = answer.body.count + (answer.turn.rawUsage?.utf8.count ?? 0)
        let isKept = shelf.withLock { shelf in
            if shelf.bytesMax != bytesMax { shelf.setBytesMax(bytesMax) }
            return shelf.put(key, answer, bytes: size, at: answer.stored, seconds: seconds)
        }
        if isKept { stored.increment() }
    }

    package var figures: ResponseCacheFigures {
        let (hits, misses, stored, saved) = (hits.value, misses.value, stored.value, NanoUSD(saved.value))
        return shelf.withLock { shelf in
            ResponseCacheFigures(
                entries: shelf.count, bytes: shelf.bytes, bytesMax: shelf.bytesMax, hits: hits, misses: misses, stored: stored,
                evictions: shelf.evictions, saved: saved)
        }
    }

    /// Forgets every answer, or those of a route, of a key, or of a workspace; how many those were.
    package func purge(route: String? = nil, keyID: String? = nil, workspace: String? = nil) -> Int {
        shelf.withLock { shelf in
            shelf.removeAll { answer in
                (route.map { $0 == answer.route } ?? true) && (keyID.map { $0 == answer.turn.principal.keyID } ?? true)
                    && (workspace.map { $0 == answer.turn.principal.workspace } ?? true)
            }
        }
    }
}
