// ServeRuntime: the server, assembled: journal, recovery, ledger, snapshot, data plane, admin API; and their end in the right
// order.

import AdminAPI
import AgentOrigin
import CAllocator
import Console
import Foundation
import GatewayModel
import Identity
import Journal
import Logging
import NIOCore
import NIOPosix
import Policy
import Proxy
import Reports
import ServerConfiguration
import ServiceLifecycle
import Storage
import Synchronization
import UnixSignals
import WireFormat

#if canImport(Glibc)
    import Glibc
#endif

/// The version of this build.
let weirVersion = "0.1.0"

/// The system's clock.
struct SystemClock: GatewayClock {
    func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(nanoseconds: Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec))
    }
}

/// Runs the server until it is told to stop.
///
/// - Parameters:
///   - reload: reads the configuration anew.
///   - watched: the configuration's file; a change of it reloads, as SIGHUP does.
func runServer(
    settings: GatewaySettings, watched: WatchedFile? = nil, reload: @escaping @Sendable () throws -> GatewaySettings
) async throws {
    // glibc gives large blocks back at once and fetches them anew; agents' bodies are large blocks.
    weir_keep_freed_memory(64 << 20, 128 << 20)
    raiseDescriptorLimit()

    var logger = Logger(label: "weir")
    logger.logLevel = Logger.Level(rawValue: settings.logLevel) ?? .info
    let folder = DataFolder(settings.dataDirectory)
    try folder.create()
    try folder.lock()

    let node = try ServerNode(settings: settings, folder: folder, logger: logger)
    let parts = try await node.start(watched: watched, reload: reload)
    try await parts.run()
    await node.stop()
}

/// What lives as long as the process.
private final class ServerNode: Sendable {
    let settings: GatewaySettings
    let folder: DataFolder
    let logger: Logger
    let databases: Databases
    let journal: Journal
    let directory: Directory
    let projection: ProjectionThread
    let clock = SystemClock()
    let bound = BoundAddress()

    init(settings: GatewaySettings, folder: DataFolder, logger: Logger) throws {
        self.settings = settings
        self.folder = folder
        self.logger = logger
        databases = try openDatabases(folder)
        if let aside = databases.movedAside {
            logger.error(
                "ledger.db was no database; it is made again from the journal, as far back as that is kept",
                metadata: ["moved_to": "\(aside)", "journal_retention_days": "\(settings.journalRetentionDays)"])
        }
        let pepper = try Pepper(directory: folder.path, random: SystemRandom())
        var options = JournalOptions()
        options.syncMilliseconds = settings.journalSyncMilliseconds
        options.segmentBytes = settings.journalSegmentMebibytes << 20
        let journal: Journal
        do throws(JournalError) {
            journal = try Journal(
                directory: folder.journal, node: ProcessInfo.processInfo.hostName, options: options, clock: clock,
                failpoint: ProcessInfo.processInfo.environment["WEIR_FAILPOINT"])
        } catch {
            throw CommandFailure("journal_unavailable", describe(error), mend: "give \(folder.path) room and rights, then start again")
        }
        self.journal = journal
        let clock = clock
        directory = Directory(
            store: ControlStore(databases.control), pepper: pepper, clock: clock, random: SystemRandom()
        ) { entity, id, before, after in try journal.recordEntity(entity, id, before, after, at: clock.now()) }
        projection = ProjectionThread(
            journal: journal, projection: try LedgerProjection(databases.ledger), logger: logger
        ) { [directory, reports = Reports(databases.ledger)] in try directory.retellAliases(known: reports.knownAliases) }
    }

    func start(
        watched: WatchedFile?, reload: @escaping @Sendable () throws -> GatewaySettings
    ) async throws -> ServiceGroup {
        let report = try journal.recover()
        _ = try journal.append(.nodeStarted, at: clock.now()) { writer in
            writer.field("version", weirVersion)
            writer.field("recovered_settled", report.settled)
            writer.field("recovered_void", report.voided)
            writer.field("configuration_sha256", digest(of: settings.policyLines))
        }
        for boot in report.damaged {
            logger.error(
                "the journal has damaged records; those behind them are read, and all of it is kept",
                metadata: ["boot": "\(boot)", "look": "weir journal inspect --boot \(boot)"])
        }
        if report.settled + report.voided > 0 {
            logger.notice("recovered turns that a crash left open", metadata: ["settled": "\(report.settled)", "void": "\(report.voided)"])
        }
        projection.start()

        let control = ControlStore(databases.control)
        if let made = try makeFirstKey(directory) {
            standardError("First virtual key, for developer \"\(made.owner)\" (shown once):")
            // A server goes on without a reader, and a key whose secret nobody saw can get another.
            do throws(OutputFailure) {
                try output(made.secret + "\n")
            } catch {
                standardError("It could not be written: \(error). Give the key another secret: weir key list, weir key rotate KEY")
            }
        }
        let board = DeploymentBoard()
        let ledger = LimitLedger(seed: SystemRandom().next())
        let limits = LimitsInForce(
            ledger: ledger, databases: databases, journal: journal, clock: clock, logger: logger)
        let sessions = RunawaySessions(databases: databases, journal: journal, clock: clock)
        let alerts = AlertDesk(store: control, clock: clock, logger: logger)
        let publisher = SnapshotPublisher(
            settings: settings, directory: directory, control: control, limits: limits, sessions: sessions, alerts: alerts, board: board,
            clock: clock)
        let reports = Reports(databases.ledger)
        let telemetry = TelemetryReceiver(journal: journal)
        let shared = GatewayShared(
            journal: journal, clock: clock, limits: ledger, runaway: sessions.watch,
            origin: OriginTable(
                makeOriginHandlers(directory: directory, clock: clock, publisher: publisher, telemetry: telemetry), logger: logger),
            board: board
        ) { id in
            guard let turn = try? reports.responseTurn(id) else { return nil }
            return ResponseOwner(principal: turn.principal, provider: turn.provider)
        }
        let count = settings.eventLoops > 0 ? settings.eventLoops : System.coreCount
        let group = MultiThreadedEventLoopGroup(numberOfThreads: count)
        let server = GatewayServer(group: group, shared: shared, snapshot: try await publisher.buildFirst())
        await publisher.attach(server)
        var dependencies = makeDependencies(publisher, server, reports, telemetry, reload)
        dependencies.limits =
            LimitAnswers(limits: limits, publisher: publisher, directory: directory, databases: databases, clock: clock).access
        dependencies.sessions = sessions.access
        dependencies.testAlerts = { [clock] name in
            await alerts.test(name, at: clock.now().rfc3339).map { AlertTestView(receiver: $0.sink, problem: $0.problem) }
        }
        let (hasTLS, bound, clock) = (settings.tlsCertificate != nil, bound, clock)
        dependencies.routes = { routeViews(await publisher.snapshot?.routeStatuses(at: clock.now()) ?? []) }
        dependencies.providers = {
            guard let snapshot = await publisher.snapshot else { return [] }
            return providerViews(snapshot.configuredProviders, snapshot.routeStatuses(at: clock.now()), snapshot.providerHealth)
        }
        dependencies.recordPolicy = { [journal] policy, before, after in
            try journal.recordPolicy(policy, PolicyChange(from: before, to: after), at: clock.now())
        }
        dependencies.cache = { cacheView(shared.cache.figures) }
        dependencies.purgeCache = { [journal] in purge(shared.cache, $0, journal, at: clock.now()) }
        dependencies.explainRoute = { request in
            guard let snapshot = await publisher.snapshot else { throw CancellationError() }
            return try explain(request, snapshot, board, at: clock.now(), random: SystemRandom().next())
        }
        dependencies.gateway = {
            if let url = await publisher.agentOrigin.publicURL { return url }
            let isAnywhere = bound.address.hasPrefix("0.0.0.0:") || bound.address.hasPrefix(":::")
            return isAnywhere || bound.address.isEmpty ? "" : "\(hasTLS ? "https" : "http")://\(bound.address)"
        }
        let (adminIsRunning, adminRuns) = AsyncStream<Void>.makeStream()
        let admin = makeAdminApplication(dependencies, socketPath: folder.socket) { adminRuns.finish() }
        let gateway = GatewayService(
            server: server, settings: settings, logger: logger, providers: await publisher.providerNames, bound: bound,
            adminIsRunning: adminIsRunning)
        let watch = ConfigurationWatch(
            file: watched, hangUps: await UnixSignalsSequence(trapping: .sighup), logger: logger
        ) { [journal] in try await publisher.reload(reload(), journal) }
        let quiet = Logger(label: "weir.lifecycle") { _ in SwiftLogNoOpLogHandler() }
        var configuration = ServiceGroupConfiguration(
            services: [
                .init(service: admin, successTerminationBehavior: .gracefullyShutdownGroup),
                .init(service: gateway, successTerminationBehavior: .gracefullyShutdownGroup),
                .init(service: Housekeeping(node: self, limits: limits)),
                .init(
                    service: LimitUpkeep(
                        limits: limits, sessions: sessions,
                        forecasts: LimitForecasts(limits: limits, databases: databases, clock: clock), alerts: alerts, journal: journal,
                        projection: projection)),
                .init(service: watch),
            ], gracefulShutdownSignals: [.sigterm, .sigint], logger: quiet)
        configuration.maximumGracefulShutdownDuration = .seconds(settings.limits.shutdownSeconds + 10)
        return ServiceGroup(configuration: configuration)
    }

    private func makeDependencies(
        _ publisher: SnapshotPublisher, _ server: GatewayServer, _ reports: Reports, _ telemetry: TelemetryReceiver,
        _ reload: @escaping @Sendable () throws -> GatewaySettings
    ) -> AdminDependencies {
        let projection = projection
        let journal = journal
        let bound = bound
        let ledger = databases.ledger
        let now = clock.now
        return AdminDependencies(
            directory: directory, control: ControlStore(databases.control), reports: reports, clock: clock,
            random: SystemRandom(), publish: { try await publisher.publish() }, catchUp: { await projection.catchUp() },
            status: {
                StatusView(
                    version: weirVersion, listen: bound.address, snapshotVersion: await publisher.currentVersion,
                    providers: await publisher.providerNames, activeRequests: await server.activeCount(),
                    journalAvailable: journal.isAvailable, journalFailure: journal.failure,
                    journalSequence: journal.lastSequence, ledgerSequence: projection.sequence,
                    ledgerFailure: projection.failure, counters: server.metrics.all.merging(telemetry.counters) { own, _ in own })
            }, tail: { projection.tail() },
            rerate: {
                let price = await publisher.pricing()
                try journal.recordRerate(at: now())
                let priced = try LedgerProjection.rerate(ledger, price: price)
                journal.recordRerated(priced, at: now())
                return priced.sorted { $0.key < $1.key }.map { UnpricedView(deployment: $0.key, turns: $0.value) }
            }, reload: { try await publisher.reload(reload(), journal) })
    }

    func stop() async {
        _ = try? journal.append(.nodeStopped, at: clock.now()) { _ in }
        projection.stop()
        journal.stop()
        unlink(folder.socket)
    }

    /// Removes what is past its retention. Turns that a budget or limit still counts one by one stay: without them it would have room
    /// again after a restart.
    func housekeep(_ rules: [LimitRule]) {
        let now = clock.now()
        let days = Int64(settings.journalRetentionDays)
        var months = now
        for _ in 0..<settings.ledgerRetentionMonths { months = months.start(of: .month).adding(seconds: -86_400) }
        do {
            let cursor = try LedgerProjection(databases.ledger).cursor
            let removed = journal.removeSegments(before: cursor, olderThan: now.adding(seconds: -days * 86_400))
            let counting = rules.filter { rule in turnsCounted(rule, at: now).map { $0 < months.start(of: .month) } ?? false }
            if !counting.isEmpty, try LedgerProjection.hasTurns(databases.ledger, before: monthName(months)) {
                logger.notice(
                    "turns are kept for longer than ledger.retention_months, for limits that count them",
                    metadata: ["rules": "\(counting.map(\.id).joined(separator: ", "))"])
            }
            months = min(months, rules.compactMap { turnsCounted($0, at: now) }.min() ?? months)
            let dropped = try LedgerProjection.dropTurns(databases.ledger, before: monthName(months))
            if removed > 0 || !dropped.isEmpty {
                logger.info("retention", metadata: ["segments": "\(removed)", "months": "\(dropped)"])
            }
        } catch {
            logger.error("retention failed", metadata: ["error": "\(error)"])
        }
    }
}

/// The data plane as a service.
private struct GatewayService: Service {
    let server: GatewayServer
    let settings: GatewaySettings
    let logger: Logger
    let providers: [String]
    let bound: BoundAddress
    let adminIsRunning: AsyncStream<Void>

    func run() async throws {
        // Who reads that the gateway listens may give it commands.
        for await _ in adminIsRunning {}
        guard !Task.isCancelled, let (host, port) = settings.listenAddress else { return }
        let address = ListenAddress(
            host: host, port: port, certificateFile: settings.tlsCertificate, privateKeyFile: settings.tlsPrivateKey)
        let boundPort: Int
        do {
            boundPort = try await server.start(address)
        } catch {
            throw CommandFailure(
                "cannot_listen", "cannot listen on \(settings.listen): \(error)", mend: "set another address: --listen HOST:PORT")
        }
        bound.set("\(host):\(boundPort)")
        logger.notice("listening", metadata: ["address": "\(host):\(boundPort)", "providers": "\(providers.joined(separator: ", "))"])
        if providers.isEmpty {
            logger.warning("no provider is configured: set OPENAI_API_KEY or ANTHROPIC_API_KEY, or list providers in weir.yaml")
        }
        // A third of what is resident now: the loader's tables, and code that ran once.
        weir_forget_startup_code()
        try? await gracefulShutdown()
        logger.notice("stopping: running requests get \(settings.limits.shutdownSeconds) s")
        await server.drain(seconds: settings.limits.shutdownSeconds)
    }
}

/// Where the data plane listens, once it does.
final class BoundAddress: Sendable {
    private let value = Mutex("")

    var address: String { value.withLock { $0 } }
    func set(_ address: String) { value.withLock { $0 = address } }
}

/// Retention, once an hour.
private struct Housekeeping: Service {
    let node: ServerNode
    let limits: LimitsInForce

    func run() async throws {
        try? await cancelWhenGracefulShutdown {
            while true {
                node.housekeep(limits.rules)
                try await Task.sleep(for: .seconds(3600))
            }
        }
    }
}

private func raiseDescriptorLimit() {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
}
