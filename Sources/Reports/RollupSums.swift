// RollupSums: adds rollup rows up by time, labels and session, in one pass over them as they lie, without sorting a row.

import GRDB
import GatewayModel
import Storage

/// Sums of rollup rows.
struct RollupSums {
    private let dimensions: [SpendDimension]
    private let hasTime: Bool
    /// Nil when a report asks nothing of labels.
    private var groups: LabelGroups?
    /// Nil when a report does not ask for sessions.
    private var sessions: SessionNames?

    /// What a row of a report stands for; what is not asked for is 0.
    private struct Key: Hashable {
        var time: Int64
        var group: Int32
        var session: Int32 = 0
    }

    private var keys: [Key] = []
    private var cellOf: [Key: Int32] = [:]
    /// The last cell of each group: rows lie in the order of time, so that it is mostly the one.
    private var lastOfGroup: [Int32] = []
    /// `measures` of each cell, one cell behind the other.
    private var sums: [Int64] = []

    /// What is summed, in the order of `row`.
    private static let measures = [
        "turns", "errors", "unpriced", "estimated", "input + tool_prompt", "cache_read",
        "cache_write_5m + cache_write_30m + cache_write_1h + cache_write_12h + cache_write_unknown", "output", "reasoning", "cost",
    ]

    init(_ database: Database, by dimensions: [SpendDimension], filter: SpendFilter) throws {
        self.dimensions = dimensions
        hasTime = dimensions.contains(where: \.isTime)
        let columns = dimensions.compactMap(\.labelColumn)
        let (conditions, arguments) = filter.labelConditions()
        if !columns.isEmpty || !conditions.isEmpty {
            groups = try LabelGroups(database, columns: columns, conditions: conditions, arguments)
        }
        if dimensions.contains(.session) { sessions = try SessionNames(database) }
    }

    /// Adds the rows of a table, or those that the condition holds. `time` is the time at which a bucket counts.
    mutating func add(
        _ database: Database, table: String, _ conditions: [String], _ arguments: StatementArguments, time: (Int64) -> Int64
    ) throws {
        let rows = try RawStatement(
            database,
            """
            SELECT bucket, labels, \(Self.measures.joined(separator: ", "))\(sessions == nil ? "" : ", session_id") FROM \(table)
            \(conditions.isEmpty ? "" : "WHERE \(conditions.joined(separator: " AND "))")
            """, arguments)
        let count = Self.measures.count
        let row = UnsafeMutableBufferPointer<Int64>.allocate(capacity: count + 2)
        defer { row.deallocate() }
        while try rows.step() {
            rows.integers(into: row)
            let group = try groups?.group(row[1]) ?? 0
            guard group >= 0 else { continue }
            var key = Key(time: hasTime ? time(row[0]) : 0, group: group)
            if sessions != nil { key.session = try sessions?.number(rows.integer(count + 2)) ?? 0 }
            let start = cell(key) * count
            sums.withUnsafeMutableBufferPointer { sums in
                for index in 0..<count { sums[start + index].addSaturating(row[index + 2]) }
            }
        }
    }

    private mutating func cell(_ key: Key) -> Int {
        let group = Int(key.group)
        while lastOfGroup.count <= group { lastOfGroup.append(-1) }
        let last = Int(lastOfGroup[group])
        if last >= 0, keys[last] == key { return last }
        let cell = cellOf[key] ?? Int32(keys.count)
        lastOfGroup[group] = cell
        if cell == keys.count {
            // Without times and sessions a group is a cell.
            if hasTime || sessions != nil { cellOf[key] = cell }
            keys.append(key)
            sums.append(contentsOf: repeatElement(0, count: Self.measures.count))
        }
        return Int(cell)
    }

    // MARK: Results

    /// The sum over all that was added.
    var total: SpendRow {
        var total = SpendRow.zero
        for cell in keys.indices { total.add(row(cell, labels: [])) }
        return total
    }

    /// How many rows there are.
    var count: Int { keys.count }

    /// The dearest rows, or those of the latest times, at most `limit`.
    func rows(limit: Int) -> [SpendRow] {
        var best: [Int] = []
        // Behind this one there is nothing to look for.
        var last: Int?
        for cell in keys.indices {
            if let last, !precedes(cell, last) { continue }
            best.append(cell)
            if best.count >= limit * 4 {
                best.sort(by: precedes)
                best.removeLast(best.count - limit)
                last = best.last
            }
        }
        best.sort(by: precedes)
        return best.prefix(limit).map { row($0, labels: labels($0)) }
    }

    private func precedes(_ left: Int, _ right: Int) -> Bool {
        let (one, other) = (keys[left], keys[right])
        if one.time != other.time { return one.time > other.time }
        let cost = Self.measures.count - 1
        let (price, otherPrice) = (sums[left * Self.measures.count + cost], sums[right * Self.measures.count + cost])
        if price != otherPrice { return price > otherPrice }
        if one.group != other.group { return groups?.precedes(one.group, other.group) ?? false }
        return sessions?.precedes(one.session, other.session) ?? false
    }

    private func labels(_ cell: Int) -> [String] {
        let key = keys[cell]
        var texts = groups?.texts(key.group)[...] ?? []
        return dimensions.map { dimension in
            if dimension.isTime { return dimension.text(of: Timestamp(seconds: key.time)) }
            return dimension == .session ? sessions?.text(key.session) ?? "" : texts.removeFirst()
        }
    }

    private func row(_ cell: Int, labels: [String]) -> SpendRow {
        let sums = sums[cell * Self.measures.count..<(cell + 1) * Self.measures.count]
        let first = sums.startIndex
        return SpendRow(
            labels: labels, turns: sums[first], errors: sums[first + 1], unpricedTurns: sums[first + 2],
            estimatedTurns: sums[first + 3], inputTokens: sums[first + 4], cacheReadTokens: sums[first + 5],
            cacheWriteTokens: sums[first + 6], outputTokens: sums[first + 7], reasoningTokens: sums[first + 8],
            costNanoUSD: sums[first + 9])
    }
}

/// The names of sessions. Several keys may use one name, and a row of a report is a name.
private struct SessionNames {
    private let lookUp: RawStatement
    private var texts = TextTable()
    private var numbers: [Int64: Int32] = [:]

    init(_ database: Database) throws {
        lookUp = try RawStatement(database, "SELECT name FROM session WHERE id = ?")
        // What has no session.
        numbers[0] = texts.number(UnsafeRawBufferPointer(start: nil, count: 0))
    }

    /// The number of a session's name.
    mutating func number(_ id: Int64) throws -> Int32 {
        if let known = numbers[id] { return known }
        lookUp.bind(1, id)
        let number = try lookUp.step() ? lookUp.withText(0) { texts.number($0) } : 0
        lookUp.reset()
        numbers[id] = number
        return number
    }

    func text(_ number: Int32) -> String { texts.text(number) }
    func precedes(_ left: Int32, _ right: Int32) -> Bool { texts.precedes(left, right) }
}
