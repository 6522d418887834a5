// ProjectionThread: runs the ledger's projection on a thread of its own, so that a slow disk slows reports and nothing else.

import Dispatch
import Foundation
import GatewayModel
import Journal
import Logging
import Storage
import Synchronization

/// Follows the journal into the ledger.
///
/// Sendable without a check: `projection`, `reader` and `alarmed` are touched on the thread alone once it has started.
final class ProjectionThread: @unchecked Sendable {
    private let journal: Journal
    private let projection: LedgerProjection
    private var reader: JournalReader
    private var alarmed: Set<String> = []
    /// Done once, when the ledger has first read all of the journal.
    private var onFirstCaughtUp: (() throws -> Void)?
    private let logger: Logger
    private let wakes = DispatchSemaphore(value: 0)
    private let applied = Atomic<Int64>(0)
    private let isStopped = Atomic<Bool>(false)
    private let ended = DispatchSemaphore(value: 0)
    private let failing = Mutex<String?>(nil)
    /// Deployments whose turns have no price, until somebody tells of them.
    private let unpriced = Mutex<[String]>([])
    private let listeners = Mutex<[UUID: AsyncStream<TurnRecord>.Continuation]>([:])

    /// Records of one transaction.
    private static let batchMax = 2000
    /// How long turns are gathered for a transaction. Who reads the ledger does not wait for it, see `catchUp`.
    private static let gathering = DispatchTimeInterval.seconds(1)
    /// The same, while somebody watches turns come in.
    private static let gatheringWhileWatched = DispatchTimeInterval.milliseconds(20)

    init(
        journal: Journal, projection: LedgerProjection, logger: Logger, onFirstCaughtUp: (() throws -> Void)? = nil
    ) {
        self.onFirstCaughtUp = onFirstCaughtUp
        self.journal = journal
        self.projection = projection
        self.logger = logger
        reader = JournalReader(directory: journal.directory, skips: [.turnReserved, .turnSent, .turnProgress])
    }

    func start() {
        let thread = Thread { [self] in
            while !isStopped.load(ordering: .acquiring) {
                if step() == Self.batchMax { continue }
                let isWatched = listeners.withLock { !$0.isEmpty }
                _ = wakes.wait(timeout: .now() + (isWatched ? Self.gatheringWhileWatched : Self.gathering))
            }
            while step() > 0 {}
            ended.signal()
        }
        thread.name = "weir-ledger"
        thread.start()
    }

    /// Applies what is there, ends the thread, and waits for it.
    func stop() {
        isStopped.store(true, ordering: .releasing)
        wakes.signal()
        ended.wait()
        listeners.withLock { listeners in
            for listener in listeners.values { listener.finish() }
            listeners = [:]
        }
    }

    /// The last sequence number of this boot that is in the ledger.
    var sequence: Int64 { applied.load(ordering: .acquiring) }

    /// Why the ledger cannot be written now; nil when it can.
    var failure: String? { failing.withLock { $0 } }

    /// Deployments that turned out to have no price since this was asked last.
    func takeUnpriced() -> [String] {
        unpriced.withLock { unpriced in
            defer { unpriced = [] }
            return unpriced
        }
    }

    /// Waits until the ledger has what is journaled now, at most five seconds.
    func catchUp() async {
        let target = journal.lastSequence
        let deadline = ContinuousClock.now + .seconds(5)
        while sequence < target, failure == nil, ContinuousClock.now < deadline {
            wakes.signal()
            try? await Task.sleep(for: .milliseconds(2))
        }
    }

    /// Turns as they are journaled, for as long as somebody listens.
    func tail() -> AsyncStream<TurnRecord> {
        AsyncStream(bufferingPolicy: .bufferingNewest(1000)) { continuation in
            let id = UUID()
            continuation.onTermination = { [weak self] _ in
                self?.listeners.withLock { $0[id] = nil }
            }
            listeners.withLock { $0[id] = continuation }
            wakes.signal()
        }
    }

    /// One batch, and a part of what is left to do on past turns. Gives how many records it had; a batch that failed, or that left
    /// work behind, counts as whole: there is more to do at once.
    private func step() -> Int {
        let isThere = projection.cursor.boot == journal.boot && projection.cursor.sequence >= journal.lastSequence
        if !isThere { journal.writeStaged() }
        let records = isThere ? [] : reader.read(after: projection.cursor, countMax: Self.batchMax)
        if !records.isEmpty {
            do {
                alarm(try projection.apply(records))
            } catch {
                return waitAfter(error)
            }
            if projection.cursor.boot == journal.boot { applied.store(projection.cursor.sequence, ordering: .releasing) }
            tell(records)
        }
        var count = records.count
        // Past turns stay where they are when the server stops.
        if !isStopped.load(ordering: .acquiring) {
            do {
                if isThere, let onFirstCaughtUp {
                    try onFirstCaughtUp()
                    self.onFirstCaughtUp = nil
                }
                if try projection.relabelStep() { count = Self.batchMax }
            } catch {
                return waitAfter(error)
            }
        }
        if count > 0, failing.withLock({ $0.take() }) != nil { logger.notice("the ledger can be written again") }
        return count
    }

    /// Says once that the ledger cannot be written, and gives it a second.
    private func waitAfter(_ error: any Error) -> Int {
        let wasFailing = failing.withLock { failing in
            defer { failing = "\(error)" }
            return failing != nil
        }
        if !wasFailing {
            logger.error("the ledger cannot be written; it will catch up", metadata: ["error": "\(error)"])
        }
        _ = wakes.wait(timeout: .now() + .seconds(1))
        return isStopped.load(ordering: .acquiring) ? 0 : Self.batchMax
    }

    /// Says once a deployment that its turns have no price: they are not free, they are unknown.
    private func alarm(_ deployments: Set<String>) {
        for deployment in deployments.subtracting(alarmed).sorted() {
            alarmed.insert(deployment)
            unpriced.withLock { $0.append(deployment) }
            logger.warning(
                "turns have no price and count as nothing until they do",
                metadata: ["deployment": "\(deployment)", "mend": "prices in weir.yaml or weir price import, then weir price rerate"])
        }
    }

    private func tell(_ records: [JournalRecord]) {
        let all = listeners.withLock { Array($0.values) }
        guard !all.isEmpty else { return }
        for record in records where record.kind == .turnSettled || record.kind == .turnRefused {
            guard let turn = record.json.withUnsafeBytes({ decodeTurn($0) }) else { continue }
            for listener in all { listener.yield(turn) }
        }
    }
}
