// LimitBook+Strict: which turns may not be estimated.

extension LimitBook {
    /// Whether a limit holds for the turn that is never over in what it can use: money or tokens, and no rate.
    package func boundsStrictly(_ facts: TurnFacts) -> Bool {
        boundsAmounts
            && matches(facts).contains { number in
                let limit = cores[number]
                return limit.isEnforced && !limit.isElastic && limit.kind != .rate && limit.unit.isSize
            }
    }
}
