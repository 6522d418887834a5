// ConfigurationReader+Alerts: where alerts go. Secrets stand in the environment or in files, as everywhere.

import Foundation
import Yams

extension ConfigurationReader {
    static let alertMembers = ["name", "kind", "url", "secret", "from", "to"]

    mutating func readAlerts(_ node: Node) {
        guard let list = node.sequence else {
            fault(node, "alerts must be a list", "- {name: ops, kind: webhook, url: https://…, secret: ${ALERT_SECRET}}")
            return
        }
        for item in list {
            guard let sink = readAlert(item) else { continue }
            if settings.alertSinks.contains(where: { $0.name == sink.name }) {
                fault(item, "there are two receivers of alerts named \"\(sink.name)\"", "give each a name of its own")
            }
            settings.alertSinks.append(sink)
        }
    }

    private mutating func readAlert(_ node: Node) -> AlertSink? {
        let before = faults.count
        guard let mapping = node.mapping else {
            fault(node, "a receiver of alerts must be a mapping", "name, kind, url, …")
            return nil
        }
        for (key, _) in mapping where !Self.alertMembers.contains(key.string ?? "") { unknown(key, key.string ?? "", Self.alertMembers) }
        let kinds = AlertSink.Kind.allCases.map(\.rawValue)
        guard let kindText = mapping["kind"]?.string, let kind = AlertSink.Kind(rawValue: kindText) else {
            fault(mapping["kind"] ?? node, "a receiver of alerts needs a kind", "one of: \(kinds.joined(separator: ", "))")
            return nil
        }
        var url = ""
        if let node = mapping["url"] {
            // A Slack webhook's address is a secret itself.
            let text = node.string ?? ""
            url = text.hasPrefix("${") || text.hasPrefix("file:") ? readSecret(node) ?? "" : text
        }
        let schemes = kind == .smtp ? ["smtp://"] : ["https://", "http://"]
        if faults.count == before, !schemes.contains(where: { url.hasPrefix($0) }) || URL(string: url)?.host == nil {
            fault(mapping["url"] ?? node, "url is no address of a \(kind.rawValue)", "url: \(schemes[0])…")
        }
        var sink = AlertSink(name: text(mapping, "name") ?? kindText, kind: kind, url: url)
        if let secret = mapping["secret"] { sink.secret = readSecret(secret) ?? "" }
        sink.from = text(mapping, "from") ?? ""
        sink.to = mapping["to"]?.string.map { [$0] } ?? texts(mapping, "to") ?? []
        if kind == .webhook, sink.secret.isEmpty, mapping["secret"] == nil {
            fault(node, "a webhook needs a secret to sign with", "secret: ${ALERT_SECRET}")
        }
        if kind == .smtp, sink.from.isEmpty || sink.to.isEmpty || ([sink.from] + sink.to).contains(where: { !isAddress($0) }) {
            fault(node, "mail needs from and to", "from: weir@acme.example\n    to: [ops@acme.example]")
        }
        return faults.count == before ? sink : nil
    }

    /// It stands in a line of SMTP, so it holds nothing that could end one.
    private func isAddress(_ text: String) -> Bool {
        text.contains("@") && text.utf8.count <= 254 && text.utf8.allSatisfy { $0 > 32 && $0 < 127 && $0 != 60 && $0 != 62 }
    }
}
