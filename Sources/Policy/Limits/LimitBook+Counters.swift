// LimitBook+Counters: which counters a turn counts in, without counting it: what forecasts sort the past by.

extension LimitBook {
    /// Each rule that holds for a turn, with the values of its group as a verdict has them.
    package func counters(of facts: TurnFacts) -> [(rule: LimitRule, group: [String])] {
        matches(facts).map { number in
            (compiled[number].rule, compiled[number].group.map { facts[dimensions[$0]].map(LimitState.cut) ?? "" })
        }
    }
}
