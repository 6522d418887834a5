// PriceSheetBuilder: resolves rows into sheets once, when a snapshot is made: per model and tier, one sheet for each stretch of
// time, stretch of the day and size of context in which no price changes.

import GatewayModel

struct PriceSheetBuilder {
    let rows: [PriceRow]
    let version: String

    /// A row with how near it stands to the model: 0 is the model's own id, 1 its id without a date, then patterns from the
    /// longest.
    private struct Candidate {
        var number: Int32
        var row: PriceRow
        /// Where its source stands among the sources: a price that configuration sets is not undone by a list's tier.
        var layer: Int
        var rank: Int

        func at(rank: Int) -> Candidate { Candidate(number: number, row: row, layer: layer, rank: rank) }
    }

    func build() -> [String: ProviderSheets] {
        var byProvider: [String: [Candidate]] = [:]
        var layers: [String: Int] = [:]
        for (number, row) in rows.enumerated() where row.price >= 0 {
            guard let number = Int32(exactly: number) else { break }
            let layer = layers[row.source] ?? layers.count
            layers[row.source] = layer
            byProvider[row.provider, default: []].append(Candidate(number: number, row: row, layer: layer, rank: 0))
        }
        return byProvider.mapValues(sheets(of:))
    }

    private func sheets(of candidates: [Candidate]) -> ProviderSheets {
        var exact: [String: [Candidate]] = [:]
        var patterns: [String: [Candidate]] = [:]
        for candidate in candidates {
            if candidate.row.model.hasSuffix("*") {
                patterns[String(candidate.row.model.dropLast()), default: []].append(candidate)
            } else {
                exact[candidate.row.model, default: []].append(candidate)
            }
        }
        let prefixes = patterns.keys.sorted { ($1.utf8.count, $0) < ($0.utf8.count, $1) }
        // The patterns that match a model are prefixes of one another, so each pattern's chain is known beforehand.
        func chain(_ text: String) -> [Candidate] {
            prefixes.filter { text.hasPrefix($0) }.enumerated().flatMap { depth, prefix in
                (patterns[prefix] ?? []).map { $0.at(rank: depth + 2) }
            }
        }
        var sheets = ProviderSheets()
        for (model, own) in exact {
            let family = PriceBook.family(model).flatMap { exact[$0] } ?? []
            sheets.exact[model] = modelSheets(own + family.map { $0.at(rank: 1) } + chain(model))
        }
        sheets.patterns = prefixes.map { ($0, modelSheets(chain($0))) }
        return sheets
    }

    private func modelSheets(_ candidates: [Candidate]) -> ModelSheets {
        var models = ModelSheets()
        var seen: Set<PricedTier> = []
        for row in candidates.lazy.map(\.row) {
            let tier = PricedTier(of: row)
            if row.geo != nil { models.dependsOnGeo = true }
            guard seen.insert(tier).inserted else { continue }
            let own = candidates.filter {
                ($0.row.serviceTier == tier.serviceTier && $0.row.speed == tier.speed && $0.row.geo == tier.geo)
                    || ($0.row.meter.isPerCall && $0.row.serviceTier == nil && $0.row.speed == nil && $0.row.geo == nil)
            }
            models.tiers.append((tier, tierSheets(own)))
        }
        return models
    }

    private func tierSheets(_ candidates: [Candidate]) -> [PriceSheet] {
        var hours: [WeeklyHours] = []
        for candidate in candidates {
            if let given = candidate.row.hours, !hours.contains(given) { hours.append(given) }
        }
        let times = Set(candidates.flatMap { [$0.row.validFrom, $0.row.validTo].compactMap(\.self) }).sorted()
        let starts: [Timestamp?] = [nil] + times.map(Optional.some)
        let thresholds = [-1] + Set(candidates.compactMap(\.row.contextOver)).sorted()
        var sheets: [PriceSheet] = []
        for (place, from) in starts.enumerated() {
            for given in hours.map(Optional.some) + [nil] {
                for (step, over) in thresholds.enumerated() {
                    let span = SheetSpan(
                        from: from, to: place < times.count ? times[place] : nil, hours: given,
                        otherHours: given == nil ? hours : [], inputOver: over,
                        inputUpTo: step + 1 < thresholds.count ? thresholds[step + 1] : .max)
                    let chosen = Meter.allCases.compactMap { choose($0, span, candidates) }
                    guard !chosen.isEmpty else { continue }
                    sheets.append(PriceSheet(version: version, rows: chosen.map { ($0.number, $0.row) }, span: span))
                }
            }
        }
        return sheets
    }

    /// The row that prices a meter in a span.
    private func choose(_ meter: Meter, _ span: SheetSpan, _ candidates: [Candidate]) -> Candidate? {
        func precedes(_ left: Candidate, _ right: Candidate) -> Bool {
            let (nearness, otherNearness) = (max(1, left.rank), max(1, right.rank))
            if nearness != otherNearness { return nearness < otherNearness }
            if left.layer != right.layer { return left.layer < right.layer }
            if left.rank != right.rank { return left.rank < right.rank }
            let (over, otherOver) = (left.row.contextOver ?? -1, right.row.contextOver ?? -1)
            if over != otherOver { return over > otherOver }
            if (left.row.hours == nil) != (right.row.hours == nil) { return left.row.hours != nil }
            // The later price ends the earlier one. A price per call of every tier does not end a tier's own.
            guard PricedTier(of: left.row) == PricedTier(of: right.row) else { return false }
            return isEarlier(right.row.validFrom, left.row.validFrom)
        }
        var best: Candidate?
        for candidate in candidates where candidate.row.meter == meter && holds(candidate.row, span) {
            if best.map({ precedes(candidate, $0) }) ?? true { best = candidate }
        }
        return best
    }

    /// A price without a first day holds from the beginning.
    private func isEarlier(_ first: Timestamp?, _ second: Timestamp?) -> Bool {
        guard let second else { return false }
        return first.map { $0 < second } ?? true
    }

    /// Times cut the spans, so a row holds for a whole span or for none of it.
    private func holds(_ row: PriceRow, _ span: SheetSpan) -> Bool {
        if let from = row.validFrom, span.from.map({ $0 < from }) ?? true { return false }
        if let to = row.validTo, span.to.map({ $0 > to }) ?? true { return false }
        if let hours = row.hours, hours != span.hours { return false }
        return (row.contextOver ?? -1) <= span.inputOver
    }
}
