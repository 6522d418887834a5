// ProjectionBatch: the sums of one batch of turns, gathered in memory so that a rollup row is touched once a batch and not once
// a turn.

import GRDB
import GatewayModel

/// A set of labels, and the same without its branch.
struct LabelIDs {
    var own: Int64
    var unbranched: Int64
}

struct Batch {
    /// A row of a rollup. Only the hours of sessions have a session, so that a report over a range counts what lies in it and
    /// no more.
    private struct Cell: Hashable {
        var bucket: Int64
        var labels: Int64
        var session: Int64 = 0
    }

    /// What is to be added to the rows of one rollup.
    private struct Rollup {
        var numbers: [Cell: Int] = [:]
        var cells: [Cell] = []
        var sums: [UsageSums] = []

        mutating func add(_ cell: Cell, _ measures: UsageSums) {
            guard let number = numbers[cell] else {
                numbers[cell] = cells.count
                cells.append(cell)
                sums.append(measures)
                return
            }
            sums[number].add(measures)
        }
    }

    private struct SessionChange {
        var first: Int64
        var last: Int64 = 0
        var parent: String?
        var repository = ""
        var branch = ""
        var subAgents: Set<String> = []

        mutating func add(_ turn: borrowing TurnRecord) {
            first = min(first, turn.received.nanoseconds)
            last = max(last, (turn.lastByte ?? turn.received).nanoseconds)
            if parent == nil { parent = turn.attribution.parentSession?.value }
            // What an alias says is shown by `AliasProjection`.
            if let name = turn.attribution.repository, name.source != .alias { repository = name.value }
            if let name = turn.attribution.branch?.value { branch = name }
            if let name = turn.attribution.subAgent?.value { subAgents.insert(name) }
        }
    }

    private struct Unpriced {
        var turns: Int64 = 0
        var first: Int64
        var last: Int64
    }

    /// Turns that are alike in everything that is summed by.
    private struct Kind: Hashable {
        var hour: Int64
        var labels: Int64
        var session: Int64
        var month: Int64
        var unbranched: Int64

        func at(_ labels: LabelIDs) -> Kind {
            Kind(hour: hour, labels: labels.own, session: session, month: month, unbranched: labels.unbranched)
        }
    }

    private var kinds: [Kind: Int] = [:]
    private var sums: [(kind: Kind, sums: UsageSums)] = []
    private var sessions: [Int64: SessionChange] = [:]
    private var unpriced: [String: Unpriced] = [:]
    private var keyUse: [String: Int64] = [:]
    var responses: [(id: String, requestID: String, month: String)] = []

    /// Adds a turn to everything that is summed. `unbranched` are its labels without the branch, `elsewhere` what of it stands under
    /// other labels.
    mutating func add(
        _ turn: borrowing TurnRecord, labels: LabelIDs, elsewhere: [(labels: LabelIDs, sums: UsageSums)], session: Int64, month: Timestamp
    ) {
        let kind = Kind(
            hour: turn.received.start(of: .hour).seconds, labels: labels.own, session: session, month: month.seconds,
            unbranched: labels.unbranched)
        let place = place(of: kind)
        sums[place].sums.add(turn)
        for (labels, use) in elsewhere {
            sums[place].sums.subtract(use)
            sums[self.place(of: kind.at(labels))].sums.add(use)
        }
        if session != 0 {
            let received = turn.received.nanoseconds
            sessions[session, default: SessionChange(first: received)].add(turn)
        }
        let minute = turn.received.nanoseconds / 60_000_000_000 * 60_000_000_000
        let key = turn.principal.keyID
        if keyUse[key, default: 0] < minute { keyUse[key] = minute }
        if turn.flags.contains(.unpriced) { addUnpriced(turn) }
    }

    private mutating func place(of kind: Kind) -> Int {
        if let known = sums.last?.kind == kind ? sums.count - 1 : kinds[kind] { return known }
        kinds[kind] = sums.count
        sums.append((kind, UsageSums()))
        return sums.count - 1
    }

    private mutating func addUnpriced(_ turn: borrowing TurnRecord) {
        let time = turn.received.nanoseconds
        for deployment in turn.unpricedDeployments {
            var known = unpriced[deployment] ?? Unpriced(first: time, last: time)
            known.turns += 1
            known.first = min(known.first, time)
            known.last = max(known.last, time)
            unpriced[deployment] = known
        }
    }

    /// Deployments of which this batch holds turns without a price.
    var unpricedDeployments: Set<String> { Set(unpriced.keys) }

    // MARK: Writing

    func write(_ database: Database, _ statements: inout PreparedStatements) throws {
        var hours = Rollup()
        var days = Rollup()
        var months = Rollup()
        var unbranchedMonths = Rollup()
        var sessionHours = Rollup()
        var sessionSums: [Int64: UsageSums] = [:]
        for (kind, sums) in sums {
            hours.add(Cell(bucket: kind.hour, labels: kind.labels), sums)
            days.add(Cell(bucket: Timestamp(seconds: kind.hour).start(of: .day).seconds, labels: kind.labels), sums)
            months.add(Cell(bucket: kind.month, labels: kind.labels), sums)
            unbranchedMonths.add(Cell(bucket: kind.month, labels: kind.unbranched), sums)
            // Turns without a session are summed too, under 0: a report by session must add up to the whole.
            sessionHours.add(Cell(bucket: kind.hour, labels: kind.labels, session: kind.session), sums)
            sessionSums[kind.session, default: UsageSums()].add(sums)
        }
        try write(hours, .usageHour, "usage_hour", database, &statements)
        try write(days, .usageDay, "usage_day", database, &statements)
        try write(months, .usageMonth, "usage_month", database, &statements)
        try write(unbranchedMonths, .usageMonthUnbranched, "usage_month_unbranched", database, &statements)
        try write(sessionHours, .usageSession, "usage_session", database, &statements)
        try writeSessions(sessionSums, database, &statements)
        for (deployment, one) in unpriced {
            let statement = try statements.statement(
                .unpriced, database,
                """
                INSERT INTO unpriced_model (deployment, turns, first_ns, last_ns) VALUES (?, ?, ?, ?)
                ON CONFLICT (deployment) DO UPDATE SET turns = unpriced_model.turns + excluded.turns,
                first_ns = CASE WHEN unpriced_model.first_ns < excluded.first_ns
                THEN unpriced_model.first_ns ELSE excluded.first_ns END,
                last_ns = CASE WHEN unpriced_model.last_ns > excluded.last_ns
                THEN unpriced_model.last_ns ELSE excluded.last_ns END
                """)
            statement.bind(1, deployment)
            statement.bind(from: 2, [one.turns, one.first, one.last])
            try statement.run()
        }
        for (key, time) in keyUse {
            let statement = try statements.statement(
                .keyUse, database,
                """
                INSERT INTO key_use (key_id, last_ns) VALUES (?, ?) ON CONFLICT (key_id) DO UPDATE
                SET last_ns = excluded.last_ns WHERE excluded.last_ns > key_use.last_ns
                """)
            statement.bind(1, key)
            statement.bind(2, time)
            try statement.run()
        }
        for response in responses {
            let statement = try statements.statement(
                .response, database,
                "INSERT INTO response_owner (id, request_id, month) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING")
            statement.bind(1, response.id)
            statement.bind(2, response.requestID)
            statement.bind(3, response.month)
            try statement.run()
        }
    }

    /// Adds measures to rows, which are made when they are not there.
    private func write(
        _ rollup: Rollup, _ name: PreparedStatements.Name, _ table: String, _ database: Database,
        _ statements: inout PreparedStatements
    ) throws {
        guard !rollup.cells.isEmpty else { return }
        let keys = name == .usageSession ? "bucket, labels, session_id" : "bucket, labels"
        let keyCount = name == .usageSession ? 3 : 2
        let statement = try statements.statement(
            name, database,
            """
            INSERT INTO \(table) (\(keys), \(measureColumns.joined(separator: ", ")))
            VALUES (\(Array(repeating: "?", count: keyCount + measureColumns.count).joined(separator: ", ")))
            ON CONFLICT (\(keys)) DO UPDATE SET \(measureColumns.map { "\($0) = \(table).\($0) + excluded.\($0)" }.joined(separator: ", "))
            """)
        for (number, cell) in rollup.cells.enumerated() {
            statement.bind(1, cell.bucket)
            statement.bind(2, cell.labels)
            if keyCount == 3 { statement.bind(3, cell.session) }
            statement.bind(from: keyCount + 1, rollup.sums[number].values)
            try statement.run()
        }
    }

    private func writeSessions(
        _ sums: [Int64: UsageSums], _ database: Database, _ statements: inout PreparedStatements
    ) throws {
        guard !sessions.isEmpty else { return }
        let statement = try statements.statement(
            .session, database,
            """
            UPDATE session SET \(measureColumns.map { "\($0) = \($0) + ?" }.joined(separator: ", ")),
            first_ns = CASE WHEN first_ns < ? THEN first_ns ELSE ? END,
            last_ns = CASE WHEN last_ns > ? THEN last_ns ELSE ? END,
            parent = COALESCE(parent, ?), repository = CASE WHEN ? = '' THEN repository ELSE ? END,
            own_repository = CASE WHEN ? = '' THEN own_repository ELSE ? END, branch = CASE WHEN ? = '' THEN branch ELSE ? END WHERE id = ?
            """)
        let place = measureColumns.count + 1
        for (id, change) in sessions {
            statement.bind(from: 1, sums[id, default: UsageSums()].values)
            statement.bind(from: place, [change.first, change.first, change.last, change.last])
            statement.bind(place + 4, change.parent)
            statement.bind(place + 5, change.repository)
            statement.bind(place + 6, change.repository)
            statement.bind(place + 7, change.repository)
            statement.bind(place + 8, change.repository)
            statement.bind(place + 9, change.branch)
            statement.bind(place + 10, change.branch)
            statement.bind(place + 11, id)
            try statement.run()
            if !change.subAgents.isEmpty { try add(change.subAgents, to: id, database, &statements) }
        }
    }

    private func add(
        _ subAgents: Set<String>, to session: Int64, _ database: Database, _ statements: inout PreparedStatements
    ) throws {
        let read = try statements.statement(.subAgents, database, "SELECT sub_agents FROM session WHERE id = ?")
        read.bind(1, session)
        var known: Set<String> = []
        while try read.step() {
            known = read.withText(0) { Set(String(decoding: $0, as: UTF8.self).split(separator: "\n").map(String.init)) }
        }
        guard !subAgents.isSubset(of: known) else { return }
        let write = try statements.statement(.setSubAgents, database, "UPDATE session SET sub_agents = ? WHERE id = ?")
        write.bind(1, known.union(subAgents).sorted().prefix(200).joined(separator: "\n"))
        write.bind(2, session)
        try write.run()
    }
}
