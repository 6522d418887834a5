// SpendReport: who spent what, by one to three dimensions, from rollups alone. What carries no label is a row of its own.

package import GRDB
package import GatewayModel
import Storage

/// What a report can be broken down by.
package enum SpendDimension: String, Sendable, CaseIterable, Codable {
    case developer, team, workspace, repository, branch, session, agent, client, model, deployment, key, hour, day, month

    /// Whether it divides time, not turns.
    var isTime: Bool { self == .hour || self == .day || self == .month }
}

/// Which turns a report covers. Nil takes all.
package struct SpendFilter: Sendable, Hashable {
    package var since: Timestamp?
    package var until: Timestamp?
    package var developer: String?
    package var team: String?
    package var repository: String?
    package var model: String?
    package var key: String?

    package init() {}

    /// What the filter asks of the columns of `label_set`, empty when it asks nothing.
    func labelConditions(prefix: String = "") -> (conditions: [String], arguments: StatementArguments) {
        var conditions: [String] = []
        var arguments: StatementArguments = []
        let labels: [(String?, String)] = [
            (developer, "owner"), (team, "team"), (repository, "repository"), (model, "model"), (key, "key_id"),
        ]
        for case (let value?, let column) in labels {
            conditions.append("\(prefix)\(column) = ?")
            arguments += [value]
        }
        return (conditions, arguments)
    }

    /// The same range, its ends moved outwards to whole hours.
    var wholeHours: SpendFilter {
        var filter = self
        filter.since = since?.start(of: .hour)
        filter.until = until.map { time in
            let start = time.start(of: .hour)
            return start == time ? time : start.adding(seconds: 3600)
        }
        return filter
    }
}

/// One row of a report, or its total.
package struct SpendRow: Sendable, Codable, Hashable {
    /// In the order of the report's dimensions; empty text is unattributed.
    package var labels: [String]
    package var turns: Int64
    package var errors: Int64
    package var unpricedTurns: Int64
    package var estimatedTurns: Int64
    package var inputTokens: Int64
    package var cacheReadTokens: Int64
    package var cacheWriteTokens: Int64
    package var outputTokens: Int64
    package var reasoningTokens: Int64
    package var costNanoUSD: Int64

    enum CodingKeys: String, CodingKey {
        case labels, turns, errors
        case unpricedTurns = "unpriced_turns"
        case estimatedTurns = "estimated_turns"
        case inputTokens = "input_tokens"
        case cacheReadTokens = "cache_read_tokens"
        case cacheWriteTokens = "cache_write_tokens"
        case outputTokens = "output_tokens"
        case reasoningTokens = "reasoning_tokens"
        case costNanoUSD = "cost_nano_usd"
    }

    package init(
        labels: [String], turns: Int64, errors: Int64, unpricedTurns: Int64, estimatedTurns: Int64, inputTokens: Int64,
        cacheReadTokens: Int64, cacheWriteTokens: Int64, outputTokens: Int64, reasoningTokens: Int64, costNanoUSD: Int64
    ) {
        self.labels = labels
        self.turns = turns
        self.errors = errors
        self.unpricedTurns = unpricedTurns
        self.estimatedTurns = estimatedTurns
        self.inputTokens = inputTokens
        self.cacheReadTokens = cacheReadTokens
        self.cacheWriteTokens = cacheWriteTokens
        self.outputTokens = outputTokens
        self.reasoningTokens = reasoningTokens
        self.costNanoUSD = costNanoUSD
    }

    /// The share of input that came from a prompt cache, in per mille; nil without input.
    package var cacheHitPerMille: Int64? {
        cacheReadTokens.perMille(of: inputTokens.saturatingAdding(cacheReadTokens).saturatingAdding(cacheWriteTokens))
    }

    mutating func add(_ other: SpendRow) {
        turns.addSaturating(other.turns)
        errors.addSaturating(other.errors)
        unpricedTurns.addSaturating(other.unpricedTurns)
        estimatedTurns.addSaturating(other.estimatedTurns)
        inputTokens.addSaturating(other.inputTokens)
        cacheReadTokens.addSaturating(other.cacheReadTokens)
        cacheWriteTokens.addSaturating(other.cacheWriteTokens)
        outputTokens.addSaturating(other.outputTokens)
        reasoningTokens.addSaturating(other.reasoningTokens)
        costNanoUSD.addSaturating(other.costNanoUSD)
    }

    /// What is left when a part is taken away.
    func without(_ part: SpendRow) -> SpendRow {
        var rest = self
        rest.turns.subtractSaturating(part.turns)
        rest.errors.subtractSaturating(part.errors)
        rest.unpricedTurns.subtractSaturating(part.unpricedTurns)
        rest.estimatedTurns.subtractSaturating(part.estimatedTurns)
        rest.inputTokens.subtractSaturating(part.inputTokens)
        rest.cacheReadTokens.subtractSaturating(part.cacheReadTokens)
        rest.cacheWriteTokens.subtractSaturating(part.cacheWriteTokens)
        rest.outputTokens.subtractSaturating(part.outputTokens)
        rest.reasoningTokens.subtractSaturating(part.reasoningTokens)
        rest.costNanoUSD.subtractSaturating(part.costNanoUSD)
        return rest
    }

    static let zero = SpendRow(
        labels: [], turns: 0, errors: 0, unpricedTurns: 0, estimatedTurns: 0, inputTokens: 0, cacheReadTokens: 0,
        cacheWriteTokens: 0, outputTokens: 0, reasoningTokens: 0, costNanoUSD: 0)
}

/// A whole report.
package struct SpendReport: Sendable, Codable {
    package var schema = "weir.report.spend/1"
    package var by: [String]
    package var since: String?
    package var until: String?
    package var rows: [SpendRow]
    /// What the rows leave out, when there were more of them than the limit; the total has it.
    package var rest: SpendRow?
    package var total: SpendRow
}

/// Reads reports from the ledger.
package struct Reports: Sendable {
    let pool: DatabasePool

    package init(_ pool: DatabasePool) { self.pool = pool }

    /// The rows of a report unless it asks for another number, and the most that it can ask for.
    package static let spendRowsUnlessSaid = 1000
    package static let spendRowsMax = 10_000

    /// Spend by dimensions, dearest first; by time, oldest first. Sums are kept by the hour, so a range is widened to whole
    /// hours; the report says which it covers. Beyond `limit` rows, the dearest are given, or those of the latest times.
    package func spend(
        by dimensions: [SpendDimension], filter: SpendFilter, limit: Int = spendRowsUnlessSaid
    ) throws -> SpendReport {
        let limit = min(max(1, limit), Self.spendRowsMax)
        let query = SpendQuery(dimensions: dimensions, filter: filter.wholeHours, limit: limit)
        let (rows, total) = try pool.read { try query.rows($0) }
        var rest = total
        for row in rows { rest = rest.without(row) }
        return SpendReport(
            by: dimensions.map(\.rawValue), since: query.filter.since?.rfc3339, until: query.filter.until?.rfc3339, rows: rows,
            rest: rest.turns > 0 || rest.costNanoUSD != 0 ? rest : nil, total: total)
    }
}
