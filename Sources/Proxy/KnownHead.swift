// KnownHead: the last head of a client's connection, and what was made of it. An agent sends the same head with every request of a
// session, but for the length of its body: then nothing is read, judged or written anew that follows from the head alone.

import Dialects
import GatewayModel
import Providers
import WireFormat

/// A head that may come again on its connection. Touched only on the connection's loop.
final class KnownHead {
    let head: HTTPRequestHead
    /// What its path asks for.
    let target: RouteTarget
    /// Its body is not encoded.
    var isPlain = false
    /// The key that it carries. Forgotten by the connection with each new snapshot.
    var key: KnownKey?
    private var attribution: KnownAttribution?
    private var model: KnownModel?
    private var opening: KnownOpening?

    init(_ head: HTTPRequestHead, origin: OriginTable) {
        self.head = head
        target = RouteTarget(method: head.method, path: head.path, origin: origin)
    }

    /// The labels that these fields give under a key's binding.
    func attribution(_ key: KnownKey, _ read: () -> Attribution) -> Attribution {
        if let attribution, attribution.key === key { return attribution.value }
        let value = read()
        attribution = KnownAttribution(key: key, value: value)
        return value
    }

    /// Where a model leads that the key may use, in a snapshot.
    func model(
        _ asked: String, _ key: KnownKey, _ snapshot: GatewaySnapshot, _ resolve: () throws(GatewayError) -> ResolvedModel
    ) throws(GatewayError) -> ResolvedModel {
        // By its bytes: two spellings that Unicode takes for one are two models to a provider.
        if let model, model.key === key, model.snapshot === snapshot, model.asked.utf8.elementsEqual(asked.utf8) { return model.resolved }
        let resolved = try resolve()
        model = KnownModel(snapshot: snapshot, key: key, asked: asked, resolved: resolved)
        return resolved
    }

    /// What goes upstream of this head, from its first byte to the last of the client's own fields. `fixed` holds the credential.
    func opening(_ provider: ProviderRuntime, _ path: [UInt8], _ fixed: [UInt8], _ write: () -> [UInt8]) -> [UInt8] {
        if let opening, opening.provider === provider, opening.fixed == fixed, opening.path == path { return opening.bytes }
        let bytes = write()
        opening = KnownOpening(provider: provider, path: path, fixed: fixed, bytes: bytes)
        return bytes
    }
}

// What is kept is asked for with each request and is an object, so that looking at it copies nothing.

private final class KnownAttribution {
    let key: KnownKey
    let value: Attribution

    init(key: KnownKey, value: Attribution) {
        self.key = key
        self.value = value
    }
}

private final class KnownModel {
    let snapshot: GatewaySnapshot
    let key: KnownKey
    let asked: String
    let resolved: ResolvedModel

    init(snapshot: GatewaySnapshot, key: KnownKey, asked: String, resolved: ResolvedModel) {
        self.snapshot = snapshot
        self.key = key
        self.asked = asked
        self.resolved = resolved
    }
}

private final class KnownOpening {
    let provider: ProviderRuntime
    let path: [UInt8]
    let fixed: [UInt8]
    let bytes: [UInt8]

    init(provider: ProviderRuntime, path: [UInt8], fixed: [UInt8], bytes: [UInt8]) {
        self.provider = provider
        self.path = path
        self.fixed = fixed
        self.bytes = bytes
    }
}
