// GatewayServer: the data plane's listener and its event loops: start, publish a snapshot, drain, stop.

import GatewayModel
import Journal
import NIOConcurrencyHelpers
package import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// Where the gateway listens.
package struct ListenAddress: Sendable, Hashable {
    package var host: String
    package var port: Int
    /// PEM files, both or neither.
    package var certificateFile: String?
    package var privateKeyFile: String?

    package init(host: String, port: Int, certificateFile: String? = nil, privateKeyFile: String? = nil) {
        self.host = host
        self.port = port
        self.certificateFile = certificateFile
        self.privateKeyFile = privateKeyFile
    }
}

/// The data plane of one process.
package final class GatewayServer: Sendable {
    private let loops: [LoopContext]
    private let shared: GatewayShared
    private let group: any EventLoopGroup
    private let listener = Mutex<(any Channel)?>(nil)
    private let connectionCount = Counter()

    /// - Parameter group: one event loop per core is right; connections never leave theirs.
    package init(group: any EventLoopGroup, shared: GatewayShared, snapshot: GatewaySnapshot) {
        self.group = group
        self.shared = shared
        loops = group.makeIterator().map { LoopContext(eventLoop: $0, shared: shared, snapshot: snapshot) }
        shared.journal.setAwaited(snapshot.policy.waitsForSync)
    }

    package var metrics: GatewayMetrics { shared.metrics }

    /// Binds and serves. Gives the port, which is chosen by the system when the address names 0.
    package func start(_ address: ListenAddress) async throws -> Int {
        for (index, loop) in loops.enumerated() {
            loop.eventLoop.execute {
                loop.checksProviders = index == 0
                loop.start()
            }
        }
        let tls = try serverContext(address)
        let loops = self.loops
        let metrics = shared.metrics
        let connectionCount = self.connectionCount
        let channel = try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.writeBufferWaterMark, value: .init(low: 32 << 10, high: 128 << 10))
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let loop = loops.first(where: { $0.eventLoop === channel.eventLoop }) else {
                        throw ChannelError.inappropriateOperationForState
                    }
                    metrics.connections.increment()
                    connectionCount.increment()
                    channel.closeFuture.whenComplete { _ in connectionCount.increment(by: -1) }
                    let excess = connectionCount.value - Int64(loop.snapshot.limits.clientConnectionsMax)
                    if excess > 0 {
                        metrics.connectionsRefused.increment()
                        // Behind TLS nothing can be said before a handshake, which a full server should not pay for.
                        guard tls == nil, excess <= ConnectionRefusal.toldMax else {
                            throw ChannelError.operationUnsupported
                        }
                        try channel.pipeline.syncOperations.addHandler(ConnectionRefusal(loop: loop))
                        return
                    }
                    if let tls { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
                    try channel.pipeline.syncOperations.addHandler(ClientConnection(loop: loop, hasTLS: tls != nil))
                }
            }
            .bind(host: address.host, port: address.port)
            .get()
        listener.withLock { $0 = channel }
        return channel.localAddress?.port ?? address.port
    }

    /// Puts a snapshot in force on every loop. When this returns no later request is decided by an older one, and streams
    /// of revoked keys are cut.
    package func publish(_ snapshot: GatewaySnapshot) async {
        shared.journal.setAwaited(snapshot.policy.waitsForSync)
        for loop in loops {
            try? await loop.eventLoop.submit { loop.adopt(snapshot) }.get()
        }
    }

    /// Whether a request still runs that began with an earlier snapshot than this.
    package func hasRequests(before version: Int64) async -> Bool {
        for loop in loops {
            let found = try? await loop.eventLoop.submit { loop.exchanges.contains { $0.snapshot.version < version } }.get()
            if found == true { return true }
        }
        return false
    }

    /// Takes no new connection and no new request, waits for the running ones up to `seconds`, then cuts them: each is
    /// settled either way.
    package func drain(seconds: Int) async {
        let channel = listener.withLock { held in
            defer { held = nil }
            return held
        }
        try? await channel?.close().get()
        for loop in loops { try? await loop.eventLoop.submit { loop.drain() }.get() }
        let deadline = NIODeadline.now() + .seconds(Int64(seconds))
        while NIODeadline.now() < deadline {
            if await activeCount() == 0 { break }
            try? await Task.sleep(for: .milliseconds(20))
        }
        for loop in loops {
            try? await loop.eventLoop.submit {
                loop.cutAll()
                loop.stop()
            }.get()
        }
    }

    /// Requests that are being served now, and answers that have not wholly reached their clients' sockets.
    package func activeCount() async -> Int {
        var count = 0
        for loop in loops { count += (try? await loop.eventLoop.submit { loop.activeCount }.get()) ?? 0 }
        return count
    }

    private func serverContext(_ address: ListenAddress) throws -> NIOSSLContext? {
        guard let certificate = address.certificateFile, let key = address.privateKeyFile else { return nil }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMFile(certificate).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: key, format: .pem)))
        configuration.minimumTLSVersion = .tlsv12
        // A client that reads nothing takes no farewell either: the library's five seconds would hold its stream that long.
        configuration.shutdownTimeout = .seconds(1)
        configuration.applicationProtocols = ["http/1.1"]
        return try NIOSSLContext(configuration: configuration)
    }
}
