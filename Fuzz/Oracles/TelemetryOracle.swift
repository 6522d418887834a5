// TelemetryOracle: what must hold of the OTLP decoders for any body: no crash, the same value each time, bounded, and nothing
// extracted that is longer than an id may be.

import GatewayModel
import Telemetry
import WireFormat

/// The first byte chooses signal, encoding and compression, the rest is the body.
package func checkTelemetry(_ input: [UInt8]) -> Finding? {
    guard let choice = input.first else { return nil }
    let signal = TelemetrySignal.allCases[Int(choice % 3)]
    let encoding: TelemetryEncoding = choice & 4 == 0 ? .protobuf : .json
    let request = ExportRequest(
        signal, contentType: encoding.contentType, contentEncoding: choice & 8 == 0 ? nil : "gzip", body: Array(input.dropFirst()))
    var limits = TelemetryLimits()
    limits.bodyBytesMax = 1 << 20
    limits.valuesMax = 10_000
    var seen: ExtractedReports?
    var finding: Finding?
    let answer = takeExport(request, limits: limits) { reports, export in
        seen = reports
        if export.count > limits.valuesMax { finding = "more records than values" }
        return true
    }
    if let finding { return finding }
    guard (answer.status == 200) == (seen != nil) else { return "kept, and answered \(answer.status)" }
    let again = takeExport(request, limits: limits) { reports, _ in reports == seen }
    if again != answer { return "the same bytes had another answer" }
    if encoding == .json, !scanWhole(answer.body).isValid { return "an answer is no JSON" }
    return seen.flatMap(checkExtracted)
}

private func checkExtracted(_ reports: ExtractedReports) -> Finding? {
    for saying in reports.sayings {
        var texts = [saying.client.name, saying.client.version]
        for call in saying.calls {
            texts += [call.requestID, call.session, call.prompt, call.agent, call.subAgent, call.model].compactMap { $0 }
            let counts = [call.input, call.output, call.cacheRead, call.cacheWrite, call.durationMilliseconds, call.cost?.value]
            if counts.contains(where: { $0 ?? 0 < 0 }) { return "a count is negative" }
            if call.requestID.isEmpty { return "a call has no id" }
        }
        for tool in saying.tools {
            texts += [tool.callID, tool.name, tool.session, tool.prompt, tool.subAgent, tool.requestID].compactMap { $0 }
        }
        for text in texts {
            if text.utf8.count > 200 { return "a text of \(text.utf8.count) bytes is kept" }
            if text.utf8.contains(where: { $0 < 32 || $0 == 127 }) { return "a control character is kept" }
        }
    }
    return nil
}
