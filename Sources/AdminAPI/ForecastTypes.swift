// ForecastTypes: the admin API's body about how long a budget will last.

/// One counter of a rule over its window: what was used day by day, and where it will stand at the end. In the rule's unit; days are
/// local to the rule's zone.
package struct LimitForecastView: Sendable, Codable {
    /// A day of the window.
    package struct Day: Sendable, Codable {
        package var date: String
        package var used: Int64
        /// What was left at its end, and what an even pace would have left.
        package var left: Int64
        package var even: Int64

        package init(date: String, used: Int64, left: Int64, even: Int64) {
            self.date = date
            self.used = used
            self.left = left
            self.even = even
        }
    }

    package var group: [String]
    /// The first day of the window, and the first of the next one.
    package var start: String
    package var end: String
    package var days: [Day]
    /// At the end, most probably, and the bounds within which it will be in four of five cases. Nil before a whole day is known.
    package var expected: Int64?
    package var low: Int64?
    package var high: Int64?
    /// The day on which it will be used up, most probably; nil when it lasts.
    package var exhaustedOn: String?
    /// Days that the forecast rests on.
    package var daysKnown: Int

    package init(group: [String], start: String, end: String, days: [Day]) {
        self.group = group
        self.start = start
        self.end = end
        self.days = days
        daysKnown = 0
    }

    enum CodingKeys: String, CodingKey {
        case group, start, end, days, expected, low, high
        case exhaustedOn = "exhausted_on"
        case daysKnown = "days_known"
    }
}
