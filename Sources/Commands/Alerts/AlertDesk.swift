// AlertDesk: takes alerts, tells each once, and gathers what comes close together into one message. What was told, and what a receiver
// has not taken yet, stands in the control store: a start tells nothing again, and delivers what is owed.

import Foundation
import GatewayModel
import Logging
import ServerConfiguration
import Storage

/// The way of alerts to their receivers.
actor AlertDesk {
    private var sinks: [AlertSink] = []
    /// What was told, and from when on it may be told again. A short cut: the store knows more.
    private var told: [String: Timestamp] = [:]
    /// What each receiver has not taken yet.
    private var owed: [String: [Owed]] = [:]
    private var lastSent: ContinuousClock.Instant?
    private var digest: (task: Task<Void, Never>, at: ContinuousClock.Instant)?
    private var isSending = false
    /// A message came due while another was being sent.
    private var isWanted = false
    private var forgotten: Timestamp?
    private let store: ControlStore
    private let clock: any GatewayClock
    private let logger: Logger

    private struct Owed {
        var name: String
        var told: Timestamp
        var alert: Alert
    }

    /// After a message, further alerts are gathered for so long.
    static let digestSeconds: Int64 = 60
    /// What a receiver did not take is sent again after so long, and for so long.
    static let retrySeconds: Int64 = 300
    static let owedSecondsMax: Int64 = 3 * 86_400
    private static let toldMax = 10_000
    /// In the store: at the bound the oldest are forgotten.
    private static let rowsMax = 100_000
    private static let owedMax = 200
    private static let againSeconds: Int64 = 86_400

    init(store: ControlStore, clock: any GatewayClock, logger: Logger) {
        self.store = store
        self.clock = clock
        self.logger = logger
    }

    func setSinks(_ sinks: [AlertSink]) {
        self.sinks = sinks
        let names = Set(sinks.map(\.name))
        owed = owed.filter { names.contains($0.key) }
    }

    /// Takes up what was owed when the last process ended.
    func resume() async {
        await forget()
        let since = clock.now().adding(seconds: -Self.owedSecondsMax)
        let names = Set(sinks.map(\.name))
        let rows = await inStore { try $0.owedAlerts(since: since, max: Self.owedMax * max(1, names.count)) } ?? []
        for row in rows where names.contains(row.receiver) {
            guard let alert = try? JSONDecoder().decode(Alert.self, from: Data(row.body.utf8)) else { continue }
            owe(Owed(name: row.name, told: row.told, alert: alert), to: row.receiver)
        }
        if !owed.isEmpty { schedule(after: .zero) }
    }

    func take(_ alerts: [Alert]) async {
        if alerts.isEmpty { return }
        let now = clock.now()
        let fresh = alerts.filter { alert in
            if let again = told[alert.name], now < again { return false }
            if told.count >= Self.toldMax { told = [:] }
            told[alert.name] = again(alert, now)
            return true
        }
        for alert in await news(fresh, at: now) {
            logger.warning("alert", metadata: ["kind": "\(alert.kind.rawValue)", "text": "\(alert.text)"])
            for sink in sinks { owe(Owed(name: alert.name, told: now, alert: alert), to: sink.name) }
        }
        await forget()
        guard !owed.isEmpty else { return }
        schedule(after: lastSent.map { max(.zero, .seconds(Self.digestSeconds) - (.now - $0)) } ?? .zero)
    }

    /// Those that were not told by an earlier process. What nobody receives is not told, and what the store cannot note is told rather
    /// than kept back.
    private func news(_ alerts: [Alert], at now: Timestamp) async -> [Alert] {
        guard !alerts.isEmpty, !sinks.isEmpty else { return alerts }
        let rows = alerts.compactMap { alert in
            (try? JSONEncoder().encode(alert)).map {
                AlertRow(name: alert.name, told: now, again: again(alert, now), body: String(decoding: $0, as: UTF8.self))
            }
        }
        let receivers = sinks.map(\.name)
        guard let names = await inStore({ try $0.claim(alerts: rows, for: receivers) }) else { return alerts }
        return alerts.filter { names.contains($0.name) }
    }

    private func again(_ alert: Alert, _ now: Timestamp) -> Timestamp { alert.again ?? now.adding(seconds: Self.againSeconds) }

    private func owe(_ alert: Owed, to receiver: String) {
        owed[receiver, default: []].append(alert)
        if owed[receiver, default: []].count > Self.owedMax { owed[receiver]?.removeFirst() }
    }

    // MARK: Sending

    /// Sends what is owed then, unless that is done earlier anyhow.
    private func schedule(after wait: Duration) {
        let at = ContinuousClock.now + wait
        if let digest, digest.at <= at { return }
        digest?.task.cancel()
        let task = Task {
            do { try await Task.sleep(until: at, clock: .continuous) } catch { return }
            await send()
        }
        digest = (task, at)
    }

    private func send() async {
        digest = nil
        if isSending {
            isWanted = true
            return
        }
        isSending = true
        lastSent = .now
        var failed = false
        let since = clock.now().adding(seconds: -Self.owedSecondsMax)
        for sink in sinks {
            guard let alerts = owed.removeValue(forKey: sink.name)?.filter({ $0.told >= since }), !alerts.isEmpty else { continue }
            guard let problem = await deliver(alerts.map(\.alert), to: sink) else {
                let (names, receiver) = (alerts.map(\.name), sink.name)
                _ = await inStore { try $0.settle(alerts: names, of: receiver) }
                continue
            }
            failed = true
            logger.error("an alert could not be delivered", metadata: ["receiver": "\(sink.name)", "problem": "\(problem)"])
            owed[sink.name] = (alerts + (owed[sink.name] ?? [])).suffix(Self.owedMax)
        }
        isSending = false
        if isWanted {
            isWanted = false
            schedule(after: .zero)
        } else if failed {
            schedule(after: .seconds(Self.retrySeconds))
        }
    }

    /// Tells every receiver, or one, that alerts arrive; gives what went wrong, by receiver.
    func test(_ name: String?, at time: String) async -> [(sink: String, problem: String?)] {
        let alert = Alert(kind: .test, subject: "test", text: "This is a test of Weir's alerts.", at: time)
        var found: [(String, String?)] = []
        for sink in sinks where name == nil || sink.name == name {
            found.append((sink.name, await deliver([alert], to: sink, tries: 1)))
        }
        return found
    }

    /// Nil when it arrived.
    private func deliver(_ alerts: [Alert], to sink: AlertSink, tries: Int = 3) async -> String? {
        var problem: String?
        for number in 0..<tries {
            if number > 0 { try? await Task.sleep(for: .seconds(1 << number)) }
            do {
                try await AlertDelivery(sink).send(alerts)
                return nil
            } catch {
                problem = "\(error)"
            }
        }
        return problem
    }

    // MARK: The store

    /// Nil when the store fails.
    private func inStore<Result: Sendable>(_ body: @escaping @Sendable (ControlStore) throws -> Result) async -> Result? {
        do {
            return try await onThread { [store] in try body(store) }
        } catch {
            logger.error("what was told cannot be noted", metadata: ["problem": "\(error)"])
            return nil
        }
    }

    /// Once an hour, when something is told.
    private func forget() async {
        let now = clock.now()
        if let forgotten, now < forgotten.adding(seconds: 3600) { return }
        forgotten = now
        let owedSince = now.adding(seconds: -Self.owedSecondsMax)
        _ = await inStore { try $0.forgetAlerts(at: now, owedBefore: owedSince, max: Self.rowsMax) }
    }
}
