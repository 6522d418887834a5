// AlertDelivery: an alert as its receiver takes it: JSON that is signed, a Slack message, or mail.

import AsyncHTTPClient
import Crypto
import Foundation
import GatewayModel
import NIOCore
import NIOFoundationCompat
import NIOHTTP1
import ServerConfiguration

/// Why an alert did not arrive.
struct AlertFailure: Error, CustomStringConvertible {
    var description: String
}

/// Sends to one receiver.
struct AlertDelivery {
    private let sink: AlertSink
    private static let seconds: Int64 = 10

    init(_ sink: AlertSink) { self.sink = sink }

    func send(_ alerts: [Alert]) async throws {
        switch sink.kind {
        case .webhook: try await post(try document(alerts), signed: true)
        case .slack: try await post(try JSONEncoder().encode(["text": slackText(text(alerts))]), signed: false)
        case .smtp: try await MailDelivery(sink).send(subject: subject(alerts), text: text(alerts))
        }
    }

    private struct Document: Encodable {
        var schema = "weir.alerts/1"
        var alerts: [Alert]
    }

    private func document(_ alerts: [Alert]) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(Document(alerts: alerts))
    }

    private func post(_ body: Data, signed: Bool) async throws {
        var request = HTTPClientRequest(url: sink.url)
        request.method = .POST
        request.headers.add(name: "content-type", value: "application/json")
        request.headers.add(name: "user-agent", value: "weir")
        if signed {
            let time = SystemClock().now().seconds
            let code = HMAC<SHA256>.authenticationCode(for: Data("\(time).".utf8) + body, using: SymmetricKey(data: Data(sink.secret.utf8)))
            let hex = code.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
            request.headers.add(name: "x-weir-signature", value: "t=\(time),v1=\(hex)")
        }
        request.body = .bytes(ByteBuffer(data: body))
        let answer = try await HTTPClient.shared.execute(request, timeout: .seconds(Self.seconds))
        guard (200..<300).contains(answer.status.code) else { throw AlertFailure(description: "it answered \(answer.status.code)") }
    }

    private func subject(_ alerts: [Alert]) -> String {
        alerts.count == 1 ? "Weir: \(alerts[0].kind.rawValue) \(alerts[0].subject)" : "Weir: \(alerts.count) alerts"
    }

    private func text(_ alerts: [Alert]) -> String { alerts.map(\.text).joined(separator: "\n") }

    /// As Slack takes a text that has no markup [docs.slack.dev/messaging/formatting-message-text, Escaping text]. Sessions and tags are
    /// named by clients: `<!channel>` would call everybody, and `<address|text>` hide where a link leads.
    private func slackText(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
    }
}
