// SpendQuery: from dimensions and a range to the fewest rollup rows: whole months from the months, whole days at the ends from the
// days, the hours that are left from the hours.

import GRDB
import GatewayModel
import Storage

/// One query over the rollups.
struct SpendQuery {
    let dimensions: [SpendDimension]
    /// Its ends are whole hours.
    let filter: SpendFilter
    let limit: Int

    /// The finest time that is asked for.
    private var timeUnit: CalendarUnit? {
        dimensions.contains(.hour)
            ? .hour : dimensions.contains(.day) ? .day : dimensions.contains(.month) ? .month : nil
    }

    /// The report's rows in its order, and the sum over everything that it covers.
    func rows(_ database: Database) throws -> (rows: [SpendRow], total: SpendRow) {
        if dimensions.contains(.session) { return (ordered(try sessionRows(database)), try sums(database, by: [], in: filter).total) }
        guard let unit = timeUnit, unit != .month else {
            let sums = try sums(database, by: dimensions, in: filter)
            return (ordered(sums.rows(limit: limit)), sums.total)
        }
        return try timeline(database, unit)
    }

    /// The latest times first, a window after the other, until there are enough rows: a year of hours need not be read for a page.
    private func timeline(_ database: Database, _ unit: CalendarUnit) throws -> (rows: [SpendRow], total: SpendRow) {
        guard let first = try Int64.fetchOne(database, sql: "SELECT MIN(bucket) FROM usage_hour"),
            let last = try Int64.fetchOne(database, sql: "SELECT MAX(bucket) FROM usage_hour")
        else { return ([], .zero) }
        let start = max(filter.since ?? Timestamp(seconds: first), Timestamp(seconds: first))
        var end = min(filter.until ?? Timestamp(seconds: last + 3600), Timestamp(seconds: last + 3600))
        var days: Int64 = unit == .hour ? 3 : 31
        var found: [SpendRow] = []
        var total = SpendRow.zero
        while end > start, found.count <= limit {
            var window = filter
            window.since = max(start, end.adding(seconds: -days * 86_400).start(of: .day))
            window.until = end
            let sums = try sums(database, by: dimensions, in: window)
            found += sums.rows(limit: limit + 1)
            total.add(sums.total)
            end = window.since ?? start
            days *= 2
        }
        if end > start {
            // What is earlier than the page is summed from the coarsest rows that there are.
            var rest = filter
            rest.until = end
            total.add(try sums(database, by: [], in: rest).total)
        }
        return (ordered(Array(found.prefix(limit))), total)
    }

    /// The rollup rows of a range, added up.
    private func sums(_ database: Database, by dimensions: [SpendDimension], in filter: SpendFilter) throws -> RollupSums {
        let unit = dimensions.isEmpty ? .month : timeUnit ?? .month
        var sums = try RollupSums(database, by: dimensions, filter: filter)
        for part in RollupPart.cover(since: filter.since, until: filter.until, by: unit) {
            let table = part.unit == .month && !dimensions.contains(.branch) ? "usage_month_unbranched" : "usage_\(part.unit.rawValue)"
            // A part finer than the unit lies within one of it.
            let whole = part.unit == unit ? nil : (part.since ?? Timestamp(seconds: 0)).start(of: unit).seconds
            let (conditions, arguments) = Self.range(part.since, part.until)
            try sums.add(database, table: table, conditions, arguments) { whole ?? $0 }
        }
        return sums
    }

    /// By session: those that cost most are looked at first, so that the rest need not be read.
    private func sessionRows(_ database: Database) throws -> [SpendRow] {
        guard filter.labelConditions().conditions.isEmpty else { return try sessionSums(database).rows(limit: limit) }
        // One that reaches over the range's ends costs less within it, so twice as many are looked at, and more if need be.
        for count in [limit * 2, limit * 16] {
            let overlap = overlap()
            let dearest = "SELECT name FROM session \(overlap.condition) ORDER BY cost DESC LIMIT \(count)"
            // Several keys may use one name, and a row is a name.
            let sums = try sessionSums(
                database, "session_id IN (SELECT 0 UNION ALL SELECT id FROM session WHERE name IN (SELECT name FROM (\(dearest)) AS d))",
                overlap.arguments)
            if sums.count >= limit { return sums.rows(limit: limit) }
            let all = try Int.fetchOne(
                database, sql: "SELECT COUNT(*) FROM (SELECT 1 FROM session \(overlap.condition) LIMIT \(count)) AS some",
                arguments: overlap.arguments)
            if let all, all < count { return sums.rows(limit: limit) }
        }
        return try sessionSums(database).rows(limit: limit)
    }

    /// What the sessions of the filter's range are found by.
    private func overlap() -> (condition: String, arguments: StatementArguments) {
        var conditions: [String] = []
        var arguments: StatementArguments = []
        if let since = filter.since {
            conditions.append("last_ns >= ?")
            arguments += [since.nanoseconds]
        }
        if let until = filter.until {
            conditions.append("first_ns < ?")
            arguments += [until.nanoseconds]
        }
        return (conditions.isEmpty ? "" : "WHERE \(conditions.joined(separator: " AND "))", arguments)
    }

    private func sessionSums(
        _ database: Database, _ condition: String? = nil, _ more: StatementArguments = []
    ) throws -> RollupSums {
        let (range, arguments) = Self.range(filter.since, filter.until)
        var sums = try RollupSums(database, by: dimensions, filter: filter)
        // A session's sums are kept by the hour, whatever time is asked for.
        let unit = timeUnit ?? .hour
        try sums.add(database, table: "usage_session", range + [condition].compactMap { $0 }, arguments + more) { hour in
            unit == .hour ? hour : Timestamp(seconds: hour).start(of: unit).seconds
        }
        return sums
    }

    private static func range(_ since: Timestamp?, _ until: Timestamp?) -> (conditions: [String], arguments: StatementArguments) {
        var conditions: [String] = []
        var arguments: StatementArguments = []
        for (time, comparison) in [(since, ">="), (until, "<")] {
            guard let time else { continue }
            conditions.append("bucket \(comparison) ?")
            arguments += [time.seconds]
        }
        return (conditions, arguments)
    }

    private func ordered(_ rows: [SpendRow]) -> [SpendRow] {
        timeUnit == nil ? rows : rows.sorted { $0.labels.lexicographicallyPrecedes($1.labels) }
    }
}

extension SpendDimension {
    /// Its column of `label_set`; nil for times and sessions.
    var labelColumn: String? {
        switch self {
        case .developer: "owner"
        case .key: "key_id"
        case .workspace, .team, .repository, .branch, .agent, .client, .model, .deployment: rawValue
        case .session, .hour, .day, .month: nil
        }
    }

    /// How a report writes a time that is divided by this.
    func text(of time: Timestamp) -> String {
        String(time.rfc3339.prefix(self == .hour ? 13 : self == .day ? 10 : 7))
    }
}

/// A range of one rollup.
struct RollupPart: Hashable {
    var unit: CalendarUnit
    /// Nil reaches to the end of what there is.
    var since: Timestamp?
    var until: Timestamp?

    /// The fewest rows that cover a range: whole units where it has them, finer ones at its ends.
    static func cover(since: Timestamp?, until: Timestamp?, by unit: CalendarUnit) -> [RollupPart] {
        if let since, let until, since >= until { return [] }
        guard let finer = unit.finer else { return [RollupPart(unit: unit, since: since, until: until)] }
        let first = since.map { $0.start(of: unit) == $0 ? $0 : $0.start(of: unit).next(unit) }
        let last = until.map { $0.start(of: unit) }
        if let first, let last, first > last { return cover(since: since, until: until, by: finer) }
        var parts: [RollupPart] = []
        if let since, let first { parts += cover(since: since, until: first, by: finer) }
        if first == nil || last == nil || first != last {
            parts.append(RollupPart(unit: unit, since: first, until: last))
        }
        if let last, let until { parts += cover(since: last, until: until, by: finer) }
        return parts
    }
}

extension CalendarUnit {
    fileprivate var finer: CalendarUnit? { self == .month ? .day : self == .day ? .hour : nil }
}

extension Timestamp {
    /// The start of the unit behind the one that begins here.
    fileprivate func next(_ unit: CalendarUnit) -> Timestamp {
        switch unit {
        case .hour: adding(seconds: 3600)
        case .day: adding(seconds: 86_400)
        case .month: adding(seconds: 32 * 86_400).start(of: .month)
        }
    }
}
