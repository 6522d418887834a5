// ConnectionRefusal: what a connection over the limit gets: one answer that says so, and an end.

import Dialects
import GatewayModel
import NIOCore

/// Answers 503 whatever is asked, and closes. It lingers a moment, since a reset would destroy the answer on its way
/// (RFC 9112, section 9.6).
final class ConnectionRefusal: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// So many at a time are told why; those beyond are closed without a word, or refusing would be work without a
    /// limit.
    static let toldMax: Int64 = 64

    private let loop: LoopContext

    init(loop: LoopContext) { self.loop = loop }

    func channelActive(context: ChannelHandlerContext) {
        let id = loop.makeRequestID(at: loop.shared.clock.now())
        let reply = errorReply(.tooManyConnections, endpoint: nil, client: .other, requestID: id)
        let answer = LocalAnswer(status: reply.status, headers: reply.headers, body: reply.body)
        let bytes = answer.bytes(requestID: id, method: "GET", keepsAlive: false, loop.allocator)
        context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
        context.close(mode: .output, promise: nil)
        let channel = context.channel
        context.eventLoop.assumeIsolated().scheduleTask(in: .seconds(1)) { channel.close(promise: nil) }
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {}
}
