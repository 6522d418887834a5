// UpstreamConnection: the handler of one connection to a provider. It carries bytes between the channel and whichever
// exchange holds it, and knows nothing of what they mean.

import GatewayModel
import NIOCore
import NIOSSL
import NIOTLS

/// One upstream connection, on one loop.
final class UpstreamConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    unowned let loop: LoopContext
    let isTLS: Bool
    var idleSince = NIODeadline.now()
    /// The exchange that holds this connection; nil while it is idle.
    var exchange: Exchange?
    private(set) var lastError: (any Error)?
    private let pool: UpstreamPool
    private let sink: SocketSink
    private var context: ChannelHandlerContext?
    private var isReady = false
    /// Set once the pool has been told that the connection works; until then the pool's connect attempt counts it.
    private var isEstablished = false
    private var onReady: ((String?) -> Void)?

    init(pool: UpstreamPool, loop: LoopContext, isTLS: Bool) {
        self.pool = pool
        self.loop = loop
        self.isTLS = isTLS
        sink = SocketSink(hasTLS: isTLS)
    }

    private var storedChannel: (any Channel)?
    private var isReading = true

    var isActive: Bool { storedChannel?.isActive ?? false }

    // MARK: What the pool and the exchange call

    /// Calls back with nil when bytes may be sent (after the TLS handshake), or with what went wrong.
    func whenReady(timeout: TimeAmount, _ callback: @escaping (String?) -> Void) {
        if !isActive {
            callback(lastError.map(describeConnectFailure) ?? "the connection was closed before it was used")
        } else if isReady {
            isEstablished = true
            callback(nil)
        } else {
            onReady = callback
            loop.eventLoop.assumeIsolated().scheduleTask(in: timeout) {
                guard let late = self.onReady else { return }
                self.onReady = nil
                self.close()
                late("the TLS handshake timed out")
            }
        }
    }

    var isWritable: Bool { sink.isWritable }

    func write(_ buffer: ByteBuffer, isContinued: Bool = false) { sink.send(buffer, isContinued: isContinued) }

    func flush() { sink.flush() }

    /// Pauses or resumes reading: a slow client slows its provider.
    func setReading(_ reads: Bool) {
        guard reads != isReading else { return }
        isReading = reads
        try? storedChannel?.syncOptions?.setOption(.autoRead, value: reads)
        if reads { context?.read() }
    }

    func close() { context?.close(promise: nil) }

    /// Gives the connection back after a whole response, or closes it.
    func release(reusable: Bool) {
        exchange = nil
        if reusable { pool.release(self) } else { close() }
    }

    // MARK: Channel events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        storedChannel = context.channel
        sink.attach(context)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        sink.detach()
    }

    func channelActive(context: ChannelHandlerContext) {
        if !isTLS { becomeReady() }
        context.fireChannelActive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted? = event as? TLSUserEvent { becomeReady() }
        context.fireUserInboundEventTriggered(event)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard let exchange else {
            // Bytes nobody asked for: whatever they are, the next response could not be told from them.
            context.close(promise: nil)
            return
        }
        exchange.upstreamRead(unwrapInboundIn(data), from: self)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        exchange?.upstreamReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        exchange?.upstreamWritabilityChanged(self)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // An unclean TLS close is told apart from a clean one by the exchange, which knows whether the body was whole.
        if lastError == nil { lastError = error }
        if case .uncleanShutdown? = error as? NIOSSLError { return }
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        if let callback = onReady {
            onReady = nil
            callback(lastError.map(describeConnectFailure) ?? "the connection was closed during the TLS handshake")
        }
        let holder = exchange
        exchange = nil
        if isEstablished {
            isEstablished = false
            pool.closed(self)
        }
        holder?.upstreamClosed(self)
        context.fireChannelInactive()
    }

    private func becomeReady() {
        guard !isReady else { return }
        isReady = true
        guard let callback = onReady else { return }
        onReady = nil
        isEstablished = true
        callback(nil)
    }
}
