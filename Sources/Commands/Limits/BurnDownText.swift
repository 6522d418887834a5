// BurnDownText: a budget's window day by day, for people: what was used, what is left, and how long that will last.

package import AdminAPI
import GatewayModel
package import Policy

/// Days that are shown; of a longer window the last ones.
private let burnDownDaysMax = 31
private let barMax: Int64 = 30

/// The lines of one counter's burn-down and of its forecast.
package func burnDownLines(_ forecast: LimitForecastView, _ rule: LimitRule) -> [String] {
    let whose = zip(rule.wholeGroup, forecast.group).map { "\($0) \($1.isEmpty ? "unattributed" : $1)" }.joined(separator: ", ")
    var lines = ["Burn-down\(whose.isEmpty ? "" : " of \(whose)") (\(rule.zone)), \(forecast.start) to \(forecast.end)"]
    let days = forecast.days.suffix(burnDownDaysMax)
    let most = max(1, days.map(\.used).max() ?? 1)
    let amounts = days.map { amountText($0.used, rule.unit) }
    let width = amounts.map(\.count).max() ?? 0
    for (day, amount) in zip(days, amounts) {
        let bar = String(repeating: "#", count: Int(Int128(max(0, day.used)) * Int128(barMax) / Int128(most)))
        let padding = String(repeating: " ", count: width - amount.count)
        lines.append(
            "\(day.date)  \(padding)\(amount)  \(bar)\(String(repeating: " ", count: Int(barMax) - bar.count))  "
                + "\(amountText(day.left, rule.unit)) left, \(amountText(day.even, rule.unit)) at an even pace")
    }
    guard let expected = forecast.expected, let low = forecast.low, let high = forecast.high else {
        return lines + ["Forecast: none before a whole day is known."]
    }
    let end =
        forecast.exhaustedOn.map { "it will be used up on \($0)" } ?? "it will last"
    let unit = rule.unit
    lines.append(
        "Forecast: \(amountText(expected, unit)) by \(forecast.end), in four of five cases \(amountText(low, unit)) to "
            + "\(amountText(high, unit)); \(end) (from \(forecast.daysKnown) \(forecast.daysKnown == 1 ? "day" : "days")).")
    return lines
}
