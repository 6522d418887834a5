// Limits: a bound on everything that comes from outside, each settable, each listed in docs/limits.md.

/// The gateway's limits. Units stand last in each name.
package struct Limits: Sendable, Hashable, Codable {
    package var requestBodyBytesMax: Int = 32 << 20
    package var headerBytesMax: Int = 64 << 10
    package var headerFieldsMax: Int = 100
    package var headerSeconds: Int = 10
    package var bodyIdleSeconds: Int = 30
    package var keepAliveSeconds: Int = 75
    package var connectSeconds: Int = 10
    /// A reasoning model can think for minutes before its first byte.
    package var firstByteSeconds: Int = 600
    package var streamIdleSeconds: Int = 600
    package var slowReaderSeconds: Int = 120
    package var jsonDepthMax: Int = 128
    package var sseLineBytesMax: Int = 16 << 20
    package var upstreamConnectionsPerLoopMax: Int = 256
    package var upstreamIdleSeconds: Int = 60
    package var upstreamWaitersMax: Int = 1024
    package var drainsMax: Int = 64
    package var clientConnectionsMax: Int = 10_000
    package var shutdownSeconds: Int = 30
    package var responseCacheBytesMax: Int = 64 << 20
    package var responseCacheEntryBytesMax: Int = 1 << 20
    package var signatureStoreBytesMax: Int = 32 << 20
    package var signatureStoreSeconds: Int = 86_400

    package init() {}
}
