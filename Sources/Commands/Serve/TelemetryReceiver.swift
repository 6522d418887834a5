// TelemetryReceiver: OTLP/HTTP on the gateway's own origin. What is taken out of an export is in the journal before the exporter is
// told 200; the rest of it is gone with the request.

import GatewayModel
import Journal
import Proxy
import Telemetry
import WireFormat

/// Answers `/v1/logs`, `/v1/traces` and `/v1/metrics`.
struct TelemetryReceiver: OriginHandler {
    /// One export is decoded at a time, off the event loops: telemetry is never in the way of a turn.
    private actor Desk {
        func take(_ work: @Sendable () -> ExportAnswer) -> ExportAnswer { work() }
    }

    private let journal: Journal
    private let limits = TelemetryLimits()
    private let desk = Desk()
    private let exports = Counter()
    private let records = Counter()
    private let kept = Counter()
    private let rejected = Counter()
    private let refused = Counter()

    init(journal: Journal) { self.journal = journal }

    /// Exports that wait hold their bodies.
    var concurrentRequestsMax: Int { 16 }

    var routes: [OriginRoute] {
        TelemetrySignal.allCases.map {
            OriginRoute($0.path, methods: ["POST"], access: .key, bodyBytesMax: limits.bodyBytesMax)
        }
    }

    /// Since the start: exports that were answered 200 and what they held, and those that were not.
    var counters: [String: Int64] {
        [
            "telemetry_exports": exports.value, "telemetry_records": records.value, "telemetry_kept": kept.value,
            "telemetry_rejected": rejected.value, "telemetry_refused": refused.value,
        ]
    }

    func answer(_ request: OriginRequest) async throws -> OriginAnswer {
        let answer = await desk.take { take(request) }
        let waits = answer.retryAfterSeconds.map { [("Retry-After", String($0))] } ?? []
        return OriginAnswer(status: answer.status, headers: [("Content-Type", answer.contentType)] + waits, body: answer.body)
    }

    private func take(_ request: OriginRequest) -> ExportAnswer {
        guard let signal = TelemetrySignal.allCases.first(where: { $0.path == request.path }), let key = request.key else {
            return ExportAnswer(401, .unauthenticated, "telemetry needs a virtual key", nil)
        }
        let export = ExportRequest(
            signal, contentType: request.fields.string("content-type"),
            contentEncoding: request.fields.string("content-encoding"), body: request.body)
        let answer = takeExport(export, limits: limits) { reports, export in
            guard keep(reports, key.principal, at: request.received) else { return false }
            records.increment(by: Int64(export.count))
            rejected.increment(by: Int64(reports.rejected))
            return true
        }
        (answer.status == 200 ? exports : refused).increment()
        return answer
    }

    /// False when the journal takes nothing now.
    private func keep(_ reports: ExtractedReports, _ principal: Principal, at time: Timestamp) -> Bool {
        guard journal.isAvailable else { return false }
        for saying in reports.sayings {
            var report = ClientReport(
                principal: principal, client: saying.client.name, clientVersion: saying.client.version, received: time)
            report.calls = saying.calls
            report.tools = saying.tools
            do throws(JournalError) {
                try journal.clientReported(report)
            } catch {
                return false
            }
            kept.increment(by: Int64(report.calls.count + report.tools.count))
        }
        return true
    }
}
