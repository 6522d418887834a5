// ConfigurationReader+Cache: the exact response cache of a route, and its hedging. Both change what a turn costs, so that nothing of them
// is guessed: a member that cannot be read is a fault.

import Policy
import Yams

extension ConfigurationReader {
    static let cacheMembers = ["seconds", "scope", "tools"]

    /// `hedge: p95`, or `hedge: {after_milliseconds: 1500}`.
    mutating func readHedge(_ node: Node) -> HedgeRule? {
        if node.scalar?.string == "p95" { return HedgeRule() }
        guard let mapping = node.mapping, mapping.count == 1, mapping["after_milliseconds"] != nil else {
            fault(node, "hedge is p95, or a mapping with after_milliseconds", "hedge: {after_milliseconds: 1500}")
            return nil
        }
        return number(mapping, "after_milliseconds", 1...600_000).map { HedgeRule(milliseconds: $0) }
    }

    /// `cache: {seconds: 3600}`, with who shares and whether turns with tools are kept.
    mutating func readCache(_ node: Node) -> CacheRule? {
        guard let mapping = node.mapping, mapping["seconds"] != nil else {
            fault(node, "cache must be a mapping with seconds", "cache: {seconds: 3600, scope: key}")
            return nil
        }
        for (key, _) in mapping where !Self.cacheMembers.contains(key.string ?? "") {
            unknown(key, key.string ?? "", Self.cacheMembers)
        }
        guard let seconds = number(mapping, "seconds", 1...CacheRule.secondsMax) else { return nil }
        var rule = CacheRule(seconds: seconds)
        if let scope = word(mapping, "scope", of: CacheScope.allCases.map(\.rawValue)) { rule.scope = CacheScope(rawValue: scope) ?? .key }
        if let tools = mapping["tools"] {
            rule.keepsTools = tools.bool ?? false
            if tools.bool == nil { fault(tools, "tools must be true or false", "tools: false") }
        }
        return rule
    }
}
