// RuleIndex: which rules hold for a turn, found without looking at those that want another value than the turn has.

/// The rules of a book by what they want of a turn.
struct RuleIndex: ~Copyable, Sendable {
    /// A rule that may hold for a turn, and the conditions that are left to be looked at.
    private struct Candidate {
        var rule: Int
        var conditions: Range<Int>
    }

    private var conditions = ConditionTable()
    /// Rules that every turn has to be held against, in order.
    private var always: [Candidate] = []
    /// The dimensions of which some rule wants one of a few exact values.
    private var dimensions: [LimitDimension] = []
    /// Those values. Who makes them up writes rules, so that no secret seed is needed: a turn's values are only looked for.
    private var values = SymbolTable(hash: SeededHash(seed: 0))
    /// The rules that want them, sorted by value and rule, and by a value's number where those of the next one begin.
    private var wanting: [(dimension: Int, candidate: Candidate)] = []
    private var ends: [Int] = []

    init(_ rules: [LimitRule]) {
        var found: [(value: UInt32, dimension: Int, candidate: Candidate)] = []
        for (number, rule) in rules.enumerated() {
            let narrowest = rule.conditions.indices.filter { rule.conditions[$0].isExact }
                .min { rule.conditions[$0].on.narrowness < rule.conditions[$1].on.narrowness }
            let first = conditions.count
            for (place, condition) in rule.conditions.enumerated() where place != narrowest || !condition.except.isEmpty {
                conditions.append(condition)
            }
            let candidate = Candidate(rule: number, conditions: first..<conditions.count)
            guard let narrowest else {
                always.append(candidate)
                continue
            }
            let dimension = place(of: rule.conditions[narrowest].on)
            for value in Set(rule.conditions[narrowest].any.map { values.retain($0) }) { found.append((value, dimension, candidate)) }
        }
        found.sort { ($0.value, $0.candidate.rule) < ($1.value, $1.candidate.rule) }
        wanting = found.map { ($0.dimension, $0.candidate) }
        ends = Array(repeating: 0, count: values.count + 1)
        for entry in found { ends[Int(entry.value)] += 1 }
        for value in ends.indices.dropFirst() { ends[value] += ends[value - 1] }
    }

    private mutating func place(of dimension: LimitDimension) -> Int {
        if let place = dimensions.firstIndex(of: dimension) { return place }
        dimensions.append(dimension)
        return dimensions.count - 1
    }

    /// The places of the rules that hold for a turn, in order.
    func matches(_ facts: TurnFacts) -> [Int] {
        var found: [Int] = []
        found.reserveCapacity(always.count + 8)
        for candidate in always where holds(candidate, facts) { found.append(candidate.rule) }
        let sorted = found.count
        for dimension in dimensions.indices {
            let value = facts.with(dimensions[dimension]) { values.find(value: $0) }
            guard let value else { continue }
            for place in (value == 0 ? 0 : ends[Int(value) - 1])..<ends[Int(value)]
            where wanting[place].dimension == dimension && holds(wanting[place].candidate, facts) {
                found.append(wanting[place].candidate.rule)
            }
        }
        if found.count > sorted { Self.sort(&found, sorted: sorted) }
        return found
    }

    /// Sorts a list of which the first so many are sorted, and the rest nearly always a few.
    private static func sort(_ list: inout [Int], sorted: Int) {
        if list.count - sorted > 8 { return list.sort() }
        for last in sorted..<list.count {
            let rule = list[last]
            var place = last
            while place > 0, list[place - 1] > rule {
                list[place] = list[place - 1]
                place -= 1
            }
            list[place] = rule
        }
    }

    private func holds(_ candidate: Candidate, _ facts: TurnFacts) -> Bool {
        for number in candidate.conditions where !conditions.holds(number, facts) { return false }
        return true
    }
}

extension LimitCondition {
    /// It wants one of a few values, each as it stands.
    fileprivate var isExact: Bool { !any.isEmpty && any.allSatisfy { !$0.hasPrefix("*") && !$0.hasSuffix("*") } }
}
