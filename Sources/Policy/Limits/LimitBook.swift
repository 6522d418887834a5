// LimitBook: the limits in force, compiled once for a snapshot, so that those of a turn are found fast.

import Synchronization

/// The limits in force. Immutable; part of a snapshot.
package final class LimitBook: Sendable {
    package static let rulesMax = 10_000

    /// The most specific first.
    package let rules: [LimitRule]
    let compiled: [CompiledLimit]
    /// Of the same rules, in the same order.
    let cores: [LimitCore]
    /// Every dimension that some rule groups by.
    let dimensions: [LimitDimension]
    /// Every combination of them that some rule groups by.
    let groupings: [LimitGrouping]
    /// Whether some limit has to know the most that a turn can use.
    package let boundsAmounts: Bool
    /// Tells two books apart within a process.
    let serial: UInt64
    private let index: RuleIndex

    private static let serials = Atomic<UInt64>(0)

    package static let empty = LimitBook()

    private init() {
        rules = []
        compiled = []
        cores = []
        dimensions = []
        groupings = []
        index = RuleIndex([])
        boundsAmounts = false
        serial = 0
    }

    /// - Parameter zone: the rules of an IANA time zone, nil when there is none of that name.
    package init(_ unordered: [LimitRule], zone: (String) -> TimeZoneRules?) throws(LimitFault) {
        guard unordered.count <= Self.rulesMax else {
            throw LimitFault(
                rule: "", field: "limits", problem: "there are \(unordered.count)",
                mend: "Give at most \(Self.rulesMax): one rule with `group_by` does for many counters.")
        }
        var zones: [String: TimeZoneRules] = ["UTC": .utc]
        var ids: Set<String> = []
        for rule in unordered {
            if rule.window.isCalendar, zones[rule.zone] == nil { zones[rule.zone] = zone(rule.zone) }
            if let fault = rule.fault(hasZone: { zones[$0] != nil }) { throw fault }
            guard ids.insert(rule.id).inserted else {
                throw LimitFault(rule: rule.id, field: "id", problem: "another limit has it", mend: "Give each limit its own.")
            }
        }
        let rules = unordered.sorted { $0.isMoreSpecific(than: $1) }
        var dimensions: [LimitDimension] = []
        func place(_ dimension: LimitDimension) -> Int {
            if let found = dimensions.firstIndex(of: dimension) { return found }
            dimensions.append(dimension)
            return dimensions.count - 1
        }
        var groupings: [LimitGrouping] = []
        var groupingPlaces: [LimitGrouping: Int] = [:]
        var compiled: [CompiledLimit] = []
        for rule in rules {
            let group = rule.wholeGroup.map(place)
            let grouping = LimitGrouping(group)
            let number = groupingPlaces[grouping] ?? groupings.count
            if number == groupings.count { groupings.append(grouping) }
            groupingPlaces[grouping] = number
            compiled.append(CompiledLimit(rule, zone: zones[rule.zone] ?? .utc, group: group, grouping: number))
        }
        self.rules = rules
        self.compiled = compiled
        cores = compiled.map(\.core)
        self.dimensions = dimensions
        self.groupings = groupings
        index = RuleIndex(rules)
        boundsAmounts = cores.contains { $0.isEnforced && $0.kind != .rate && $0.unit.isSize }
        serial = Self.serials.add(1, ordering: .relaxed).newValue
    }

    package var isEmpty: Bool { rules.isEmpty }

    /// The places of the rules that hold for a turn, the most specific first.
    func matches(_ facts: TurnFacts) -> [Int] { index.matches(facts) }
}

extension LimitRule {
    /// The group with the key that a session belongs to.
    package var wholeGroup: [LimitDimension] {
        groupBy.contains(.session) && !groupBy.contains(.key) ? groupBy + [.key] : groupBy
    }

    private var narrowness: Int { (conditions.map(\.on) + groupBy).map(\.narrowness).min() ?? LimitDimension.fixed.count }

    func isMoreSpecific(than other: LimitRule) -> Bool {
        if narrowness != other.narrowness { return narrowness < other.narrowness }
        let (count, otherCount) = (conditions.count + groupBy.count, other.conditions.count + other.groupBy.count)
        return count != otherCount ? count > otherCount : id < other.id
    }

    /// Two rules of one id with the same identity count the same thing; another identity begins at zero or is counted again.
    package var counterIdentity: String {
        let conditions = conditions.map { "\($0.on)=\($0.any.sorted())-\($0.except.sorted())" }.sorted()
        let calendar = window.isCalendar ? "\(zone)/\(window == .quarter ? fiscalStartMonth : 1)" : ""
        var text = "\(unit.rawValue);\(window);\(calendar);\(groupBy.map(\.description));\(conditions)"
        // A rate's counter is a time, which stands for another amount under another limit.
        if case .rate = window { text += ";\(limit);\(burst ?? -1)" }
        // FNV-1a: nobody gains by a collision, who may write rules.
        let hash = text.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        return String(hash, radix: 36)
    }
}
