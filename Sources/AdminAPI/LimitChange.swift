// LimitChange: what is to be changed of a budget or a limit; what is not said stays.

package import Policy

/// Some members of a rule.
package struct LimitChange: Sendable, Codable {
    package var name: String?
    package var conditions: [LimitCondition]?
    package var groupBy: [LimitDimension]?
    package var limit: Int64?
    package var unit: LimitUnit?
    package var window: LimitWindow?
    package var zone: String?
    package var fiscalStartMonth: Int?
    package var mode: LimitMode?
    package var onExceed: LimitAction?
    package var elastic: ElasticPolicy?
    package var waitMillisecondsMax: Int64?
    package var burst: Int64?
    package var thresholds: [Int]?
    package var contact: String?
    package var idleSecondsMax: Int64?

    enum CodingKeys: String, CodingKey {
        case name, conditions
        case groupBy = "group_by"
        case limit, unit, window, zone
        case fiscalStartMonth = "fiscal_start_month"
        case mode
        case onExceed = "on_exceed"
        case elastic
        case waitMillisecondsMax = "wait_milliseconds_max"
        case burst, thresholds, contact
        case idleSecondsMax = "idle_seconds_max"
    }

    /// The rule as it is after the change.
    package func applied(to before: LimitRule) -> LimitRule {
        var rule = before
        rule.name = name ?? rule.name
        rule.conditions = conditions ?? rule.conditions
        rule.groupBy = groupBy ?? rule.groupBy
        rule.limit = limit ?? rule.limit
        rule.unit = unit ?? rule.unit
        rule.window = window ?? rule.window
        rule.zone = zone ?? rule.zone
        rule.fiscalStartMonth = fiscalStartMonth ?? rule.fiscalStartMonth
        rule.mode = mode ?? rule.mode
        rule.onExceed = onExceed ?? rule.onExceed
        rule.elastic = elastic ?? rule.elastic
        rule.waitMillisecondsMax = waitMillisecondsMax ?? rule.waitMillisecondsMax
        rule.burst = burst ?? rule.burst
        rule.thresholds = thresholds ?? rule.thresholds
        rule.contact = contact ?? rule.contact
        rule.idleSecondsMax = idleSecondsMax ?? rule.idleSecondsMax
        return rule
    }
}
