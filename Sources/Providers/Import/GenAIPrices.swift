// GenAIPrices: genai-prices' data files: a list of providers, each with models, each with prices in USD per million tokens that
// may depend on a date or a time of day, and with variants for service tiers, batches and fast mode.

import GatewayModel

/// USD per million tokens, or per thousand calls, to nano-USD of the same.
private let perUnit = 9

/// What makes a turn cost more than its tokens: our rows cannot say it, so such a model is left out whole.
private let requestFee = "requests_kcount"

func readGenAIPrices(_ tree: JSONTree, into collector: inout PriceRowCollector) throws(PriceImportError) {
    let providers = tree["providers"]?.elements ?? tree.elements
    guard providers.contains(where: { $0["id"]?.string != nil && !($0["models"]?.elements.isEmpty ?? true) }) else {
        throw .notThisFormat(
            .genAIPrices, expected: "a list of providers, each with an id and models, should stand in it")
    }
    for provider in providers {
        guard let id = provider["id"]?.string else { continue }
        let owner = CatalogueNames.provider(id)
        for entry in provider["models"]?.elements ?? [] {
            guard let model = entry["id"]?.string else { continue }
            let name = "\(id)/\(model)"
            var reader = GenAIModel(provider: owner, model: model, entry: entry)
            guard !reader.hasRequestFee else {
                collector.skip(name, "it has a price per request (\(requestFee))")
                continue
            }
            reader.read()
            collector.add(
                reader.listed, name: name, provider: owner, models: GenAIMatch.models(id: model, match: entry["match"]))
        }
    }
}

/// Which ids a model's match clauses stand for.
private enum GenAIMatch {
    /// The id itself and every id that a clause spells out. A beginning is taken as an id and not as a pattern: other models may
    /// begin alike, and an unknown model must stay unpriced. Dates are cut off by the price book itself.
    static func models(id: String, match: JSONTree?) -> [String] {
        var models = [id]
        func collect(_ clause: JSONTree) {
            for (name, value) in clause.members {
                switch name {
                case "or": value.elements.forEach(collect)
                case "equals", "starts_with": models += value.string.map { [$0] } ?? []
                default: break
                }
            }
        }
        if let match { collect(match) }
        var seen: Set<String> = []
        return models.filter { !$0.hasSuffix("-") && seen.insert($0).inserted }
    }
}

private struct GenAIModel {
    typealias Figures = [(name: String, value: JSONTree)]

    /// Prices that hold in a stretch of time, in some hours or in all others.
    private struct Stretch {
        var from: Timestamp?
        var to: Timestamp?
        var hours: WeeklyHours?
        var figures: Figures
    }

    private struct Conditional {
        var start: Timestamp?
        var hours: WeeklyHours?
        var figures: Figures

        func isOn(at from: Timestamp?) -> Bool { start.map { start in from.map { start <= $0 } ?? false } ?? true }
    }

    private let meters: [String: Meter]
    private let entry: JSONTree
    private let conditionals: [Conditional]
    var listed = ListedPrices()

    init(provider: String, model: String, entry: JSONTree) {
        let writes = CatalogueNames.cacheWrites(provider: provider, model: model)
        meters = [
            "input_mtok": .input, "output_mtok": .output, "cache_read_mtok": .cacheRead,
            "cache_write_mtok": writes.short,
            "cache_write_5m_mtok": .cacheWrite5m, "cache_write_1h_mtok": .cacheWrite1h, "input_audio_mtok": .audioInput,
            "output_audio_mtok": .audioOutput, "input_image_mtok": .imageInput, "output_image_mtok": .imageOutput,
            "web_searches_kcount": .webSearch,
        ]
        self.entry = entry
        var notes: [String] = []
        if case .array(let list)? = entry["prices"] {
            conditionals = list.compactMap { Self.conditional($0, &notes) }
        } else {
            conditionals = [Conditional(figures: entry["prices"]?.members ?? [])]
        }
        for note in notes { listed.note(note) }
    }

    var hasRequestFee: Bool { conditionals.contains { $0.figures.contains { $0.name == requestFee } } }

    mutating func read() {
        for stretch in stretches(starts: []) { add(stretch.figures, stretch, PriceScope(hours: stretch.hours)) }
        for variant in variants() { add(variant) }
    }

    private static func conditional(_ element: JSONTree, _ notes: inout [String]) -> Conditional? {
        var conditional = Conditional(figures: element["prices"]?.members ?? [])
        guard let constraint = element["constraint"], !constraint.members.isEmpty else { return conditional }
        if let date = constraint["start_date"]?.string.flatMap(Timestamp.init(rfc3339:)) {
            conditional.start = date
        } else if let from = constraint["start_time"]?.string.flatMap(minuteOfDay),
            let to = constraint["end_time"]?.string.flatMap(minuteOfDay)
        {
            conditional.hours = WeeklyHours(fromMinute: from, toMinute: to)
        } else {
            notes.append("prices (a condition that is not understood)")
            return nil
        }
        return conditional
    }

    /// The later condition that is met wins; where none is, the first prices hold. Cut at every date, so that one row holds in
    /// each stretch.
    private func stretches(starts: [Timestamp]) -> [Stretch] {
        let dates = Set(conditionals.compactMap(\.start) + starts).sorted()
        let cuts = [Timestamp?.none] + dates.map(Optional.some)
        var stretches: [Stretch] = []
        for (place, from) in cuts.enumerated() {
            let to = place < dates.count ? dates[place] : nil
            var base: Figures?
            for conditional in conditionals.reversed() where base == nil && conditional.isOn(at: from) {
                if conditional.hours == nil { base = conditional.figures }
                stretches.append(Stretch(from: from, to: to, hours: conditional.hours, figures: conditional.figures))
            }
            if base == nil, let first = conditionals.first {
                stretches.append(Stretch(from: from, to: to, hours: nil, figures: first.figures))
            }
        }
        return stretches
    }

    // MARK: Variants

    private struct Variant {
        var scopes: [PriceScope]
        var overrides: [Conditional]
    }

    /// The variants by what they are for, in the file's order.
    private mutating func variants() -> [Variant] {
        var variants: [Variant] = []
        var notes: [String] = []
        for element in entry["price_variants"]?.elements ?? [] {
            let scopes = Self.scopes(element["when"]?.members ?? [])
            guard let override = Self.conditional(element, &notes) else { continue }
            if override.figures.isEmpty { continue }
            guard !scopes.isEmpty, override.hours == nil else {
                let when = element["when"]?.members.map { "\($0.name) \($0.value.string ?? "")" } ?? []
                notes.append("the prices for \(when.joined(separator: " and "))")
                continue
            }
            if let place = variants.firstIndex(where: { $0.scopes == scopes }) {
                variants[place].overrides.append(override)
            } else {
                variants.append(Variant(scopes: scopes, overrides: [override]))
            }
        }
        for note in notes { listed.note(note) }
        return variants
    }

    private static func scopes(_ when: Figures) -> [PriceScope] {
        guard when.count == 1, let condition = when.first, let value = condition.value.string else { return [] }
        switch (condition.name, value) {
        case ("service_tier", _): return [PriceScope(serviceTier: value)]
        case ("processing", "batch"): return [PriceScope(serviceTier: "batch")]
        case ("speed", _): return [PriceScope(speed: value)]
        default: return []
        }
    }

    /// A variant names some figures; for the rest the standard ones hold. Before its first date it is not known.
    private mutating func add(_ variant: Variant) {
        for stretch in stretches(starts: variant.overrides.compactMap(\.start)) {
            let active = variant.overrides.filter { $0.isOn(at: stretch.from) }
            guard !active.isEmpty else { continue }
            var figures: Figures = []
            for figure in active.flatMap(\.figures) + stretch.figures.filter({ meters[$0.name]?.isPerCall != true })
            where !figures.contains(where: { $0.name == figure.name }) {
                figures.append(figure)
            }
            for var scope in variant.scopes {
                scope.hours = stretch.hours
                add(figures, stretch, scope)
            }
        }
    }

    // MARK: Figures

    private mutating func add(_ figures: Figures, _ stretch: Stretch, _ scope: PriceScope) {
        for (name, value) in figures {
            guard case .object = value else {
                addFigure(name, value, stretch, scope)
                continue
            }
            if let base = value["base"] { addFigure(name, base, stretch, scope) }
            for tier in value["tiers"]?.elements ?? [] {
                guard let start = tier["start"]?.integer, let price = tier["price"] else {
                    listed.note("\(name) (a tier without a start)")
                    continue
                }
                var scope = scope
                scope.contextOver = start > 0 ? start : nil
                addFigure(name, price, stretch, scope)
            }
        }
    }

    private mutating func addFigure(_ name: String, _ value: JSONTree, _ stretch: Stretch, _ scope: PriceScope) {
        if let meter = meters[name] {
            listed.add(meter, value, digits: perUnit, member: name, scope: scope, from: stretch.from, to: stretch.to)
        } else if name == "output_reasoning_mtok" {
            listed.addReasoning(value, digits: perUnit, member: name, scope: scope, from: stretch.from, to: stretch.to)
        } else if value.decimal != "0" {
            listed.note(name)
        }
    }
}
