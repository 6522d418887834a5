// AlertDesk: takes alerts, tells each once, and gathers what comes close together into one message.

import Foundation
import Logging
import ServerConfiguration

/// The way of alerts to their receivers.
actor AlertDesk {
    private var sinks: [AlertSink] = []
    /// What was told, and when.
    private var told: [String: ContinuousClock.Instant] = [:]
    private var waiting: [Alert] = []
    private var lastSent: ContinuousClock.Instant?
    private var digest: Task<Void, Never>?
    private let logger: Logger

    /// After a message, further alerts are gathered for so long.
    static let digestSeconds: Int64 = 60
    private static let toldMax = 10_000
    private static let waitingMax = 200
    /// What is told once for all its occurrences is told again after a day.
    private static let toldFor: Duration = .seconds(86_400)

    init(logger: Logger) { self.logger = logger }

    func setSinks(_ sinks: [AlertSink]) { self.sinks = sinks }

    func take(_ alerts: [Alert]) {
        if alerts.isEmpty { return }
        let now = ContinuousClock.now
        for alert in alerts {
            let name = "\(alert.kind.rawValue) \(alert.subject) \(alert.group.joined(separator: " ")) \(alert.once)"
            // What belongs to a window or a moment is told once for it; the rest again each day.
            if let last = told[name], !alert.once.isEmpty || now - last < Self.toldFor { continue }
            if told.count >= Self.toldMax { told = told.filter { now - $0.value < .seconds(3600) } }
            told[name] = now
            logger.warning("alert", metadata: ["kind": "\(alert.kind.rawValue)", "text": "\(alert.text)"])
            if waiting.count < Self.waitingMax { waiting.append(alert) }
        }
        guard !waiting.isEmpty, !sinks.isEmpty else {
            if sinks.isEmpty { waiting = [] }
            return
        }
        guard digest == nil else { return }
        let wait = lastSent.map { max(.zero, .seconds(Self.digestSeconds) - (now - $0)) } ?? .zero
        digest = Task {
            try? await Task.sleep(for: wait)
            await send()
        }
    }

    private func send() async {
        let alerts = waiting
        waiting = []
        digest = nil
        lastSent = .now
        for sink in sinks {
            if let problem = await deliver(alerts, to: sink) {
                logger.error("an alert could not be delivered", metadata: ["receiver": "\(sink.name)", "problem": "\(problem)"])
            }
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
}
