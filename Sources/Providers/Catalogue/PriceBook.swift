// PriceBook: from a usage to a cost. Rows become price sheets when the book is made, so that a look-up only searches.

package import GatewayModel

/// Price rows, indexed for look-up.
///
/// Which row prices a meter: one for the model's id, with or without its date, before a pattern, a longer pattern before a
/// shorter one; then the source that comes first in the list; then the id with its date; then the highest context threshold
/// passed, hours before none, of those for one tier the latest first day, and the earlier row. Give configuration first, then
/// imports, then the catalogue. A tier, speed or geography that has no row of its own has no price; only prices per call hold in
/// every tier.
package struct PriceBook: Sendable {
    package let version: String
    package let rows: [PriceRow]
    private let providers: [String: ProviderSheets]

    package init(rows: [PriceRow], version: String) {
        self.version = version
        self.rows = rows
        providers = PriceSheetBuilder(rows: rows, version: version).build()
    }

    /// The cost of a usage, or which meters have no price.
    package func price(
        usage: TokenUsage, provider: String, model: String, qualifiers: UsageQualifiers, at time: Timestamp
    ) -> PriceResult {
        guard
            let sheet = sheet(
                provider: provider, model: model, qualifiers: qualifiers, at: time, totalInput: usage.billedInput)
        else {
            var missing: [Meter] = []
            forEachBilledUse(of: usage, hasPrice: { _ in false }) { use in
                if !missing.contains(use.meter) { missing.append(use.meter) }
            }
            return missing.isEmpty ? .priced(cost: .zero, version: version) : .unpriced(missing: missing)
        }
        return sheet.cost(usage)
    }

    /// The prices of a model; nil when it has none in this tier. Keep it while `holds(at:totalInput:)` says so.
    package func sheet(
        provider: String, model: String, qualifiers: UsageQualifiers, at time: Timestamp, totalInput: Int64
    ) -> PriceSheet? {
        guard let models = providers[provider]?.sheets(of: model) else { return nil }
        return models.sheet(PricedTier(qualifiers), at: time, totalInput: totalInput)
    }

    /// Every sheet of a model, for what looks at more than one tier.
    func sheets(provider: String, model: String) -> ModelSheets? { providers[provider]?.sheets(of: model) }

    /// A dated id without its date: `-20250929` or `-2026-03-05` and nothing else, so that no model is taken for another. Nil
    /// when the id bears no date.
    package static func family(_ model: String) -> String? {
        var model = model
        let length: Int? = model.withUTF8 { bytes in
            func number(_ start: Int, _ count: Int) -> Int? {
                var value = 0
                for byte in bytes[start..<start + count] {
                    guard byte >= 48, byte <= 57 else { return nil }
                    value = value * 10 + Int(byte - 48)
                }
                return value
            }
            func isDay(_ year: Int?, _ month: Int?, _ day: Int?) -> Bool {
                guard let year, let month, let day else { return false }
                return (2000...2999).contains(year) && CivilDate(year: Int64(year), month: Int64(month), day: Int64(day)) != nil
            }
            let short = bytes.count - 9
            if short > 0, bytes[short] == 45, isDay(number(short + 1, 4), number(short + 5, 2), number(short + 7, 2)) {
                return short
            }
            let long = bytes.count - 11
            if long > 0, bytes[long] == 45, bytes[long + 5] == 45, bytes[long + 8] == 45,
                isDay(number(long + 1, 4), number(long + 6, 2), number(long + 9, 2))
            {
                return long
            }
            return nil
        }
        return length.map { String(decoding: model.utf8.prefix($0), as: UTF8.self) }
    }
}

/// What of a turn's qualifiers chooses a price. The names that providers give their standard tier mean no tier.
struct PricedTier: Hashable, Sendable {
    var serviceTier: String?
    var speed: String?
    var geo: String?

    static let standard = PricedTier(serviceTier: nil, speed: nil, geo: nil)

    init(serviceTier: String?, speed: String?, geo: String?) {
        self.serviceTier = serviceTier
        self.speed = speed
        self.geo = geo
    }

    /// The tier that a row prices, as it names it.
    init(of row: PriceRow) { self.init(serviceTier: row.serviceTier, speed: row.speed, geo: row.geo) }

    init(_ qualifiers: UsageQualifiers) {
        switch qualifiers.serviceTier {
        case "", "default", "auto", "standard", "standard_only", "on_demand": serviceTier = nil
        default: serviceTier = qualifiers.serviceTier
        }
        speed = qualifiers.speed == "" || qualifiers.speed == "standard" ? nil : qualifiers.speed
        switch qualifiers.inferenceGeo {
        case "", "global", "not_available": geo = nil
        default: geo = qualifiers.inferenceGeo
        }
    }
}

/// The sheets of one provider.
struct ProviderSheets: Sendable {
    var exact: [String: ModelSheets] = [:]
    /// The longest prefix first.
    var patterns: [(prefix: String, sheets: ModelSheets)] = []

    func sheets(of model: String) -> ModelSheets? {
        if let found = exact[model] { return found }
        if let family = PriceBook.family(model), let found = exact[family] { return found }
        return patterns.first { model.hasPrefix($0.prefix) }?.sheets
    }
}

/// The sheets of one model, or of every model that a pattern matches.
struct ModelSheets: Sendable {
    var tiers: [(tier: PricedTier, sheets: [PriceSheet])] = []
    /// Whether a geography has rows of its own. Then one that has none is unpriced, not taken for the standard.
    var dependsOnGeo = false

    func sheet(_ wanted: PricedTier, at time: Timestamp, totalInput: Int64) -> PriceSheet? {
        var found = tiers.first { $0.tier == wanted }
        if found == nil, wanted.geo != nil, !dependsOnGeo {
            found = tiers.first {
                $0.tier.geo == nil && $0.tier.serviceTier == wanted.serviceTier && $0.tier.speed == wanted.speed
            }
        }
        return found?.sheets.first { $0.holds(at: time, totalInput: totalInput) }
    }
}
