// RawConnection: an HTTP/1.1 client that hides nothing: it sends the bytes it is given, reads as fast as it is told to, and says
// how an answer ended. Tests of servers in this process use it.

package import NIOCore
import NIOPosix
package import NIOSSL
import Synchronization

/// What went wrong on the way to an answer.
package enum RawFailure: Error, Sendable, Hashable {
    /// The connection ended before the answer did; what came of it.
    case cut(String)
    case timedOut(String)
    case malformed(String)
}

/// An answer.
package struct RawReply: Sendable {
    package var status: Int
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]

    package var text: String { String(decoding: body, as: UTF8.self) }

    package func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
}

/// One connection to a server of a test.
package actor RawConnection {
    private let channel: any Channel
    private var buffers: AsyncStream<ByteBuffer>.Iterator
    private var pending: [UInt8] = []
    /// How many of `pending` were taken already.
    private var taken = 0
    private let hasTimedOut: TimeOut

    /// Whether the deadline, and not the other side, ended the connection.
    private final class TimeOut: Sendable {
        private let passed = Atomic<Bool>(false)
        var isPassed: Bool { passed.load(ordering: .acquiring) }
        func pass() { passed.store(true, ordering: .releasing) }
    }

    private init(channel: any Channel, buffers: AsyncStream<ByteBuffer>, timeOut: TimeOut) {
        self.channel = channel
        self.buffers = buffers.makeAsyncIterator()
        hasTimedOut = timeOut
    }

    /// Connects to this machine. After `seconds` the connection is closed, so that no test waits for ever.
    /// - Parameters:
    ///   - receiveBytes: the size of the socket's buffer, to make a slow reader slow at once.
    ///   - pauses: whether it takes nothing more once the first bytes came, until `setReading(true)`.
    package static func open(
        port: Int, tls: NIOSSLContext? = nil, seconds: Int64 = 60, receiveBytes: Int32? = nil, pauses: Bool = false
    ) async throws -> RawConnection {
        let (stream, continuation) = AsyncStream<ByteBuffer>.makeStream()
        var bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        if let receiveBytes {
            bootstrap = bootstrap.channelOption(.socketOption(.so_rcvbuf), value: .init(receiveBytes))
        }
        let channel = try await bootstrap.channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                if let tls {
                    try channel.pipeline.syncOperations.addHandler(
                        NIOSSLClientHandler(context: tls, serverHostname: "localhost"))
                }
                try channel.pipeline.syncOperations.addHandler(Collector(continuation, pauses: pauses))
            }
        }.connect(host: "127.0.0.1", port: port).get()
        let timeOut = TimeOut()
        channel.eventLoop.scheduleTask(in: .seconds(seconds)) {
            timeOut.pass()
            channel.close(promise: nil)
        }
        return RawConnection(channel: channel, buffers: stream, timeOut: timeOut)
    }

    package func send(_ text: String) async throws {
        try await channel.writeAndFlush(ByteBuffer(string: text)).get()
    }

    /// Whether bytes are taken from the socket.
    package func setReading(_ isReading: Bool) async throws {
        try await channel.setOption(.autoRead, value: isReading).get()
    }

    package func close() async { try? await channel.close().get() }

    /// Reads one whole answer.
    package func reply() async throws -> RawReply {
        let head = try await read(through: "\r\n\r\n")
        var lines = head.split(separator: "\r\n").map(String.init)
        let status = lines.isEmpty ? nil : Int(lines.removeFirst().split(separator: " ").dropFirst().first ?? "")
        guard let status else { throw RawFailure.malformed(head) }
        var reply = RawReply(status: status, headers: [], body: [])
        for line in lines {
            guard let colon = line.firstIndex(of: ":") else { throw RawFailure.malformed(line) }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            reply.headers.append((line[..<colon].lowercased(), String(value)))
        }
        if reply.header("transfer-encoding") == "chunked" {
            reply.body = try await readChunks()
        } else if let length = reply.header("content-length").flatMap({ Int($0) }) {
            reply.body = try await read(count: length)
        } else if status != 204, status != 304 {
            while await more() {}
            reply.body = take(pending.count - taken)
        }
        return reply
    }

    /// Reads up to and with some text.
    package func read(through mark: String) async throws -> String {
        let wanted = Array(mark.utf8)
        var searched = 0
        while true {
            if let end = position(of: wanted, from: searched) { return String(decoding: take(end), as: UTF8.self) }
            searched = max(0, pending.count - taken - wanted.count)
            guard await more() else { throw ended() }
        }
    }

    /// Whether the other side ends the connection.
    package func isClosed() async -> Bool {
        while await more() {}
        return !hasTimedOut.isPassed
    }

    // MARK: Inside

    private func readChunks() async throws -> [UInt8] {
        var body: [UInt8] = []
        while true {
            let line = try await read(through: "\r\n")
            let digits = line.prefix { $0.isHexDigit }
            guard let count = Int(digits, radix: 16) else { throw RawFailure.malformed(line) }
            if count > 0 { body += try await read(count: count) }
            guard try await read(through: "\r\n") == "\r\n" else { throw RawFailure.malformed("chunk end") }
            if count == 0 { return body }
        }
    }

    private func read(count: Int) async throws -> [UInt8] {
        while pending.count - taken < count {
            guard await more() else { throw ended() }
        }
        return take(count)
    }

    private func ended() -> RawFailure {
        let seen = String(decoding: pending[taken...].suffix(500), as: UTF8.self)
        return hasTimedOut.isPassed ? .timedOut(seen) : .cut(seen)
    }

    private func more() async -> Bool {
        var iterator = buffers
        let next = await iterator.next(isolation: self)
        buffers = iterator
        guard let next else { return false }
        pending.append(contentsOf: next.readableBytesView)
        return true
    }

    private func take(_ count: Int) -> [UInt8] {
        let bytes = Array(pending[taken..<taken + count])
        taken += count
        // Moved seldom: a long stream is taken in tens of thousands of small pieces.
        if taken > 1 << 16 {
            pending.removeFirst(taken)
            taken = 0
        }
        return bytes
    }

    /// Where, counted from what was not taken yet, the text ends.
    private func position(of mark: [UInt8], from start: Int) -> Int? {
        guard pending.count - taken >= mark.count + start else { return nil }
        for index in (taken + start)...(pending.count - mark.count) where pending[index] == mark[0] {
            if pending[index..<index + mark.count].elementsEqual(mark) { return index - taken + mark.count }
        }
        return nil
    }
}

/// Hands on what the socket gives.
private final class Collector: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let continuation: AsyncStream<ByteBuffer>.Continuation
    private var pauses: Bool

    init(_ continuation: AsyncStream<ByteBuffer>.Continuation, pauses: Bool) {
        self.continuation = continuation
        self.pauses = pauses
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if pauses {
            pauses = false
            // Here and not in the test's task: that one may come so late that everything was read by then.
            _ = context.channel.setOption(.autoRead, value: false)
        }
        continuation.yield(unwrapInboundIn(data))
    }
    func channelInactive(context: ChannelHandlerContext) { continuation.finish() }
    func handlerRemoved(context: ChannelHandlerContext) { continuation.finish() }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

/// A POST with a JSON body, as text.
package func postText(_ path: String, _ json: String, _ fields: [(String, String)] = []) -> String {
    requestText("POST", path, fields + [("Content-Type", "application/json")], json)
}

/// A request as text.
package func requestText(_ method: String, _ path: String, _ fields: [(String, String)] = [], _ body: String? = nil)
    -> String
{
    var text = "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\n"
    for (name, value) in fields { text += "\(name): \(value)\r\n" }
    if let body { text += "Content-Length: \(body.utf8.count)\r\n\r\n\(body)" } else { text += "\r\n" }
    return text
}
