// RetryBudget: how much more a route may ask of an ill provider than its clients ask of the route. Retries are taken from what first
// tries have paid in, so that a whole outage is answered with a tenth more traffic and not with twice as much. Pure.

/// The retries that a route may still make.
package struct RetryBudget: Sendable {
    /// In tenths of a retry.
    private var tenths = Self.tenthsAtStart

    /// A route that has served little may still retry.
    private static let tenthsAtStart = 100
    private static let tenthsMax = 1000
    private static let tenthsOfTry = 2

    package init() {}

    /// A turn was tried for the first time.
    package mutating func pay() { tenths = min(Self.tenthsMax, tenths + Self.tenthsOfTry) }

    /// Takes one retry; false when there is none.
    package mutating func take() -> Bool {
        guard tenths >= 10 else { return false }
        tenths -= 10
        return true
    }
}
