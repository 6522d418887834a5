// ModelsDevPrices: models.dev's `api.json`: providers of models, each with a `cost` in USD per million tokens, tiers by size of
// context, and modes such as fast with a cost of their own.

import GatewayModel

/// USD per million tokens to nano-USD per million tokens.
private let perMillion = 9

func readModelsDevPrices(_ tree: JSONTree, into collector: inout PriceRowCollector) throws(PriceImportError) {
    guard case .object(let providers) = tree,
        providers.contains(where: { !($0.value["models"]?.members.isEmpty ?? true) })
    else { throw .notThisFormat(.modelsDev, expected: "an object of providers, each with models, should stand in it") }
    for (id, provider) in providers {
        let owner = CatalogueNames.provider(id)
        for (model, entry) in provider["models"]?.members ?? [] {
            let name = "\(id)/\(model)"
            guard let cost = entry["cost"], !cost.members.isEmpty else {
                collector.skip(name, "it has no cost")
                continue
            }
            var reader = ModelsDevCost(provider: owner, model: model)
            reader.read(cost, PriceScope())
            for (mode, value) in entry["experimental"]?["modes"]?.members ?? [] { reader.readMode(mode, value) }
            collector.add(reader.listed, name: name, provider: owner, models: [model])
        }
    }
}

private struct ModelsDevCost {
    let provider: String
    let meters: [String: Meter]
    var listed = ListedPrices()

    init(provider: String, model: String) {
        self.provider = provider
        meters = [
            "input": .input, "output": .output, "cache_read": .cacheRead,
            "cache_write": CatalogueNames.cacheWrites(provider: provider, model: model).short,
            "input_audio": .audioInput,
            "output_audio": .audioOutput,
        ]
    }

    mutating func read(_ cost: JSONTree, _ scope: PriceScope) {
        for (member, value) in cost.members {
            switch member {
            case "tiers", "context_over_200k", "tier": continue
            case "reasoning": listed.addReasoning(value, digits: perMillion, member: member, scope: scope)
            default:
                if let meter = meters[member] {
                    listed.add(meter, value, digits: perMillion, member: member, scope: scope)
                } else if value.decimal != nil, value.decimal != "0" {
                    listed.note(member)
                }
            }
        }
        guard scope.contextOver == nil else { return }
        let tiers = cost["tiers"]?.elements ?? []
        for tier in tiers {
            guard tier["tier"]?["type"]?.string == "context", let size = tier["tier"]?["size"]?.integer else {
                listed.note("tiers (not by context)")
                continue
            }
            read(tier, over(size, scope))
        }
        // The older way of saying it repeats the first tier, whatever that tier's size is.
        if tiers.isEmpty, let cost = cost["context_over_200k"] { read(cost, over(200_000, scope)) }
    }

    private func over(_ size: Int64, _ scope: PriceScope) -> PriceScope {
        var scope = scope
        scope.contextOver = CatalogueNames.contextOver(size, provider: provider)
        return scope
    }

    /// `experimental.modes`: what the mode sends to the provider says which turns it prices.
    mutating func readMode(_ mode: String, _ value: JSONTree) {
        guard let cost = value["cost"] else { return }
        let body = value["provider"]?["body"]
        if let tier = body?["service_tier"]?.string {
            for tier in CatalogueNames.serviceTiers(tier, provider: provider) {
                read(cost, PriceScope(serviceTier: tier))
            }
        } else if let speed = body?["speed"]?.string {
            read(cost, PriceScope(speed: speed))
        } else {
            listed.note("mode \(mode)")
        }
    }
}
