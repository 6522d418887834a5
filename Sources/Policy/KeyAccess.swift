// KeyAccess: whether a verified key may do what it asks. Pure: time and address come in.

package import GatewayModel

/// The checks of a virtual key's own policy.
package enum KeyAccess {
    /// Whether `check` may ever refuse with this key.
    package static func hasConditions(_ key: VirtualKey) -> Bool {
        key.revoked || key.notBefore != nil || key.expires != nil || !key.endpoints.isEmpty || !key.networks.isEmpty
    }

    /// Time, revocation, address, and the endpoint where one is asked for.
    package static func check(
        key: VirtualKey, at now: Timestamp, peer: PeerAddress, endpoint: Endpoint?
    ) throws(GatewayError) {
        if key.revoked { throw .revokedKey(keyID: key.id) }
        if let notBefore = key.notBefore, now < notBefore { throw .keyNotYetValid(keyID: key.id) }
        if let expires = key.expires, now >= expires { throw .expiredKey(keyID: key.id) }
        if let endpoint, !key.endpoints.isEmpty, !key.endpoints.contains(endpoint), endpoint != .models {
            throw .endpointNotAllowed(keyID: key.id, endpoint: endpoint.rawValue)
        }
        if !key.networks.isEmpty, !key.networks.contains(where: { CIDRBlock($0)?.contains(peer) ?? false }) {
            throw .addressNotAllowed(keyID: key.id, address: peer.description)
        }
    }

    /// The model allow list, against the name asked for and against what it resolved to.
    package static func checkModel(
        _ key: VirtualKey, asked: String, provider: String, model: String
    ) throws(GatewayError) {
        guard allowsModel(key, asked: asked, provider: provider, model: model) else {
            throw .modelNotAllowed(keyID: key.id, model: asked, allowed: key.models)
        }
    }

    /// Whether the allow list holds what would be served.
    package static func allowsModel(_ key: VirtualKey, asked: String, provider: String, model: String) -> Bool {
        guard !key.models.isEmpty else { return true }
        // What counts is what will be served: an alias cannot open a forbidden model.
        let full = "\(provider)/\(model)"
        return key.models.contains { matches($0, model) || matches($0, full) }
    }

    /// The repository binding, when it is enforced.
    package static func checkRepository(_ key: VirtualKey, repository: String?) throws(GatewayError) {
        guard key.repositoryEnforced, let bound = key.repository, repository != bound else { return }
        throw .repositoryNotAllowed(keyID: key.id, repository: repository ?? "", bound: bound)
    }

    /// Exact, or with `*` at the start, the end, or both.
    package static func matches(_ pattern: String, _ text: String) -> Bool {
        let starts = pattern.hasPrefix("*")
        let ends = pattern.hasSuffix("*")
        guard starts || ends else { return pattern == text }
        let core = pattern.dropFirst(starts ? 1 : 0).dropLast(ends && pattern.count > 1 ? 1 : 0)
        if core.isEmpty { return true }
        if starts, ends {
            var rest = text[...]
            while !rest.isEmpty {
                if rest.hasPrefix(core) { return true }
                rest = rest.dropFirst()
            }
            return false
        }
        return starts ? text.hasSuffix(core) : text.hasPrefix(core)
    }
}
