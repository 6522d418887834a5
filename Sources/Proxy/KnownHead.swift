// KnownHead: the last head of a client's connection, and what was made of it. An agent sends the same head with every request of a
// session, but for the length of its body: then nothing is read, judged or written anew that follows from the head alone.

import Dialects
import GatewayModel
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
    private var attribution: (key: KnownKey, value: Attribution)?
    private var opening: (provider: ProviderRuntime, path: [UInt8], fixed: [UInt8], bytes: [UInt8])?

    init(_ head: HTTPRequestHead, origin: OriginTable) {
        self.head = head
        target = RouteTarget(method: head.method, path: head.path, origin: origin)
    }

    /// The labels that these fields give under a key's binding.
    func attribution(_ key: KnownKey, _ read: () -> Attribution) -> Attribution {
        if let attribution, attribution.key === key { return attribution.value }
        let value = read()
        attribution = (key, value)
        return value
    }

    /// What goes upstream of this head, from its first byte to the last of the client's own fields. `fixed` holds the credential.
    func opening(_ provider: ProviderRuntime, _ path: [UInt8], _ fixed: [UInt8], _ write: () -> [UInt8]) -> [UInt8] {
        if let opening, opening.provider === provider, opening.fixed == fixed, opening.path == path { return opening.bytes }
        let bytes = write()
        opening = (provider, path, fixed, bytes)
        return bytes
    }
}
