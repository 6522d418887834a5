// LimitRule+Validation: what makes a rule impossible, said with the field and the mend.

/// A fault of a rule: which field, what is wrong, how to mend it.
package struct LimitFault: Error, Sendable, Hashable, CustomStringConvertible {
    package var rule: String
    package var field: String
    package var problem: String
    package var mend: String

    package var description: String { "limit \(rule): \(field): \(problem). \(mend)" }
}

extension LimitRule {
    package static let limitMax: Int64 = .max / 4
    package static let groupByMax = 4
    package static let conditionsMax = 16
    package static let patternsMax = 256
    package static let waitMillisecondsMaxMax: Int64 = 60_000

    /// The first fault, or nil. `hasZone` says whether a time zone of that name is known.
    package func fault(hasZone: (String) -> Bool) -> LimitFault? {
        func fault(_ field: String, _ problem: String, _ mend: String) -> LimitFault {
            LimitFault(rule: id, field: field, problem: problem, mend: mend)
        }
        if id.isEmpty || id.utf8.count > 128 { return fault("id", "it has \(id.utf8.count) bytes", "Give it 1 to 128.") }
        if name.isEmpty || name.utf8.count > 256 { return fault("name", "it has \(name.utf8.count) bytes", "Give it 1 to 256.") }
        if limit < 0 || limit > Self.limitMax {
            return fault("limit", "\(limit) is no amount", "Give 0 (nothing may pass) to \(Self.limitMax).")
        }
        if conditions.count > Self.conditionsMax {
            return fault("conditions", "there are \(conditions.count)", "Give at most \(Self.conditionsMax).")
        }
        for condition in conditions {
            let patterns = condition.any + condition.except
            if patterns.isEmpty {
                return fault("conditions", "\(condition.on) has no pattern", "Give `any` or `except`, or leave the condition out.")
            }
            if patterns.count > Self.patternsMax || patterns.contains(where: { $0.isEmpty || $0.utf8.count > 512 }) {
                return fault(
                    "conditions", "\(condition.on) has too many patterns, or one that is empty or over 512 bytes",
                    "Give at most \(Self.patternsMax) patterns of 1 to 512 bytes.")
            }
        }
        if groupBy.count > Self.groupByMax || Set(groupBy).count != groupBy.count {
            return fault("group_by", "it has \(groupBy.count) entries", "Give at most \(Self.groupByMax), each once.")
        }
        if groupBy.count == Self.groupByMax, groupBy.contains(.session), !groupBy.contains(.key) {
            return fault("group_by", "a session belongs to its key, which makes five", "Leave one out, or name the key.")
        }
        return windowFault(hasZone: hasZone, fault) ?? modeFault(fault)
    }

    private func windowFault(
        hasZone: (String) -> Bool, _ fault: (String, String, String) -> LimitFault
    ) -> LimitFault? {
        if case .rolling(let seconds) = window,
            seconds < LimitWindow.rollingSecondsMin || seconds > LimitWindow.rollingSecondsMax
        {
            return fault("window", "\(seconds) seconds are too few or too many", "Give `rolling 1m` to `rolling 400d`.")
        }
        if case .rate(let seconds) = window, ![60, 3600, 86_400].contains(seconds) {
            return fault("window", "no such rate", "Give `per minute`, `per hour` or `per day`.")
        }
        if unit == .concurrent, window != .none {
            return fault("window", "turns at once are not counted over time", "Give `none`.")
        }
        if window.isCalendar, !hasZone(zone) {
            return fault("zone", "no time zone \(zone) is known", "Give an IANA name, such as `UTC` or `Europe/Berlin`.")
        }
        if !(1...12).contains(fiscalStartMonth) {
            return fault("fiscal_start_month", "\(fiscalStartMonth) is no month", "Give 1 to 12.")
        }
        if let burst {
            guard case .rate = window else { return fault("burst", "only a rate has one", "Leave it out, or give a rate as window.") }
            if burst < 1 || burst > Self.limitMax { return fault("burst", "\(burst) is no amount", "Give 1 to \(Self.limitMax).") }
        }
        if let idleSecondsMax {
            if window != .none || unit == .concurrent {
                return fault("idle_seconds_max", "a window ends by itself", "Leave it out, or give `none` as window.")
            }
            if idleSecondsMax < 3600 { return fault("idle_seconds_max", "\(idleSecondsMax) is too short", "Give at least 3600.") }
        }
        return nil
    }

    private func modeFault(_ fault: (String, String, String) -> LimitFault) -> LimitFault? {
        if mode == .elastic {
            if case .rate = window {
                return fault("mode", "a rate cannot be elastic", "Give `strict` or `alert`: a rate is corrected when a turn ends.")
            }
            if unit == .requests || unit == .concurrent {
                return fault("mode", "a turn is one turn from its beginning", "Give `strict` or `alert`.")
            }
        }
        if case .route(let model) = onExceed, model.isEmpty || model.utf8.count > 256 {
            return fault("on_exceed", "it names no model", "Give `route:<model>`.")
        }
        if waitMillisecondsMax < 0 || waitMillisecondsMax > Self.waitMillisecondsMaxMax {
            return fault(
                "wait_milliseconds_max", "\(waitMillisecondsMax) is too long", "Give 0 to \(Self.waitMillisecondsMaxMax).")
        }
        if waitMillisecondsMax > 0, !isWaitable {
            return fault("wait_milliseconds_max", "only a rate or a place comes back soon", "Give 0.")
        }
        if thresholds.count > 8 || thresholds.contains(where: { $0 < 1 || $0 > 1000 }) {
            return fault("thresholds", "they are percentages", "Give at most 8, each from 1 to 1000.")
        }
        if let contact, contact.utf8.count > 256 { return fault("contact", "it is over 256 bytes", "Shorten it.") }
        return nil
    }

    /// Whether what is used up comes back by itself within a short time.
    var isWaitable: Bool {
        if case .rate = window { return true }
        return unit == .concurrent
    }
}
