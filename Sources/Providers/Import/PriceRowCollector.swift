// PriceRowCollector: turns what a catalogue says of a model into rows, and keeps the list of what could not be taken.

import GatewayModel

/// One figure of a catalogue, exact, with the turns that it is for.
struct ScopedPrice: Hashable {
    var meter: Meter
    var price: Int64
    var scope: PriceScope
    var from: Timestamp?
    var to: Timestamp?
}

/// What a catalogue says of one model, as far as rows can say it.
struct ListedPrices {
    private(set) var prices: [ScopedPrice] = []
    /// Members that could not be taken.
    private(set) var notes: [String] = []
    /// What reasoning costs where a catalogue lists it apart.
    private var reasoning: [ScopedPrice] = []

    /// Adds a figure, unless the scope has one for this meter already. `digits` is the decimal shift from the file's unit to
    /// nano-USD per million tokens or thousand calls.
    mutating func add(
        _ meter: Meter, _ figure: JSONTree, digits: Int, member: String, scope: PriceScope = PriceScope(),
        from: Timestamp? = nil, to: Timestamp? = nil
    ) {
        guard let listed = read(meter, figure, digits, member, scope, from, to) else { return }
        let isListed = prices.contains {
            $0.meter == meter && $0.scope == scope && $0.from == from && $0.to == to
        }
        if !isListed { prices.append(listed) }
    }

    /// Adds what reasoning costs. Our rows price it as output; where the two differ, neither figure would be right.
    mutating func addReasoning(
        _ figure: JSONTree, digits: Int, member: String, scope: PriceScope = PriceScope(), from: Timestamp? = nil,
        to: Timestamp? = nil
    ) {
        if let listed = read(.output, figure, digits, member, scope, from, to) { reasoning.append(listed) }
    }

    private mutating func read(
        _ meter: Meter, _ figure: JSONTree, _ digits: Int, _ member: String, _ scope: PriceScope, _ from: Timestamp?,
        _ to: Timestamp?
    ) -> ScopedPrice? {
        if case .null = figure { return nil }
        guard let text = figure.decimal, let price = scaledFloatText(text, digits: digits) else {
            note("\(member) (no amount of whole nano-USD per \(meter.isPerCall ? "thousand calls" : "million tokens"))")
            return nil
        }
        guard price <= listPriceMax else {
            note("\(member) (over 10,000 USD per \(meter.isPerCall ? "thousand calls" : "million tokens"))")
            return nil
        }
        return ScopedPrice(meter: meter, price: price, scope: scope, from: from, to: to)
    }

    mutating func note(_ text: String) {
        if !notes.contains(text) { notes.append(text) }
    }

    /// Adds every token price once more for another scope, times a ratio.
    mutating func multiply(
        by ratio: Ratio, member: String, where applies: (ScopedPrice) -> Bool, _ change: (inout PriceScope) -> Void
    ) {
        for listed in prices where !listed.meter.isPerCall && applies(listed) {
            guard let price = ratio.exactly(times: listed.price) else {
                note("\(member) of \(listed.meter.rawValue) (no amount of whole nano-USD)")
                continue
            }
            var listed = listed
            listed.price = price
            change(&listed.scope)
            prices.append(listed)
        }
    }

    /// Leaves out the output prices that reasoning has another price than.
    mutating func dropOutputWhereReasoningDiffers() {
        for apart in reasoning {
            let count = prices.count
            prices.removeAll {
                $0.meter == .output && $0.scope == apart.scope && $0.from == apart.from && $0.to == apart.to
                    && $0.price != apart.price
            }
            if prices.count < count { note("output (reasoning has a price of its own)") }
        }
    }
}

/// Rows of one source.
struct PriceRowCollector {
    let source: String
    let asOf: Timestamp?
    private(set) var rows: [PriceRow] = []
    /// Models that were taken without some of their prices.
    private(set) var skippedInPart: [String] = []
    private(set) var skippedWhole: [String] = []
    private var taken: [String: Set<ScopedPrice>] = [:]

    init(source: String, asOf: Timestamp?) {
        self.source = source
        self.asOf = asOf
    }

    mutating func skip(_ name: String, _ reason: String) { skippedWhole.append("\(name): \(reason)") }

    /// Takes a model over under each of its ids.
    mutating func add(_ listed: ListedPrices, name: String, provider: String, models: [String]) {
        var listed = listed
        listed.dropOutputWhereReasoningDiffers()
        let tokens = listed.prices.filter { !$0.meter.isPerCall }
        guard !tokens.isEmpty else {
            return skip(name, (["it has no price for tokens"] + listed.notes).joined(separator: "; "))
        }
        // Catalogues write 0 for what they do not know and for what a subscription pays; a price of 0 must be one's own word.
        guard tokens.contains(where: { $0.price > 0 }) else {
            return skip(name, "every price is 0; set it in the configuration if it is free")
        }
        if !listed.notes.isEmpty { skippedInPart.append("\(name): without \(listed.notes.joined(separator: ", "))") }
        for model in models where !model.isEmpty { add(listed.prices, name: name, provider: provider, model: model) }
    }

    private mutating func add(_ prices: [ScopedPrice], name: String, provider: String, model: String) {
        if let before = taken["\(provider)/\(model)"] {
            if before != Set(prices) {
                skip(name, "\(provider)/\(model) was taken from another entry, with other prices")
            }
            return
        }
        taken["\(provider)/\(model)"] = Set(prices)
        for listed in prices {
            if let to = listed.to, let asOf, to <= asOf { continue }
            let from = [listed.from, asOf].compactMap { $0 }.max()
            rows.append(
                PriceRow(
                    provider: provider, model: model, meter: listed.meter, price: listed.price,
                    contextOver: listed.scope.contextOver, serviceTier: listed.scope.serviceTier,
                    speed: listed.scope.speed,
                    geo: listed.scope.geo, validFrom: from, validTo: listed.to, source: source,
                    hours: listed.scope.hours))
        }
    }
}
