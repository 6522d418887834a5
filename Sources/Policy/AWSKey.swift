// AWSKey: the access key by which AWS SDKs sign requests with a virtual key. Its id is the key's public part; its secret is the HMAC of
// this message under the pepper, so it is never stored and changes with each rotation.

/// The names and the message, for whoever holds the pepper.
package enum AWSKey {
    /// `weir_k_` and the key's id.
    package static func accessKeyID(ofKeyID id: String) -> String { "weir_k_\(id)" }

    /// The key's id in an access key id; nil when it is none of Weir's.
    package static func keyID(ofAccessKeyID text: String) -> String? {
        guard text.hasPrefix("weir_k_"), text.utf8.count == 17 else { return nil }
        return String(text.dropFirst(7))
    }

    /// What the secret access key is the HMAC of. A key's bearer secret cannot be had from it, nor the other way round.
    package static func secretMessage(keyID: String, mac: [UInt8]) -> [UInt8] {
        Array("aws secret access key \(keyID) ".utf8) + mac
    }
}
