// GatewayKit: a gateway in this process, before a simulated provider in this process, over a journal in a folder of its own.

import Crypto
import Foundation
import GatewayModel
import Journal
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import Policy
import Providers
import Proxy
import RawWire
import Simulation
import Synchronization
import Testing

/// A clock that runs from a set time on, and can be moved ahead.
final class MovableClock: GatewayClock {
    private let start = ContinuousClock.now
    private let offset = Mutex<Int64>(1_795_521_600)

    func now() -> Timestamp {
        let passed = (ContinuousClock.now - start) / .nanoseconds(1)
        return Timestamp(nanoseconds: Int64(passed)).adding(seconds: offset.withLock { $0 })
    }

    func advance(seconds: Int64) { offset.withLock { $0 += seconds } }
}

/// A running gateway with what stands around it.
final class Gateway: Sendable {
    let port: Int
    let server: GatewayServer
    let simulation: SimulatedProvider
    let folder: String
    let keys: [(text: String, key: VirtualKey)]
    let certificates: Certificates?
    let clock: MovableClock
    private let group: MultiThreadedEventLoopGroup
    private let journal: Journal
    private let limits: Limits
    private let version = Mutex<Int64>(1)
    private static let pepper = [UInt8](repeating: 7, count: 32)

    /// Who calls: each name is a developer with a key of their own, in this order.
    static let developers = ["maria", "jon"]

    private init(
        port: Int, server: GatewayServer, simulation: SimulatedProvider, folder: String,
        keys: [(text: String, key: VirtualKey)],
        certificates: Certificates?, group: MultiThreadedEventLoopGroup, journal: Journal, limits: Limits,
        clock: MovableClock
    ) {
        self.port = port
        self.server = server
        self.simulation = simulation
        self.folder = folder
        self.keys = keys
        self.certificates = certificates
        self.group = group
        self.journal = journal
        self.limits = limits
        self.clock = clock
    }

    /// Starts one, runs `body`, and stops it.
    static func run(
        hasTLS: Bool = false, origin: [any OriginHandler] = [], limits change: (inout Limits) -> Void = { _ in },
        _ body: (Gateway) async throws -> Void
    ) async throws {
        let folder = NSTemporaryDirectory() + "weir-proxy-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let certificates = hasTLS ? try Certificates(folder: folder) : nil
        var options = SimulationOptions()
        options.certificate = certificates?.certificateFile
        options.privateKey = certificates?.privateKeyFile
        let simulation = try await SimulatedProvider.start(options)
        let clock = MovableClock()
        let journal = try Journal(directory: "\(folder)/journal", node: "test", clock: clock)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let table = OriginTable(origin, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let shared = GatewayShared(journal: journal, clock: clock, origin: table) { _ in nil }
        var limits = Limits()
        change(&limits)
        let keys = developers.map(makeKey)
        let snapshot = try Self.snapshot(1, keys.map(\.key), simulation, certificates, limits)
        let server = GatewayServer(group: group, shared: shared, snapshot: snapshot)
        let port = try await server.start(
            ListenAddress(
                host: "127.0.0.1", port: 0, certificateFile: certificates?.certificateFile,
                privateKeyFile: certificates?.privateKeyFile))
        let gateway = Gateway(
            port: port, server: server, simulation: simulation, folder: folder, keys: keys, certificates: certificates,
            group: group, journal: journal, limits: limits, clock: clock)
        let result: Result<Void, any Error>
        do {
            result = .success(try await body(gateway))
        } catch {
            result = .failure(error)
        }
        await server.drain(seconds: 0)
        await simulation.stop()
        journal.stop()
        try? await group.shutdownGracefully()
        try result.get()
    }

    private static func makeKey(of developer: String) -> (text: String, key: VirtualKey) {
        let made = KeyToken.make(random: SystemRandom())
        let principal = Principal(keyID: made.token.keyID, workspace: "default", team: "web", developer: developer)
        let mac = HMAC<SHA256>.authenticationCode(
            for: made.token.keyIDBytes + made.token.secret, using: SymmetricKey(data: pepper))
        return (
            made.text,
            VirtualKey(id: made.token.keyID, principal: principal, secrets: [KeySecret(mac: Array(mac), generation: 1)])
        )
    }

    private static func snapshot(
        _ version: Int64, _ keys: [VirtualKey], _ simulation: SimulatedProvider, _ certificates: Certificates?,
        _ limits: Limits
    ) throws -> GatewaySnapshot {
        var specification = ProviderSpecification(name: "sim", kind: .simulated)
        specification.baseURL = "\(certificates == nil ? "http://127.0.0.1" : "https://localhost"):\(simulation.port)"
        specification.trustRootsFile = certificates?.certificateFile
        return GatewaySnapshot(
            version: version, keys: Dictionary(uniqueKeysWithValues: keys.map { ($0.id, $0) }),
            providers: [try makeProvider(specification)],
            prices: PriceBook(rows: Catalogue.rows, version: Catalogue.version),
            limits: limits, policy: GatewayPolicy(), pepper: pepper)
    }

    /// Puts a changed snapshot in force.
    func publish(_ change: (inout [VirtualKey], inout Limits) -> Void) async throws {
        var keys = keys.map(\.key)
        var limits = limits
        change(&keys, &limits)
        let next = version.withLock { version in
            version += 1
            return version
        }
        await server.publish(try Self.snapshot(next, keys, simulation, certificates, limits))
    }

    // MARK: Asking

    /// The fields that identify a developer.
    func fields(_ developer: Int = 0) -> [(String, String)] { [("Authorization", "Bearer \(keys[developer].text)")] }

    func connect(pauses: Bool = false) async throws -> RawConnection {
        try await RawConnection.open(
            port: port, tls: try certificates?.clientContext(), receiveBytes: pauses ? 8192 : nil, pauses: pauses)
    }

    /// One request on a connection of its own.
    func ask(_ text: String) async throws -> RawReply {
        let connection = try await connect()
        try await connection.send(text)
        let reply = try await connection.reply()
        await connection.close()
        return reply
    }

    func chat(_ json: String, _ more: [(String, String)] = [], developer: Int = 0) -> String {
        postText("/v1/chat/completions", json, fields(developer) + more)
    }

    // MARK: Looking

    /// The kinds of every record, and the turns that were settled or refused, in order.
    func journaled() -> (kinds: [RecordKind], turns: [TurnRecord]) {
        journal.writeStaged()
        var reader = JournalReader(directory: "\(folder)/journal")
        let records = reader.read(after: .start, countMax: 10_000)
        let turns = records.filter { $0.kind == .turnSettled || $0.kind == .turnRefused }
            .compactMap { $0.json.withUnsafeBytes { decodeTurn($0) } }
        return (records.compactMap(\.kind), turns)
    }

    /// Waits until so many turns have ended, and gives them.
    func ended(_ count: Int) async throws -> [TurnRecord] {
        try await waitUntil("\(count) turns have ended") { self.journaled().turns.count >= count }
        return journaled().turns
    }
}

/// Waits for a condition, for at most a minute: a loaded machine is slow, and a broken gateway never gets there.
func waitUntil(_ what: String, _ condition: () async throws -> Bool) async throws {
    for _ in 0..<6000 {
        if try await condition() { return }
        try await Task.sleep(for: .milliseconds(10))
    }
    Issue.record("waited in vain until \(what)")
    throw CancellationError()
}

/// A self-signed certificate for localhost, made by openssl.
final class Certificates: Sendable {
    let certificateFile: String
    let privateKeyFile: String

    init(folder: String) throws {
        certificateFile = "\(folder)/tls.crt"
        privateKeyFile = "\(folder)/tls.key"
        let openssl = Process()
        openssl.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        openssl.arguments = [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
            "2", "-subj",
            "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", privateKeyFile, "-out",
            certificateFile,
        ]
        openssl.standardError = FileHandle.nullDevice
        openssl.standardOutput = FileHandle.nullDevice
        try openssl.run()
        openssl.waitUntilExit()
        try #require(openssl.terminationStatus == 0, "openssl could not make a certificate")
    }

    func clientContext() throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .file(certificateFile)
        return try NIOSSLContext(configuration: configuration)
    }
}
