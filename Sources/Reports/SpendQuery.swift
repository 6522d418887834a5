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

    /// By session: those that cost most are looked at first, or those that were there last where rows are of times, so that the rest
    /// need not be read. No session that is left out has a row that belongs among those that are given.
    private func sessionRows(_ database: Database) throws -> [SpendRow] {
        // What a filter takes of a session may be any part of what it cost.
        guard filter.labelConditions().conditions.isEmpty else { return try sessionSums(database).rows(limit: limit) }
        let column = timeUnit == nil ? "cost" : "last_ns"
        var (conditions, arguments) = overlap()
        // One that reaches over the range's ends costs less within it, so twice as many are looked at.
        let count = limit * 2
        let order = "FROM session \(Self.clause(conditions)) ORDER BY \(column) DESC LIMIT"
        let left = try Row.fetchOne(database, sql: "SELECT \(column) AS bound \(order) 1 OFFSET \(count)", arguments: arguments)
        // When a name was there last follows from one session. What it cost does not: its sessions are added up.
        let shared = try left == nil || timeUnit != nil ? [] : sharedNames(database)
        guard shared.count <= Self.sharedNamesMax else { return try sessionSums(database).rows(limit: limit) }
        let rows = try sessionSums(
            database, of: "SELECT name FROM (SELECT name \(order) \(count)) AS d", arguments, and: shared
        ).rows(limit: limit)
        guard let left else { return rows }
        // Within a range a session costs at most what it cost in all, and none of its rows is later than its last turn.
        let bound = left.sum("bound")
        if let reach = reach(rows) {
            if timeUnit == nil ? bound <= reach : bound < reach { return rows }
            conditions.append("\(column) >= ?")
            arguments += [reach]
        }
        // The rows that were found can only be driven out by sessions that reach the last of them.
        let all = try Int.fetchOne(database, sql: "SELECT COUNT(*) FROM session") ?? 0
        let reaching = try Int.fetchOne(
            database, sql: "SELECT COUNT(*) FROM (SELECT 1 FROM session \(Self.clause(conditions)) LIMIT \(all / 4 + 1)) AS some",
            arguments: arguments)
        // Where they are many, all in a row is cheaper than each by itself.
        if let reaching, reaching <= all / 4 {
            let names = "SELECT name FROM session \(Self.clause(conditions))"
            return try sessionSums(database, of: names, arguments, and: shared).rows(limit: limit)
        }
        return try sessionSums(database).rows(limit: limit)
    }

    /// Where more names than this are used by several keys, all sessions are read.
    private static let sharedNamesMax = 1000

    /// Names that several keys use: what one of their sessions cost is no bound of the row that they make together.
    private func sharedNames(_ database: Database) throws -> [String] {
        // One pass over the names' index; grouping them in SQL takes twice the time.
        let names = try RawStatement(database, "SELECT name FROM session ORDER BY name")
        var shared: [String] = []
        var last: [UInt8] = []
        var isKnown = false
        while shared.count <= Self.sharedNamesMax, try names.step() {
            let isSame = names.withText(0) { name in
                if name.count == last.count, name.elementsEqual(last) { return true }
                last.removeAll(keepingCapacity: true)
                last.append(contentsOf: name)
                return false
            }
            if isSame, !isKnown { shared.append(String(decoding: last, as: UTF8.self)) }
            isKnown = isSame
        }
        names.reset()
        return shared
    }

    /// What the last of as many rows as were asked for costs, or when its time begins: a session that does not reach it has no row
    /// before it.
    private func reach(_ rows: [SpendRow]) -> Int64? {
        guard rows.count >= limit, let last = rows.last else { return nil }
        guard let unit = timeUnit else { return last.costNanoUSD }
        guard let dimension = SpendDimension(rawValue: unit.rawValue), let place = dimensions.firstIndex(of: dimension) else { return nil }
        return dimension.time(last.labels[place])?.nanoseconds
    }

    /// What the sessions of the filter's range are found by.
    private func overlap() -> (conditions: [String], arguments: StatementArguments) {
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
        return (conditions, arguments)
    }

    private static func clause(_ conditions: [String]) -> String {
        conditions.isEmpty ? "" : "WHERE \(conditions.joined(separator: " AND "))"
    }

    /// The sums of some sessions' names, and of what has no session: those that a query names, and others. Several keys may use one
    /// name, and a row is a name.
    private func sessionSums(
        _ database: Database, of names: String, _ arguments: StatementArguments, and others: [String]
    ) throws -> RollupSums {
        var ids = "SELECT 0 UNION ALL SELECT id FROM session WHERE name IN (\(names))"
        if !others.isEmpty {
            ids += " UNION ALL SELECT id FROM session WHERE name IN (\(others.map { _ in "?" }.joined(separator: ", ")))"
        }
        return try sessionSums(database, "session_id IN (\(ids))", arguments + StatementArguments(others))
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

    /// When a time begins that a report writes so.
    func time(_ text: String) -> Timestamp? {
        Timestamp(rfc3339: self == .hour ? "\(text):00:00Z" : self == .day ? text : "\(text)-01")
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
