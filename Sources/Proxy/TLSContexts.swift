// TLSContexts: one shared TLS context per set of trusted roots, since a context is expensive and a connection is not.

import NIOCore
import NIOSSL
import Synchronization

/// The client side's TLS contexts.
final class TLSContexts: Sendable {
    private let contexts = Mutex<[String: NIOSSLContext]>([:])

    /// The context for upstreams; with `trustRootsFile`, a PEM file, its roots are trusted beside the system's.
    func clientContext(trustRootsFile: String?) throws -> NIOSSLContext {
        try contexts.withLock { contexts in
            if let known = contexts[trustRootsFile ?? ""] { return known }
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.minimumTLSVersion = .tlsv12
            configuration.applicationProtocols = ["http/1.1"]
            configuration.certificateVerification = .fullVerification
            configuration.shutdownTimeout = .seconds(1)
            if let trustRootsFile {
                configuration.additionalTrustRoots = [.file(trustRootsFile)]
            }
            let made = try NIOSSLContext(configuration: configuration)
            contexts[trustRootsFile ?? ""] = made
            return made
        }
    }
}
