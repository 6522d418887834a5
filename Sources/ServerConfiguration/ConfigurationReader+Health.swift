// ConfigurationReader+Health: the active checks of a provider.

import GatewayModel
import Yams

extension ConfigurationReader {
    static let healthMembers = ["path", "seconds", "timeout_seconds", "failures_max", "passes_min"]

    /// A path, or a mapping with one.
    mutating func readHealth(_ node: Node) -> HealthRule? {
        let mapping = node.mapping
        let path = node.scalar?.string ?? mapping.flatMap { text($0, "path") } ?? ""
        guard path.hasPrefix("/"), path.utf8.count <= 1024, path.utf8.allSatisfy({ $0 > 32 && $0 < 127 }) else {
            fault(node, "health needs a path on the provider's host", "health: /v1/models")
            return nil
        }
        var rule = HealthRule(path: path)
        guard let mapping else { return rule }
        for (key, _) in mapping where !Self.healthMembers.contains(key.string ?? "") {
            unknown(key, key.string ?? "", Self.healthMembers)
        }
        if let seconds = number(mapping, "seconds", 1...3600) { rule.seconds = seconds }
        if let seconds = number(mapping, "timeout_seconds", 1...60) { rule.timeoutSeconds = seconds }
        if let count = number(mapping, "failures_max", 1...100) { rule.failuresMax = count }
        if let count = number(mapping, "passes_min", 1...100) { rule.passesMin = count }
        return rule
    }
}
