// HealthChecks: asks providers whether they are well, where an operator wants that, so that turns need not find it out. A check takes the
// way of a turn: the same checked addresses, roots and credential, on a connection of its own, and only the status of its answer counts.

import Crypto
import GatewayModel
import NIOCore
import NIOPosix
import NIOSSL
package import Policy
import Synchronization
import WireFormat

/// What checks say of a provider, shared by the loops and by every snapshot.
package final class ProviderHealth: Sendable {
    private let down = Atomic<Bool>(false)
    private let probe = Mutex(HealthProbe())

    init() {}

    /// Read for every turn on a route.
    var isDown: Bool { down.load(ordering: .relaxed) }

    package var status: HealthProbe { probe.withLock { $0 } }

    func with<Result: Sendable>(_ body: (inout sending HealthProbe) -> Result) -> Result {
        let (result, isDown) = probe.withLock { probe in
            let result = body(&probe)
            return (result, probe.isDown)
        }
        down.store(isDown, ordering: .relaxed)
        return result
    }
}

/// One check: a GET on a connection that is closed behind it.
private final class HealthCheck: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let request: [UInt8]
    private var answer = ByteBuffer()
    private var scanner = HTTPHeadScanner()
    private var report: ((String?) -> Void)?
    private static let headBytesMax = 64 << 10

    init(request: [UInt8], report: @escaping (String?) -> Void) {
        self.request = request
        self.report = report
    }

    func channelActive(context: ChannelHandlerContext) {
        // Behind TLS this waits in its handler until the handshake is done.
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: request)), promise: nil)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        answer.writeBuffer(&bytes)
        do throws(HTTPHeadError) {
            let head = try answer.withUnsafeReadableBytes { view throws(HTTPHeadError) -> HTTPResponseHead? in
                guard let end = try scanner.end(in: view, bytesMax: Self.headBytesMax) else { return nil }
                return try HTTPResponseHead(
                    UnsafeRawBufferPointer(rebasing: view[0..<end]), requestMethod: "GET", fieldsMax: 256)
            }
            guard let head else { return }
            finish((200..<300).contains(head.status) ? nil : "status \(head.status)", context)
        } catch {
            finish("no HTTP: \(error.reason)", context)
        }
    }

    func channelInactive(context: ChannelHandlerContext) { finish("the connection was closed", context) }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { finish(describeConnectFailure(error), context) }

    private func finish(_ problem: String?, _ context: ChannelHandlerContext) {
        guard let told = report else { return }
        report = nil
        told(problem)
        context.close(promise: nil)
    }
}

extension LoopContext {
    /// Begins the checks that are due. Called on one of the loops, some times a second.
    func checkProviders() {
        let now = shared.clock.now()
        for provider in snapshot.providers {
            guard let rule = provider.provider.health, let health = provider.health, !isDraining,
                health.with({ $0.begins(rule, at: now) })
            else { continue }
            check(provider, rule) { [clock = shared.clock] problem in
                let now = clock.now()
                health.with { probe in
                    if let problem { probe.failed(problem, rule, at: now) } else { probe.passed(rule, at: now) }
                }
            }
        }
    }

    private func check(_ runtime: ProviderRuntime, _ rule: HealthRule, _ report: @escaping (String?) -> Void) {
        let provider = runtime.provider
        var told: ((String?) -> Void)? = report
        let once: (String?) -> Void = { problem in
            told?(problem)
            told = nil
        }
        var request = Array("GET \(rule.path) HTTP/1.1\r\n".utf8) + runtime.fixedFields
        let now = shared.clock.now()
        if let token = runtime.token?.line(at: now) { request += token }
        if let signer = runtime.signer {
            let parts = rule.path.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
            request += signer.lines(
                method: "GET", path: String(parts[0]), query: parts.count > 1 ? String(parts[1]) : "", contentType: nil,
                bodyHash: SHA256.hash(data: [UInt8]()), at: now)
        }
        request += Array("User-Agent: weir\r\nAccept: */*\r\nAccept-Encoding: identity\r\nConnection: close\r\n\r\n".utf8)
        let timeout = TimeAmount.seconds(Int64(rule.timeoutSeconds))
        var connected: (any Channel)?
        eventLoop.assumeIsolated().scheduleTask(in: timeout) {
            once("no answer within \(rule.timeoutSeconds) s")
            connected?.close(promise: nil)
        }
        shared.resolver.resolve(provider, on: eventLoop).assumeIsolated().whenComplete { result in
            guard case .success(let addresses) = result, let address = addresses.first else {
                once("the host name does not resolve, or to an address that is not allowed")
                return
            }
            let tls: NIOSSLContext?
            do {
                tls = provider.origin.isTLS ? try self.shared.tls.clientContext(trustRootsFile: provider.trustRootsFile) : nil
            } catch {
                once("its trust_roots file cannot be read")
                return
            }
            let host = provider.origin.host
            let handler = NIOLoopBound(HealthCheck(request: request, report: once), eventLoop: self.eventLoop)
            ClientBootstrap(group: self.eventLoop)
                .connectTimeout(timeout)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        if let tls {
                            try channel.pipeline.syncOperations.addHandler(
                                NIOSSLClientHandler(context: tls, serverHostname: isAddressLiteral(host) ? nil : host))
                        }
                        try channel.pipeline.syncOperations.addHandler(handler.value)
                    }
                }
                .connect(to: address).assumeIsolated().whenComplete { result in
                    switch result {
                    // One that comes after its time is nobody's any more, and its peer may never say a word.
                    case .success(let channel): if told == nil { channel.close(promise: nil) } else { connected = channel }
                    case .failure(let error): once(describeConnectFailure(error))
                    }
                }
        }
    }
}
