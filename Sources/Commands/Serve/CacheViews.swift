// CacheViews: the data plane's exact response cache as the admin API shows it.

import AdminAPI
import GatewayModel
import Journal
import Proxy
import WireFormat

func cacheView(_ figures: ResponseCacheFigures) -> CacheView {
    CacheView(
        entries: figures.entries, bytes: figures.bytes, bytesMax: figures.bytesMax, hits: figures.hits, misses: figures.misses,
        stored: figures.stored, evictions: figures.evictions, savedNanoUSD: figures.saved.value)
}

/// Forgets answers, and journals that an administrator had them forgotten.
func purge(_ cache: ResponseCache, _ wish: CachePurgeRequest, _ journal: Journal, at now: Timestamp) -> Int {
    let forgotten = cache.purge(route: wish.route, keyID: wish.key, workspace: wish.workspace)
    _ = try? journal.append(.entityChanged, at: now) { writer in
        writer.field("entity", "response_cache")
        writer.field("id", wish.route ?? wish.key ?? wish.workspace ?? "all")
        writer.rawField("after", "{\"forgotten\":\(forgotten)}".utf8)
    }
    return forgotten
}
