// ClientConnection: the handler of one connection from an agent. It cuts the byte stream into requests, strictly, one at a
// time, and gives each to an Exchange.

import Dialects
import GatewayModel
import NIOCore
import Policy
import WireFormat

/// One client connection, on one loop.
final class ClientConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// From how many bytes on the rest of a body is taken from the socket without a detour, how many at a time, and in one cycle of
    /// reads: a fast client must not keep the loop from the others.
    private static let directBytesMin = 32 << 10
    private static let directBytesMax = 1 << 20
    private static let directCycleBytesMax = 2 << 20

    private enum State {
        /// Between requests, or inside a head.
        case head
        case body
        /// A request is whole and its answer is not.
        case answering
        /// The answer is sent and says that the connection closes; what still comes is thrown away until the peer closes,
        /// so that a reset does not destroy the answer on its way (RFC 9112, section 9.6).
        case discarding
    }

    let loop: LoopContext
    let sink: SocketSink
    let hasTLS: Bool
    private(set) var peer = PeerAddress.unknown
    /// The last key that this connection presented and that was good, under the loop's snapshot.
    var knownKey: KnownKey?
    private var knownHead: KnownHead?
    private var state = State.head
    private var pending = ByteBuffer()
    private var scanner = HTTPHeadScanner()
    private var bodyReader = RequestBodyReader(.none, bytesMax: 0)
    private(set) var exchange: Exchange?
    private var deadline: NIODeadline
    /// Until when the client may take what is queued of a finished answer.
    private var takeBy = NIODeadline.uptimeNanoseconds(0)
    private var context: ChannelHandlerContext?
    private var isProcessing = false
    /// NIO is reading from the socket. Elsewhere nobody may: NIO asserts that what was said to be there is there.
    private var isReading = false
    private var directBytesLeft = ClientConnection.directCycleBytesMax
    private var readingIsPaused = false

    init(loop: LoopContext, hasTLS: Bool) {
        self.loop = loop
        self.hasTLS = hasTLS
        sink = SocketSink(hasTLS: hasTLS)
        deadline = .now() + .seconds(Int64(loop.snapshot.limits.headerSeconds))
    }

    // MARK: Channel events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        sink.attach(context)
        peer = PeerAddress(context.channel.remoteAddress)
        loop.add(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        detach()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        switch state {
        case .discarding: return
        default: if pending.readableBytes == 0 { pending = bytes } else { pending.writeBuffer(&bytes) }
        }
        isReading = true
        process()
        isReading = false
        // Whoever still holds a buffer keeps the channel from reading into it again.
        if pending.readableBytes == 0 { pending = ByteBuffer() }
        if pending.readableBytes > loop.snapshot.limits.headerBytesMax, !mayRead, !readingIsPaused {
            // A client that pipelines faster than it is answered, or takes its answers, waits in its own socket buffer.
            readingIsPaused = true
            try? context.channel.syncOptions?.setOption(.autoRead, value: false)
        }
    }

    /// Whether what is pending could be worked on now.
    private var mayRead: Bool {
        switch state {
        case .head: sink.isWritable
        case .answering: false
        case .body, .discarding: true
        }
    }

    private func resumeReading() {
        guard readingIsPaused else { return }
        readingIsPaused = false
        try? context?.channel.syncOptions?.setOption(.autoRead, value: true)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        directBytesLeft = Self.directCycleBytesMax
        sink.flush()
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if let exchange {
            exchange.clientWritabilityChanged()
        } else if sink.isWritable {
            resumeReading()
            process()
        }
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        detach()
        context.fireChannelInactive()
    }

    private func detach() {
        guard context != nil else { return }
        context = nil
        sink.detach()
        loop.remove(self)
        let abandoned = exchange
        exchange = nil
        abandoned?.clientClosed()
    }

    // MARK: Requests

    private func process() {
        // An exchange may finish inside a call from here; the loop below goes on, and must not be entered twice.
        guard !isProcessing else { return }
        isProcessing = true
        defer { isProcessing = false }
        while context != nil {
            switch state {
            case .head:
                // No next request while the client does not take the answers that it has.
                guard sink.isWritable, readHead() else { return }
            case .body:
                guard readBody() else { return }
            case .answering:
                return
            case .discarding:
                pending.clear()
                return
            }
        }
    }

    /// True when a head was read and there may be more to do.
    private func readHead() -> Bool {
        guard pending.readableBytes > 0 else { return false }
        let limits = loop.snapshot.limits
        do throws(HTTPHeadError) {
            let end = try pending.withUnsafeReadableBytes { bytes throws(HTTPHeadError) in
                try scanner.end(in: bytes, bytesMax: limits.headerBytesMax)
            }
            guard let end else {
                // From a head's first byte on, the header limit counts and not the longer keep-alive one.
                deadline = min(deadline, .now() + .seconds(Int64(limits.headerSeconds)))
                return false
            }
            let head = try pending.withUnsafeReadableBytes { bytes throws(HTTPHeadError) in
                let bytes = UnsafeRawBufferPointer(rebasing: bytes[0..<end])
                if let repeated = knownHead?.head.repeated(by: bytes) { return repeated }
                knownHead = nil
                return try HTTPRequestHead(bytes, fieldsMax: limits.headerFieldsMax)
            }
            pending.moveReaderIndex(forwardBy: end)
            scanner = HTTPHeadScanner()
            let known = knownHead ?? KnownHead(head, origin: loop.shared.origin)
            // A signed head is of one request, and its length is part of what may be signed.
            knownHead = known.target.endpoint?.dialect.isBedrock == true ? nil : known
            begin(head, known)
            return true
        } catch {
            refuseHead(error)
            return false
        }
    }

    private func begin(_ head: HTTPRequestHead, _ known: KnownHead) {
        let exchange = Exchange(head: head, known: known, client: self, loop: loop)
        self.exchange = exchange
        bodyReader = RequestBodyReader(head.framing, bytesMax: exchange.bodyBytesMax)
        exchange.headArrived()
        if bodyReader.isOverLimit {
            exchange.refuse(exchange.bodyTooLarge)
            exchange.answerWithoutBody()
            return
        }
        state = .body
        deadline = .now() + .seconds(Int64(loop.snapshot.limits.bodyIdleSeconds))
        guard head.expectsContinue, !bodyReader.isDone else { return }
        if exchange.isRefused {
            // The body may come or not, as the client likes (RFC 9110, section 10.1.1): nothing behind this head can be told apart.
            exchange.answerWithoutBody()
        } else {
            sink.send(ByteBuffer(staticString: "HTTP/1.1 100 Continue\r\n\r\n"))
            sink.flush()
        }
    }

    /// True when the body is whole.
    private func readBody() -> Bool {
        guard let exchange else { return false }
        do throws(HTTPHeadError) {
            try bodyReader.read(&pending, into: exchange)
        } catch {
            refuseHead(error)
            return false
        }
        while isReading, directBytesLeft > 0, bodyReader.bytesToCome >= Self.directBytesMin {
            let count = exchange.receiveBody(from: sink, atMost: min(bodyReader.bytesToCome, directBytesLeft, Self.directBytesMax))
            if count == 0 { break }
            directBytesLeft -= count
            bodyReader.took(count)
        }
        if bodyReader.isOverLimit {
            exchange.refuse(exchange.bodyTooLarge)
            exchange.answerWithoutBody()
            return false
        }
        guard bodyReader.isDone else {
            deadline = .now() + .seconds(Int64(loop.snapshot.limits.bodyIdleSeconds))
            return false
        }
        state = .answering
        exchange.bodyArrived()
        return true
    }

    /// Answers bytes that are no request, in plain JSON, and closes.
    private func refuseHead(_ error: HTTPHeadError) {
        let status: String
        switch error {
        case .tooLarge: status = "431 Request Header Fields Too Large"
        case .unsupportedVersion: status = "505 HTTP Version Not Supported"
        default: status = "400 Bad Request"
        }
        refuseConnection(status: status, code: "malformed_request", message: "Weir refused this request: \(error.reason).")
    }

    private func refuseConnection(status: String, code: String, message: String) {
        loop.shared.metrics.refusedHeads.increment()
        let body = #"{"error":{"message":"\#(message)","type":"invalid_request_error","param":null,"code":"\#(code)"}}"#
        let text =
            "HTTP/1.1 \(status)\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n"
            + "Connection: close\r\nx-should-retry: false\r\n\r\n\(body)"
        sink.send(ByteBuffer(string: text))
        sink.flush()
        let abandoned = exchange
        exchange = nil
        abandoned?.clientClosed()
        finishAndDiscard()
    }

    // MARK: What the exchange calls

    /// The answer is wholly handed to the sink.
    func exchangeFinished(_ finished: Exchange, keepsAlive: Bool) {
        guard exchange === finished else { return }
        exchange = nil
        sink.flush()
        if sink.hasQueuedBytes { takeBy = .now() + .seconds(Int64(loop.snapshot.limits.slowReaderSeconds)) }
        guard keepsAlive, !loop.isDraining else {
            finishAndDiscard()
            return
        }
        state = .head
        deadline = .now() + .seconds(Int64(loop.snapshot.limits.keepAliveSeconds))
        if sink.isWritable { resumeReading() }
        process()
    }

    /// Ends the connection at once: a stream that breaks off must look broken.
    func close() {
        context?.close(promise: nil)
    }

    /// Forgets what was judged under an older snapshot.
    func snapshotChanged() {
        knownKey = nil
        knownHead = nil
    }

    /// Closes when nothing is being answered, and behind what is still on its way; otherwise the answer says `Connection: close`.
    func drain() {
        guard exchange == nil, pending.readableBytes == 0, state != .discarding else { return }
        if sink.hasQueuedBytes { finishAndDiscard() } else { close() }
    }

    func checkDeadline(_ now: NIODeadline) {
        guard now > deadline else { return }
        switch state {
        case .head where pending.readableBytes > 0 && !sink.hasQueuedBytes:
            refuseConnection(
                status: "408 Request Timeout", code: "header_timeout", message: "The header block did not arrive in time.")
        case .body:
            refuseConnection(
                status: "408 Request Timeout", code: "body_timeout", message: "The request body did not arrive in time.")
        case .head, .discarding:
            // An answer that is still on its way to a slow client is not cut off for want of a next request.
            if sink.hasQueuedBytes, now < takeBy { deadline = now + .seconds(1) } else { close() }
        case .answering: break
        }
    }

    private func finishAndDiscard() {
        state = .discarding
        pending.clear()
        deadline = .now() + .seconds(5)
        sink.closeOutput()
    }
}
