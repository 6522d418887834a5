// LimitUpkeep: what budgets and limits need once a second: grants that end, counters whose windows are over, and what has to be told.

import GatewayModel
import Policy
import ServiceLifecycle

struct LimitUpkeep: Service {
    let limits: LimitsInForce
    let alerts: AlertDesk
    let projection: ProjectionThread
    private static let clock = SystemClock()

    func run() async throws {
        try? await cancelWhenGracefulShutdown {
            while true {
                try await Task.sleep(for: .seconds(1))
                await tellOfTheLedger()
                let book = limits.book
                guard !book.isEmpty else { continue }
                limits.applyGrants()
                limits.ledger.sweep(under: book, at: Self.clock.now())
                let events = limits.ledger.takeEvents()
                if !events.isEmpty { await alerts.take(events.compactMap { alert($0, book) }) }
            }
        }
    }

    private func alert(_ event: LimitEvent, _ book: LimitBook) -> Alert? {
        let rule = book.rules.first { $0.id == event.rule }
        return Alert(event, book, windowStart: rule.flatMap { $0.window.isCalendar ? windowStart($0, at: event.at) : nil })
    }

    private func tellOfTheLedger() async {
        let now = Self.clock.now().rfc3339
        var found = projection.takeUnpriced().map { deployment in
            Alert(
                kind: .unpricedModel, subject: deployment,
                text: "Turns of \(deployment) have no price: they count as nothing until they do (weir price unpriced).", at: now)
        }
        if let failure = projection.failure {
            found.append(Alert(kind: .ledgerFailing, subject: "ledger", text: "The ledger cannot be written: \(failure)", at: now))
        }
        if !found.isEmpty { await alerts.take(found) }
    }
}
