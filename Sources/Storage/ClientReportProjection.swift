// ClientReportProjection: from `client.reported` records to rows beside the turns, each joined to its turn by the id that the turn's
// answer carried. It touches no sum. Rows are set, not added to, so the same records may come again.

import GRDB
import GatewayModel
import Journal
import WireFormat

/// A turn's ids, and when it came.
struct TurnIdentity {
    var id = ""
    var keyID = ""
    /// The provider's request id, which is the answer's `request-id` where the provider gave one.
    var upstreamID: String?
    var responseID: String?
    var received = Timestamp(nanoseconds: 0)

    init(_ json: UnsafeRawBufferPointer) {
        visitJSONMembers(json) { member in
            if member.isNamed("id") { id = member.string ?? "" }
            if member.isNamed("key") { keyID = member.string ?? "" }
            if member.isNamed("upid") { upstreamID = member.string }
            if member.isNamed("resp") { responseID = member.string }
            if member.isNamed("received") { received = Timestamp(nanoseconds: member.integer ?? 0) }
        }
    }

    var all: [String] { [id, upstreamID, responseID].compactMap { $0 } }
}

/// Projects what clients say.
struct ClientReportProjection {
    /// A call that is named and whose turn is not known yet.
    private struct OpenCall {
        var session: String?
        var reported: Timestamp
    }

    private struct CallName: Hashable {
        var keyID: String
        /// As the client says it.
        var requestID: String
    }

    private var open: [CallName: OpenCall] = [:]
    /// Whether `open` holds what earlier processes left.
    private var isLoaded = false

    /// How long a turn may come behind its report. A turn is journaled before its answer ends, so only recovery makes it late.
    private static let waitSeconds: Int64 = 600
    private static let openMax = 10_000
    /// How far before its report a call's turn may lie, and how many turns are looked at for it.
    private static let lookBackSeconds: Int64 = 86_400
    private static let lookBackMax = 2000

    /// Drops what a failed transaction left in memory.
    mutating func forget() {
        open = [:]
        isLoaded = false
    }

    /// Applies the batch's reports; its turns are in the ledger already.
    mutating func apply(_ records: [JournalRecord], droppedMonths: Set<String>, _ database: Database) throws {
        if !isLoaded { try load(database) }
        if !open.isEmpty { try joinLateTurns(records, database) }
        var fresh: [CallName: OpenCall] = [:]
        for record in records where record.kind == .clientReported {
            guard let report = record.json.withUnsafeBytes({ decodeClientReport($0) }) else { continue }
            let month = monthName(report.received)
            guard !droppedMonths.contains(month) else { continue }
            for call in report.calls {
                try Self.insert(call, report, month, database)
                if call.requestID.hasPrefix("~") { continue }
                fresh[CallName(keyID: report.principal.keyID, requestID: call.requestID)] = OpenCall(
                    session: call.session, reported: report.received)
            }
            for tool in report.tools { try Self.insert(tool, report, month, database) }
        }
        guard !fresh.isEmpty else { return }
        try join(&fresh, database)
        guard let now = fresh.values.map(\.reported).max() else { return }
        open.merge(fresh) { $1 }
        open = open.filter { $0.value.reported.adding(seconds: Self.waitSeconds) > now }
        if open.count > Self.openMax { open = fresh }
    }

    private mutating func load(_ database: Database) throws {
        isLoaded = true
        let last = try Int64.fetchOne(database, sql: "SELECT MAX(reported_ns) FROM client_report") ?? 0
        let rows = try Row.fetchAll(
            database,
            sql: """
                SELECT key_id, request_id, session, reported_ns FROM client_report
                WHERE turn IS NULL AND reported_ns > ? LIMIT \(Self.openMax)
                """, arguments: [Timestamp(nanoseconds: last).adding(seconds: -Self.waitSeconds).nanoseconds])
        for row in rows {
            open[CallName(keyID: row["key_id"], requestID: row["request_id"])] = OpenCall(
                session: row["session"], reported: Timestamp(nanoseconds: row["reported_ns"]))
        }
    }

    /// Turns of this batch for calls of earlier ones.
    private mutating func joinLateTurns(_ records: [JournalRecord], _ database: Database) throws {
        for record in records where record.kind == .turnSettled || record.kind == .turnRefused {
            let turn = record.json.withUnsafeBytes { TurnIdentity($0) }
            for id in turn.all where open.removeValue(forKey: CallName(keyID: turn.keyID, requestID: id)) != nil {
                try Self.link(id, turn, database)
            }
        }
    }

    /// Finds the turns of calls that are new, and takes those that are found out of `calls`.
    private func join(_ calls: inout [CallName: OpenCall], _ database: Database) throws {
        let months = try Set(String.fetchAll(database, sql: "SELECT month FROM turn_month"))
        var bySession: [SessionName: Set<String>] = [:]
        var newest = Timestamp(nanoseconds: 0)
        for (name, call) in calls {
            newest = max(newest, call.reported)
            if let own = RequestID(name.requestID), try joinOwn(own, name.keyID, months, database) {
                calls[name] = nil
            } else {
                bySession[SessionName(keyID: name.keyID, name: call.session ?? ""), default: []].insert(name.requestID)
            }
        }
        for (session, ids) in bySession {
            var wanted = ids
            try visitTurns(of: session, before: newest, months, database) { turn in
                for id in turn.all where turn.keyID == session.keyID && wanted.remove(id) != nil {
                    try Self.link(id, turn, database)
                    calls[CallName(keyID: session.keyID, requestID: id)] = nil
                }
                return !wanted.isEmpty
            }
        }
    }

    private struct SessionName: Hashable {
        var keyID: String
        var name: String
    }

    /// The call names its turn by Weir's own id, which says its time.
    private func joinOwn(_ id: RequestID, _ keyID: String, _ months: Set<String>, _ database: Database) throws -> Bool {
        let month = monthName(Timestamp(nanoseconds: Int64(clamping: (id.high >> 16) &* 1_000_000)))
        guard months.contains(month),
            let text = try String.fetchOne(
                database.cachedStatement(sql: "SELECT record FROM turn_\(month) WHERE request_id = ?"),
                arguments: [id.description])
        else { return false }
        let turn = Array(text.utf8).withUnsafeBytes { TurnIdentity($0) }
        guard turn.keyID == keyID else { return false }
        try Self.link(id.description, turn, database)
        return true
    }

    /// Visits a session's turns, latest first, until the body has enough; all turns where the client names no session.
    private func visitTurns(
        of session: SessionName, before: Timestamp, _ months: Set<String>, _ database: Database,
        _ body: (TurnIdentity) throws -> Bool
    ) throws {
        let start = before.adding(seconds: -Self.lookBackSeconds)
        var condition = "request_id >= ?"
        var arguments: StatementArguments = [RequestID(time: start, random: 0, random12: 0).description]
        if !session.name.isEmpty {
            let id = try Int64.fetchOne(
                database.cachedStatement(sql: "SELECT id FROM session WHERE key_id = ? AND name = ?"),
                arguments: [session.keyID, session.name])
            guard let id else { return }
            condition = "session_id = ? AND request_id >= ?"
            arguments = [id] + arguments
        }
        var left = Self.lookBackMax
        for month in Set([monthName(before), monthName(start)]).intersection(months).sorted().reversed() {
            let rows = try String.fetchCursor(
                database.cachedStatement(
                    sql: "SELECT record FROM turn_\(month) WHERE \(condition) ORDER BY request_id DESC LIMIT \(Self.lookBackMax)"),
                arguments: arguments)
            while left > 0, let text = try rows.next() {
                left -= 1
                guard try body(Array(text.utf8).withUnsafeBytes({ TurnIdentity($0) })) else { return }
            }
        }
    }

    // MARK: Rows

    private static func link(_ requestID: String, _ turn: TurnIdentity, _ database: Database) throws {
        try database.cachedStatement(
            sql: "UPDATE client_report SET turn = ?, turn_month = ?, turn_ns = ? WHERE key_id = ? AND request_id = ?"
        ).execute(arguments: [turn.id, monthName(turn.received), turn.received.nanoseconds, turn.keyID, requestID])
    }

    /// A log record and a span may speak of one call: what one leaves open the other fills.
    private static func insert(_ call: ClientCall, _ report: ClientReport, _ month: String, _ database: Database) throws {
        let filled = [
            "session", "prompt", "agent", "sub_agent", "model", "success", "status", "attempt", "duration_ms", "ttft_ms", "input",
            "output", "cache_read", "cache_write", "cost",
        ].map { "\($0) = COALESCE(excluded.\($0), client_report.\($0))" }.joined(separator: ", ")
        try database.cachedStatement(
            sql: """
                INSERT INTO client_report (key_id, request_id, month, client, version, workspace, team, owner, reported_ns,
                client_ns, input_is_whole, session, prompt, agent, sub_agent, model, success, status, attempt, duration_ms,
                ttft_ms, input, output, cache_read, cache_write, cost)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (key_id, request_id) DO UPDATE SET \(filled)
                """
        ).execute(
            arguments: [
                report.principal.keyID, call.requestID, month, report.client, report.clientVersion, report.principal.workspace,
                report.principal.team, report.principal.owner, report.received.nanoseconds, call.time.nanoseconds,
                call.inputIsWhole ? 1 : 0, call.session, call.prompt, call.agent,
            ] + [
                call.subAgent, call.model, call.success.map { $0 ? 1 : 0 }, call.status, call.attempt,
                call.durationMilliseconds, call.firstTokenMilliseconds, call.input, call.output, call.cacheRead,
                call.cacheWrite, call.cost?.value,
            ])
    }

    private static func insert(_ tool: ClientTool, _ report: ClientReport, _ month: String, _ database: Database) throws {
        let filled = ["name", "prompt", "sub_agent", "request_id", "success", "duration_ms"]
            .map { "\($0) = COALESCE(excluded.\($0), client_tool.\($0))" }.joined(separator: ", ")
        try database.cachedStatement(
            sql: """
                INSERT INTO client_tool (key_id, session, call_id, month, name, prompt, sub_agent, request_id, reported_ns,
                success, duration_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (key_id, session, call_id) DO UPDATE SET \(filled)
                """
        ).execute(arguments: [
            report.principal.keyID, tool.session ?? "", tool.callID, month, tool.name, tool.prompt, tool.subAgent,
            tool.requestID, report.received.nanoseconds, tool.success.map { $0 ? 1 : 0 }, tool.durationMilliseconds,
        ])
    }

    /// Drops what was said in months whose turns are dropped.
    static func drop(before month: String, _ database: Database) throws {
        try database.execute(sql: "DELETE FROM client_report WHERE month < ?", arguments: [month])
        try database.execute(sql: "DELETE FROM client_tool WHERE month < ?", arguments: [month])
    }
}
