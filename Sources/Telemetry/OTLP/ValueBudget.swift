// ValueBudget: counts what a request unfolds to. Two bytes on the wire can be an attribute of fifty in memory, so bytes alone are
// no bound.

/// How many values may still be made, and how deep they may nest.
struct ValueBudget {
    private var left: Int
    private let valuesMax: Int
    private let depthMax: Int

    init(_ limits: TelemetryLimits) {
        left = limits.valuesMax
        valuesMax = limits.valuesMax
        depthMax = limits.depthMax
    }

    mutating func take() throws(TelemetryError) {
        left -= 1
        if left < 0 { throw .tooManyValues(max: valuesMax) }
    }

    func check(depth: Int) throws(TelemetryError) {
        if depth > depthMax { throw .tooDeep(max: depthMax) }
    }
}
