// PriceBook: from a usage to a cost. Rows are looked up once for a turn; the arithmetic is exact and rounds once, up.

package import GatewayModel

/// What a price look-up says.
package enum PriceResult: Sendable, Hashable {
    case priced(cost: NanoUSD, version: String)
    /// At least one used class has no price. Never zero.
    case unpriced(missing: [Meter])
}

/// One line of a priced usage.
package struct PriceLine: Sendable, Hashable {
    package var meter: Meter
    /// The token class or counter that was used.
    package var usageClass: String
    package var quantity: Int64
    package var row: PriceRow?
}

/// Price rows, indexed for look-up.
package struct PriceBook: Sendable {
    private struct Qualifier: Hashable, Sendable {
        var serviceTier: String?
        var speed: String?
        var geo: String?
    }

    private typealias ModelRows = [Qualifier: [PriceRow]]

    package let version: String
    private var exact: [String: [String: ModelRows]] = [:]
    private var patterns: [String: [PriceRow]] = [:]

    /// Earlier rows win over later ones of the same scope: configuration, then imports, then the catalogue.
    package init(rows: [PriceRow], version: String) {
        self.version = version
        for row in rows {
            if row.model.hasSuffix("*") {
                patterns[row.provider, default: []].append(row)
            } else {
                let key = Qualifier(serviceTier: row.serviceTier, speed: row.speed, geo: row.geo)
                exact[row.provider, default: [:]][row.model, default: [:]][key, default: []].append(row)
            }
        }
        // The longest pattern is the most specific; the sort is stable for equal lengths.
        for (provider, rows) in patterns {
            patterns[provider] = rows.enumerated()
                .sorted { ($1.element.model.count, $0.offset) < ($0.element.model.count, $1.offset) }.map(\.element)
        }
    }

    /// The cost of a usage, or which meters have no price.
    package func price(
        usage: TokenUsage, provider: String, model: String, qualifiers: UsageQualifiers, at time: Timestamp
    ) -> PriceResult {
        var numerator: Int128 = 0
        var missing: [Meter] = []
        for line in lines(usage: usage, provider: provider, model: model, qualifiers: qualifiers, at: time) {
            guard let row = line.row else {
                missing.append(line.meter)
                continue
            }
            numerator += Self.amount(quantity: line.quantity, row: row)
        }
        guard missing.isEmpty else { return .unpriced(missing: missing) }
        return .priced(cost: Self.roundedUp(numerator), version: version)
    }

    /// The lines that a usage is billed by; a line without a row has no price.
    package func lines(
        usage: TokenUsage, provider: String, model: String, qualifiers: UsageQualifiers, at time: Timestamp
    ) -> [PriceLine] {
        let rows = rows(provider: provider, model: model, qualifiers: qualifiers)
        let total = usage.totalInput
        var lines: [PriceLine] = []
        func find(_ meter: Meter) -> PriceRow? {
            var best: PriceRow?
            for row in rows where row.meter == meter && row.holds(at: time) {
                if let over = row.contextOver, total <= over { continue }
                if best.map({ (row.contextOver ?? -1) > ($0.contextOver ?? -1) }) ?? true { best = row }
            }
            return best ?? pattern(provider, model, meter, qualifiers, time)
        }
        func add(_ meter: Meter, _ name: String, _ quantity: Int64) {
            guard quantity > 0 else { return }
            lines.append(PriceLine(meter: meter, usageClass: name, quantity: quantity, row: find(meter)))
        }
        // Audio and images are subsets: they leave their class only where they have a price of their own.
        func split(_ meter: Meter, _ part: Int64, _ name: String, of whole: inout Int64) {
            guard part > 0, part <= whole, let row = find(meter) else { return }
            whole -= part
            lines.append(PriceLine(meter: meter, usageClass: name, quantity: part, row: row))
        }
        var input = usage.input
        var output = usage.output
        split(.audioInput, usage.audioInput, "audio_input", of: &input)
        split(.imageInput, usage.imageInput, "image_input", of: &input)
        split(.audioOutput, usage.audioOutput, "audio_output", of: &output)
        split(.imageOutput, usage.imageOutput, "image_output", of: &output)
        add(.input, "input", input)
        add(.input, "tool_prompt", usage.toolPrompt)
        add(.cacheRead, "cache_read", usage.cacheRead)
        add(.cacheWrite5m, "cache_write_5m", usage.cacheWrite5m)
        add(.cacheWrite30m, "cache_write_30m", usage.cacheWrite30m)
        add(.cacheWrite1h, "cache_write_1h", usage.cacheWrite1h)
        add(.cacheWrite12h, "cache_write_12h", usage.cacheWrite12h)
        if usage.cacheWriteUnknown > 0 {
            let meter: Meter = find(.cacheWrite5m) != nil ? .cacheWrite5m : .cacheWrite30m
            add(meter, "cache_write_unknown", usage.cacheWriteUnknown)
        }
        add(.output, "output", output)
        add(.webSearch, "web_searches", usage.webSearches)
        return lines
    }

    /// In millionths of a nano-USD: tokens are priced per million, calls per thousand.
    package static func amount(quantity: Int64, row: PriceRow) -> Int128 {
        Int128(quantity) * Int128(row.price) * (row.meter.isPerCall ? 1000 : 1)
    }

    /// One rounding a turn, up; an amount beyond Int64 stays at its end.
    package static func roundedUp(_ numerator: Int128) -> NanoUSD {
        let cost = (max(0, numerator) + 999_999) / 1_000_000
        return NanoUSD(cost > Int128(Int64.max) ? .max : Int64(cost))
    }

    // MARK: Look-up

    private func rows(provider: String, model: String, qualifiers: UsageQualifiers) -> [PriceRow] {
        guard let models = exact[provider], let found = models[model] ?? models[Self.family(model)] else { return [] }
        let tier = qualifiers.serviceTier
        if let geo = qualifiers.inferenceGeo,
            let rows = found[Qualifier(serviceTier: tier, speed: qualifiers.speed, geo: geo)]
        {
            return rows
        }
        return found[Qualifier(serviceTier: tier, speed: qualifiers.speed, geo: nil)] ?? []
    }

    private func pattern(
        _ provider: String, _ model: String, _ meter: Meter, _ qualifiers: UsageQualifiers, _ time: Timestamp
    ) -> PriceRow? {
        patterns[provider]?.first { row in
            row.meter == meter && row.holds(at: time) && model.hasPrefix(row.model.dropLast())
                && (meter.isPerCall || row.serviceTier == qualifiers.serviceTier && row.speed == qualifiers.speed)
        }
    }

    /// A dated id without its date: `-20250929` or `-2026-03-05`, and nothing else, so that no model is taken for another.
    package static func family(_ model: String) -> String {
        let bytes = Array(model.utf8)
        func isDate(_ suffix: ArraySlice<UInt8>, dashes: Set<Int>) -> Bool {
            suffix.enumerated().allSatisfy { dashes.contains($0.offset) ? $0.element == 45 : $0.element >= 48 && $0.element <= 57 }
        }
        if bytes.count > 9, isDate(bytes.suffix(9), dashes: [0]), bytes[bytes.count - 8] == 50 {
            return String(model.dropLast(9))
        }
        if bytes.count > 11, isDate(bytes.suffix(11), dashes: [0, 5, 8]), bytes[bytes.count - 10] == 50 {
            return String(model.dropLast(11))
        }
        return model
    }
}

extension PriceRow {
    /// Whether the row is in force: from its first instant, up to and without its last.
    package func holds(at time: Timestamp) -> Bool {
        if let validFrom, time < validFrom { return false }
        if let validTo, time >= validTo { return false }
        return true
    }
}
