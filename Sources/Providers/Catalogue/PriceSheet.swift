// PriceSheet: every price of one model in one tier at one time, looked up once. Pricing a turn with it costs a few
// multiplications and no allocation.

package import GatewayModel

/// What a price look-up says.
package enum PriceResult: Sendable, Hashable {
    case priced(cost: NanoUSD, version: String)
    /// At least one used class has no price. Never zero.
    case unpriced(missing: [Meter])
}

/// The prices that hold for a model, a tier, a time and a size of context.
package final class PriceSheet: Sendable {
    package let version: String
    /// By `Meter.index`: nano-USD per million tokens or thousand calls; -1 is no price.
    private let prices: [Int64]
    /// By `Meter.index`: the row's place in the book; -1 is none.
    let rowNumbers: [Int32]
    /// The time, hours and total input that this sheet is for.
    let validFrom: Timestamp?
    let validTo: Timestamp?
    let hours: WeeklyHours?
    let otherHours: [WeeklyHours]
    let inputOver: Int64
    let inputUpTo: Int64

    init(version: String, rows: [(number: Int32, row: PriceRow)], span: SheetSpan) {
        self.version = version
        var prices = [Int64](repeating: -1, count: Meter.count)
        var numbers = [Int32](repeating: -1, count: Meter.count)
        for (number, row) in rows {
            prices[row.meter.index] = row.price
            numbers[row.meter.index] = number
        }
        self.prices = prices
        rowNumbers = numbers
        validFrom = span.from
        validTo = span.to
        hours = span.hours
        otherHours = span.otherHours
        inputOver = span.inputOver
        inputUpTo = span.inputUpTo
    }

    /// Whether a sheet that was kept still prices a turn of this time and size.
    package func holds(at time: Timestamp, totalInput: Int64) -> Bool {
        guard totalInput > inputOver, totalInput <= inputUpTo else { return false }
        return isInForce(at: time)
    }

    /// Whether it prices turns of this time, whatever their size.
    func isInForce(at time: Timestamp) -> Bool {
        if let validFrom, time < validFrom { return false }
        if let validTo, time >= validTo { return false }
        if let hours { return hours.contains(time) }
        return otherHours.isEmpty || !otherHours.contains { $0.contains(time) }
    }

    /// nano-USD per million tokens or thousand calls; nil when the meter has no price.
    package func price(of meter: Meter) -> Int64? {
        let price = prices[meter.index]
        return price < 0 ? nil : price
    }

    /// The cost of a usage whose total input this sheet holds for. Rounded once, up.
    package func cost(_ usage: TokenUsage) -> PriceResult {
        var amount = BillAmount()
        var missing: [Meter] = []
        forEachBilledUse(of: usage, hasPrice: { prices[$0.index] >= 0 }) { use in
            let price = prices[use.meter.index]
            if price >= 0 {
                amount += BillAmount(quantity: use.quantity, price: price, isPerCall: use.meter.isPerCall)
            } else if !missing.contains(use.meter) {
                missing.append(use.meter)
            }
        }
        return missing.isEmpty ? .priced(cost: amount.roundedUp, version: version) : .unpriced(missing: missing)
    }
}

/// The part of time, hours and context sizes that a sheet is for.
struct SheetSpan {
    var from: Timestamp?
    var to: Timestamp?
    var hours: WeeklyHours?
    /// The hours that have sheets of their own, on the sheet for the rest.
    var otherHours: [WeeklyHours]
    var inputOver: Int64
    var inputUpTo: Int64
}
