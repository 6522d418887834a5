// LiteLLMPrices: LiteLLM's `model_prices_and_context_window.json`: a flat map from model to an object of USD per single token,
// where suffixes of a member's name compose: lifetime of a cache write, context threshold, service tier.

import GatewayModel

/// USD per token to nano-USD per million tokens.
private let perToken = 15
/// USD per call to nano-USD per thousand calls.
private let perCall = 12

private let servedModes: Set<String> = ["chat", "responses", "completion", "embedding"]

/// What makes a turn cost more than its tokens: our rows cannot say it, so such a model is left out whole.
private let requestFees: Set<String> = ["input_cost_per_request"]

func readLiteLLMPrices(_ tree: JSONTree, into collector: inout PriceRowCollector) throws(PriceImportError) {
    guard case .object(let entries) = tree, entries.contains(where: { $0.value["litellm_provider"] != nil }) else {
        throw .notThisFormat(
            .litellm, expected: "an object of models, each with a litellm_provider, should stand in it")
    }
    // Two of its providers may be one of ours, `azure` and `azure_ai`: the one that bears our name goes first.
    func isNamesake(_ entry: JSONTree) -> Bool {
        entry["litellm_provider"]?.string.map { CatalogueNames.provider($0) == $0 } ?? true
    }
    let ordered = entries.filter { isNamesake($0.value) } + entries.filter { !isNamesake($0.value) }
    // The first entry documents the format.
    for (name, entry) in ordered where name != "sample_spec" {
        guard let owner = entry["litellm_provider"]?.string else {
            collector.skip(name, "it names no litellm_provider")
            continue
        }
        if let mode = entry["mode"]?.string, !servedModes.contains(mode) {
            collector.skip(name, "\(mode) is not served")
            continue
        }
        if let fee = entry.members.first(where: { requestFees.contains($0.name) && $0.value.decimal != "0" }) {
            collector.skip(name, "it has a price per request (\(fee.name))")
            continue
        }
        let provider = CatalogueNames.provider(owner)
        let model = LiteLLMEntry.model(of: name, owner: owner)
        var reader = LiteLLMEntry(provider: provider, model: model)
        reader.read(entry)
        collector.add(reader.listed, name: name, provider: provider, models: [model])
    }
}

/// One model's object.
private struct LiteLLMEntry {
    let provider: String
    let writes: (short: Meter, long: Meter)
    var listed = ListedPrices()

    init(provider: String, model: String) {
        self.provider = provider
        writes = CatalogueNames.cacheWrites(provider: provider, model: model)
    }

    /// `groq/openai/gpt-oss-120b` is groq's `openai/gpt-oss-120b`: the prefix that names the provider goes.
    static func model(of name: String, owner: String) -> String {
        guard let slash = name.firstIndex(of: "/") else { return name }
        let prefix = name[..<slash]
        guard owner == prefix || owner.hasPrefix("\(prefix)_") || owner.hasPrefix("\(prefix)-") else { return name }
        return String(name[name.index(after: slash)...])
    }

    mutating func read(_ entry: JSONTree) {
        for (name, value) in entry.members { readMember(name, value, hours: nil) }
        if let cacheHit = entry["input_cost_per_token_cache_hit"] {
            listed.add(.cacheRead, cacheHit, digits: perToken, member: "input_cost_per_token_cache_hit")
        }
        for tier in entry["tiered_pricing"]?.elements ?? [] { readTier(tier) }
        if let offPeak = entry["off_peak_pricing"] { readOffPeak(offPeak) }
        if let search = entry["search_context_cost_per_query"] { readSearch(search) }
        if let factors = entry["provider_specific_entry"], provider == "anthropic" { multiply(factors) }
    }

    /// A price per token, in a scope that its name's suffixes say; every other price is noted.
    private mutating func readMember(_ name: String, _ value: JSONTree, hours: WeeklyHours?, over: Int64? = nil) {
        guard isPrice(name), value.decimal != nil else { return }
        guard let term = PriceTerm(name, writes: writes) else {
            if value.decimal != "0", value.decimal != "0.0" { listed.note(name) }
            return
        }
        let threshold = term.contextOver.map { CatalogueNames.contextOver($0, provider: provider) } ?? over
        for tier in CatalogueNames.serviceTiers(term.serviceTier, provider: provider) {
            let scope = PriceScope(contextOver: threshold, serviceTier: tier, hours: hours)
            if let meter = term.meter {
                listed.add(meter, value, digits: perToken, member: name, scope: scope)
            } else {
                listed.addReasoning(value, digits: perToken, member: name, scope: scope)
            }
        }
    }

    private func isPrice(_ name: String) -> Bool {
        if name == "input_cost_per_token_cache_hit" { return false }
        // DBUs are Databricks' own unit for the same price.
        return name.contains("cost") && !name.contains("search_context") && !name.contains("dbu")
    }

    /// `tiered_pricing`: prices for a range of input tokens.
    private mutating func readTier(_ tier: JSONTree) {
        let range = tier["range"]?.elements ?? []
        guard let start = range.first?.integer else { return listed.note("tiered_pricing (without a range)") }
        let over = CatalogueNames.contextOver(start, provider: provider)
        for (name, value) in tier.members { readMember(name, value, hours: nil, over: over) }
    }

    /// `off_peak_pricing`: other prices in some hours of the week.
    private mutating func readOffPeak(_ offPeak: JSONTree) {
        for window in offPeak["windows"]?.elements ?? [] {
            var weekdays: UInt8 = 0
            for day in window["weekdays"]?.elements ?? [] {
                guard let day = day.integer, (1...7).contains(day) else {
                    return listed.note("off_peak_pricing (odd weekdays)")
                }
                weekdays |= 1 << UInt8(day - 1)
            }
            if window["weekdays"] == nil { weekdays = WeeklyHours.everyDay }
            let hours = window["hours_utc"]
            for text in hours?.string.map({ [$0] }) ?? hours?.elements.compactMap(\.string) ?? [] {
                guard let stretch = weeklyHours(text, weekdays) else {
                    listed.note("off_peak_pricing (hours \(text))")
                    continue
                }
                for (name, value) in offPeak.members where name != "windows" { readMember(name, value, hours: stretch) }
            }
        }
    }

    /// `10:00-00:00`; `00:00-00:00` is the whole day.
    private func weeklyHours(_ text: String, _ weekdays: UInt8) -> WeeklyHours? {
        let minutes = text.split(separator: "-").map(minuteOfDay)
        guard minutes.count == 2, let from = minutes[0], let to = minutes[1] else { return nil }
        return WeeklyHours(weekdays: weekdays, fromMinute: from, toMinute: to == 0 ? 1440 : to)
    }

    /// A web search costs the same whatever its context, or our rows cannot say it.
    private mutating func readSearch(_ search: JSONTree) {
        let figures = search.members.map(\.value)
        guard let first = figures.first, figures.allSatisfy({ $0.decimal == first.decimal }) else {
            return listed.note("search_context_cost_per_query (it differs by size)")
        }
        listed.add(.webSearch, first, digits: perCall, member: "search_context_cost_per_query")
    }

    /// Anthropic's fast mode and US-only inference are factors on everything.
    private mutating func multiply(_ factors: JSONTree) {
        for (name, value) in factors.members {
            guard name != "fast", name != "us" else { continue }
            if value.decimal != nil { listed.note("provider_specific_entry.\(name)") }
        }
        if let fast = factors["fast"]?.decimal.flatMap(ratio(of:)) {
            listed.multiply(by: fast, member: "fast", where: { $0.scope.serviceTier == nil }) { $0.speed = "fast" }
        }
        if let domestic = factors["us"]?.decimal.flatMap(ratio(of:)) {
            listed.multiply(by: domestic, member: "us", where: { _ in true }) { $0.geo = "us" }
        }
    }
}

/// What a member's name says: `cache_creation_input_token_cost_above_1hr_above_200k_tokens_batches`.
private struct PriceTerm {
    /// Nil is reasoning.
    var meter: Meter?
    /// Nil in a name without a threshold.
    var contextOver: Int64?
    var serviceTier: String?

    private static let bases: [(String, Meter?)] = [
        ("input_cost_per_token", .input), ("output_cost_per_token", .output),
        ("cache_read_input_token_cost", .cacheRead),
        ("cache_creation_input_token_cost", .cacheWrite5m), ("input_cost_per_audio_token", .audioInput),
        ("output_cost_per_audio_token", .audioOutput), ("input_cost_per_image_token", .imageInput),
        ("output_cost_per_image_token", .imageOutput), ("output_cost_per_reasoning_token", nil),
    ]

    private static let tiers = [
        "_batches": "batch", "_flex": "flex", "_priority": "priority", "_ultrafast": "ultrafast",
    ]

    init?(_ name: String, writes: (short: Meter, long: Meter)) {
        guard let base = Self.bases.first(where: { name == $0.0 || name.hasPrefix($0.0 + "_") }) else { return nil }
        meter = base.1
        var rest = name.dropFirst(base.0.utf8.count)
        if meter == .cacheWrite5m {
            meter = writes.short
            for (suffix, long) in [("_above_12hr", Meter.cacheWrite12h), ("_above_1hr", .cacheWrite1h)]
            where rest.hasPrefix(suffix) {
                meter = long
                rest = rest.dropFirst(suffix.utf8.count)
            }
        }
        if rest.hasPrefix("_above_") {
            let digits = rest.dropFirst(7).prefix { $0 != "k" }
            let behind = rest.dropFirst(7 + digits.utf8.count)
            guard let thousands = Int64(digits), (1..<1_000_000).contains(thousands), behind.hasPrefix("k_tokens")
            else { return nil }
            contextOver = thousands * 1000
            rest = behind.dropFirst(8)
        }
        guard !rest.isEmpty else { return }
        guard let tier = Self.tiers[String(rest)] else { return nil }
        serviceTier = tier
    }
}

/// `04:30`, and with seconds and a UTC mark as genai-prices writes it; nil when the text is no time of day in whole minutes UTC.
func minuteOfDay(_ text: some StringProtocol) -> Int? {
    var text = String(text)
    for mark in ["Z", "+00:00"] where text.hasSuffix(mark) { text.removeLast(mark.count) }
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2 || parts.count == 3 && parts[2] == "00", parts.prefix(2).allSatisfy({ $0.utf8.count == 2 }),
        let hour = Int(parts[0]), let minute = Int(parts[1]), (0...24).contains(hour), (0...59).contains(minute)
    else { return nil }
    return hour * 60 + minute
}
