// ServerLink: finds the server that works in a data folder. Without one, reading verbs look at the store as the last server left
// it, through the same handlers, and changing verbs say how to start one.

import AdminAPI
import ArgumentParser
import Console
import Foundation
import GatewayModel
import Identity
import Logging
import Reports
import ServiceLifecycle
import Storage

#if canImport(Glibc)
    import Glibc
#endif

/// Where the server is.
struct ServerOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The server's data folder.", discussion: "WEIR_DATA sets it too.", valueName: "dir"))
    var data: String?

    var folder: DataFolder {
        DataFolder(data ?? ProcessInfo.processInfo.environment["WEIR_DATA"] ?? "./weir-data")
    }

    /// For verbs that change something: the running server or an error.
    func changing<Result: Sendable>(_ body: @Sendable (AdminClient) async throws -> Result) async throws -> Result {
        try await withProgress { try await following(body) }
    }

    /// For verbs that go on until they are ended: the running server or an error.
    func following<Result>(_ body: (AdminClient) async throws -> Result) async throws -> Result {
        let folder = folder
        guard isListening(folder.socket) else {
            throw CommandFailure(
                "server_not_running", "no server works in \(folder.path)",
                mend: "start one: weir serve --data \(folder.path)   (another folder: --data DIR)")
        }
        return try await body(AdminClient(socket: folder.socket))
    }

    /// For verbs that only read: the running server, or the store.
    func reading<Result: Sendable>(_ body: @Sendable (AdminClient) async throws -> Result) async throws -> Result {
        let folder = folder
        if isListening(folder.socket) { return try await withProgress { try await body(AdminClient(socket: folder.socket)) } }
        guard folder.exists else {
            throw CommandFailure(
                "no_data_folder", "there is no data folder \(folder.path)",
                mend: "start a server: weir serve --data \(folder.path)   (another folder: --data DIR)")
        }
        standardError("No server works in \(folder.path): this is the store as the last one left it.")
        return try await withProgress { try await withStore(folder, body) }
    }

    /// The same handlers on a socket of this process alone, over the store opened for reading.
    private func withStore<Result: Sendable>(
        _ folder: DataFolder, _ body: @Sendable (AdminClient) async throws -> Result
    ) async throws -> Result {
        let databases = try Databases(readOnly: folder.path)
        let clock = SystemClock()
        let control = ControlStore(databases.control)
        let reports = Reports(databases.ledger)
        let directory = Directory(
            store: control, pepper: try Pepper(directory: folder.path, random: SystemRandom()), clock: clock,
            random: SystemRandom(), changed: { _, _, _, _ in })
        let refuse: @Sendable () throws -> Void = {
            throw IdentityError(.conflict, "read_only", "the store is open for reading only", mend: "start the server: weir serve")
        }
        let dependencies = AdminDependencies(
            directory: directory, control: control, reports: reports, clock: clock, random: SystemRandom(),
            publish: { try refuse() }, catchUp: {},
            status: {
                StatusView(
                    version: weirVersion, listen: "", snapshotVersion: 0, providers: [], activeRequests: 0,
                    journalAvailable: false, journalFailure: "no server works in this folder", journalSequence: 0,
                    ledgerSequence: 0, counters: [:])
            }, tail: { AsyncStream { $0.finish() } },
            rerate: {
                try refuse()
                return []
            }, reload: { try refuse() })
        let place = "\(NSTemporaryDirectory())/weir-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
        try FileManager.default.createDirectory(
            atPath: place, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        defer { try? FileManager.default.removeItem(atPath: place) }
        let (isRunning, running) = AsyncStream<Void>.makeStream()
        // It ends by being cancelled, which is no error here.
        let application = makeAdminApplication(dependencies, socketPath: "\(place)/s", logLevel: .critical) { running.finish() }
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await application.run() }
            for await _ in isRunning {}
            let result = try await body(AdminClient(socket: "\(place)/s"))
            group.cancelAll()
            return result
        }
    }
}

/// Whether somebody answers on a Unix socket. A file alone says nothing: a killed server leaves it.
func isListening(_ path: String) -> Bool {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return false }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    return withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
        }
    }
}
