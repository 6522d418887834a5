// SimulatedProvider: a model provider with no model: it serves the native dialects with scripted sessions that look like coding
// agents, keeps its own account of what it served, and fails on demand.

import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization

/// How a simulated provider runs.
package struct SimulationOptions: Sendable {
    package var host = "127.0.0.1"
    package var port = 0
    /// File of the served log; none is kept without.
    package var logPath: String?
    /// Milliseconds between two events of a stream.
    package var paceMilliseconds = 0
    /// PEM files; without them plain HTTP is served.
    package var certificate: String?
    package var privateKey: String?
    package var threads = 1

    package init() {}
}

/// Why a simulated provider cannot start.
package enum SimulationError: Error, Sendable {
    case cannotOpenLog(String)
    case cannotListen(String)
    case badCertificate(String)
}

/// A running simulated provider.
package final class SimulatedProvider: Sendable {
    /// The port that it listens on.
    package let port: Int
    private let channel: any Channel
    private let group: MultiThreadedEventLoopGroup

    private init(port: Int, channel: any Channel, group: MultiThreadedEventLoopGroup) {
        self.port = port
        self.channel = channel
        self.group = group
    }

    /// Starts one.
    package static func start(_ options: SimulationOptions) async throws(SimulationError) -> SimulatedProvider {
        var log: ServedLog?
        if let path = options.logPath {
            guard let opened = ServedLog(path: path) else { throw .cannotOpenLog(path) }
            log = opened
        }
        let state = SimulationState(options: options, log: log)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: options.threads)
        var context: NIOSSLContext?
        if let certificate = options.certificate, let privateKey = options.privateKey {
            do {
                let chain = try NIOSSLCertificate.fromPEMFile(certificate).map {
                    NIOSSLCertificateSource.certificate($0)
                }
                let key = try NIOSSLPrivateKey(file: privateKey, format: .pem)
                context = try NIOSSLContext(
                    configuration: .makeServerConfiguration(certificateChain: chain, privateKey: .privateKey(key)))
            } catch {
                throw .badCertificate("\(error)")
            }
        }
        let secure = context
        do {
            let channel = try await ServerBootstrap(group: group)
                .serverChannelOption(.backlog, value: 1024)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                .childChannelInitializer { child in
                    child.eventLoop.makeCompletedFuture {
                        if let secure {
                            try child.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: secure))
                        }
                        try child.pipeline.syncOperations.configureHTTPServerPipeline(withPipeliningAssistance: false)
                        try child.pipeline.syncOperations.addHandler(SimulationHandler(state))
                    }
                }
                .bind(host: options.host, port: options.port).get()
            return SimulatedProvider(port: channel.localAddress?.port ?? options.port, channel: channel, group: group)
        } catch {
            throw .cannotListen("\(options.host):\(options.port): \(error)")
        }
    }

    /// Waits until it is stopped.
    package func wait() async throws { try await channel.closeFuture.get() }

    package func stop() async {
        try? await channel.close().get()
        try? await group.shutdownGracefully()
    }
}

/// What the connections of one provider share.
final class SimulationState: Sendable {
    struct Seen: Sendable {
        var method: String
        var path: String
        var query: String
        var headers: [(String, String)]
        var body: String
    }

    private struct Values {
        var count = 0
        var stored: [String: (response: JSONText, input: JSONText)] = [:]
        var storedOrder: [String] = []
        var seen: [Seen] = []
        var armed: Fault?
        var armedCount = 0
    }

    let options: SimulationOptions
    private let log: ServedLog?
    private let values = Mutex(Values())

    private static let storedMax = 1000
    private static let seenMax = 500

    init(options: SimulationOptions, log: ServedLog?) {
        self.options = options
        self.log = log
    }

    func nextNumber() -> Int {
        values.withLock {
            $0.count += 1
            return $0.count
        }
    }

    func see(_ seen: Seen) {
        values.withLock {
            $0.seen.append(seen)
            if $0.seen.count > Self.seenMax { $0.seen.removeFirst() }
        }
    }

    func seenDocument() -> JSONText {
        let seen = values.withLock { $0.seen }
        return .array(
            seen.map { request in
                [
                    "method": .text(request.method), "path": .text(request.path), "query": .text(request.query),
                    "headers": .array(request.headers.map { [.text($0.0), .text($0.1)] }), "body": .text(request.body),
                ]
            })
    }

    func forgetSeen() { values.withLock { $0.seen = [] } }

    func store(_ id: String, response: JSONText, input: JSONText) {
        values.withLock {
            $0.stored[id] = (response, input)
            $0.storedOrder.append(id)
            if $0.storedOrder.count > Self.storedMax { $0.stored[$0.storedOrder.removeFirst()] = nil }
        }
    }

    /// Forgets a stored response; false when there was none.
    func remove(_ id: String) -> Bool { values.withLock { $0.stored.removeValue(forKey: id) != nil } }

    func stored(_ id: String) -> (response: JSONText, input: JSONText)? { values.withLock { $0.stored[id] } }

    func arm(_ fault: Fault, count: Int) {
        values.withLock {
            $0.armed = fault
            $0.armedCount = count
        }
    }

    /// The armed fault, once less.
    func takeArmed() -> Fault? {
        values.withLock {
            guard $0.armedCount > 0 else { return nil }
            $0.armedCount -= 1
            return $0.armed
        }
    }

    /// Writes down what is about to be served.
    func serve(path: String, requestID: String?, answer: ScriptedAnswer) {
        guard let log, let usage = answer.usage else { return }
        let line: JSONText = [
            "request_id": requestID.map { .text($0) } ?? .null, "path": .text(path), "model": .text(answer.model),
            "status": .integer(answer.status), "stream": .bool(answer.isStream), "usage": usage,
        ]
        log.append(line.json)
    }
}
