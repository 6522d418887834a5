// ConfigurationReader+Prices: prices of the operator's own. A condition that cannot be read is a fault: without it the price would
// hold for more turns than was meant.

import Foundation
import GatewayModel
import Providers
import Yams

extension ConfigurationReader {
    mutating func readPrices(_ node: Node) {
        guard let list = node.sequence else {
            fault(node, "prices must be a list", "- provider: vllm\n    model: llama\n    input: 0.2\n    output: 0.8")
            return
        }
        for item in list { readPrice(item) }
    }

    private static let conditions = [
        "provider", "model", "context_over", "service_tier", "speed", "geo", "valid_from", "valid_to",
    ]

    private mutating func readPrice(_ node: Node) {
        guard let mapping = node.mapping else {
            fault(node, "a price must be a mapping", "provider, model, input, output, … in USD per million tokens")
            return
        }
        guard mapping["provider"] != nil, mapping["model"] != nil else {
            fault(node, "a price needs provider and model", "provider: vllm\n  model: llama-4")
            return
        }
        let before = faults.count
        let over = mapping["context_over"].map { node in
            let tokens = node.scalar.flatMap { Int64($0.string.filter { $0 != "_" }) } ?? -1
            if tokens < 0 { fault(node, "context_over is no number of tokens", "context_over: 200000") }
            return tokens
        }
        let (from, to) = (time(mapping, "valid_from"), time(mapping, "valid_to"))
        if let from, let to, from >= to {
            fault(node, "the price ends before it begins", "valid_to is the first day without it")
        }
        var row = PriceRow(
            provider: text(mapping, "provider") ?? "", model: text(mapping, "model") ?? "", meter: .input, price: 0,
            contextOver: over, serviceTier: text(mapping, "service_tier"), speed: text(mapping, "speed"),
            geo: text(mapping, "geo"), validFrom: from, validTo: to, source: "config")
        var rows: [PriceRow] = []
        for (key, value) in mapping where !Self.conditions.contains(key.string ?? "") {
            guard let meter = Meter(rawValue: key.string ?? "") else {
                unknown(key, key.string ?? "", Self.conditions + Meter.allCases.map(\.rawValue))
                continue
            }
            guard let amount = value.scalar.flatMap({ nanoUSDPerMillion($0.string) }) else {
                fault(
                    value, "\(meter.rawValue) is no price",
                    "a decimal number in USD per million tokens (web_search: per thousand calls)")
                continue
            }
            guard amount <= listPriceMax else {
                fault(
                    value, "\(meter.rawValue) is over 10,000 USD",
                    "the price in USD per million tokens (web_search: per thousand calls), not per token and not in nano-USD")
                continue
            }
            row.meter = meter
            row.price = amount
            rows.append(row)
        }
        guard faults.count == before else { return }
        if rows.isEmpty { fault(node, "a price needs an amount", "input: 0.2\n    output: 0.8") }
        settings.prices += rows
    }

    private mutating func time(_ mapping: Node.Mapping, _ name: String) -> Timestamp? {
        guard let node = mapping[name] else { return nil }
        let time = node.scalar.flatMap { Timestamp(rfc3339: $0.string) }
        if time == nil { fault(node, "\(name) is no date", "for example 2026-11-24 or 2026-11-24T00:00:00Z") }
        return time
    }
}
