// UpstreamPool: one loop's connections to one provider. Last in, first out, so that warm connections stay warm and the rest
// idle out. A request waits here when the provider's connection limit is reached.

import GatewayModel
import NIOCore
import NIOPosix
import NIOSSL

#if canImport(Glibc)
    import Glibc
#endif

/// The upstream connections of one loop to one provider. Touched only on that loop.
final class UpstreamPool {
    let provider: Provider
    unowned let loop: LoopContext
    private var idle: [UpstreamConnection] = []
    private var waiters: CircularBuffer<Exchange> = []
    /// Connections that are open or being opened.
    private(set) var openCount = 0
    /// One is being opened for whoever comes next.
    private var isOpeningAhead = false

    init(provider: Provider, loop: LoopContext) {
        self.provider = provider
        self.loop = loop
    }

    /// Gives the exchange a connection now or later through `upstreamReady`, or says why not through `upstreamFailed`.
    func acquire(_ exchange: Exchange, fresh: Bool) {
        if !fresh, let connection = takeWarm() {
            exchange.upstreamReady(connection, isReused: true)
            return
        }
        if openCount < loop.snapshot.limits.upstreamConnectionsPerLoopMax {
            connect(exchange)
        } else if waiters.count < loop.snapshot.limits.upstreamWaitersMax {
            exchange.isQueued = true
            waiters.append(exchange)
        } else {
            exchange.upstreamFailed(.upstreamBusy(provider: provider.name), connected: false)
        }
    }

    /// Takes out the connection that was used last, when there is one.
    func takeWarm() -> UpstreamConnection? {
        while let connection = idle.popLast() {
            guard connection.isActive else { continue }
            openAhead()
            return connection
        }
        return nil
    }

    /// Opens a connection where the last warm one has just been taken: a TLS handshake takes as long as ten requests, and is done before
    /// somebody waits for it. It idles out as any other.
    private func openAhead() {
        guard provider.origin.isTLS, idle.isEmpty, !isOpeningAhead, !loop.isDraining,
            openCount < loop.snapshot.limits.upstreamConnectionsPerLoopMax
        else { return }
        isOpeningAhead = true
        connect(nil)
    }

    /// Takes a connection back that may serve again.
    func release(_ connection: UpstreamConnection) {
        guard connection.isActive, !loop.isDraining else {
            connection.close()
            return
        }
        if let waiter = nextWaiter() {
            waiter.upstreamReady(connection, isReused: true)
            return
        }
        connection.idleSince = .now()
        idle.append(connection)
    }

    /// A connection is gone, so somebody who waits may open another.
    func closed(_ connection: UpstreamConnection) {
        openCount -= 1
        if let index = idle.firstIndex(where: { $0 === connection }) { idle.remove(at: index) }
        serveWaiter()
    }

    func closeIdle() {
        let connections = idle
        idle = []
        for connection in connections { connection.close() }
    }

    func checkDeadlines(_ now: NIODeadline) {
        let limit = TimeAmount.seconds(Int64(loop.snapshot.limits.upstreamIdleSeconds))
        // The stack's bottom is the longest idle.
        var expired = 0
        while expired < idle.count, idle[expired].idleSince + limit < now { expired += 1 }
        guard expired > 0 else { return }
        let old = Array(idle[0..<expired])
        idle.removeFirst(expired)
        for connection in old { connection.close() }
    }

    /// Gives up the place of an exchange that stands in the queue and waits no longer: a caller that is gone must not keep out one that
    /// is there.
    func leaveQueue(_ exchange: Exchange) {
        exchange.isQueued = false
        if let index = waiters.firstIndex(where: { $0 === exchange }) { waiters.remove(at: index) }
    }

    private func nextWaiter() -> Exchange? {
        while let waiter = waiters.popFirst() {
            waiter.isQueued = false
            if waiter.isWaiting(for: self) { return waiter }
        }
        return nil
    }

    private func serveWaiter() {
        if let waiter = nextWaiter() { connect(waiter) }
    }

    /// For an exchange, or for whoever comes next.
    private func connect(_ exchange: Exchange?) {
        openCount += 1
        let provider = provider
        let loop = loop
        loop.shared.resolver.resolve(provider, on: loop.eventLoop).assumeIsolated().whenComplete { result in
            switch result {
            case .success(let addresses): self.connect(exchange, to: addresses[...])
            case .failure(let error):
                self.connectFailed(
                    exchange,
                    (error as? GatewayError)
                        ?? .upstreamConnectFailed(
                            provider: provider.name, reason: "the host name does not resolve"))
            }
        }
    }

    /// Tries the checked addresses one after the other.
    private func connect(_ exchange: Exchange?, to addresses: ArraySlice<SocketAddress>) {
        guard let address = addresses.first else {
            connectFailed(exchange, .upstreamConnectFailed(provider: provider.name, reason: "no address"))
            return
        }
        let tls: NIOSSLContext?
        do {
            tls = provider.origin.isTLS ? try loop.shared.tls.clientContext(trustRootsFile: provider.trustRootsFile) : nil
        } catch {
            connectFailed(
                exchange, .upstreamConnectFailed(provider: provider.name, reason: "its trust_roots file cannot be read"))
            return
        }
        let connection = NIOLoopBound(UpstreamConnection(pool: self, loop: loop, isTLS: tls != nil), eventLoop: loop.eventLoop)
        let host = provider.origin.host
        let timeout = TimeAmount.seconds(Int64(loop.snapshot.limits.connectSeconds))
        ClientBootstrap(group: loop.eventLoop)
            .connectTimeout(timeout)
            .channelOption(.writeBufferWaterMark, value: .init(low: 64 << 10, high: 256 << 10))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls {
                        // RFC 6066 section 3: no literal address in SNI.
                        let name = isAddressLiteral(host) ? nil : host
                        try channel.pipeline.syncOperations.addHandler(
                            NIOSSLClientHandler(context: tls, serverHostname: name))
                    }
                    try channel.pipeline.syncOperations.addHandler(connection.value)
                }
            }
            .connect(to: address)
            .assumeIsolated()
            .whenComplete { result in
                let connection = connection.value
                switch result {
                case .success:
                    connection.whenReady(timeout: timeout) { error in
                        if let error {
                            self.connectNext(exchange, addresses, reason: error)
                        } else if let exchange, exchange.isWaiting(for: self) {
                            exchange.upstreamReady(connection, isReused: false)
                            self.openAhead()
                        } else {
                            if exchange == nil { self.isOpeningAhead = false }
                            self.release(connection)
                        }
                    }
                case .failure(let error):
                    self.connectNext(exchange, addresses, reason: describeConnectFailure(error))
                }
            }
    }

    private func connectNext(_ exchange: Exchange?, _ addresses: ArraySlice<SocketAddress>, reason: String) {
        if addresses.count > 1, exchange?.isWaiting(for: self) ?? true {
            connect(exchange, to: addresses.dropFirst())
        } else {
            connectFailed(exchange, .upstreamConnectFailed(provider: provider.name, reason: reason))
        }
    }

    private func connectFailed(_ exchange: Exchange?, _ error: GatewayError) {
        openCount -= 1
        if let exchange {
            if exchange.isWaiting(for: self) { exchange.upstreamFailed(error, connected: false) }
        } else {
            isOpeningAhead = false
        }
        serveWaiter()
    }
}

/// Words for a connect error that name no address of ours.
func describeConnectFailure(_ error: any Error) -> String {
    if let error = error as? ChannelError, case .connectTimeout = error { return "the connection timed out" }
    if let error = error as? IOError {
        switch error.errnoCode {
        case ECONNREFUSED: return "the connection was refused"
        case EHOSTUNREACH, ENETUNREACH: return "there is no route to the host"
        case ETIMEDOUT: return "the connection timed out"
        case ECONNRESET: return "the connection was reset"
        case EMFILE, ENFILE: return "Weir has run out of file descriptors (raise `ulimit -n`)"
        default: return "the connection failed (errno \(error.errnoCode))"
        }
    }
    return "the TLS handshake failed (is the certificate trusted? see trust_roots)"
}
