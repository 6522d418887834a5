// VirtualKey: what the hot path needs to know of a key. The secret is never here, only its HMAC under a pepper.

/// One accepted secret of a key. Rotation keeps the old one valid for an overlap.
package struct KeySecret: Sendable, Hashable, Codable {
    /// HMAC-SHA-256(pepper, keyid ‖ secret), 32 bytes.
    package var mac: [UInt8]
    package var generation: Int
    /// When this secret stops being accepted; nil for the current one.
    package var validUntil: Timestamp?

    package init(mac: [UInt8], generation: Int, validUntil: Timestamp? = nil) {
        self.mac = mac
        self.generation = generation
        self.validUntil = validUntil
    }
}

/// A virtual key with its owner and its policy, ready for use on an event loop.
package struct VirtualKey: Sendable, Hashable, Codable {
    /// The length of a key's text: `weir_k_`, 10 characters of id, `_`, 43 of secret, 6 of checksum. A client may put labels
    /// behind it, after a dot.
    package static let textBytes = 67

    /// The public ten characters: `4fj2…`.
    package var id: String
    package var principal: Principal
    package var secrets: [KeySecret]
    package var notBefore: Timestamp?
    package var expires: Timestamp?
    package var revoked: Bool = false
    /// Patterns with `*` at the ends, matched against `provider/model` and `model`; empty allows every model.
    package var models: [String] = []
    /// Empty allows every endpoint.
    package var endpoints: [Endpoint] = []
    /// CIDR blocks of the socket peer; empty allows every address.
    package var networks: [String] = []
    /// The repository that this key is bound to.
    package var repository: String?
    /// Whether a request that names another repository than `repository` is refused.
    package var repositoryEnforced: Bool = false
    /// Whether a request is refused when a translation would leave something of it out. Nil, as in keys made before there was the
    /// choice, is no.
    package var strict: Bool?
    /// Whether AWS SDKs may sign with it; nil and false are the same.
    package var allowsAWSSignatures: Bool?
    /// How long answers to it are kept and given again; 0 is never, nil is as its route says.
    package var cacheSeconds: Int?

    package init(id: String, principal: Principal, secrets: [KeySecret]) {
        self.id = id
        self.principal = principal
        self.secrets = secrets
    }
}
