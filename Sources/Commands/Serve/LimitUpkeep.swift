// LimitUpkeep: what budgets, limits and watched sessions need once a second: grants that end, counters whose windows are over, and what
// has to be told. Forecasts are made once an hour.

import GatewayModel
import Journal
import Policy
import ServiceLifecycle

struct LimitUpkeep: Service {
    let limits: LimitsInForce
    let sessions: RunawaySessions
    let forecasts: LimitForecasts
    let alerts: AlertDesk
    let journal: Journal
    let projection: ProjectionThread
    private static let clock = SystemClock()
    private static let forecastEvery: Duration = .seconds(3600)

    func run() async throws {
        try? await cancelWhenGracefulShutdown {
            await alerts.resume()
            var failures = Failures()
            var forecastAt = ContinuousClock.now
            while true {
                try await Task.sleep(for: .seconds(1))
                await alerts.take(failures.alerts(journal: journal.failure, ledger: projection.failure, at: Self.clock.now()))
                await tellOfPrices()
                await alerts.take(sessions.watch.takeFindings().map(Alert.init))
                let book = limits.book
                guard !book.isEmpty else { continue }
                limits.applyGrants()
                limits.ledger.sweep(under: book, at: Self.clock.now())
                await alerts.take(limits.ledger.takeEvents().compactMap { Alert($0, book) })
                guard forecastAt <= .now else { continue }
                forecastAt = .now + Self.forecastEvery
                // A ledger that cannot be read is told of by itself.
                let found = (try? await onThread { try forecasts.forecasts(limits.rules) }) ?? []
                await alerts.take(found.filter(\.isAlarming).map { Alert($0, at: Self.clock.now()) })
            }
        }
    }

    private func tellOfPrices() async {
        let now = Self.clock.now().rfc3339
        await alerts.take(
            projection.takeUnpriced().map { deployment in
                Alert(
                    kind: .unpricedModel, subject: deployment,
                    text: "Turns of \(deployment) have no price: they count as nothing until they do (weir price unpriced).", at: now)
            })
    }
}

/// What cannot be written now, and since when: each failure is told when it begins.
private struct Failures {
    private var since: [Alert.Kind: String] = [:]

    mutating func alerts(journal: String?, ledger: String?, at now: Timestamp) -> [Alert] {
        let parts: [(Alert.Kind, String, String?, String)] = [
            (.journalFailing, "journal", journal, "The journal cannot be written, and no turn is admitted"),
            (.ledgerFailing, "ledger", ledger, "The ledger cannot be written; it will catch up"),
        ]
        return parts.compactMap { kind, subject, failure, text in
            guard let failure else {
                since[kind] = nil
                return nil
            }
            let began = since[kind] ?? now.rfc3339
            since[kind] = began
            return Alert(kind: kind, subject: subject, text: "\(text): \(failure)", at: began, once: began)
        }
    }
}
