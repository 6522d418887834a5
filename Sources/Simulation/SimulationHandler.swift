// SimulationHandler: one connection of the simulated provider: reads a request whole, asks the scripts, plays the steps.

import NIOCore
import NIOHTTP1

final class SimulationHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let state: SimulationState
    private var head: HTTPRequestHead?
    private var body = ByteBuffer()
    private var isPlaying = false

    init(_ state: SimulationState) { self.state = state }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            body.clear()
        case .body(var part): body.writeBuffer(&part)
        case .end:
            guard let head else { return }
            self.head = nil
            let request = SimulationRequest(head: head, body: Array(body.readableBytesView))
            guard let answer = SimulationRouter(state: state).answer(request) else {
                context.close(promise: nil)
                return
            }
            let delay = request.options.fault?.kind == .slowHead ? request.options.fault?.number ?? 0 : 0
            let pace = request.options.paceMilliseconds ?? state.options.paceMilliseconds
            let player = Player(
                context: context, handler: self, answer: answer, pace: pace, keepsAlive: head.isKeepAlive)
            if delay > 0 {
                context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(Int64(delay))) { player.begin() }
            } else {
                player.begin()
            }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

/// Plays an answer's steps on the connection's loop.
private final class Player {
    private let context: ChannelHandlerContext
    private let handler: SimulationHandler
    private let answer: ScriptedAnswer
    private let pace: Int
    private let keepsAlive: Bool
    private var next = 0

    init(
        context: ChannelHandlerContext, handler: SimulationHandler, answer: ScriptedAnswer, pace: Int, keepsAlive: Bool
    ) {
        self.context = context
        self.handler = handler
        self.answer = answer
        self.pace = pace
        self.keepsAlive = keepsAlive
    }

    private func write(_ part: HTTPServerResponsePart) { context.write(handler.wrapOutboundOut(part), promise: nil) }

    func begin() {
        var head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: answer.status))
        for (name, value) in answer.headers { head.headers.add(name: name, value: value) }
        if answer.isStream {
            head.headers.replaceOrAdd(name: "transfer-encoding", value: "chunked")
        } else {
            let length = answer.steps.reduce(0) { total, step in
                if case .bytes(let bytes) = step { total + bytes.count } else { total }
            }
            head.headers.replaceOrAdd(name: "content-length", value: String(length))
        }
        if !keepsAlive { head.headers.replaceOrAdd(name: "connection", value: "close") }
        write(.head(head))
        play()
    }

    private func play() {
        while next < answer.steps.count {
            let step = answer.steps[next]
            next += 1
            switch step {
            case .bytes(let bytes): write(.body(.byteBuffer(context.channel.allocator.buffer(bytes: bytes))))
            case .cut:
                context.flush()
                context.close(promise: nil)
                return
            case .stall:
                context.flush()
                return
            }
            if answer.isStream, pace > 0, next < answer.steps.count {
                context.flush()
                context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(Int64(pace))) { self.play() }
                return
            }
        }
        write(.end(nil))
        context.flush()
        if !keepsAlive { context.close(promise: nil) }
    }
}
