// SocketSink: the one way to a client, and to a provider. Writes go straight to the socket, skipping the pipeline, its queue and its
// promises: nearly half of what NIO costs above raw epoll for a forwarded chunk. What the socket does not take goes through
// NIO, and stays there until NIO is done, so that order, writability and backpressure are NIO's from then on.

import NIOCore
import NIOPosix

#if canImport(Glibc)
    import Glibc
#endif

/// Writes bytes to one channel, in order. Touched only on the channel's loop.
final class SocketSink {
    private let hasTLS: Bool
    private var context: ChannelHandlerContext?
    private var channel: (any Channel)?
    /// The socket; -1 when bytes must go through the pipeline.
    private var descriptor: CInt = -1
    /// Bytes handed to NIO that it has not confirmed.
    private var queuedBytes = 0
    private var needsFlush = false
    private var closesOutputWhenEmpty = false

    init(hasTLS: Bool) { self.hasTLS = hasTLS }

    func attach(_ context: ChannelHandlerContext) {
        self.context = context
        channel = context.channel
    }

    /// Learns the descriptor once the channel is active; before that there is none.
    private func prepare(_ context: ChannelHandlerContext) {
        guard descriptor < 0, !hasTLS else { return }
        let found = try? context.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { $0 }
        if let found { descriptor = found }
    }

    func detach() {
        context = nil
        channel = nil
        descriptor = -1
    }

    /// Whether some of what was sent has not reached the socket.
    var hasQueuedBytes: Bool { queuedBytes > 0 }

    var isWritable: Bool { channel.map { queuedBytes == 0 || $0.isWritable } ?? false }

    /// Sends or queues the bytes. Nothing is said of when they arrive; a dead client shows as `channelInactive`.
    /// - Parameter isContinued: more comes at once, so that the kernel need not make a packet of these alone.
    func send(_ buffer: ByteBuffer, isContinued: Bool = false) {
        guard let context, let channel, buffer.readableBytes > 0 else { return }
        var sentBytes = 0
        // The channel closes its descriptor before it tells its handlers, so each send asks whether it is still open.
        if queuedBytes == 0, !hasTLS, channel.isActive {
            prepare(context)
            if descriptor >= 0 {
                let flags = Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL) | (isContinued ? Int32(MSG_MORE) : 0)
                let sent = buffer.withUnsafeReadableBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, flags) }
                if sent == buffer.readableBytes { return }
                // A hard error shows again, to NIO, which closes the channel the usual way.
                sentBytes = max(0, sent)
            }
        }
        var rest = buffer
        rest.moveReaderIndex(forwardBy: sentBytes)
        let count = rest.readableBytes
        queuedBytes += count
        needsFlush = true
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenComplete { [self] _ in
            queuedBytes -= count
            if queuedBytes == 0, closesOutputWhenEmpty { shutDownOutput() }
        }
        context.write(NIOAny(rest), promise: promise)
    }

    /// Takes bytes that have come, past the pipeline: a large body goes where it is wanted in large pieces, and is not copied once more.
    /// Gives how many; 0 when there are none now, and at the end and after an error too, which show again to NIO.
    func receive(into buffer: inout ByteBuffer, atMost count: Int) -> Int {
        guard let context, let channel, !hasTLS, channel.isActive else { return 0 }
        prepare(context)
        guard descriptor >= 0 else { return 0 }
        return buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { place in
            max(0, recv(descriptor, place.baseAddress, count, Int32(MSG_DONTWAIT)))
        }
    }

    func flush() {
        guard needsFlush else { return }
        needsFlush = false
        context?.flush()
    }

    /// Says that nothing more will be sent, after what is queued.
    func closeOutput() {
        flush()
        if queuedBytes == 0 { shutDownOutput() } else { closesOutputWhenEmpty = true }
    }

    private func shutDownOutput() {
        guard let context else { return }
        if hasTLS {
            context.close(promise: nil)
        } else {
            context.close(mode: .output, promise: nil)
        }
    }
}
